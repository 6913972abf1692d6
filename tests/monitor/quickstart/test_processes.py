"""Children end with their parent, are found again after a kill, and no stranger is ever hit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.quickstart import processes
from monitor.quickstart.processes import Program

Children = list[subprocess.Popen[bytes]]
PATIENCE_S = 10.0
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
# A launcher in small: starts a sleeper the way ours does, tells its process id, and waits to be killed.
PARENT = """
import os, sys, time
from pathlib import Path
from monitor.quickstart.processes import Program, spawn
argv = [sys.executable, "-c", "import time; time.sleep(60)"]
print(spawn(Program("sleeper", argv, os.environ, Path("/")), Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


def python(code: str, name: str = "child") -> Program:
    return Program(name, [sys.executable, "-c", code], os.environ, Path("/"))


@pytest.fixture
def children() -> Iterator[Children]:
    started: Children = []
    yield started
    for child in started:
        processes.kill_family(child.pid)
        child.wait()


def said(log: Path) -> str:
    assert processes.wait_until(lambda: log.exists() and log.read_text().endswith("\n"), PATIENCE_S)
    return log.read_text().strip()


def gone(pid: int) -> bool:
    return not processes.start_time(pid)


def test_a_child_writes_into_its_log_and_leads_its_own_session(tmp_path: Path, children: Children) -> None:
    log = tmp_path / "logs" / "child.log"
    children.append(processes.spawn(python("import os; print(os.getsid(0) == os.getpid())"), log))
    assert said(log) == "True"


def test_a_polite_child_is_not_killed(tmp_path: Path) -> None:
    child = processes.spawn(python("import time; print('up', flush=True); time.sleep(60)"), tmp_path / "log")
    said(tmp_path / "log")
    assert processes.stop(child, signal.SIGTERM, PATIENCE_S) is True
    assert child.returncode == -signal.SIGTERM


def test_a_stubborn_child_is_killed(tmp_path: Path) -> None:
    child = processes.spawn(python(STUBBORN), tmp_path / "log")
    said(tmp_path / "log")
    assert processes.stop(child, signal.SIGTERM, 0.2) is False
    assert child.returncode == -signal.SIGKILL


def test_a_childs_family_goes_with_it(tmp_path: Path) -> None:
    child = processes.spawn(python(FAMILY), tmp_path / "log")
    grandchild = int(said(tmp_path / "log"))
    processes.stop(child, signal.SIGTERM, PATIENCE_S)
    assert processes.wait_until(lambda: gone(grandchild), PATIENCE_S)


def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    assert processes.wait_until(lambda: gone(child), PATIENCE_S)


def test_a_childs_secrets_are_not_in_its_repr() -> None:
    assert "hunter2" not in repr(Program("web", ["web"], {"PASSWORD": "hunter2"}, Path("/")))


def test_leftovers_are_ended_and_named(tmp_path: Path, children: Children) -> None:
    program = python("import time; print('up', flush=True); time.sleep(60)", "web")
    child = processes.spawn(program, tmp_path / "log")
    children.append(child)
    said(tmp_path / "log")
    processes.note(tmp_path, program, child)
    assert processes.end_leftovers(tmp_path, PATIENCE_S) == ["web"]
    assert child.wait(PATIENCE_S) == -signal.SIGTERM
    assert not list(tmp_path.glob("*.pid"))


def test_a_stranger_with_the_same_process_id_is_left_alone(tmp_path: Path, children: Children) -> None:
    child = processes.spawn(python("import time; time.sleep(60)"), tmp_path / "log")
    children.append(child)
    facts = {"pid": child.pid, "started": "1", "stop": int(signal.SIGTERM)}
    (tmp_path / "web.pid").write_text(json.dumps(facts))
    assert processes.end_leftovers(tmp_path, 0.5) == []
    assert child.poll() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x", "started": "1", "stop": 15}', '{"pid": 1}'])
def test_a_damaged_note_is_dropped(tmp_path: Path, text: str) -> None:
    (tmp_path / "web.pid").write_text(text)
    assert processes.end_leftovers(tmp_path, 0.1) == []
    assert not (tmp_path / "web.pid").exists()


def test_a_process_that_is_not_there_has_no_start_time() -> None:
    assert processes.start_time(2**22 + 1) == ""
    assert processes.start_time(os.getpid()) == processes.start_time(os.getpid()) != ""


def test_the_last_runs_log_is_kept_once(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    processes.begin_log(log)
    log.write_text("old")
    processes.begin_log(log)
    assert not log.exists()
    assert (tmp_path / "web.log.1").read_text() == "old"


def test_a_log_past_its_limit_is_begun_anew_in_place(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"12345")
        processes.bound_log(log, limit=5)
        assert log.read_bytes() == b"12345"
        writer.write(b"6")
        processes.bound_log(log, limit=5)
        writer.write(b"7")
    assert (log.read_bytes(), (tmp_path / "web.log.1").read_bytes()) == (b"7", b"123456")


def test_only_root_hands_servers_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert processes.nobody() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    identity = processes.nobody()
    assert identity is not None
    assert identity.uid != 0


def test_an_attached_program_gives_its_exit_code() -> None:
    assert processes.attached(python("raise SystemExit(7)")) == 7


def test_a_leftover_that_ignores_its_signal_is_killed(tmp_path: Path, children: Children) -> None:
    program = python(STUBBORN, "web")
    child = processes.spawn(program, tmp_path / "log")
    children.append(child)
    said(tmp_path / "log")
    processes.note(tmp_path, program, child)
    assert processes.end_leftovers(tmp_path, 0.1) == ["web"]
    assert child.wait(PATIENCE_S) == -signal.SIGKILL
