"""What a visit makes of devices that are busy, refuse, decline or say nothing, and what it lets go of afterwards."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor import vision
from monitor.probes import cli, clock, pictures, reply, transport
from monitor.probes.bucket import Bucket
from monitor.probes.failure import Late
from monitor.probes.login import Login
from monitor.probes.memory import Memory
from monitor.probes.onvif import Faulted
from monitor.probes.runner import Loop
from monitor.probes.session import Session, keep_nothing
from monitor.probes.transport import Place, dial, tls_context
from monitor.wire import Aspect, Finding, Subject, Verdict
from tests.monitor.probes.device import JPEG, LEARNED, Script, information, look
from tests.monitor.probes.fake import (
    ENVELOPE,
    FACTS,
    HEARTBEAT,
    PICTURE,
    Asked,
    fault,
    http,
    serving,
    soap,
    subject,
    target,
)
from tests.monitor.probes.test_visit import causes

SIGHT, IDENTITY, ACCESS = Aspect.PICTURE, Aspect.IDENTITY, Aspect.ACCESS
SIGNED = {"soap_auth": "wsse"}


# -- busy, refused, declined


@pytest.mark.parametrize("status", [200, 500])
def test_a_device_that_says_in_a_fault_that_it_is_busy_is_busy(status: int) -> None:
    script = Script({"GetDeviceInformation": fault("Action", "The server is too busy", status)})
    with serving(script) as fake:
        [reading] = look(target(fake.port, subject(tiers=FACTS)))

    assert causes(reading)[ACCESS] == "busy"


def forbidden_first(asked: Asked) -> bytes:
    """A device that asks for a login with 403 and not a word."""
    return information() if asked.signed else http(403)


def test_a_bare_403_asks_for_a_login() -> None:
    with serving(Script({"GetDeviceInformation": forbidden_first})) as fake:
        [reading] = look(target(fake.port, subject(tiers=FACTS)))

    assert causes(reading) == {}
    assert reading.credential == "worked"


def test_a_signed_request_that_is_refused_forgets_how_it_signed() -> None:
    script = Script({"GetDeviceInformation": fault("NotAuthorized", "Sender not authorized")})
    with serving(script) as fake:
        [reading] = look(target(fake.port, subject(tiers=FACTS, passport=SIGNED)))

    assert causes(reading)[ACCESS] == "login_refused"
    assert reading.passport["soap_auth"] == ""


def test_what_a_device_declines_is_not_offered() -> None:
    declined = Faulted(reply.Fault((), "no such thing"))

    assert (declined.cause, declined.detail["text"]) == ("not_offered", "no such thing")


def test_what_was_never_remembered_is_not_asked_for_twice() -> None:
    script = Script({"GetProfiles": fault("ActionNotSupported", "Not implemented")})
    with serving(script) as fake:
        [reading] = look(target(fake.port, subject(tiers=PICTURE, passport=SIGNED)))

    assert causes(reading)[SIGHT] == "snapshot_missing"
    assert fake.names().count("GetProfiles") == 1


def test_a_snapshot_that_is_the_first_to_find_the_port_closed_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    [reading] = look(target(port, subject(tiers=PICTURE, passport=LEARNED)))

    assert causes(reading) == {Aspect.LINK: "port_closed", ACCESS: "link_down", SIGHT: "link_down"}


@pytest.mark.parametrize(("skew_s", "cause"), [(300.0, "login_refused"), (-300.5, "clock_refuses_login")])
def test_a_clock_excuses_a_refusal_beyond_five_minutes(skew_s: float, cause: str) -> None:
    talk: Any = SimpleNamespace(
        target=target(80),
        endpoint=SimpleNamespace(skew_s=skew_s, nonces={}),
        step=lambda *_: None,
    )
    login = Login(talk, Memory([]))

    assert login.refuse(b"", signed=True).cause == cause
    assert abs(skew_s) >= clock.REFUSES_LOGIN_S


def test_a_refusal_without_a_signature_is_not_the_clocks() -> None:
    talk: Any = SimpleNamespace(
        target=target(80), endpoint=SimpleNamespace(skew_s=9999.0, nonces={}), step=lambda *_: None
    )

    assert Login(talk, Memory([])).refuse(b"").cause == "login_refused"


def test_a_picture_that_is_refused_for_a_reason_nobody_names_is_not_checkable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data: bytes) -> vision.Picture:
        raise vision.Refused("from_the_future", "nine colours")

    monkeypatch.setattr(vision, "decode", refuse)
    looked = pictures.look(b"", Subject(1, frozenset()), keep_nothing)

    assert looked.finding == Finding(Verdict.UNKNOWN, "not_checkable", {"reason": "nine colours"})


# -- replies


def model_of(inner: bytes) -> str:
    """The model that a reply names."""
    answer = reply.read(ENVELOPE % (b"<GetDeviceInformationResponse>" + inner + b"</GetDeviceInformationResponse>"))
    assert answer is not None
    return reply.text(answer.body, "Model")


@pytest.mark.parametrize(
    "inner",
    [
        b"<Model>A<!-- not this -->B</Model>",
        b"<Model>A<?not this?>B</Model>",
        b"<!-- <Model>C</Model> --><Model>AB</Model>",
    ],
)
def test_comments_and_instructions_are_no_words(inner: bytes) -> None:
    assert model_of(inner) == "AB"


@pytest.mark.parametrize(
    ("levels", "is_read"), [(reply.MAX_DEPTH - 3, True), (reply.MAX_DEPTH - 2, False), (400, False)]
)
def test_a_reply_deeper_than_any_real_one_is_none(levels: int, is_read: bool) -> None:
    deep = b"<a>" * levels + b"<Model>AB</Model>" + b"</a>" * levels

    assert (reply.read(ENVELOPE % deep) is not None) == is_read


@pytest.mark.parametrize(("length", "kept"), [(512, 512), (513, 512)])
def test_a_text_is_cut(length: int, kept: int) -> None:
    assert len(model_of(b"<Model>" + b"x" * length + b"</Model>")) == kept


# -- time


def test_a_name_that_is_looked_up_for_too_long_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_args: object) -> list[object]:
        time.sleep(0.3)
        return []

    async def go() -> None:
        until = asyncio.get_running_loop().time() + 0.05
        await dial(Place("camera.example", 80, False, True), ThreadPoolExecutor(1), tls_context(), until)

    monkeypatch.setattr(transport, "_lookup", slow)
    with pytest.raises(Late):
        asyncio.run(go())


def test_a_refill_of_less_than_nothing_is_nothing() -> None:
    bucket = Bucket(3, -1.0, lambda: 0.0)
    bucket.take()
    bucket.take()

    assert bucket.wait_s() == 0.0
    assert bucket._refill_s == 0.0


# -- letting go


def test_a_session_that_ends_closes_its_connections_and_threads() -> None:
    session = Session()
    closed: list[bool] = []

    async def visit_and_close() -> None:
        line = session.endpoint(target(80)).line
        line.close = lambda: closed.append(True)  # type: ignore[method-assign]
        session.close()

    asyncio.run(visit_and_close())

    assert closed == [True]
    for pool in (session.names, session.judges):
        with pytest.raises(RuntimeError):
            pool.submit(print)


class Watched(Session):
    """A session that tells when it is closed."""

    closed = 0

    def close(self) -> None:
        """Close, and tell."""
        type(self).closed += 1
        super().close()


def test_a_loop_that_ends_closes_its_session() -> None:
    Watched.closed = 0
    Loop(Watched()).close()

    assert Watched.closed == 1


def test_a_probe_by_hand_closes_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    Watched.closed = 0
    monkeypatch.setattr(cli, "Session", Watched)
    options: Any = object()
    with serving(Script()) as fake:
        monkeypatch.setattr(cli, "target", lambda _chosen: target(fake.port, subject(tiers=HEARTBEAT)))
        reading = asyncio.run(cli._visit(options, None))

    assert Watched.closed == 1
    assert reading.findings[Aspect.LINK].verdict is Verdict.OK


@pytest.mark.parametrize("inner", [b"", b"<GetHostnameResponse/>"])
def test_an_envelope_that_answers_something_else_is_no_reply(inner: bytes) -> None:
    passport = {"trouble": "protocol"}
    with serving(Script({"GetSystemDateAndTime": soap(inner)})) as fake:
        [reading] = look(target(fake.port, subject(tiers=HEARTBEAT, passport=passport)))

    assert causes(reading) == {Aspect.CLOCK: "no_reply", Aspect.ACCESS: "protocol"}
    assert reading.findings[Aspect.ACCESS].detail["reason"] == "another reply"


@pytest.mark.parametrize("label", ["from_the_future", "silent"])
def test_a_label_that_is_no_cause_of_a_picture_is_not_checkable(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = vision.judge

    def judge(picture: vision.Picture, *_args: object) -> vision.Judgement:
        strange: Any = label
        return replace(real(picture), label=strange, checkable=True)

    monkeypatch.setattr(vision, "judge", judge)
    looked = pictures.look(JPEG, Subject(1, frozenset()), keep_nothing)

    assert (looked.finding.verdict, looked.finding.cause) == (Verdict.UNKNOWN, "not_checkable")


def test_an_offset_is_told_to_a_tenth_of_a_second() -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    shown = reply.DeviceTime(now + timedelta(seconds=70.26), None, "raw")

    assert clock.judge(shown, now).detail["offset_s"] == 70.3


def test_a_service_that_is_no_longer_where_it_was_is_looked_for_anew_next_time() -> None:
    passport = {"device_path": "/onvif/services", "soap_auth": "wsse"}
    with serving(Script({"*": http(404)})) as fake:
        [reading] = look(target(fake.port, subject(tiers=FACTS, passport=passport)))

    assert causes(reading)[ACCESS] == "service_missing"
    assert reading.passport["device_path"] == ""
