"""The launcher's small parts: ports, keys, the lock, what is said, who gets which secret."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from monitor.quickstart import hello, keys, layout, ports, programs
from monitor.quickstart.layout import AlreadyRunning, Layout, held, write_private
from monitor.quickstart.processes import Program
from monitor.quickstart.programs import Environment

SECRETS = {
    "DATABASE_URL": "postgresql://hunter2",
    "REDIS_URL": "redis://hunter2",
    "VIEWKEEPER_ZONE_KEYS": "local=zonekey",
    "VIEWKEEPER_FIELD_KEYS": "fieldkey",
    "VIEWKEEPER_SIMULATOR_TOKEN": "token",
}


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "var")
    made.make()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_taken_port_gives_way_to_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1]
        assert not ports.is_free("127.0.0.1", wanted)
        assert wanted < ports.first_free("127.0.0.1", wanted) < wanted + ports.TRIED


def test_a_free_port_is_taken_as_wanted() -> None:
    wanted = ports.any_free()
    assert ports.first_free("127.0.0.1", wanted) == wanted


def test_a_held_port_is_given_to_nobody_but_the_server_that_names_it() -> None:
    with ports.hold("127.0.0.1", 0) as held:
        wanted = held.getsockname()[1]
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", wanted))
        with socket.create_server(("127.0.0.1", wanted)), pytest.raises(OSError, match="in use"):
            ports.hold("127.0.0.1", wanted)


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def never(_host: str, port: int) -> bool:
        asked.append(port)
        return False

    monkeypatch.setattr(ports, "is_free", never)
    with pytest.raises(ports.NoPort, match="no free port from 65500 on"):
        ports.first_free("127.0.0.1", 65_500)
    assert asked == list(range(65_500, 65_536))


def test_keys_are_made_once_and_are_the_owners_alone(place: Layout) -> None:
    made = keys.make(place.keys, ("local", "demo"))
    assert keys.load(place.keys) == made
    assert mode(place.keys) == 0o600
    assert len(made["VIEWKEEPER_SECRET_KEY"]) >= 50
    assert Fernet(made["VIEWKEEPER_FIELD_KEYS"])
    assert [item.partition("=")[0] for item in made["VIEWKEEPER_ZONE_KEYS"].split(",")] == ["local", "demo"]
    assert keys.new_keys(("local",)).keys() == made.keys()
    assert keys.new_keys(("local",)) != keys.new_keys(("local",))


def test_no_file_means_no_keys(place: Layout) -> None:
    assert keys.load(place.keys) == {}


def test_a_key_file_open_to_others_is_closed(place: Layout) -> None:
    keys.make(place.keys, ("local",))
    place.keys.chmod(0o644)
    keys.load(place.keys)
    assert mode(place.keys) == 0o600


def test_the_folders_are_the_owners_alone(place: Layout) -> None:
    assert {mode(folder) for folder in (place.var, place.run, place.log, place.mail)} == {0o700}


def test_a_private_file_replaces_the_old_one_whole(place: Layout) -> None:
    path = place.run / "file"
    path.write_text("a longer text")
    write_private(path, b"new")
    assert (path.read_text(), mode(path)) == ("new", 0o600)
    assert list(place.run.iterdir()) == [path]


def test_one_launcher_at_a_time(place: Layout) -> None:
    with held(place):
        place.environment.write_text("{}")
        with pytest.raises(AlreadyRunning), held(place):
            raise AssertionError("two launchers")
    with held(place):
        assert place.environment.exists()


def test_a_launcher_that_is_stopping_is_waited_for(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    first = held(place)
    first.__enter__()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            first.__exit__(None, None, None)

    monkeypatch.setattr("time.sleep", sleep)
    with held(place):
        assert len(slept) == 2


def test_one_that_never_stops_is_not_waited_for_for_ever(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "STOPPING_PATIENCE_S", 0.0)
    with held(place), pytest.raises(AlreadyRunning), held(place):
        raise AssertionError("two launchers")


def test_the_place_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUICKSTART_VAR", raising=False)
    assert layout.layout().var == layout.BASE / "var"
    monkeypatch.setenv("QUICKSTART_VAR", "/srv/trial")
    assert layout.layout().var == Path("/srv/trial")


def test_the_demo_greets_with_a_login_for_each_role(place: Layout) -> None:
    rows = (("Police", "li", "abc"), ("X", "wang", "d"))
    people = [dict(zip(("role", "username", "password"), row, strict=True)) for row in rows]
    place.logins.write_text(json.dumps(people))
    lines: list[str] = []
    hello.greet("http://127.0.0.1:8000", place, True, lines.append)
    assert "Viewkeeper is ready: http://127.0.0.1:8000/" in lines
    assert "  Police  li    abc" in lines
    assert "  X       wang  d" in lines
    assert not any("make admin" in line for line in lines)


@pytest.mark.parametrize("demo", [True, False])
def test_without_the_demo_the_first_steps_are_told(place: Layout, demo: bool) -> None:
    lines: list[str] = []
    hello.greet("http://127.0.0.1:8000", place, demo, lines.append)
    assert any(line.endswith("make admin") for line in lines)
    assert any("Add a device" in line for line in lines)


@pytest.mark.parametrize("worker", [programs.probe_worker, programs.look_worker])
def test_probe_workers_get_the_broker_and_the_zones_keys_and_nothing_else(
    worker: Callable[[Environment], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
    monkeypatch.setenv("VIEWKEEPER_FIELD_KEYS", "elsewhere")
    given = worker(Environment(SECRETS)).env
    assert {name: given[name] for name in SECRETS if name in given} == {
        "REDIS_URL": "redis://hunter2",
        "VIEWKEEPER_ZONE_KEYS": "local=zonekey",
    }
    assert "DJANGO_SETTINGS_MODULE" not in given  # Celery would load Django


def test_the_simulator_gets_its_token_alone(place: Layout) -> None:
    given = programs.simulator(Environment(SECRETS), place, 5000).env
    assert {name for name in SECRETS if name in given} == {"VIEWKEEPER_SIMULATOR_TOKEN"}


def test_no_secret_is_on_a_command_line(place: Layout) -> None:
    environment = Environment(SECRETS)
    started = [
        programs.web(environment, "127.0.0.1", 8000),
        programs.probe_worker(environment),
        programs.look_worker(environment),
        programs.main_worker(environment, place),
        programs.mail_catcher(environment, place, 2525),
        programs.simulator(environment, place, 5000),
        programs.manage(environment, "migrate"),
    ]
    words = " ".join(word for program in started for word in program.argv)
    assert not [value for value in ("hunter2", "zonekey", "fieldkey", "token") if value in words]
    assert "hunter2" not in repr(environment)


def test_every_queue_has_a_worker(place: Layout) -> None:
    environment = Environment(SECRETS)
    probe, look = programs.probe_worker(environment), programs.look_worker(environment)
    main = programs.main_worker(environment, place)
    queues = [program.argv[program.argv.index("-Q") + 1] for program in (probe, look, main)]
    assert queues == ["probe.local,probe.demo", "look.local,look.demo", "record,alerts,default"]


@pytest.mark.parametrize(("host", "bind"), [("127.0.0.1", "127.0.0.1:8000"), ("::1", "[::1]:8000")])
def test_the_web_server_binds_where_it_is_told(host: str, bind: str) -> None:
    argv = programs.web(Environment(SECRETS), host, 8000).argv
    assert argv[argv.index("--bind") + 1] == bind


def test_a_management_command_is_named_after_itself() -> None:
    assert programs.manage(Environment(SECRETS), "migrate", "--no-input").name == "migrate"
