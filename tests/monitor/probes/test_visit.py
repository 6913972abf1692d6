"""The rules of a visit, one by one, against a scripted device."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from monitor.causes import CAUSES, UNKNOWN_OURS, UNKNOWN_THEIRS
from monitor.probes import soap as requests
from monitor.wire import Aspect, Finding, Probe, Reading, Request, Verdict
from tests.monitor.probes.device import (
    ASKED_TODAY,
    JPEG,
    LEARNED,
    Script,
    information,
    look,
    looks,
    profiles,
    services,
    uri,
)
from tests.monitor.probes.fake import (
    ALL_TIERS,
    FACTS,
    HEARTBEAT,
    PICTURE,
    Asked,
    clock,
    fault,
    http,
    serving,
    soap,
    subject,
    target,
)

requests.warm()
LINK, ACCESS, CLOCK, SIGHT, IDENTITY = Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE, Aspect.IDENTITY


def causes(reading: Reading) -> dict[Aspect, str]:
    """The cause of each aspect that is not ok; every one must be in the registry."""
    for finding in reading.findings.values():
        known = CAUSES if finding.verdict is Verdict.FAULTY else {**UNKNOWN_OURS, **UNKNOWN_THEIRS, "": ""}
        assert finding.cause in known
    return {aspect: one.cause for aspect, one in reading.findings.items() if one.verdict is not Verdict.OK}


# -- a healthy device


def test_a_first_look_learns_all_and_tells_it() -> None:
    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(passport=ASKED_TODAY)))[0]
    assert causes(reading) == {}
    assert set(reading.findings) == {LINK, ACCESS, CLOCK, SIGHT, IDENTITY}
    assert reading.passport == LEARNED
    assert reading.facts == {"manufacturer": "Maker", "model": "M1", "firmware": "1.0", "serial": "S1"}
    assert (reading.credential, reading.hold_s) == ("worked", 0)
    assert reading.requests == ()
    assert len(fake.asked) == 8
    assert {one.connection for one in fake.asked} == {1}


def test_the_clock_is_asked_first_and_without_a_credential() -> None:
    with serving(Script()) as fake:
        look(target(fake.port))
    assert fake.asked[0].operation == "GetSystemDateAndTime"
    assert not fake.asked[0].signed


def test_a_heartbeat_is_one_request_and_says_nothing_of_the_access() -> None:
    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT, passport=LEARNED)))[0]
    assert fake.names() == ["GetSystemDateAndTime"]
    assert set(reading.findings) == {LINK, CLOCK}
    assert reading.passport == {}
    assert reading.credential == ""


def test_a_picture_is_two_requests_and_one_once_the_nonce_is_kept() -> None:
    with serving(Script()) as fake:
        goal = target(fake.port, subject(tiers=PICTURE, passport=LEARNED))
        first, second = looks(goal, goal)
    assert [one.signed for one in fake.asked] == [False, True, True]
    assert "nc=00000002" in fake.asked[2].headers["authorization"]
    assert causes(first) == causes(second) == {}
    assert set(second.findings) == {LINK, ACCESS, SIGHT}


def test_the_picture_s_note_and_key_come_along() -> None:
    from monitor.probes.session import Session

    kept: list[tuple[int, bytes, bytes | None]] = []

    def keep(device_id: int, thumbnail: bytes, original: bytes | None) -> str:
        kept.append((device_id, thumbnail, original))
        return "key-1"

    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(5, PICTURE, passport=LEARNED)), Session(keep))[0]
    assert reading.picture is not None
    assert (reading.picture.key, reading.picture.size) == ("key-1", len(JPEG))
    assert (reading.picture.width, reading.picture.height) == (640, 360)
    assert kept[0][0] == 5
    assert kept[0][1].startswith(b"\xff\xd8")
    assert kept[0][2] == JPEG  # no model yet: learning needs the original


def test_what_has_no_eyes_is_asked_for_no_picture() -> None:
    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(sees=False, passport=LEARNED)))[0]
    assert SIGHT not in reading.findings
    assert "/snap.jpg" not in fake.names()


def test_steps_are_told_as_they_happen() -> None:
    told: list[tuple[str, bool, bool]] = []

    def on_step(step: str, finding: Finding | None, request: Request | None) -> None:
        told.append((step, finding is not None, request is not None))

    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT)), on_step=on_step)[0]
    assert told == [("link", True, False), ("GetSystemDateAndTime", False, True), ("clock", True, False)]
    assert [one.what for one in reading.requests] == ["GetSystemDateAndTime"]


# -- link


def test_a_refused_connection(closed_port: int) -> None:
    reading = look(target(closed_port))[0]
    assert causes(reading) == {
        LINK: "port_closed",
        ACCESS: "link_down",
        CLOCK: "link_down",
        SIGHT: "link_down",
        IDENTITY: "link_down",
    }
    assert reading.findings[LINK].verdict is Verdict.FAULTY
    assert reading.requests[0].outcome == "port_closed"


def test_silence_after_accept_is_faulty_at_the_deadline() -> None:
    with serving(lambda _: [b""], gap_s=5) as fake:
        began = time.monotonic()
        reading = look(target(fake.port, subject(tiers=HEARTBEAT), deadline_s=0.4))[0]
        took = time.monotonic() - began
    assert causes(reading)[LINK] == "silent"
    assert 0.35 < took < 0.65


def test_closing_without_a_word_is_silence() -> None:
    with serving(lambda _: None) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT)))[0]
    assert reading.findings[LINK].cause == "silent"
    assert reading.findings[LINK].detail == {"closed": True}


def test_a_name_that_nobody_knows() -> None:
    from dataclasses import replace

    reading = look(replace(target(80), host="no-such-host.invalid", loopback=False))[0]
    assert reading.findings[LINK].cause in {"name_unknown", "late"}  # late: this machine has no name server


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.1", False), ("192.0.2.1", True), ("169.254.169.254", False)])
def test_what_may_not_be_dialled_is_not(host: str, loopback: bool) -> None:
    from dataclasses import replace

    with serving(Script()) as fake:
        reading = look(replace(target(fake.port), host=host, loopback=loopback))[0]
    assert reading.findings[LINK].cause == "address_refused"
    assert fake.asked == []


def test_a_name_is_checked_when_it_is_dialled() -> None:
    from dataclasses import replace

    with serving(Script()) as fake:
        refused = look(replace(target(fake.port), host="localhost", loopback=False))[0]
        assert fake.asked == []
        allowed = look(replace(target(fake.port, subject(tiers=HEARTBEAT)), host="localhost"))[0]
    assert refused.findings[LINK].detail == {"reason": "loopback"}
    assert causes(allowed) == {}


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_any_http_status_means_that_the_link_is_ok(status: int) -> None:
    with serving(Script({"*": http(status, b"")})) as fake:
        assert look(target(fake.port))[0].findings[LINK].verdict is Verdict.OK


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\x00HTTP/1.1 200 OK\r\n\r\n",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 9000,
    ],
)
def test_what_is_no_http_is_a_protocol_fault_with_its_first_bytes(said: bytes) -> None:
    with serving(lambda asked: said if asked.connection else None) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT), deadline_s=0.5))[0]
    assert causes(reading) == {ACCESS: "protocol", CLOCK: "no_reply"}


def test_a_dripped_header_is_not_waited_for_beyond_the_deadline() -> None:
    with serving(lambda _: [b"H", b"T", b"T", b"P", *[b"/"] * 50], gap_s=0.1) as fake:
        began = time.monotonic()
        reading = look(target(fake.port, subject(tiers=HEARTBEAT), deadline_s=0.35))[0]
    assert time.monotonic() - began < 0.6
    assert causes(reading) == {ACCESS: "protocol", CLOCK: "no_reply"}
    assert reading.findings[ACCESS].detail["received"] == 4


# -- kept connections


def test_a_visit_takes_one_connection_and_leaves_none_behind() -> None:
    with serving(Script()) as fake:
        goal = target(fake.port, subject(tiers=HEARTBEAT | PICTURE, passport=LEARNED))
        looks(goal, goal)
    assert [one.connection for one in fake.asked] == [1, 1, 1, 2, 2]


def test_a_kept_connection_that_was_closed_is_dialled_once_more() -> None:
    seen: dict[int, int] = {}

    def once(asked: Asked) -> bytes | None:
        seen[asked.connection] = seen.get(asked.connection, 0) + 1
        usual = http(200, JPEG, "Content-Type: image/jpeg") if asked.path == "/snap.jpg" else clock()
        return usual if seen[asked.connection] == 1 else None

    with serving(once) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT | PICTURE, passport=LEARNED)))[0]
    assert causes(reading) == {}
    assert [one.connection for one in fake.asked] == [1, 1, 2]


def test_what_others_have_asked_counts() -> None:
    with serving(Script()) as fake:
        goal = target(fake.port, subject(tiers=HEARTBEAT), burst=2, refill_s=60.0, owed_s=120.0, deadline_s=0.5)
        reading = look(goal)[0]
    assert fake.asked == []
    assert reading.findings[Aspect.LINK].cause == "late"
    assert round(reading.owed_s) == 120


def test_a_new_connection_that_is_closed_is_not_dialled_again() -> None:
    with serving(lambda _: None) as fake:
        look(target(fake.port, subject(tiers=HEARTBEAT)))
    assert len(fake.asked) == 1


def test_connection_close_is_obeyed() -> None:
    with serving(lambda _: clock().replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)) as fake:
        goal = target(fake.port, subject(tiers=HEARTBEAT))
        assert [causes(one) for one in looks(goal, goal)] == [{}, {}]
    assert [one.connection for one in fake.asked] == [1, 2]


def test_a_visit_waits_for_tokens_and_says_late_when_there_will_be_none() -> None:
    with serving(Script()) as fake:
        goal = target(fake.port, subject(passport=LEARNED), burst=2, refill_s=60.0)
        reading = look(goal)[0]
    assert len(fake.asked) == 2
    assert causes(reading) == {IDENTITY: "late", SIGHT: "late"} or causes(reading) == {SIGHT: "late"}
    assert reading.took_ms < 1000


def test_two_visits_of_one_endpoint_go_one_after_the_other() -> None:
    import asyncio

    from monitor.probes.session import Session
    from monitor.probes.visit import visit

    async def both(port: int) -> tuple[list[Reading], list[Reading]]:
        session = Session()
        goal = target(port, subject(tiers=HEARTBEAT))
        return await asyncio.gather(visit(goal, session), visit(goal, session))

    with serving(Script()) as fake:
        found = asyncio.run(both(fake.port))
    assert [causes(one[0]) for one in found] == [{}, {}]
    assert [one.connection for one in fake.asked] == [1, 2]


def test_who_waits_beyond_its_deadline_for_another_visit_is_late() -> None:
    import asyncio

    from monitor.probes.session import Session
    from monitor.probes.visit import visit

    async def both(port: int) -> tuple[list[Reading], list[Reading]]:
        session = Session()
        slow = target(port, subject(tiers=HEARTBEAT), deadline_s=0.6)
        short = target(port, subject(tiers=HEARTBEAT), deadline_s=0.2)
        return await asyncio.gather(visit(slow, session), visit(short, session))

    with serving(lambda _: [b""], gap_s=5) as fake:
        _, late = asyncio.run(both(fake.port))
    assert causes(late[0]) == {LINK: "late", CLOCK: "late"} or causes(late[0]) == {LINK: "late"}


# -- clock


def test_a_clock_in_another_zone_is_a_finding_and_its_time_is_signed_with() -> None:
    shows = datetime.now(UTC) + timedelta(hours=8)
    with serving(Script(shows=shows)) as fake:
        reading = look(target(fake.port))[0]
    assert causes(reading) == {CLOCK: "time_zone"}
    assert abs(reading.findings[CLOCK].detail["offset_s"] - 28_800) < 2
    signed = next(one for one in fake.asked if b"UsernameToken" in one.body)
    created = signed.body.partition(b"Created>")[2][:16].decode()
    assert created in {(shows + timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M") for s in (0, 2)}


@pytest.mark.parametrize("said", [http(401, b"no"), fault("NotAuthorized", "no"), fault("NotAuthorized", "no", 200)])
def test_a_clock_that_wants_a_login_is_unknown_and_no_matter_of_the_access(said: bytes) -> None:
    with serving(Script({"GetSystemDateAndTime": said})) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT)))[0]
    assert causes(reading) == {CLOCK: "needs_login"}
    assert ACCESS not in reading.findings
    assert len(fake.asked) == 1


def test_a_clock_that_is_not_offered() -> None:
    with serving(Script({"GetSystemDateAndTime": fault("ActionNotSupported", "Not implemented", 500)})) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT)))[0]
    assert causes(reading) == {CLOCK: "not_offered"}


def test_a_clock_reply_without_a_date_is_no_reply() -> None:
    with serving(Script({"GetSystemDateAndTime": soap(b"<GetSystemDateAndTimeResponse/>")})) as fake:
        assert causes(look(target(fake.port, subject(tiers=HEARTBEAT)))[0]) == {CLOCK: "no_reply"}


# -- service


@pytest.mark.parametrize("said", [http(404, b"no"), http(200, b"<html>hello</html>"), http(405)])
def test_http_without_onvif_is_online_with_the_service_missing(said: bytes) -> None:
    with serving(lambda _: said) as fake:
        reading = look(target(fake.port))[0]
    assert causes(reading) == {ACCESS: "service_missing", CLOCK: "no_reply", SIGHT: "no_reply", IDENTITY: "no_reply"}
    assert [one.path for one in fake.asked] == [
        "/onvif/device_service",
        "/onvif/services",
        "/",
        "/ISAPI/Streaming/channels/101/picture",
        "/cgi-bin/snapshot.cgi?channel=1",
    ]
    assert not any(one.signed for one in fake.asked)


def test_the_other_path_of_the_device_service_is_found_and_kept() -> None:
    def axis(asked: Asked) -> bytes:
        return clock() if asked.path == "/onvif/services" else http(404)

    with serving(axis) as fake:
        first = look(target(fake.port, subject(tiers=HEARTBEAT)))[0]
        again = look(target(fake.port, subject(tiers=HEARTBEAT, passport=first.passport)))[0]
    assert first.passport == {"device_path": "/onvif/services", "clock_habit": "utc"}
    assert causes(first) == causes(again) == {}
    assert [one.path for one in fake.asked] == ["/onvif/device_service", "/onvif/services", "/onvif/services"]


def test_a_missing_service_is_asked_for_once_per_heartbeat_afterwards() -> None:
    with serving(lambda _: http(404)) as fake:
        look(target(fake.port, subject(tiers=HEARTBEAT, passport={"trouble": "service_missing"})))
    assert len(fake.asked) == 1


@pytest.mark.parametrize("trouble", ["service_missing", "busy", "protocol"])
def test_a_heartbeat_tells_that_the_trouble_is_over(trouble: str) -> None:
    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT, passport={"trouble": trouble})))[0]
    assert reading.findings[ACCESS].verdict is Verdict.OK
    assert reading.passport["trouble"] == ""


@pytest.mark.parametrize(
    "said",
    [http(503), http(500, b"Device Busy"), fault("Receiver", "server is busy", 500), http(401, b"device busy")],
)
def test_busy_is_neither_down_nor_a_wrong_password(said: bytes) -> None:
    with serving(lambda _: said) as fake:
        reading = look(target(fake.port))[0]
    assert causes(reading) == {ACCESS: "busy", CLOCK: "no_reply", SIGHT: "no_reply", IDENTITY: "no_reply"}
    assert len(fake.asked) == 1
    assert (reading.credential, reading.hold_s) == ("", 0)


def test_a_redirect_is_told_and_not_followed() -> None:
    said = http(302, b"", "Location: http://u:p@127.0.0.1:9/x")
    with serving(lambda _: said) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT)))[0]
    assert reading.findings[ACCESS].detail == {"reason": "redirect", "status": 302, "location": "http://127.0.0.1:9/x"}
    assert len(fake.asked) == 1


def test_a_body_shorter_than_it_says_is_read_if_its_envelope_is_there() -> None:
    short = clock().replace(b"Content-Length: ", b"Content-Length: 9")
    with serving(lambda _: short) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT), deadline_s=0.4))[0]
    assert causes(reading) == {}


# -- identity


def test_another_serial_is_another_device() -> None:
    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(tiers=FACTS, serial="S9")))[0]
    assert causes(reading) == {IDENTITY: "identity_changed"}
    assert reading.findings[IDENTITY].detail == {"serial": "S1", "expected": "S9"}


def test_a_device_without_a_serial_is_not_suspected() -> None:
    with serving(Script({"GetDeviceInformation": information("")})) as fake:
        assert causes(look(target(fake.port, subject(tiers=FACTS, serial="S9")))[0]) == {}


def test_identity_that_is_not_offered_or_not_understood() -> None:
    for said, cause in ((fault("ActionNotSupported", "no"), "not_offered"), (soap(b"<x/>"), "no_reply")):
        with serving(Script({"GetDeviceInformation": said})) as fake:
            assert causes(look(target(fake.port, subject(tiers=FACTS)))[0])[IDENTITY] == cause


def test_old_devices_are_asked_for_capabilities() -> None:
    capabilities = soap(
        b"<GetCapabilitiesResponse><Media><XAddr>http://h/old/media</XAddr></Media></GetCapabilitiesResponse>"
    )
    script = Script({"GetServices": fault("ActionNotSupported", "no"), "GetCapabilities": capabilities})
    with serving(script) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE)))[0]
    assert reading.passport["media_path"] == "/old/media"
    assert causes(reading) == {}


def test_media2_only_devices_are_spoken_to_in_media2() -> None:
    with serving(Script({"GetServices": services("http://h/m2", "ver20/media")})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE)))[0]
    assert causes(reading) == {}
    asked = next(one for one in fake.asked if one.operation == "GetSnapshotUri")
    assert b"ver20/media" in asked.body


# -- recorders


def _recorder(asked: Asked) -> bytes | None:
    script = Script(
        {
            "GetProfiles": lambda one: profiles("A", "A", "B") if one.signed else fault("NotAuthorized", "no"),
            "GetSnapshotUri": lambda one: (
                uri("http://x/p" + one.body.partition(b"ProfileToken>P")[2][:1].decode())
                if one.signed
                else fault("NotAuthorized", "no")
            ),
        }
    )
    answer = script(asked)
    assert answer is None or isinstance(answer, bytes)
    return answer


def test_channels_share_one_connection_and_have_their_own_profiles() -> None:
    with serving(_recorder) as fake:
        readings = look(
            target(
                fake.port,
                subject(1, HEARTBEAT | FACTS, sees=False, passport=ASKED_TODAY),
                subject(2, channel=1, passport=ASKED_TODAY),
                subject(3, channel=2, passport=ASKED_TODAY),
            )
        )
    own, first, second = readings
    assert causes(own) == {}
    assert causes(first) == causes(second) == {CLOCK: "not_offered", IDENTITY: "not_offered"}
    assert first.facts == second.facts == {}
    assert (first.passport["profile"], second.passport["profile"]) == ("P1", "P3")
    assert [one.path for one in fake.asked if one.method == "GET" and one.signed] == ["/p1", "/p3"]
    assert {one.connection for one in fake.asked} == {1}
    assert fake.names().count("GetProfiles") == 1


def test_a_channel_that_the_recorder_does_not_have() -> None:
    with serving(_recorder) as fake:
        readings = look(target(fake.port, subject(9, PICTURE, channel=7)))
    assert causes(readings[0])[SIGHT] == "snapshot_missing"


def test_a_dead_recorder_is_one_cause(closed_port: int) -> None:
    own, channel = look(target(closed_port, subject(1), subject(2, channel=1)))
    assert own.findings[LINK].cause == "port_closed"
    assert channel.findings[LINK].cause == "parent_down"
    assert channel.findings[LINK].verdict is Verdict.FAULTY


def test_a_refused_login_is_the_recorder_s_not_its_channels() -> None:
    script = Script({"GetDeviceInformation": fault("NotAuthorized", "no")})
    with serving(script) as fake:
        own, channel = look(target(fake.port, subject(1, ALL_TIERS, sees=False), subject(2, channel=1)))
    assert own.findings[ACCESS].cause == "login_refused"
    assert channel.findings[ACCESS].verdict is Verdict.UNKNOWN
    assert causes(channel)[SIGHT] == "login_held"


def test_a_slow_channel_takes_only_its_own_share_of_the_time() -> None:
    script = Script({"/slow.jpg": [http(200, JPEG)[:300], *[b"x"] * 100]})
    quick = {**LEARNED, "snapshot_auth": "none"}
    with serving(script, gap_s=0.1) as fake:
        script.replies["/snap.jpg"] = http(200, JPEG)
        slow, good = look(
            target(
                fake.port,
                subject(1, PICTURE, channel=1, passport={**quick, "snapshot_path": "/slow.jpg"}),
                subject(2, PICTURE, channel=2, passport=quick),
                deadline_s=1.6,
            )
        )
    assert causes(slow) == {SIGHT: "picture_too_slow"}
    assert causes(good) == {}


# -- without ONVIF


def test_a_plain_device_is_online_whatever_it_answers() -> None:
    with serving(lambda _: http(401, b"no")) as fake:
        reading = look(target(fake.port, probe=Probe.HTTP))[0]
    assert reading.findings == {LINK: Finding(Verdict.OK)}
    assert [(one.method, one.path, one.signed) for one in fake.asked] == [("GET", "/", False)]


def test_a_plain_device_that_is_silent() -> None:
    with serving(lambda _: None) as fake:
        assert causes(look(target(fake.port, probe=Probe.HTTP))[0]) == {LINK: "silent"}


def test_an_open_port_is_enough_for_tcp() -> None:
    with serving(lambda _: None) as fake:
        assert look(target(fake.port, probe=Probe.TCP))[0].findings == {LINK: Finding(Verdict.OK)}
    assert fake.asked == []


def test_a_closed_port_is_not(closed_port: int) -> None:
    assert causes(look(target(closed_port, probe=Probe.TCP))[0]) == {LINK: "port_closed"}


def test_a_service_in_trouble_is_told_though_pictures_still_come() -> None:
    passport = {**LEARNED, "snapshot_auth": "none"}
    with serving(Script({"GetSystemDateAndTime": http(200, b"?"), "/snap.jpg": http(200, JPEG)})) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT | PICTURE, passport=passport)))[0]
    assert causes(reading) == {ACCESS: "protocol", CLOCK: "no_reply"}


def test_what_is_signed_is_signed_by_the_clock_of_this_visit() -> None:
    """Since the last one the device may have started anew, with a dead clock: its login would pass for refused."""
    with serving(Script()) as fake:
        goal = target(fake.port, subject(tiers=FACTS, passport=LEARNED | ASKED_TODAY))
        looks(goal, goal)
    assert fake.names() == ["GetSystemDateAndTime", "GetDeviceInformation"] * 2


def test_a_device_that_falls_silent_after_it_spoke_is_not_asked_twice() -> None:
    with serving(Script({"GetDeviceInformation": [b""]}), gap_s=5) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT | FACTS, passport=LEARNED), deadline_s=0.5))[0]
    assert fake.names() == ["GetSystemDateAndTime", "GetDeviceInformation"]
    assert causes(reading) == {IDENTITY: "no_reply"}
