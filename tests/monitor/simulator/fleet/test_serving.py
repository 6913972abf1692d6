"""Every device of a fleet answers as a camera does, and each fault does what the vocabulary says."""

from __future__ import annotations

import http.client
import io
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from PIL import Image, ImageChops

from monitor.simulator.fleet.members import Member
from monitor.simulator.fleet.running import Refused, RunningFleet
from tests.monitor.simulator.fleet.conftest import first
from tests.monitor.simulator.talk import SNAPSHOT, Client, Reply, ask, envelope, fetch, raw, security, snapshot, soap

CONNECT_S = 1.3  # long enough for a second SYN


def picture(member: Member, profile: int = 1) -> Reply:
    path = SNAPSHOT.replace("Profile_1", f"Profile_{profile}")
    return snapshot(member.port, path, member.password, member.host)


def call(member: Member, operation: str, inside: str = "", path: str = "device_service") -> Reply:
    return soap(member.port, operation, inside, security(member.password), path, host=member.host)


def clock(member: Member) -> Reply:
    return soap(member.port, "GetSystemDateAndTime", header="", host=member.host)


def told_time(reply: Reply) -> datetime:
    parts = dict(
        re.findall(r"<tt:(Hour|Minute|Second|Year|Month|Day)>(\d+)<", reply.text.partition("LocalDateTime")[0])
    )
    return datetime(*(int(parts[name]) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")), tzinfo=UTC)  # type: ignore[arg-type,misc]


def ail(city: RunningFleet, member: Member, **faults: object) -> Member:
    city.ask("POST", f"/devices/{member.index}/faults", faults)
    return member


@pytest.fixture
def camera(city: RunningFleet) -> Member:
    return first(city, "camera")


# -- healthy


def test_a_camera_tells_its_clock_without_a_login(camera: Member) -> None:
    assert abs(told_time(clock(camera)) - datetime.now(UTC)) < timedelta(seconds=3)


def test_a_camera_asks_for_a_digest_login_before_it_shows_its_picture(camera: Member) -> None:
    assert fetch(camera.port, path=SNAPSHOT, host=camera.host).status == 401
    assert snapshot(camera.port, SNAPSHOT, "wrong", camera.host).status == 401
    reply = picture(camera)
    assert (reply.status, Image.open(io.BytesIO(reply.body)).size) == (200, (320, 180))


def test_pixels_differ_at_every_look(camera: Member) -> None:
    seen = [picture(camera).body for _ in range(26)]
    assert len(set(seen)) == 26
    for one, two in pairwise(seen):
        images = [Image.open(io.BytesIO(data)).convert("L") for data in (one, two)]
        assert ImageChops.difference(*images).getbbox() is not None


def test_a_nonce_may_be_kept_and_counted_up_but_not_used_again(camera: Member) -> None:
    line = http.client.HTTPConnection(camera.host, camera.port, timeout=10)
    client = Client(ask(line, "GET", SNAPSHOT).headers["WWW-Authenticate"], camera.password)
    assert [ask(line, "GET", SNAPSHOT, Authorization=client.header(n, SNAPSHOT)).status for n in (1, 2)] == [200, 200]
    again = ask(line, "GET", SNAPSHOT, Authorization=client.header(2, SNAPSHOT))
    assert (again.status, "stale=true" in again.headers["WWW-Authenticate"]) == (401, True)
    line.close()


def test_a_camera_says_who_it_is_to_who_logs_in(camera: Member) -> None:
    assert camera.serial in call(camera, "GetDeviceInformation").text
    assert "NotAuthorized" in soap(camera.port, "GetDeviceInformation", header="", host=camera.host).text


@pytest.mark.parametrize(("auth", "takes_wsse"), [("wsse_only", True), ("digest_only", False)])
def test_logins_differ_by_device(city: RunningFleet, auth: str, takes_wsse: bool) -> None:
    assert (call(first(city, "camera", auth), "GetProfiles", path="media_service").status == 200) is takes_wsse


def test_a_recorder_shows_each_of_its_channels(city: RunningFleet) -> None:
    recorder = first(city, "recorder")
    assert [picture(recorder, profile).status for profile in (1, 8, 9)] == [200, 200, 404]
    assert call(recorder, "GetProfiles", path="media_service").text.count("<trt:Profiles ") == 8


def test_a_speaker_speaks_http_and_a_switch_accepts_connections(city: RunningFleet) -> None:
    speaker, switch = first(city, "speaker"), first(city, "switch")
    assert fetch(speaker.port, host=speaker.host).status == 200
    socket.create_connection((switch.host, switch.port), 5).close()


def test_a_request_may_come_in_pieces_and_two_at_once(camera: Member) -> None:
    body = envelope("GetSystemDateAndTime")
    head = f"POST /onvif/device_service HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
    whole = head.encode() + b"\r\n" + body
    with socket.create_connection((camera.host, camera.port), 5) as line:
        line.sendall(whole[:60])
        time.sleep(0.05)
        line.sendall(whole[60:] + head.encode() + b"Connection: close\r\n\r\n" + body)
        received = b""
        while part := line.recv(65_536):
            received += part
    assert received.count(b"GetSystemDateAndTimeResponse>") == 4


def test_what_is_no_request_is_refused(camera: Member) -> None:
    assert raw(camera.port, b"nonsense\r\n\r\n", camera.host).startswith(b"HTTP/1.1 400 ")


# -- doors


def test_off_is_refused_and_can_come_back(city: RunningFleet, camera: Member) -> None:
    ail(city, camera, off=True)
    with pytest.raises(ConnectionRefusedError):
        fetch(camera.port, host=camera.host)
    city.ask("DELETE", f"/devices/{camera.index}/faults")
    assert clock(camera).status == 200


def test_deaf_is_a_connect_that_runs_into_its_timeout(city: RunningFleet, camera: Member) -> None:
    ail(city, camera, deaf=True)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            socket.create_connection((camera.host, camera.port), CONNECT_S)
    ail(city, camera, deaf=False)
    assert clock(camera).status == 200


def test_a_kept_connection_is_cut_when_a_device_goes_off(city: RunningFleet, camera: Member) -> None:
    line = http.client.HTTPConnection(camera.host, camera.port, timeout=10)
    assert ask(line, "GET", "/").status == 200
    ail(city, camera, off=True)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(line, "GET", "/")
    line.close()


def test_a_switch_takes_down_what_hangs_on_it(city: RunningFleet, camera: Member) -> None:
    switch = first(city, "switch")
    assert camera.parent == switch.index
    ail(city, switch, off=True)
    for below in (camera, first(city, "recorder"), first(city, "speaker")):
        with pytest.raises(ConnectionRefusedError):
            fetch(below.port, host=below.host)
    other = next(member for member in city.fleet if member.kind == "camera" and member.parent != switch.index)
    assert clock(other).status == 200
    ail(city, switch, off=False)
    assert clock(camera).status == 200


# -- the vocabulary


def test_silent_accepts_and_says_nothing(city: RunningFleet, camera: Member) -> None:
    ail(city, camera, silent=True)
    with socket.create_connection((camera.host, camera.port), 5) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        line.settimeout(0.3)
        with pytest.raises(TimeoutError):
            line.recv(1)


def test_slow_answers_late(city: RunningFleet, camera: Member) -> None:
    ail(city, camera, slow_s=0.4)
    began = time.monotonic()
    assert clock(camera).status == 200
    assert time.monotonic() - began > 0.4


def test_drip_comes_byte_by_byte(city: RunningFleet, camera: Member) -> None:
    ail(city, camera, drip=4, drip_all=True)
    with socket.create_connection((camera.host, camera.port), 5) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        line.settimeout(3)
        received = line.recv(65_536).partition(b"\r\n\r\n")[2]
        began = time.monotonic()
        while len(received) < 5:
            received += line.recv(1)
    assert time.monotonic() - began > 0.7


@pytest.mark.parametrize(
    ("faults", "status", "said"),
    [
        ({"busy": True}, 503, "Device Busy"),
        ({"onvif_off": True}, 404, "404"),
        ({"redirect": "https://192.0.2.10/"}, 302, ""),
        ({"clock_needs_login": True}, 401, "NotAuthorized"),
    ],
)
def test_a_fault_of_the_service_shows(
    city: RunningFleet, camera: Member, faults: dict[str, object], status: int, said: str
) -> None:
    reply = clock(ail(city, camera, **faults))
    assert (reply.status, said in reply.text) == (status, True)


@pytest.mark.parametrize(
    ("faults", "ahead_s"),
    [({"clock_offset_s": 600}, 600), ({"clock_offset_s": -90}, -90), ({"clock_local_in_utc": True}, 8 * 3_600)],
)
def test_a_clock_is_off(city: RunningFleet, camera: Member, faults: dict[str, object], ahead_s: float) -> None:
    told = told_time(clock(ail(city, camera, **faults)))
    assert abs((told - datetime.now(UTC)).total_seconds() - ahead_s) < 3


def test_a_wrong_password_is_refused_and_locks_out(city: RunningFleet, camera: Member) -> None:
    ail(city, camera, wrong_password=True, lockout_after=3)
    said = [call(camera, "GetUsers").text for _ in range(3)]
    assert ["2 attempt(s)" in said[0], "1 attempt(s)" in said[1], "locked" in said[2]] == [True] * 3


def test_too_many_requests_make_a_device_busy(city: RunningFleet) -> None:
    camera = [member for member in city.fleet if member.kind == "camera"][-1]  # one that no other test has asked
    ail(city, camera, busy_after=3, busy_with="503")
    assert [clock(camera).status for _ in range(5)] == [200, 200, 200, 503, 503]


def test_a_device_behind_nat_tells_another_host(city: RunningFleet, camera: Member) -> None:
    ail(city, camera, nat_address="192.168.1.64")
    assert f"http://192.168.1.64:{camera.port}/onvif" in call(camera, "GetCapabilities").text


@pytest.mark.parametrize(
    ("faults", "shown"), [({"html_picture": True}, b"<!DOCTYPE html>"), ({"empty_picture": True}, b"")]
)
def test_what_comes_instead_of_a_picture(
    city: RunningFleet, camera: Member, faults: dict[str, object], shown: bytes
) -> None:
    reply = picture(ail(city, camera, **faults))
    assert (reply.status, reply.body[: len(b"<!DOCTYPE html>")]) == (200, shown)


def test_a_frozen_picture_is_the_same_byte_by_byte(city: RunningFleet, camera: Member) -> None:
    ail(city, camera, frozen=True)
    assert picture(camera).body == picture(camera).body
    ail(city, camera, frozen=False)
    assert picture(camera).body != picture(camera).body


def test_a_fault_of_the_picture_is_drawn_and_differs_at_every_look(city: RunningFleet, camera: Member) -> None:
    ail(city, camera, black=True)
    seen = [picture(camera).body for _ in range(2)]
    assert seen[0] != seen[1]
    assert Image.open(io.BytesIO(seen[0])).convert("L").resize((1, 1)).getpixel((0, 0)) < 20  # type: ignore[operator]


def test_a_channel_has_faults_of_its_own(city: RunningFleet) -> None:
    recorder, channel = first(city, "recorder"), first(city, "channel")
    ail(city, channel, html_picture=True)
    assert [picture(recorder, profile).body[:2] for profile in (1, 2)] == [b"<!", b"\xff\xd8"]


def test_a_nonce_given_while_well_is_good_while_something_ails(city: RunningFleet, camera: Member) -> None:
    client = Client(fetch(camera.port, path=SNAPSHOT, host=camera.host).headers["WWW-Authenticate"], camera.password)
    ail(city, camera, slow_s=0.01)
    reply = fetch(camera.port, path=SNAPSHOT, host=camera.host, Authorization=client.header(1, SNAPSHOT))
    assert reply.status == 200


# -- the control address


@pytest.mark.parametrize(
    ("method", "path", "data", "said"),
    [
        ("POST", "/devices/12/faults", {"covered": 2}, "covered"),
        ("POST", "/devices/12/faults", [], "body: must be an object"),
        ("POST", "/devices/4/faults", {"off": True}, "off: this device cannot have"),
        ("POST", "/devices/999/faults", {}, "index: 999"),
        ("POST", "/devices/12/look", {"seconds": "long"}, "seconds"),
        ("PUT", "/script", {"rules": [{}]}, "faults"),
        ("GET", "/nothing", None, "path"),
        ("PUT", "/devices/12", {}, "path"),
    ],
)
def test_an_error_names_its_field(city: RunningFleet, method: str, path: str, data: object, said: str) -> None:
    with pytest.raises(Refused, match=said):
        city.ask(method, path, data)


def test_without_the_token_nothing_is_told(city: RunningFleet) -> None:
    port = int(city.greeting["control"].rpartition(":")[2])
    assert fetch(port, path="/plan", Authorization="Bearer wrong").status == 401


def test_one_device_is_told_with_its_faults_now(city: RunningFleet, camera: Member) -> None:
    ail(city, first(city, "switch"), off=True)
    told = city.ask("GET", f"/devices/{camera.index}")
    assert (told["serial"], told["faults"]) == (camera.serial, {"off": True})


def test_requests_and_connections_are_counted_by_outcome(city: RunningFleet, camera: Member) -> None:
    before = city.ask("GET", "/counts")
    clock(camera)
    picture(camera)
    after = city.ask("GET", "/counts")
    grown = {name: count - before["by_outcome"].get(name, 0) for name, count in after["by_outcome"].items()}
    assert {name: count for name, count in grown.items() if count} == {
        "GetSystemDateAndTime 200": 1, "snapshot 401": 1, "snapshot 200": 1,
    }  # fmt: skip
    assert (after["requests"] - before["requests"], after["connections"] - before["connections"]) == (3, 3)
    assert after["by_range"]["0"] == [after["requests"], after["connections"]]
