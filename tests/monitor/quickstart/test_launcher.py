"""The quickstart without the demo, as a person meets it: a process that starts, is killed, recovers, stops."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from monitor.env import SettingError
from monitor.quickstart import __main__ as command
from monitor.quickstart import cityplan, keys, launcher, postgres, processes, programs
from monitor.quickstart.launcher import Choices, StopRequested
from monitor.quickstart.layout import BASE, Layout
from monitor.quickstart.ports import any_free
from monitor.quickstart.supervisor import StepFailed

PATIENCE_S = 60.0
SAVE = "from devices.models import User; User(username='li').save()"
COUNT = "from devices.models import User; print(User.objects.count())"
# Together below the ten seconds that a person waits for Ctrl-C.
STOP_S = 10.0


class Quickstart:
    """One installation in a folder of its own."""

    def __init__(self, var: Path) -> None:
        self.place = Layout(var)
        self.output = var.with_name("output")
        self.port = any_free()

    def environment(self, **given: str) -> dict[str, str]:
        private = ("VIEWKEEPER_", "DATABASE_URL", "REDIS_URL", "DJANGO_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(private)}
        return {**clean, "QUICKSTART_VAR": str(self.place.var), "DEMO": "0", "PORT": str(self.port), **given}

    def start(self) -> subprocess.Popen[bytes]:
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "monitor.quickstart"],
                cwd=BASE,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=processes.die_with_parent(signal.SIGTERM),  # noqa: PLW1509
            )
        ready = processes.wait_until(lambda: process.poll() is not None or "is ready" in self.said(), PATIENCE_S)
        assert ready, self.said()
        assert process.poll() is None, self.said()
        return process

    def said(self) -> str:
        return self.output.read_text()

    def run(self, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "monitor.quickstart", *arguments],
            cwd=BASE,
            env=self.environment(**given),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def children(self) -> list[int]:
        """Everything that belongs to this installation, by what stands on its command line or in its working folder."""
        words = (str(self.place.var), str(self.port), (self.place.var / "installation").read_text())
        found = []
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = line.read_bytes().decode(errors="replace")
            except OSError:
                continue
            if any(word in text for word in words) and processes.start_time(int(line.parent.name)):
                found.append(int(line.parent.name))
        return found


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quickstart]:
    made = Quickstart(tmp_path_factory.mktemp("place with spaces") / "var")
    made.place.make()
    postgres.installation(made.place.var)
    yield made
    if os.geteuid() == 0:
        shutil.rmtree(postgres.data_folder(made.place.var).parent, ignore_errors=True)


def test_it_starts_recovers_from_a_kill_and_stops(quickstart: Quickstart) -> None:
    """One story, as each of its starts takes seconds."""
    first = quickstart.start()
    assert f"Viewkeeper is ready: http://127.0.0.1:{quickstart.port}/" in quickstart.said()
    assert launcher.answers(f"http://127.0.0.1:{quickstart.port}/healthz/")
    assert stat.S_IMODE(quickstart.place.keys.stat().st_mode) == 0o600
    keys_before = quickstart.place.keys.read_text()
    assert not [key for key in re.findall(r"=(\S{20,})", keys_before) if key in quickstart.said()]

    second = quickstart.run()
    assert (second.returncode, second.stdout) == (1, "")
    assert "already runs from this folder" in second.stderr

    beside = quickstart.run("manage", "shell", "--no-imports", "-c", SAVE)
    assert beside.returncode == 0, beside.stderr

    first.kill()
    first.wait()
    assert processes.wait_until(lambda: not quickstart.children(), PATIENCE_S), "orphans"

    again = quickstart.start()
    assert quickstart.place.keys.read_text() == keys_before
    again.send_signal(signal.SIGINT)
    assert again.wait(STOP_S) == 0
    assert re.search(r"stopping\nstopped in \d\.\d s\n$", quickstart.said())
    assert processes.wait_until(lambda: not quickstart.children(), PATIENCE_S), "orphans"

    alone = quickstart.run("manage", "shell", "--no-imports", "-c", COUNT)
    assert (alone.returncode, alone.stdout.splitlines()[-1]) == (0, "1"), alone.stderr
    assert not quickstart.place.environment.exists()


def test_a_database_whose_keys_are_gone_is_not_given_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Layout(tmp_path / "var")
    place.make()
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(postgres, "data_folder", lambda _var: tmp_path / "data")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").touch()
    with pytest.raises(keys.KeysMissing, match="are gone: put"):
        launcher.Launcher(place, Choices(False, "127.0.0.1", 8000)).prepare()
    assert not place.keys.exists()


def test_what_the_environment_gives_wins_over_the_kept_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Layout(tmp_path / "var")
    place.make()
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    monkeypatch.setenv("VIEWKEEPER_SECRET_KEY", "given")
    monkeypatch.delenv("VIEWKEEPER_FIELD_KEYS", raising=False)
    one = launcher.Launcher(place, Choices(False, "127.0.0.1", 8000))
    one.prepare()
    assert one.values["VIEWKEEPER_SECRET_KEY"] == "given"
    assert one.values["VIEWKEEPER_FIELD_KEYS"] == keys.load(place.keys)["VIEWKEEPER_FIELD_KEYS"]


@pytest.fixture
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> launcher.Launcher:
    for name in ("VIEWKEEPER_PUBLIC_URL", "VIEWKEEPER_ALLOWED_HOSTS", "VIEWKEEPER_EMAIL_URL"):
        monkeypatch.delenv(name, raising=False)
    place = Layout(tmp_path / "var")
    place.make()
    return launcher.Launcher(place, Choices(True, "127.0.0.1", 8000))


@pytest.mark.parametrize(
    ("host", "address", "hosts"),
    [
        ("127.0.0.1", "http://127.0.0.1:8001", "127.0.0.1"),
        ("0.0.0.0", "http://127.0.0.1:8001", "*"),
        ("::1", "http://[::1]:8001", "::1"),
    ],
)
def test_the_address_that_is_shown_can_be_opened(
    settled: launcher.Launcher, host: str, address: str, hosts: str
) -> None:
    settled.choices = Choices(True, host, 8000)
    settled.settle_addresses(8001)
    assert settled.values["VIEWKEEPER_PUBLIC_URL"] == address
    assert settled.values["VIEWKEEPER_ALLOWED_HOSTS"] == hosts


@pytest.mark.parametrize("demo", [True, False])
def test_the_demos_mails_never_leave(settled: launcher.Launcher, monkeypatch: pytest.MonkeyPatch, demo: bool) -> None:
    monkeypatch.setenv("VIEWKEEPER_EMAIL_URL", "smtp://relay.example")
    settled.choices = Choices(demo, "127.0.0.1", 8000)
    settled.settle_addresses(8000)
    sent_to = settled.values["VIEWKEEPER_EMAIL_URL"]
    assert sent_to.startswith("smtp://127.0.0.1:") if demo else sent_to == "smtp://relay.example"
    assert bool(settled.values["VIEWKEEPER_SIMULATOR_URL"]) is demo


def test_a_part_that_does_not_start_is_told(settled: launcher.Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "READY_PATIENCE_S", 0.1)
    with pytest.raises(StepFailed, match="the web server does not start; the logs are in"):
        settled.wait(lambda: False, "the web server does not start")


def test_cameras_that_came_back_elsewhere_are_noticed(settled: launcher.Launcher) -> None:
    assert not settled.city_moved()
    settled.place.city.write_text("{}")
    assert settled.city_moved()
    settled.city_seen = settled.place.city.stat().st_mtime
    assert not settled.city_moved()


def test_the_choices_have_defaults_and_refuse_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEMO", "HOST", "PORT"):
        monkeypatch.delenv(name, raising=False)
    assert Choices.from_environment() == Choices(True, "127.0.0.1", 8000)
    monkeypatch.setenv("PORT", "65536")
    with pytest.raises(SettingError, match="PORT"):
        Choices.from_environment()


def test_every_way_of_ending_is_heard_and_handlers_are_put_back() -> None:
    inherited = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have said nohup
    try:
        before = signal.getsignal(signal.SIGTERM)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with pytest.raises(StopRequested), launcher.stop_on_signals():
                signal.raise_signal(number)
        assert signal.getsignal(signal.SIGTERM) is before
    finally:
        signal.signal(signal.SIGHUP, inherited)


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with launcher.stop_on_signals():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_while_stopping_further_signals_change_nothing() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    try:
        launcher.ignore_signals()
        for number in numbers:
            signal.raise_signal(number)
            assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"ok": true}', True),
        (503, b'{"ok": false}', True),
        (404, b"<html>", False),
        (200, b"[1]", False),
        (200, b"1", False),
    ],
)
def test_our_web_server_answers_well_or_ill_and_a_stranger_does_not(status: int, body: bytes, expected: bool) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert launcher.answers(f"http://127.0.0.1:{server.server_port}/healthz/") is expected
        server.shutdown()


def test_nobody_there_is_no_answer() -> None:
    assert launcher.answers(f"http://127.0.0.1:{any_free()}/") is False


def test_a_port_is_read_from_an_address() -> None:
    assert launcher.port_of("smtp://127.0.0.1:2525") == 2525


def test_the_time_of_each_part_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with launcher.timed("tables"):
        pass
    assert capsys.readouterr().out == "  tables               0.0 s\n"


def test_a_key_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["key"]) == 0
    assert re.fullmatch(r"[\w-]{43}=\n", capsys.readouterr().out)


@pytest.mark.parametrize("arguments", [["nonsense"], ["manage"], ["key", "more"]])
def test_wrong_usage_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 2
    assert "python -m monitor.quickstart manage COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (StepFailed("migrate failed"), 1, "viewkeeper: migrate failed\n"),
        (postgres.ServerError("no PostgreSQL"), 1, "viewkeeper: no PostgreSQL\n"),
        (StopRequested(), 130, ""),
    ],
)
def test_what_goes_wrong_is_one_line(
    error: Exception, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    assert command.in_one_line(fail) == code
    assert capsys.readouterr().err == line


class Recorder:
    """Stands in for the supervisor where only the order of the programs matters; the simulator "writes" its ports."""

    def __init__(self, place: Layout) -> None:
        self.place = place
        self.order: list[str] = []
        self.words: dict[str, list[str]] = {}

    def start(self, program: processes.Program, base: bool = False) -> None:
        self.step(program)
        assert not base
        if program.name == "simulator":
            self.place.city.write_text("{}")

    def step(self, program: processes.Program) -> None:
        self.order.append(program.name)
        self.words[program.name] = list(program.argv)

    def watch(self) -> None:
        self.order.append("watched")


@pytest.fixture
def recorder(settled: launcher.Launcher, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder(settled.place)
    monkeypatch.setattr(settled, "supervisor", made)
    settled.values |= dict.fromkeys(("VIEWKEEPER_SIMULATOR_TOKEN", *programs.BROKER), "x")
    settled.settle_addresses(8000)
    return made


def test_the_demo_is_loaded_when_its_cameras_listen(settled: launcher.Launcher, recorder: Recorder) -> None:
    settled.place.city.write_text("ports of the last run")
    settled.start_demo()
    assert recorder.order == ["city_plan", "simulator", "load_demo"]
    port = str(launcher.port_of(settled.values["VIEWKEEPER_SIMULATOR_URL"]))
    assert recorder.words["simulator"][-2:] == ["--control-port", port]
    assert recorder.words["load_demo"][-1] == str(settled.place.logins)
    assert not settled.city_moved()


def test_the_register_follows_cameras_that_were_started_again(
    settled: launcher.Launcher, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled.place.city.write_text("{}")
    rounds = iter([None, None])

    def sleep(_seconds: float) -> None:
        if next(rounds, "over") == "over":
            raise StopRequested

    # Only the launcher's clock: threads of other tests may be asleep.
    monkeypatch.setattr(launcher, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    with pytest.raises(StopRequested):
        settled.keep_running()
    assert recorder.order == ["watched", "load_demo", "watched", "watched"]


@pytest.mark.parametrize(("demo", "given", "caught"), [(True, True, True), (False, True, False), (False, False, True)])
def test_mails_are_caught_unless_a_server_is_given_without_the_demo(
    settled: launcher.Launcher,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    demo: bool,
    given: bool,
    caught: bool,
) -> None:
    if given:
        monkeypatch.setenv("VIEWKEEPER_EMAIL_URL", "smtp://relay.example")
    monkeypatch.setattr(launcher, "answers", lambda address: address == "http://127.0.0.1:8000/healthz/")
    settled.choices = Choices(demo, "0.0.0.0", 8000)
    settled.start_apps(8000)
    assert recorder.order == [*(["mail"] if caught else []), "web", "probe", "look", "main"]


def test_the_plan_of_the_cameras_is_written(tmp_path: Path) -> None:
    cityplan.main(tmp_path / "plan.json")
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o600


def test_a_closed_terminal_does_not_hinder_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, _text: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    launcher.say("stopping")
    launcher.say("stopped")
    sys.stdout.close()
