"""A fleet catches whoever polls it impolitely, over real connections."""

from __future__ import annotations

import http.client
import socket
import time
from contextlib import ExitStack, suppress

import pytest

from monitor.simulator.fleet.members import Member
from monitor.simulator.fleet.running import RunningFleet
from tests.monitor.simulator.fleet.conftest import first
from tests.monitor.simulator.talk import SNAPSHOT, fetch, security, snapshot, soap


@pytest.fixture
def camera(city: RunningFleet) -> Member:
    camera = first(city, "camera")
    city.ask("DELETE", f"/devices/{camera.index}/violations")
    return camera


def violations(city: RunningFleet, member: Member) -> dict[str, int]:
    seen = city.ask("GET", "/violations")["devices"].get(str(member.index), {"count": {}})
    count: dict[str, int] = seen["count"]
    return count


def clock(member: Member, times: int) -> None:
    for _ in range(times):
        soap(member.port, "GetSystemDateAndTime", header="", host=member.host)


def test_a_polite_visit_is_no_violation(city: RunningFleet, camera: Member) -> None:
    clock(camera, 1)
    assert snapshot(camera.port, SNAPSHOT, camera.password, camera.host).status == 200
    assert violations(city, camera) == {}


def test_too_many_requests(city: RunningFleet, camera: Member) -> None:
    clock(camera, 6)
    assert violations(city, camera) == {"bucket": 2}


def test_too_many_requests_while_something_ails(city: RunningFleet, camera: Member) -> None:
    city.ask("POST", f"/devices/{camera.index}/faults", {"clock_offset_s": 60})
    clock(camera, 6)
    assert violations(city, camera) == {"bucket": 2}


def test_a_look_may_ask_more(city: RunningFleet, camera: Member) -> None:
    city.ask("POST", f"/devices/{camera.index}/look", {"seconds": 30})
    clock(camera, 8)
    assert violations(city, camera) == {}


def test_too_many_connects_to_a_switch(city: RunningFleet) -> None:
    switch = first(city, "switch")
    for _ in range(6):
        socket.create_connection((switch.host, switch.port), 5).close()
    until = time.monotonic() + 5
    while violations(city, switch) != {"bucket": 2} and time.monotonic() < until:
        time.sleep(0.02)
    assert violations(city, switch) == {"bucket": 2}


@pytest.mark.parametrize("faults", [{}, {"clock_offset_s": 60}])
def test_two_connections_at_once(city: RunningFleet, camera: Member, faults: dict[str, object]) -> None:
    city.ask("POST", f"/devices/{camera.index}/faults", faults)
    with ExitStack() as lines:
        for _ in range(2):
            lines.enter_context(socket.create_connection((camera.host, camera.port), 5))
        clock(camera, 1)
    assert violations(city, camera) == {"connections": 2}


def test_one_connection_after_another(city: RunningFleet, camera: Member) -> None:
    for _ in range(30):
        socket.create_connection((camera.host, camera.port), 5).close()
    clock(camera, 1)
    assert violations(city, camera) == {}


@pytest.mark.parametrize("path", ["soap", "snapshot"])
def test_a_second_refused_login(city: RunningFleet, camera: Member, path: str) -> None:
    for _ in range(2):
        if path == "soap":
            soap(camera.port, "GetUsers", header=security("wrong"), host=camera.host)
        else:
            snapshot(camera.port, SNAPSHOT, "wrong", camera.host)
    assert violations(city, camera) == {"logins": 1}


@pytest.mark.parametrize(
    ("operation", "rule"), [("SetSystemDateAndTime", "writes"), ("CreatePullPointSubscription", "subscription")]
)
def test_what_is_no_reading(city: RunningFleet, camera: Member, operation: str, rule: str) -> None:
    soap(camera.port, operation, host=camera.host, header=security(camera.password))
    assert violations(city, camera) == {rule: 1}


@pytest.mark.parametrize("faults", [{"busy": True}, {"onvif_off": True}, {"garbage": "status"}])
def test_a_device_that_does_not_even_read_what_it_is_asked_knows_reading_from_writing(
    city: RunningFleet, camera: Member, faults: dict[str, object]
) -> None:
    city.ask("POST", f"/devices/{camera.index}/faults", faults)
    for operation in ("GetSystemDateAndTime", "SetUser"):
        with suppress(http.client.HTTPException):
            soap(camera.port, operation, header="", host=camera.host)
    assert violations(city, camera) == {"writes": 1}


def test_a_method_that_writes(city: RunningFleet) -> None:
    speaker = first(city, "speaker")
    fetch(speaker.port, "PUT", "/volume", b"11", speaker.host)
    assert violations(city, speaker) == {"writes": 1}


def test_the_first_are_described_and_all_are_summed_up(city: RunningFleet, camera: Member) -> None:
    before = city.ask("GET", "/violations")["total"].get("bucket", 0)
    clock(camera, 12)
    told = city.ask("GET", "/violations")
    assert told["total"]["bucket"] - before == 8
    described = told["devices"][str(camera.index)]["first"]
    assert [(one["index"], one["rule"]) for one in described] == [(camera.index, "bucket")] * 5
    assert described[0]["what"].startswith("GetSystemDateAndTime: more than 4 requests")
