"""The failure modes of real cameras, by name and number (QUIRKS), each on a camera and behind a recorder."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from monitor.causes import CAUSES
from monitor.probes import soap as requests
from monitor.probes.login import DOUBT_S, REST_S
from monitor.probes.session import Session
from monitor.probes.visit import visit
from monitor.simulator.hostile.__main__ import server_context
from monitor.simulator.hostile.corpus import Street
from monitor.simulator.oddities import HAIKANG
from monitor.simulator.plan import ChannelPlan, CityPlan, DevicePlan
from monitor.simulator.server import RunningCity
from monitor.wire import Aspect, Finding, Reading, Subject, Verdict, plain
from tests.monitor.probes.device import ASKED_TODAY, LEARNED, Script, look, looks, uri
from tests.monitor.probes.fake import ALL_TIERS, HEARTBEAT, PICTURE, fault, http, serving, subject, target
from tests.monitor.probes.test_visit import causes

requests.warm()
LINK, ACCESS, CLOCK, SIGHT, IDENTITY = Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE, Aspect.IDENTITY
SIZE = (640, 360)
# What a URL, XML and a header each would take for their own.
PASSWORD: Final = "a&b/#?c%<d>:@e"
CAMERA, RECORDER = "digest", "recorder"
SUBJECTS = (Subject(1, ALL_TIERS, sees=False), Subject(2, ALL_TIERS, channel=1), Subject(3, ALL_TIERS, channel=2))

Causes = dict[Aspect, str]
FINE: Causes = {}
DOWN: Causes = dict.fromkeys((ACCESS, CLOCK, SIGHT, IDENTITY), "link_down")
MUTE: Causes = {ACCESS: "protocol", CLOCK: "no_reply", SIGHT: "no_reply", IDENTITY: "no_reply"}
# Who asks for HTTPS is told apart where there is a cause for it.
WANTS_TLS: Final = "https_only" if "https_only" in CAUSES else "protocol"
REFUSED: Causes = {ACCESS: "login_refused", SIGHT: "login_held", IDENTITY: "login_held"}


@dataclass(frozen=True)
class Mode:
    """One way in which a device fails, and what it is called on a camera. `deadline_s` bounds what never ends."""

    number: int
    name: str
    faults: Mapping[str, object]
    expected: Causes
    key: str = CAMERA
    deadline_s: float = 5.0

    def __str__(self) -> str:
        return f"{self.number}-{self.name}"


MODES = (
    Mode(1, "skew, and a tolerance of 5 s", {"clock_offset_s": 400.0, "wsse_tolerance_s": 5.0}, {CLOCK: "clock_off"}),
    Mode(1, "behind by a day", {"clock_offset_s": -88_000.0}, {CLOCK: "clock_off"}),
    Mode(2, "local time in the field for UTC", {"clock_local_in_utc": True}, FINE),
    Mode(2, "only local time", {"clock_local_only": True}, FINE),
    Mode(2, "1979", {"clock_dead": 1979}, {CLOCK: "clock_dead"}),
    Mode(2, "the clock needs a login", {"clock_needs_login": True}, {CLOCK: "needs_login"}),
    Mode(2, "TZ with times in it", {"clock_tz": "CST7:00:00DST01:00:00"}, FINE),
    Mode(2, "TZ cut short", {"clock_tz": "CST6CDT:"}, FINE),
    Mode(2, "TZ in words", {"clock_tz": "MoroccoStandardTime0"}, FINE),
    Mode(3, "a nonce is good for one token", {}, FINE, key="wsse_only"),
    Mode(4, "locked after one", {"wrong_password": True, "lockout_after": 1}, REFUSED | {ACCESS: "locked_out"}),
    Mode(4, "four attempts left", {"wrong_password": True, "lockout_after": 5}, REFUSED),
    Mode(5, "digest only", {}, FINE, key="digest_only"),
    Mode(5, "tokens for SOAP, digest for the snapshot", {}, FINE),
    Mode(5, "SHA-256", {}, FINE, key="digest_sha256"),
    Mode(6, "a nonce for each request", {"stale_each": True}, FINE, key="digest_only"),
    Mode(6, "a nonce for each picture", {"stale_each": True}, FINE),
    Mode(7, "device busy", {"busy": True}, MUTE | {ACCESS: "busy"}),
    Mode(7, "busy after four", {"busy_after": 4, "busy_with": "503"}, {ACCESS: "busy", SIGHT: "no_reply"}),
    Mode(8, "addresses of another network", {"nat_address": True}, FINE),
    Mode(8, "addresses without a path", {"nat_address": True, "xaddr_pathless": True}, FINE),
    Mode(9, "the service is elsewhere", {"service_path": True}, FINE),
    Mode(10, "redirects to HTTPS", {"redirect": "https://192.0.2.10/onvif/device_service"}, MUTE | {ACCESS: WANTS_TLS}),
    Mode(11, "closes without saying", {"close_without_saying": True}, FINE),
    *(
        Mode(12, kind, {"garbage": kind}, MUTE, deadline_s=1.0)
        for kind in ("nuls", "status", "header", "length", "chunks")
    ),
    Mode(13, "silence", {"silent": True}, {LINK: "silent"} | DOWN, deadline_s=1.0),
    Mode(13, "an endless picture", {"endless": True}, {SIGHT: "picture_too_large"}),
    Mode(13, "a byte a second", {"drip": 1.0}, {SIGHT: "picture_too_slow"}, deadline_s=1.5),
    Mode(14, "bytes that no UTF-8 has", {"soap_bad_utf8": True}, FINE),
    Mode(14, "a prefix declared nowhere", {"soap_undeclared": True}, FINE),
    Mode(14, "another namespace", {"soap_namespace": True}, FINE),
    Mode(14, "no address for the snapshot", {"uri_missing": True}, {SIGHT: "snapshot_missing"}),
    Mode(14, "a fault with 200", {"fault_200": True}, FINE),
    Mode(14, "a fault and a challenge with 200", {"fault_200": True}, FINE, key="digest_only"),
    Mode(14, "a fault with 401", {"soap_401": True}, FINE),
    Mode(14, "an empty 200", {"soap_empty": True}, MUTE),
    Mode(15, "HTML", {"html_picture": True}, {SIGHT: "not_a_picture"}),
    Mode(15, "XML", {"xml_picture": True}, {SIGHT: "not_a_picture"}),
    Mode(15, "nothing", {"empty_picture": True}, {SIGHT: "empty_picture"}),
    Mode(15, "half of it", {"truncated_picture": True}, {SIGHT: "corrupt"}),
    Mode(15, "a JPEG that calls itself octets", {"octet_picture": True}, FINE),
    Mode(19, "a password of special characters", {}, FINE),
    Mode(19, "a login in the snapshot's address", {"uri_with_login": f"admin:{PASSWORD[:3]}"}, FINE),
    Mode(20, "Created must end in Z", {"created_needs_z": True}, FINE),
    Mode(21, "GB18030", {"soap_charset": "gb18030"}, FINE),
    Mode(21, "UTF-16", {"soap_charset": "utf-16"}, FINE),
    Mode(22, "off while it starts", {"off": True}, {LINK: "port_closed"} | DOWN),
    Mode(22, "a reset clock after it", {"clock_dead": 1970}, {CLOCK: "clock_dead"}),
)
BEHIND_RECORDERS = tuple(mode for mode in MODES if mode.key == CAMERA)


@pytest.fixture(scope="module")
def city() -> Iterator[RunningCity]:
    """A camera of each way to log in, and a recorder with two channels."""
    auth = ("digest", "digest_sha256", "digest_only", "wsse_only")
    cameras = [DevicePlan(mode, password=PASSWORD, auth=mode, size=SIZE) for mode in auth]
    channels = (ChannelPlan("channel-1"), ChannelPlan("channel-2"))
    recorder = DevicePlan(RECORDER, kind="recorder", password=PASSWORD, channels=channels, size=SIZE)
    with RunningCity(CityPlan((*cameras, recorder))) as running:
        yield running


@pytest.fixture(autouse=True)
def healthy(city: RunningCity) -> None:
    """Every test begins with a city at peace that has been asked nothing."""
    city.reset()
    for key in city.ports():
        city.forget_requests(key)


def _goal(city: RunningCity, key: str, *subjects: Subject, **given: Any) -> Any:
    return target(city.port(key), *subjects, password=PASSWORD, **given)


# -- every mode, twice


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_camera(city: RunningCity, mode: Mode) -> None:
    city.set_faults(mode.key, **mode.faults)
    [reading] = look(_goal(city, mode.key, deadline_s=mode.deadline_s))

    assert causes(reading) == mode.expected
    assert reading.took_ms < mode.deadline_s * 1000 + 250
    assert PASSWORD not in repr(plain(reading))


def _of_recorder(expected: Causes) -> Causes:
    """What a recorder without eyes of its own is called."""
    return {aspect: cause for aspect, cause in expected.items() if aspect is not SIGHT}


def _of_channel(expected: Causes) -> Causes:
    """What its channels are called: its trouble is told once, by itself; their pictures are their own."""
    if LINK in expected:
        return expected | {LINK: "parent_down"}
    held = {"login_refused": "login_held", "locked_out": "login_held"}
    access = {ACCESS: held.get(expected[ACCESS], "no_reply")} if ACCESS in expected else {}
    sight = {SIGHT: expected[SIGHT]} if SIGHT in expected else {}
    return {CLOCK: "not_offered", IDENTITY: "not_offered"} | access | sight


@pytest.mark.parametrize("mode", BEHIND_RECORDERS, ids=str)
def test_behind_a_recorder(city: RunningCity, mode: Mode) -> None:
    city.set_faults(RECORDER, **mode.faults)
    own, *channels = look(_goal(city, RECORDER, *SUBJECTS, deadline_s=mode.deadline_s * 1.5))

    assert causes(own) == _of_recorder(mode.expected)
    assert [causes(channel) for channel in channels] == [_of_channel(mode.expected)] * 2
    assert all(channel.findings[ACCESS].verdict is not Verdict.FAULTY for channel in channels)


@pytest.mark.parametrize(
    ("faults", "cause"),
    [
        ({"html_picture": True}, "not_a_picture"),
        ({"truncated_picture": True}, "corrupt"),
        ({"xml_picture": True}, "not_a_picture"),
        ({"empty_picture": True}, "empty_picture"),
    ],
)
def test_15_the_picture_of_one_channel_is_its_own(city: RunningCity, faults: dict[str, object], cause: str) -> None:
    city.set_faults("channel-2", **faults)
    own, good, bad = look(_goal(city, RECORDER, *SUBJECTS))

    assert causes(own) == FINE
    assert SIGHT not in causes(good)
    assert causes(bad)[SIGHT] == cause


def test_the_table_names_every_mode_or_another_test_does() -> None:
    apart = {16, 17, 18}

    assert {mode.number for mode in MODES} | apart == set(range(1, 23))


# -- what a verdict alone does not show


def test_3_no_nonce_is_used_twice(city: RunningCity) -> None:
    passport = {**look(_goal(city, "wsse_only"))[0].passport, **ASKED_TODAY}
    again = looks(*[_goal(city, "wsse_only", subject(passport=passport)) for _ in range(3)])

    assert [causes(one) for one in again] == [FINE] * 3  # the device refuses a nonce that it has seen


@pytest.mark.parametrize("key", [CAMERA, RECORDER])
def test_4_one_refused_login_is_the_last_and_the_countdown_is_read(city: RunningCity, key: str) -> None:
    city.set_faults(key, wrong_password=True, lockout_after=1, lockout_s=3_600.0)
    subjects = SUBJECTS if key == RECORDER else ()
    access = look(_goal(city, key, *subjects))[0].findings[ACCESS]

    assert sum(one.credentials for one in city.requests(key)) == 1
    assert 3_500 < access.detail["wait_s"] <= 3_600


def test_4_the_attempts_that_are_left_are_read(city: RunningCity) -> None:
    city.set_faults(CAMERA, wrong_password=True, lockout_after=5)

    assert look(_goal(city, CAMERA))[0].findings[ACCESS].detail["attempts_left"] == 4


@pytest.mark.parametrize("key", ["digest", "digest_only", "digest_sha256", "wsse_only"])
def test_5_what_worked_is_remembered(city: RunningCity, key: str) -> None:
    passport = look(_goal(city, key))[0].passport
    city.forget_requests(key)
    [again] = look(_goal(city, key, subject(tiers=HEARTBEAT | PICTURE, passport=passport)))

    assert causes(again) == FINE
    assert len(city.requests(key)) <= 3  # the clock, the challenge, the picture


@pytest.mark.parametrize("key", [CAMERA, RECORDER])
@pytest.mark.parametrize("after", [3, 4, 5, 6, 7])
def test_6_a_401_under_load_is_no_wrong_password(city: RunningCity, key: str, after: int) -> None:
    city.set_faults(key, busy_after=after, busy_with="401")
    subjects = SUBJECTS if key == RECORDER else ()
    own, *channels = look(_goal(city, key, *subjects, worked=True))

    assert own.findings[ACCESS].cause not in {"login_refused", "locked_out", "clock_refuses_login"}
    assert own.findings[LINK] == Finding(Verdict.OK)
    assert own.hold_s in {0, DOUBT_S}
    assert all(one.findings[ACCESS].verdict is not Verdict.FAULTY for one in channels)


def test_6_it_is_tried_once_more_when_it_is_quiet(city: RunningCity) -> None:
    city.set_faults(CAMERA, busy_after=4, busy_with="401")
    [first] = look(_goal(city, CAMERA, worked=True))
    assert (first.findings[ACCESS].verdict, first.findings[ACCESS].cause) == (Verdict.UNKNOWN, "login_doubtful")
    city.forget_requests(CAMERA)
    past = datetime.now(UTC) - timedelta(seconds=1)
    [second] = look(
        _goal(
            city,
            CAMERA,
            subject(tiers=HEARTBEAT | PICTURE, passport=LEARNED | dict(first.passport) | _PATHS),
            worked=True,
            hold_until=past,
            hold_cause="login_doubtful",
        )
    )

    assert causes(second) == FINE


_PATHS: Final = {
    "media_path": "/onvif/media_service",
    "profile": "Profile_1",
    "snapshot_path": "/onvif-http/snapshot?Profile_1",
}


def test_6_a_login_that_worked_in_this_visit_is_not_called_wrong_even_after_a_doubt(city: RunningCity) -> None:
    city.set_faults(CAMERA, busy_after=5, busy_with="401")
    past = datetime.now(UTC) - timedelta(seconds=1)
    [reading] = look(_goal(city, CAMERA, worked=True, hold_until=past, hold_cause="login_doubtful"))

    assert reading.findings[ACCESS].cause != "login_refused"
    assert reading.hold_s < REST_S


@pytest.mark.parametrize("with_", ["401", "503"])
def test_7_a_device_that_bears_little_is_later_not_down(city: RunningCity, with_: str) -> None:
    city.set_faults(CAMERA, busy_after=1, busy_with=with_)
    first, second = looks(*[_goal(city, CAMERA, subject(tiers=HEARTBEAT), worked=True)] * 2)

    assert first.findings[LINK] == second.findings[LINK] == Finding(Verdict.OK)
    assert causes(first) == FINE
    assert second.hold_s == 0


def test_8_only_the_register_s_endpoint_is_dialled(city: RunningCity) -> None:
    with serving(lambda _asked: http(200, b"trap")) as trap:
        city.set_faults(CAMERA, nat_address=f"127.0.0.1:{trap.port}")
        [reading] = look(_goal(city, CAMERA))

    assert causes(reading) == FINE
    assert trap.asked == []


def test_10_no_credential_follows_a_redirect(city: RunningCity) -> None:
    with serving(lambda _asked: http(200, b"trap")) as trap:
        city.set_faults(CAMERA, redirect=f"http://127.0.0.1:{trap.port}/")
        look(_goal(city, CAMERA))

    assert trap.asked == []
    assert not any(one.credentials for one in city.requests(CAMERA))


def test_10_a_certificate_of_its_own_making_is_enough() -> None:
    async def go() -> Reading:
        street = Street(["tls_decent"], 9, server_context())
        await street.open()
        session = Session()
        [reading] = await visit(target(street.ports["tls_decent"], scheme="https"), session)
        session.close()
        street.close()
        return reading

    assert causes(asyncio.run(go())) == FINE


@pytest.mark.parametrize("key", [CAMERA, RECORDER])
def test_11_a_dead_connection_costs_one_more_dial_and_no_more(city: RunningCity, key: str) -> None:
    city.set_faults(key, close_without_saying=True)
    subjects = SUBJECTS if key == RECORDER else ()
    before = city.connections(key).opened
    readings = look(_goal(city, key, *subjects))
    answered = len(city.requests(key))

    assert all(one.findings[LINK] == Finding(Verdict.OK) for one in readings)
    assert city.connections(key).opened - before == answered  # each connection answers once, none is dialled in vain


@pytest.mark.parametrize("kind", ["nuls", "status", "length", "chunks"])
def test_12_the_first_bytes_are_kept_for_a_person(city: RunningCity, kind: str) -> None:
    city.set_faults(CAMERA, garbage=kind)
    access = look(_goal(city, CAMERA, subject(tiers=HEARTBEAT), deadline_s=0.5))[0].findings[ACCESS]

    assert access.cause == "protocol"
    assert access.detail.get("first_bytes") or access.detail.get("received")


FROZEN_LOOKS = 4


@pytest.mark.parametrize(("faults", "frozen"), [({"frozen": True, "frozen_clock_runs": True}, True), ({}, False)])
@pytest.mark.parametrize("key", [CAMERA, "channel-1"])
def test_16_a_frozen_picture_under_a_moving_clock(
    city: RunningCity, key: str, faults: dict[str, object], frozen: bool
) -> None:
    city.set_faults(key, **faults)
    endpoint, channel = (CAMERA, 0) if key == CAMERA else (RECORDER, 1)
    trail, labels = b"", []
    for _ in range(FROZEN_LOOKS):
        [reading] = look(_goal(city, endpoint, subject(tiers=PICTURE, channel=channel, trail=trail)))
        assert reading.picture is not None
        trail = reading.picture.trail
        labels.append(reading.picture.label)

    assert (labels[-1] == "frozen") == frozen


@pytest.mark.parametrize("key", [CAMERA, RECORDER])
def test_17_and_22_nothing_is_subscribed_and_nothing_written(city: RunningCity, key: str) -> None:
    subjects = SUBJECTS if key == RECORDER else ()
    look(_goal(city, key, *subjects))
    operations = {one.operation for one in city.requests(key)}

    assert operations - {""}
    assert all(not name or name.startswith("Get") for name in operations)


def test_18_one_more_camera_costs_no_more_than_its_state(city: RunningCity) -> None:
    async def go() -> int:
        session = Session()
        goal = _goal(city, CAMERA, subject(tiers=HEARTBEAT, passport=LEARNED))
        await visit(goal, session)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(20):
            await visit(replace(goal, zone=f"z{number}"), session)
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        session.close()
        return grown // 20

    assert asyncio.run(go()) < 50_000  # a client of onvif-zeep takes 9.75 MB


def _secrets_of(reading: Reading) -> str:
    return repr(plain(reading)) + repr(reading)


@pytest.mark.parametrize(
    "address",
    [
        "http://admin:S3cret-word@192.168.1.64/snap.jpg",
        "http://192.168.1.64/webcapture.jpg?command=snap&amp;user=admin&amp;password=S3cret-word",
        "http://192.168.1.64/snap.jpg?usr=admin&amp;pwd=S3cret-word",
        "/user=admin_password=S3cret-word_channel=1",
    ],
)
def test_19_a_login_in_an_address_reaches_no_log_and_no_passport(address: str) -> None:
    told: list[object] = []
    script = Script({"GetSnapshotUri": lambda asked: uri(address) if asked.signed else fault("NotAuthorized", "no")})
    with serving(script) as fake:
        [reading] = look(target(fake.port, password="S3cret-word"), on_step=lambda *step: told.append(step))

    assert "S3cret-word" not in _secrets_of(reading)
    assert "S3cret-word" not in repr(told)


def test_21_the_words_of_another_character_set_are_read(city: RunningCity) -> None:
    city.set_faults(CAMERA, soap_charset="gb18030")

    assert look(_goal(city, CAMERA))[0].facts["manufacturer"] == HAIKANG


def test_22_what_was_learned_outlasts_a_reboot(city: RunningCity) -> None:
    [before] = look(_goal(city, CAMERA))
    passport = {**before.passport, **ASKED_TODAY}
    city.set_faults(CAMERA, off=True)
    [during] = look(_goal(city, CAMERA, subject(passport=passport)))
    city.set_faults(CAMERA, off=False, clock_dead=1970)
    city.forget_requests(CAMERA)
    [after] = look(_goal(city, CAMERA, subject(passport=passport)))

    assert during.passport == {}
    assert causes(after) == {CLOCK: "clock_dead"}
    assert [one.operation for one in city.requests(CAMERA)].count("GetProfiles") == 0
