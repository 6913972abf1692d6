"""A child that dies is started again, later each time, and everything ends in order."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.quickstart import processes, supervisor
from monitor.quickstart.processes import Program
from monitor.quickstart.supervisor import StepFailed, Supervisor

PATIENCE_S = 10.0
SLEEPER = "import time; time.sleep(60)"


def python(name: str, code: str) -> Program:
    return Program(name, [sys.executable, "-c", code], os.environ, Path("/"))


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def keeper(tmp_path: Path, lines: list[str]) -> Iterator[Supervisor]:
    (tmp_path / "run").mkdir()
    made = Supervisor(tmp_path / "run", tmp_path / "log", lines.append)
    yield made
    made.stop()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The supervisor's time; only it is frozen, as waiting for processes needs the real one."""
    now = [1000.0]

    class Time:
        monotonic = staticmethod(lambda: now[0])

    monkeypatch.setattr(supervisor, "time", Time)
    return now


def ended(keeper: Supervisor, name: str) -> None:
    keeper.children[name].process.wait(PATIENCE_S)


def test_a_dead_child_is_started_again_after_a_pause(keeper: Supervisor, lines: list[str], clock: list[float]) -> None:
    first = keeper.start(python("web", "raise SystemExit(3)"))
    ended(keeper, "web")
    keeper.watch()
    assert lines == [f"web ended (code 3); starting it again in 1 s; log: {keeper.log_of('web')}"]
    clock[0] += 0.9
    keeper.watch()
    assert keeper.children["web"].process is first
    clock[0] += 0.1
    keeper.watch()
    assert keeper.children["web"].process is not first


def test_the_pauses_double_up_to_a_limit(keeper: Supervisor, lines: list[str], clock: list[float]) -> None:
    keeper.start(python("web", "raise SystemExit(1)"))
    pauses = []
    for _ in range(7):
        ended(keeper, "web")
        keeper.watch()
        pauses.append(keeper.children["web"].pause_s)
        clock[0] += pauses[-1]
        keeper.watch()
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert len(lines) == 7


@pytest.mark.parametrize(("lived_s", "pause_s"), [(59.9, 2.0), (60.0, 1.0)])
def test_a_child_that_lived_long_has_recovered(
    keeper: Supervisor, clock: list[float], lived_s: float, pause_s: float
) -> None:
    keeper.start(python("web", "raise SystemExit(1)"))
    ended(keeper, "web")
    keeper.watch()
    clock[0] += 1
    keeper.watch()
    ended(keeper, "web")
    clock[0] += lived_s
    keeper.watch()
    assert keeper.children["web"].pause_s == pause_s


def test_a_running_child_is_left_alone(keeper: Supervisor, lines: list[str]) -> None:
    process = keeper.start(python("web", SLEEPER))
    keeper.watch()
    assert keeper.children["web"].process is process
    assert lines == []


def test_a_child_is_noted_while_it_runs(keeper: Supervisor) -> None:
    keeper.start(python("web", SLEEPER))
    assert (keeper.run / "web.pid").exists()
    keeper.stop()
    assert not (keeper.run / "web.pid").exists()


def test_servers_end_after_what_uses_them(keeper: Supervisor, tmp_path: Path) -> None:
    code = (
        "import pathlib, signal, sys, time\n"
        f"path = pathlib.Path({str(tmp_path / 'ends')!r})\n"
        "def end(*_):\n"
        "    with path.open('a') as ends: ends.write(NAME + '\\n')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('up', flush=True)\n"
        "time.sleep(60)"
    )
    keeper.start(python("database", f"NAME = 'database'\n{code}"), base=True)
    keeper.start(python("web", f"NAME = 'web'\n{code}"))
    for name in ("database", "web"):
        assert processes.wait_until(lambda name=name: keeper.log_of(name).read_text() == "up\n", PATIENCE_S)  # type: ignore[misc]
    assert keeper.stop() is True
    assert (tmp_path / "ends").read_text() == "web\ndatabase\n"
    assert keeper.children == {}


def test_what_does_not_end_is_killed_and_that_is_known(keeper: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "APPS_PATIENCE_S", 0.2)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)"
    process = keeper.start(python("web", f"{stubborn}; time.sleep(60)"))
    assert processes.wait_until(lambda: keeper.log_of("web").read_text() == "up\n", PATIENCE_S)
    assert keeper.stop() is False
    assert process.poll() is not None


def test_a_step_that_fails_tells_its_last_line(keeper: Supervisor) -> None:
    with pytest.raises(StepFailed, match="migrate failed: no such table"):
        keeper.step(python("migrate", "import sys; print('first'); sys.exit('no such table')"))


def test_a_step_that_wrote_nothing_is_told_so(keeper: Supervisor) -> None:
    with pytest.raises(StepFailed, match="it wrote nothing"):
        keeper.step(python("migrate", "raise SystemExit(1)"))


def test_a_step_that_succeeds_leaves_no_note(keeper: Supervisor) -> None:
    keeper.step(python("migrate", "print('done')"))
    assert keeper.log_of("migrate").read_text() == "done\n"
    assert list(keeper.run.iterdir()) == []
