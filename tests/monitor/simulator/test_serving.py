"""How a virtual device serves, and how badly it can: ports, connections, broken HTTP, slow and missing pictures."""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from monitor.simulator.answers import GARBAGE
from monitor.simulator.faults import FAULTS, FaultError
from monitor.simulator.http import LARGEST_BODY, LARGEST_HEAD
from monitor.simulator.network import LAST_PORT, bind, bind_free
from monitor.simulator.plan import CityPlan, DevicePlan, SceneSpec
from monitor.simulator.server import RunningCity
from tests.monitor.simulator.conftest import SMALL
from tests.monitor.simulator.talk import SNAPSHOT, ask, fetch, raw, security, snapshot, soap

FETCH = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def until(condition: Callable[[], bool], limit_s: float = 5.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


# -- ports


def test_a_device_that_is_off_refuses_and_comes_back_at_its_port(city: RunningCity) -> None:
    port = city.port("horn")
    city.set_faults("horn", off=True)
    assert refuses(port)
    city.set_faults("horn", off=False)
    assert (city.port("horn"), fetch(port).status) == (port, 200)


def test_a_deaf_device_neither_accepts_nor_refuses_and_comes_back_at_its_port(city: RunningCity) -> None:
    port = city.port("horn")
    city.set_faults("horn", deaf=True)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", port), 0.4)
    city.set_faults("horn", off=True)
    assert refuses(port)
    city.set_faults("horn", off=False)
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", port), 0.4)
    city.clear("horn")
    assert fetch(port).status == 200


def test_nobody_else_gets_the_port_of_a_device_that_is_off(city: RunningCity) -> None:
    city.set_faults("horn", off=True)
    with bind_free("127.0.0.1", city.port("horn"), {city.port("horn")}) as other:
        assert other.getsockname()[1] > city.port("horn")


def test_with_a_switch_all_that_hangs_on_it_goes_and_comes(city: RunningCity) -> None:
    city.set_faults("sw", off=True)
    assert [refuses(city.port(key)) for key in ("sw", "cam", "rec", "horn")] == [True, True, True, False]
    city.clear("sw")
    assert [refuses(city.port(key)) for key in ("sw", "cam", "rec")] == [False, False, False]


def test_a_device_off_by_itself_stays_off_when_its_switch_comes_back(city: RunningCity) -> None:
    city.set_faults("cam", off=True)
    city.set_faults("sw", off=True)
    city.clear("sw")
    assert (refuses(city.port("cam")), refuses(city.port("rec"))) == (True, False)


def test_switching_off_cuts_the_connections_that_are_open(city: RunningCity) -> None:
    line = http.client.HTTPConnection("127.0.0.1", city.port("horn"), timeout=5)
    assert ask(line, "GET", "/").status == 200
    city.set_faults("horn", off=True)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(line, "GET", "/")
    until(lambda: city.connections("horn").now == 0)


def test_a_wanted_port_that_is_taken_gives_the_next_free_one() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        wanted = taken.getsockname()[1]
        plan = CityPlan((DevicePlan("a", "speaker", port=wanted), DevicePlan("b", "speaker", port=wanted)))
        with RunningCity(plan) as city:
            assert wanted < city.port("a") < city.port("b")
            assert [fetch(city.port(key)).status for key in ("a", "b")] == [200, 200]


def test_a_device_can_start_switched_off() -> None:
    with RunningCity(CityPlan((DevicePlan("a", "switch", faults={"off": True}),))) as city:
        assert refuses(city.port("a"))


def test_without_any_free_port_the_city_says_so() -> None:
    with pytest.raises(OSError, match="no free port from 65535 on"):
        bind_free("127.0.0.1", LAST_PORT, {LAST_PORT})


def test_an_address_of_somebody_else_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        bind_free("192.0.2.1", 0)


def test_a_city_that_cannot_start_says_why_and_leaves_no_thread() -> None:
    city = RunningCity(CityPlan((DevicePlan("a", host="::1", port=0),)), control_token="t", control_port=-1)
    with pytest.raises((OSError, OverflowError)):
        city.__enter__()
    assert not city._thread.is_alive()


# -- records


def test_each_request_is_recorded_with_what_it_was(city: RunningCity) -> None:
    port = city.port("cam")
    fetch(port)
    soap(port, "GetProfiles")
    soap(port, "GetSystemDateAndTime", header="")
    snapshot(port)
    seen = [(one.method, one.path, one.operation, one.credentials, one.status) for one in city.requests("cam")]
    assert seen == [
        ("GET", "/", "", False, 200),
        ("POST", "/onvif/device_service", "GetProfiles", True, 200),
        ("POST", "/onvif/device_service", "GetSystemDateAndTime", False, 200),
        ("GET", SNAPSHOT, "", False, 401),
        ("GET", SNAPSHOT, "", True, 200),
    ]


def test_connections_are_counted(city: RunningCity) -> None:
    before = city.connections("horn")
    lines = [http.client.HTTPConnection("127.0.0.1", city.port("horn"), timeout=5) for _ in range(2)]
    for line in (*lines, lines[0]):
        assert ask(line, "GET", "/").status == 200
    during = city.connections("horn")
    for line in lines:
        line.close()
    assert (during.opened - before.opened, during.now, during.most >= 2) == (2, 2, True)
    until(lambda: city.connections("horn").now == 0)


# -- faults of the network and of HTTP


def test_a_silent_device_accepts_and_never_answers(city: RunningCity) -> None:
    city.set_faults("horn", silent=True)
    with socket.create_connection(("127.0.0.1", city.port("horn")), timeout=0.15) as line:
        line.sendall(FETCH)
        with pytest.raises(TimeoutError):
            line.recv(1)
    assert [one.status for one in city.requests("horn")] == [0]
    until(lambda: city.connections("horn").now == 0)


def test_a_slow_device_takes_its_time(city: RunningCity) -> None:
    city.set_faults("horn", slow_s=0.2)
    start = time.monotonic()
    assert fetch(city.port("horn")).status == 200
    assert time.monotonic() - start >= 0.2


def test_a_kept_connection_closes_without_saying(city: RunningCity) -> None:
    city.set_faults("horn", close_without_saying=True)
    line = http.client.HTTPConnection("127.0.0.1", city.port("horn"), timeout=5)
    first = ask(line, "GET", "/")
    assert (first.status, first.headers["Connection"]) == (200, "keep-alive")
    with pytest.raises(http.client.RemoteDisconnected):
        ask(line, "GET", "/")
    line.close()


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_sent_as_it_is(city: RunningCity, kind: str) -> None:
    city.set_faults("horn", garbage=kind)
    assert raw(city.port("horn"), FETCH) == GARBAGE[kind]


def test_every_kind_of_garbage_in_the_vocabulary_exists() -> None:
    assert set(FAULTS["garbage"].choices) == set(GARBAGE)


def test_a_busy_device_says_so(city: RunningCity) -> None:
    city.set_faults("cam", busy=True)
    reply = soap(city.port("cam"), "GetProfiles")
    assert (reply.status, reply.text) == (503, "Device Busy")


def test_a_redirect_leads_elsewhere(city: RunningCity) -> None:
    city.set_faults("cam", redirect="https://192.0.2.9/x")
    reply = fetch(city.port("cam"), path=SNAPSHOT)
    assert (reply.status, reply.headers["Location"]) == (302, "https://192.0.2.9/x")


def test_onvif_can_be_off_while_the_snapshot_works(city: RunningCity) -> None:
    city.set_faults("cam", onvif_off=True)
    assert soap(city.port("cam"), "GetSystemDateAndTime", header="").status == 404
    assert snapshot(city.port("cam")).status == 200


def test_addresses_told_behind_nat_are_foreign_with_the_own_port(city: RunningCity) -> None:
    city.set_faults("cam", nat_address="10.9.8.7")
    for operation in ("GetCapabilities", "GetServices", "GetSnapshotUri"):
        text = soap(city.port("cam"), operation).text
        assert f"http://10.9.8.7:{city.port('cam')}/" in text
        assert "127.0.0.1" not in text


def test_a_device_can_have_no_snapshot_address(city: RunningCity) -> None:
    city.set_faults("cam", no_snapshot=True)
    assert "ter:ActionNotSupported" in soap(city.port("cam"), "GetSnapshotUri").text
    assert soap(city.port("cam"), "GetProfiles").status == 200


# -- faults of the snapshot


def test_a_page_instead_of_a_picture(city: RunningCity) -> None:
    city.set_faults("cam", html_picture=True)
    reply = snapshot(city.port("cam"))
    assert (reply.status, reply.headers.get_content_type(), reply.body[:9]) == (200, "text/html", b"<!DOCTYPE")


def test_nothing_instead_of_a_picture(city: RunningCity) -> None:
    city.set_faults("cam", empty_picture=True)
    reply = snapshot(city.port("cam"))
    assert (reply.status, reply.body) == (200, b"")


def test_half_a_picture(city: RunningCity) -> None:
    city.set_faults("cam", frozen=True)
    whole = snapshot(city.port("cam")).body
    city.set_faults("cam", truncated_picture=0.5)
    assert snapshot(city.port("cam")).body == whole[: len(whole) // 2]


def test_only_the_picture_drips_unless_everything_does(city: RunningCity) -> None:
    city.set_faults("cam", drip=10)
    start = time.monotonic()
    assert soap(city.port("cam"), "GetProfiles").status == 200
    assert time.monotonic() - start < 5.0  # at this rate the reply would take minutes


def test_bytes_drip_one_by_one(city: RunningCity) -> None:
    city.set_faults("cam", drip=10, drip_all=True)
    with socket.create_connection(("127.0.0.1", city.port("cam")), timeout=5) as line:
        line.sendall(FETCH)
        received = b""
        while b"\r\n\r\n" not in received:
            received += line.recv(4_096)
        body = received.partition(b"\r\n\r\n")[2]
        start = time.monotonic()
        while len(body) < 3:
            part = line.recv(4_096)
            assert len(part) == 1
            body += part
        assert 0.15 < time.monotonic() - start < 2.0
    until(lambda: city.connections("cam").now == 0)


def test_a_fast_drip_delivers_the_whole_picture(city: RunningCity) -> None:
    city.set_faults("cam", drip=200_000, frozen=True)
    reply = snapshot(city.port("cam"))
    assert int(reply.headers["Content-Length"]) == len(reply.body) > 1_000
    assert reply.body.endswith(b"\xff\xd9")


def test_an_endless_picture_never_ends(city: RunningCity) -> None:
    city.set_faults("open", endless=True)
    with socket.create_connection(("127.0.0.1", city.port("open")), timeout=5) as line:
        line.sendall(f"GET {SNAPSHOT} HTTP/1.1\r\n\r\n".encode())
        received = line.recv(4_096)
        assert b"Content-Length" not in received
        total = 0
        while total < 3_000_000:
            total += len(line.recv(1_000_000))
    until(lambda: city.connections("open").now == 0)


# -- HTTP


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nnameless\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        f"POST / HTTP/1.1\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n".encode(),
        b"GET / HTTP/1.1\r\nA: " + b"a" * LARGEST_HEAD + b"\r\n\r\n",
    ],
)
def test_a_broken_request_is_refused(city: RunningCity, sent: bytes) -> None:
    assert raw(city.port("horn"), sent).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize("sent", [b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort"])
def test_half_a_request_is_refused(city: RunningCity, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", city.port("horn")), timeout=5) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        assert line.recv(12) == b"HTTP/1.1 400"


def test_a_connection_closed_before_it_asks_is_nothing(city: RunningCity) -> None:
    with socket.create_connection(("127.0.0.1", city.port("horn")), timeout=5) as line:
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1) == b""
    assert city.requests("horn") == []


def test_the_first_http_ends_the_connection_after_one_answer(city: RunningCity) -> None:
    assert b"Connection: close" in raw(city.port("horn"), b"GET / HTTP/1.0\r\n\r\n")


# -- operations of the running city


def test_faults_of_a_channel_touch_this_channel_only(city: RunningCity) -> None:
    city.set_faults("ch1", empty_picture=True)
    port = city.port("ch1")
    assert port == city.port("rec")
    assert snapshot(port).body == b""
    assert snapshot(port, SNAPSHOT[:-1] + "2").body[:2] == b"\xff\xd8"
    city.clear("ch1")
    assert snapshot(port).body[:2] == b"\xff\xd8"


def test_a_frozen_camera_sends_the_same_bytes_until_it_thaws(city: RunningCity) -> None:
    port = city.port("cam")
    assert snapshot(port).body != snapshot(port).body
    city.set_faults("cam", frozen=True)
    frozen = snapshot(port).body
    assert snapshot(port).body == frozen
    city.set_faults("cam", frozen=False)
    assert snapshot(port).body != frozen


def test_a_frozen_picture_can_have_a_clock_that_runs() -> None:
    instant = [datetime(2026, 3, 3, 4, 0, tzinfo=UTC)]
    plan = CityPlan((DevicePlan("a", auth="none", size=SMALL, scene=SceneSpec("hall", 4)),))
    with RunningCity(plan, now=lambda: instant[0]) as city:
        city.set_faults("a", frozen=True, frozen_clock_runs=True)
        first = picture(city.port("a"))
        instant[0] += timedelta(minutes=2)
        changed = np.argwhere(np.abs(picture(city.port("a")) - first) > 12)
    assert 0 < changed[:, 0].max() < 24  # nothing but the line of the clock


def picture(port: int) -> NDArray[np.int16]:
    """A snapshot of an open device as grey levels."""
    return np.asarray(Image.open(io.BytesIO(fetch(port, path=SNAPSHOT).body)).convert("L")).astype(np.int16)


def test_a_fault_that_cannot_be_is_refused_and_changes_nothing(city: RunningCity) -> None:
    with pytest.raises(FaultError):
        city.set_faults("cam", off=True, covered=7)
    assert fetch(city.port("cam")).status == 200


def test_wrong_logins_are_told_apart_from_right_ones_in_the_record(city: RunningCity) -> None:
    soap(city.port("cam"), "GetProfiles", header=security("wrong"))
    assert [(one.credentials, one.status) for one in city.requests("cam")] == [(True, 400)]
