"""Every fault of the virtual city gets its verdict: link, access, clock, picture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.simulator.plan import AUTH_MODES, ChannelPlan, CityPlan, DevicePlan
from monitor.simulator.server import RunningCity
from monitor.wire import Aspect, Subject
from tests.monitor.probes.device import look, looks
from tests.monitor.probes.fake import ALL_TIERS, HEARTBEAT, PICTURE, subject, target
from tests.monitor.probes.test_visit import causes

LINK, ACCESS, CLOCK, SIGHT, IDENTITY = Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE, Aspect.IDENTITY
SIZE = (640, 360)
DOWN = dict.fromkeys((ACCESS, CLOCK, SIGHT, IDENTITY), "link_down")
MUTE = dict.fromkeys((CLOCK, SIGHT, IDENTITY), "no_reply")
HELD = {SIGHT: "login_held", IDENTITY: "login_held"}

SCRIPT = [
    ({}, {}),
    ({"off": True}, {LINK: "port_closed"} | DOWN),
    ({"silent": True}, {LINK: "silent"} | DOWN),
    ({"drip": 1.0}, {SIGHT: "picture_too_slow"}),
    ({"drip": 1.0, "drip_all": True}, {ACCESS: "protocol"} | MUTE),
    ({"close_without_saying": True}, {}),
    ({"busy": True}, {ACCESS: "busy"} | MUTE),
    ({"redirect": True}, {ACCESS: "protocol"} | MUTE),
    *(({"garbage": kind}, {ACCESS: "protocol"} | MUTE) for kind in ("nuls", "status", "header", "length", "chunks")),
    ({"wrong_password": True}, {ACCESS: "login_refused"} | HELD),
    ({"wrong_password": True, "lockout_after": 1}, {ACCESS: "locked_out"} | HELD),
    ({"stale_each": True}, {}),
    ({"created_needs_z": True}, {}),
    ({"clock_offset_s": 28_800.0}, {CLOCK: "time_zone"}),
    ({"clock_offset_s": -400.0}, {CLOCK: "clock_off"}),
    ({"clock_local_in_utc": True}, {}),
    ({"clock_dead": 1970}, {CLOCK: "clock_dead"}),
    ({"clock_dead": 2015}, {CLOCK: "clock_dead"}),
    ({"clock_needs_login": True}, {CLOCK: "needs_login"}),
    ({"onvif_off": True}, {ACCESS: "service_missing"} | MUTE),
    ({"nat_address": True}, {}),
    ({"fault_200": True}, {}),
    ({"soap_401": True}, {}),
    ({"no_snapshot": True}, {SIGHT: "snapshot_missing"}),
    ({"html_picture": True}, {SIGHT: "not_a_picture"}),
    ({"empty_picture": True}, {SIGHT: "empty_picture"}),
    ({"truncated_picture": True}, {SIGHT: "corrupt"}),
]


@pytest.fixture(scope="module")
def city() -> Iterator[RunningCity]:
    """One camera of each way to log in, and a recorder with two channels."""
    devices = [DevicePlan(mode, password="pw", auth=mode, size=SIZE) for mode in AUTH_MODES]
    channels = (ChannelPlan("channel-1"), ChannelPlan("channel-2"))
    recorder = DevicePlan("recorder", kind="recorder", password="pw", channels=channels, size=SIZE)
    with RunningCity(CityPlan((*devices, recorder))) as running:
        yield running


@pytest.fixture(autouse=True)
def healthy(city: RunningCity) -> None:
    """Every test begins with a city at peace."""
    city.reset()


@pytest.mark.parametrize(("faults", "expected"), SCRIPT, ids=lambda value: " ".join(map(str, value)) or "healthy")
def test_the_verdict_of_each_fault(city: RunningCity, faults: dict[str, object], expected: dict[Aspect, str]) -> None:
    city.set_faults("digest", **faults)
    limit_s = 1.0 if "drip" in faults or "silent" in faults else 5.0
    reading = look(target(city.port("digest"), deadline_s=limit_s))[0]
    assert causes(reading) == expected
    assert reading.took_ms < limit_s * 1000 + 250


@pytest.mark.parametrize("mode", AUTH_MODES)
def test_each_way_to_log_in_is_found_and_kept(city: RunningCity, mode: str) -> None:
    first = look(target(city.port(mode), basic_in_clear=True))[0]
    assert causes(first) == {}
    city.forget_requests(mode)
    passport = first.passport
    beat, cold, warm = looks(
        target(city.port(mode), subject(tiers=HEARTBEAT, passport=passport)),
        target(city.port(mode), subject(tiers=PICTURE, passport=passport), basic_in_clear=True),
        target(city.port(mode), subject(tiers=PICTURE, passport=passport), basic_in_clear=True),
    )
    assert causes(beat) == causes(cold) == causes(warm) == {}
    assert len(city.requests(mode)) <= 1 + 2 + 1
    assert not city.requests(mode)[0].credentials


def test_a_wrong_password_is_tried_once(city: RunningCity) -> None:
    city.set_faults("digest", wrong_password=True)
    city.forget_requests("digest")
    look(target(city.port("digest")))
    assert sum(one.credentials for one in city.requests("digest")) == 1


def test_a_recorder_and_its_channels(city: RunningCity) -> None:
    city.set_faults("channel-2", html_picture=True)
    subjects = (
        Subject(1, ALL_TIERS, sees=False),
        Subject(2, ALL_TIERS, channel=1),
        Subject(3, ALL_TIERS, channel=2),
    )
    own, first, second = look(target(city.port("recorder"), *subjects))
    assert causes(own) == {}
    assert causes(first) == {CLOCK: "not_offered", IDENTITY: "not_offered"}
    assert causes(second) == {CLOCK: "not_offered", IDENTITY: "not_offered", SIGHT: "not_a_picture"}
    assert first.passport["profile"] != second.passport["profile"]
