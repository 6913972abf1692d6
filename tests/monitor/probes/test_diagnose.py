"""Why ONVIF does not answer: told apart, cheaply, and only when it is needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor import causes as registry
from monitor.wire import Aspect, Reading, Verdict
from tests.monitor.probes.device import CHALLENGE, JPEG, LEARNED, Script, look
from tests.monitor.probes.fake import (
    FACTS,
    HEARTBEAT,
    PICTURE,
    Asked,
    Bytes,
    clock,
    fault,
    http,
    serving,
    subject,
    target,
)
from tests.monitor.probes.streaming import Stream, reply, streaming
from tests.monitor.probes.test_visit import causes

LINK, ACCESS, CLOCK, SIGHT = Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE


def page(title: str, *headers: str) -> bytes:
    """A page of HTML."""
    return http(200, f"<html><head><title>{title}</title></head></html>".encode(), *headers)


def without_onvif(front: Bytes = b"") -> Script:
    """HTTP answers, ONVIF does not."""
    missing = http(404, b"<html>404</html>")
    return Script({"/": front or missing, "*": missing})


def _beat(script: Script, **given: Any) -> tuple[Reading, list[str]]:
    with serving(script) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT, **given)))[0]
    return reading, [one.path for one in fake.asked]


def test_the_page_at_the_root_tells_the_maker_and_its_menu() -> None:
    reading, asked = _beat(without_onvif(page("WEB SERVICE")))
    assert causes(reading) == {ACCESS: "service_missing", CLOCK: "no_reply"}
    detail = reading.findings[ACCESS].detail
    assert (detail["vendor"], detail["page"]) == ("dahua", "WEB SERVICE")
    assert "Dahua: Setting > Network" in registry.next_step("service_missing", detail)
    assert asked == ["/onvif/device_service", "/onvif/services", "/"]


def test_the_page_is_looked_at_once_and_what_it_told_stays() -> None:
    first, _ = _beat(without_onvif(page("Login", "Server: App-webs/")))
    again, asked = _beat(without_onvif(page("Login")), passport=first.passport)
    assert asked == ["/onvif/device_service"]
    assert again.findings[ACCESS].cause == "service_missing"
    assert again.findings[ACCESS].detail["vendor"] == "hikvision"
    assert again.passport == {}


def test_daily_facts_look_at_the_page_again() -> None:
    with serving(without_onvif(page("Login"))) as fake:
        goal = subject(tiers=HEARTBEAT | FACTS, passport={"trouble": "service_missing"})
        look(target(fake.port, goal))
    assert "/" in [one.path for one in fake.asked]


@pytest.mark.parametrize("title", ["TP-LINK Wireless Router", "HP LaserJet P1102", "Synology DiskStation"])
def test_another_kind_of_device_is_named_and_asked_for_no_picture(title: str) -> None:
    with serving(without_onvif(page(title))) as fake:
        first = look(target(fake.port))[0]
        count = len(fake.asked)
        beat = look(target(fake.port, subject(tiers=HEARTBEAT, passport=first.passport)))[0]
    assert causes(first)[ACCESS] == causes(beat)[ACCESS] == "not_a_camera"
    assert beat.findings[ACCESS].detail["page"] == title
    assert [one.path for one in fake.asked] == [
        "/onvif/device_service",
        "/onvif/services",
        "/",
        "/onvif/device_service",
    ]
    assert count == 3
    assert not any(one.signed for one in fake.asked)


@pytest.mark.parametrize(
    "said",
    [
        http(301, b"", "Location: https://127.0.0.1/onvif/device_service"),
        http(400, b"<html>The plain HTTP request was sent to HTTPS port</html>"),
        b"\x15\x03\x01\x00\x02\x02\x46",
    ],
)
def test_a_device_that_wants_https_says_so(said: bytes) -> None:
    with serving(lambda _: said) as fake:
        reading = look(target(fake.port, deadline_s=1.0))[0]
    assert causes(reading)[ACCESS] == "https_only"
    assert reading.findings[LINK].verdict is Verdict.OK
    assert len(fake.asked) == 1


def test_a_redirect_to_another_host_is_no_wish_for_https() -> None:
    with serving(lambda _: http(302, b"", "Location: https://192.0.2.9/")) as fake:
        assert causes(look(target(fake.port, subject(tiers=HEARTBEAT)))[0])[ACCESS] == "protocol"


def test_a_front_page_that_sends_on_to_https_tells_it_too() -> None:
    reading, _ = _beat(without_onvif(http(302, b"", "Location: https://127.0.0.1:8443/")))
    assert causes(reading)[ACCESS] == "https_only"


# -- the stream's port


def test_a_stream_that_answers_shows_that_only_onvif_is_off() -> None:
    with streaming(Stream()) as stream, serving(without_onvif()) as fake:
        passport = {"rtsp_port": str(stream.port)}
        first = look(target(fake.port, subject(tiers=HEARTBEAT, passport=passport)))[0]
        again = look(target(fake.port, subject(tiers=HEARTBEAT, passport={**passport, **first.passport})))[0]
    assert causes(first)[ACCESS] == causes(again)[ACCESS] == "onvif_off"
    assert stream.methods() == ["OPTIONS"]


def test_a_service_that_answers_again_ends_it() -> None:
    reading, _ = _beat(Script(), passport={"trouble": "onvif_off", "page": "Login"})
    assert reading.findings[ACCESS].verdict is Verdict.OK
    assert (reading.passport["trouble"], reading.passport["page"]) == ("", "")


def test_a_closed_onvif_port_is_not_offline_where_the_stream_answers(closed_port: int) -> None:
    with streaming(Stream()) as stream:
        reading = look(target(closed_port, subject(passport={"rtsp_port": str(stream.port)})))[0]
    assert reading.findings[LINK].verdict is Verdict.OK
    unknown = dict.fromkeys((CLOCK, SIGHT, Aspect.IDENTITY), "no_reply")
    assert causes(reading) == {ACCESS: "onvif_port_closed"} | unknown
    assert reading.findings[ACCESS].detail["port"] == closed_port


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n\r\n"])
def test_another_service_at_the_stream_s_port_proves_nothing(closed_port: int, said: bytes) -> None:
    with streaming(Stream(replies={"OPTIONS": said})) as stream:
        reading = look(target(closed_port, subject(tiers=HEARTBEAT, passport={"rtsp_port": str(stream.port)})))[0]
    assert causes(reading)[LINK] == "port_closed"


def test_behind_an_address_translation_another_device_s_stream_proves_nothing(closed_port: int) -> None:
    told: list[str] = []
    look(target(closed_port, subject(tiers=HEARTBEAT)), on_step=lambda step, *_: told.append(step))
    assert "OPTIONS" not in told


def test_any_reply_of_rtsp_will_do(closed_port: int) -> None:
    with streaming(Stream(replies={"OPTIONS": reply("1", 401)})) as stream:
        reading = look(target(closed_port, subject(tiers=HEARTBEAT, passport={"rtsp_port": str(stream.port)})))[0]
    assert reading.findings[LINK].verdict is Verdict.OK


# -- connections used up


@pytest.mark.parametrize(
    "said",
    [
        http(503, b"Too many connections"),
        http(401, b"Maximum number of sessions reached"),
        fault("Receiver", "connections exhausted", 500),
    ],
)
def test_used_up_connections_are_no_wrong_password(said: bytes) -> None:
    with serving(lambda _: said) as fake:
        reading = look(target(fake.port, worked=True))[0]
    assert causes(reading)[ACCESS] == "connections_used_up"
    assert (reading.credential, reading.hold_s) == ("", 0)


def test_a_login_that_works_after_a_doubt_is_remembered_as_strain_on_the_device() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    doubt: dict[str, Any] = {"worked": False, "hold_until": past, "hold_cause": "login_doubtful"}
    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(tiers=FACTS, passport=LEARNED), **doubt))[0]
    assert causes(reading) == {}
    assert reading.credential == "worked"
    assert datetime.fromisoformat(reading.passport["login_strained"]) > past


def test_a_lock_lasts_as_long_as_the_device_says_but_no_longer_than_a_day() -> None:
    def locks(words: str) -> Script:
        return Script({"GetDeviceInformation": lambda asked: fault("NotAuthorized", words if asked.signed else "no")})

    for words, hold_s in (("locked, wait 2 hours", 7200), ("locked for 99999 hours", 86_400)):
        with serving(locks(words)) as fake:
            assert look(target(fake.port, subject(tiers=FACTS)))[0].hold_s == hold_s


# -- pictures where ONVIF is off


def test_pictures_go_on_where_only_onvif_is_off() -> None:
    def isapi(asked: Asked) -> Bytes:
        return http(200, JPEG) if asked.signed else http(401, b"", CHALLENGE.format("n1"))

    script = without_onvif(page("Login", "Server: App-webs/"))
    script.replies["/ISAPI/Streaming/channels/101/picture"] = isapi
    with serving(script) as fake:
        first = look(target(fake.port))[0]
        count = len(fake.asked)
        steady = look(target(fake.port, subject(tiers=HEARTBEAT | PICTURE, passport=first.passport)))[0]
    assert causes(first)[ACCESS] == causes(steady)[ACCESS] == "service_missing"
    assert SIGHT not in causes(first)
    assert SIGHT not in causes(steady)
    assert count == 5  # two addresses of ONVIF, the page, the picture without and with a login
    assert len(fake.asked) - count == 3  # ONVIF, the picture without and with a login


def test_clocks_that_answer_are_asked_nothing_more() -> None:
    with serving(lambda _: clock()) as fake:
        look(target(fake.port, subject(tiers=HEARTBEAT)))
    assert len(fake.asked) == 1
