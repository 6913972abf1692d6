"""A fleet starts, follows its script's clock, tells its last word and leaves no process behind."""

from __future__ import annotations

import io
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from django.core.management import CommandError, call_command

from monitor.simulator.fleet.members import Fleet
from monitor.simulator.fleet.running import ROOT, NoFleet
from monitor.simulator.fleet.script import Script, load
from tests.monitor.simulator.fleet.conftest import SMALL, Start, first, hosts
from tests.monitor.simulator.talk import fetch, soap

QUARTER_S = 0.25


def until(holds: Callable[[], object], limit_s: float = 10.0) -> None:
    stop = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < stop, "it never came true"
        time.sleep(0.02)


def refuses(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 5).close()
    except (ConnectionRefusedError, ConnectionResetError):  # reset: its port was closed while we were knocking
        return True
    return False


def gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)


def test_the_last_word_tells_counts_and_violations_and_no_process_stays(start: Start) -> None:
    with start() as fleet:
        camera = first(fleet, "camera")
        soap(camera.port, "GetSystemDateAndTime", header="", host=camera.host)
        soap(camera.port, "Subscribe", header="", host=camera.host)
        pids = fleet.pids
    assert fleet.told["counts"]["requests"] == 2
    assert fleet.told["violations"]["total"] == {"subscription": 1}
    assert gone(pids)


def test_the_processes_end_with_the_one_that_started_them(start: Start) -> None:
    with start() as fleet:
        os.kill(fleet.pids[0], signal.SIGKILL)
        until(lambda: gone(fleet.pids[1:]))


def test_half_a_fleet_is_none(start: Start) -> None:
    with start() as fleet:
        os.kill(fleet.pids[1], signal.SIGKILL)
        until(lambda: gone(fleet.pids))


def test_the_script_is_followed_at_its_speed(start: Start, tmp_path: Path) -> None:
    """An hour of the script in four seconds: a camera that comes and goes does so when the script says."""
    camera = 12
    rule = {"devices": [camera], "faults": {"off": True}, "every_s": 450, "end_s": 3_600}
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"rules": [rule]}), encoding="utf-8")
    with start(script=path, speed=900) as fleet:
        script, _ = fleet.script()
        began, member = fleet.ask("GET", "/plan")["began"], fleet.fleet.member(camera)
        seen = set()
        while (seconds := (time.time() - began) * 900) < 3_900:
            found, after = refuses(member.host, member.port), (time.time() - began) * 900
            # Not judged where it changes while we look, or has just changed (a tenth of a second).
            if script.next_change(camera, max(0.0, seconds - 90)) > after:
                assert found is ("off" in script.faults_at(camera, seconds)), seconds
                seen.add((found, seconds // 450))
            time.sleep(0.02)
        assert {found for found, _ in seen} == {True, False}
        assert not refuses(member.host, member.port)
        assert math.isinf(script.next_change(camera, 3_900))


def test_every_device_has_the_faults_of_the_script_from_the_start(start: Start) -> None:
    with start(script="storm", devices=50) as fleet:
        script = Script(fleet.fleet, load("storm"))
        for index in fleet.fleet.endpoints():
            member, faults = fleet.fleet.member(index), script.faults_at(index, 0)
            if "deaf" not in faults:
                assert refuses(member.host, member.port) is ("off" in faults)


def test_cameras_only_are_served_by_one_process_where_that_is_asked_for(start: Start) -> None:
    with start(mix="cameras", devices=20, processes=1) as fleet:
        assert len(fleet.greeting["pids"]) == 1
        assert all(fetch(member.port, host=member.host).status == 200 for member in fleet.fleet)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"script": "nothing"}, "script: nothing is none of calm, bench, storm"),
        ({"hosts": "192.0.2.0/24"}, "hosts: 192.0.2.0/24 is not of 127.0.0.0/8"),
        ({"devices": 0}, "devices: must be at least 1"),
        ({"speed": 0}, "--speed: must be above 0"),
        ({"scenes": 99}, "--scenes: must be 1 to 6"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(start: Start, options: dict[str, object], why: str) -> None:
    with pytest.raises(NoFleet) as caught, start(**options):
        pass
    assert str(caught.value).startswith(f"simulate: {why}")
    assert "\n" not in str(caught.value)


def test_an_address_that_somebody_else_has_is_named(start: Start) -> None:
    with socket.create_server((hosts().removesuffix("0/24") + "3", 0)) as taken:
        host, port = taken.getsockname()
        with pytest.raises(NoFleet, match=f"{host}:{port}: .* choose other addresses or ports"), start(port=port):
            pass


def test_more_addresses_than_descriptors_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from monitor.simulator.fleet import crew

    monkeypatch.setattr(crew, "most_descriptors", lambda: 1_000)
    assert crew.Order(Fleet(2_000, mix="cameras")).workers == 4
    with pytest.raises(crew.CrewError, match="2000 addresses need 4 processes"):
        assert crew.Order(Fleet(2_000, mix="cameras"), processes=2).workers


def test_the_management_command_serves_and_ends_when_told(pictures: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "simulate", "--devices", "20", "--hosts", hosts(), "--port", "7999",
         "--pictures", str(pictures), *(part for name, value in SMALL.items() for part in (f"--{name}", str(value)))],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    greeting = json.loads(process.stdout.readline())
    assert set(greeting) >= {"control", "hosts", "port", "devices", "pids", "token"}
    process.send_signal(signal.SIGINT)
    assert set(json.loads(process.communicate(timeout=20)[0])) == {"counts", "violations"}
    assert (process.returncode, gone(greeting["pids"])) == (0, True)


def test_the_management_command_refuses_in_one_line() -> None:
    with pytest.raises(CommandError, match="script: nothing is none of calm"):
        call_command("simulate", script="nothing", stdout=io.StringIO())


@pytest.mark.parametrize(("text", "mode", "why"), [("t", 0o644, "owner only"), ("", 0o600, "holds no token")])
def test_a_token_that_does_not_do_is_refused(tmp_path: Path, text: str, mode: int, why: str) -> None:
    path = tmp_path / "token"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(CommandError, match=why):
        call_command("simulate", devices=5, token_file=path, stdout=io.StringIO())
