"""Cameras and recorders of the virtual city, reached by all their ways, and what each visit costs them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.probes.session import Session
from monitor.probes.visit import visit
from monitor.simulator.plan import ChannelPlan, CityPlan, DevicePlan
from monitor.simulator.server import RunningCity
from monitor.wire import Aspect, Credential, Reading, Subject, Target
from tests.monitor.probes.device import look
from tests.monitor.probes.fake import ALL_TIERS, HEARTBEAT, PICTURE, subject, target
from tests.monitor.probes.test_visit import causes

ACCESS, CLOCK, SIGHT, IDENTITY = Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE, Aspect.IDENTITY
BEAT_AND_PICTURE = HEARTBEAT | PICTURE
CHANNELS = 4


@pytest.fixture(scope="module")
def city() -> Iterator[RunningCity]:
    """A camera, and a recorder with four channels."""
    channels = tuple(ChannelPlan(f"channel-{number}") for number in range(1, CHANNELS + 1))
    camera = DevicePlan("camera", password="pw", size=(640, 360))
    recorder = DevicePlan("recorder", kind="recorder", password="pw", channels=channels, size=(640, 360))
    with RunningCity(CityPlan((camera, recorder))) as running:
        yield running


@pytest.fixture(autouse=True)
def healthy(city: RunningCity) -> None:
    """Every test begins with a city at peace that has been asked nothing."""
    city.reset()
    for key in ("camera", "recorder"):
        city.forget_requests(key)


def visits(*targets: Target, passports: Mapping[int, Mapping[str, Any]] | None = None) -> list[list[Reading]]:
    """Visits one after another in one process; each knows what those before it have learned."""

    async def go() -> list[list[Reading]]:
        session, found = Session(), []
        learned = {device_id: dict(passport) for device_id, passport in (passports or {}).items()}
        for goal in targets:
            subjects = tuple(replace(one, passport=learned.get(one.device_id, one.passport)) for one in goal.subjects)
            readings = await visit(replace(goal, subjects=subjects), session)
            for one, reading in zip(subjects, readings, strict=True):
                learned[one.device_id] = {**one.passport, **reading.passport}
            found.append(readings)
        session.close()
        return found

    return asyncio.run(go())


def costs(city: RunningCity, goal: Target, count: int) -> list[list[str]]:
    """What each of so many equal visits of the camera asks: operations, and addresses for what is none."""
    found: list[list[str]] = []
    for visited in range(1, count + 1):
        city.forget_requests("camera")
        visits(*[goal] * visited)
        said = [one.operation or one.path for one in city.requests("camera")]
        found.append(said[sum(map(len, found)) :])
    return found


# -- what a visit costs


def test_a_first_visit_asks_for_everything_on_one_connection(city: RunningCity) -> None:
    before = city.connections("camera").opened
    assert causes(look(target(city.port("camera")))[0]) == {}
    assert (
        len(city.requests("camera")) <= 11
    )  # clock, identity, services, profiles, address, picture; three challenges; two facts
    assert city.connections("camera").opened == before + 1


def test_a_heartbeat_asks_once(city: RunningCity) -> None:
    goal = target(city.port("camera"), subject(tiers=HEARTBEAT))
    assert costs(city, goal, 2) == [["GetSystemDateAndTime"]] * 2


def test_a_picture_visit_asks_twice_once_the_nonce_is_known(city: RunningCity) -> None:
    goal = target(city.port("camera"), subject(tiers=BEAT_AND_PICTURE))
    *_, steady = costs(city, goal, 3)
    assert steady == ["GetSystemDateAndTime", "/onvif-http/snapshot?Profile_1"]


@pytest.mark.parametrize("fault", ["html_picture", "empty_picture", "no_snapshot", "onvif_off"])
def test_a_fault_that_stays_costs_at_most_two_requests_more(city: RunningCity, fault: str) -> None:
    goal = target(city.port("camera"), subject(tiers=BEAT_AND_PICTURE))
    city.set_faults("camera", **{fault: True})
    costly = costs(city, goal, 6)
    assert [len(one) for one in costly[1:] if len(one) > 2 + 2] == []
    assert len(costly[-1]) <= 2


# -- ways


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({"no_snapshot": True, "vendor_snapshot": "isapi"}, {}),
        ({"no_snapshot": True, "vendor_snapshot": "dahua_cgi"}, {}),
        (
            {"onvif_off": True, "vendor_snapshot": "dahua_cgi"},
            {ACCESS: "service_missing", CLOCK: "no_reply", IDENTITY: "no_reply"},
        ),
        (
            {"onvif_off": True, "page_title": "Wireless Router"},
            {ACCESS: "not_a_camera", CLOCK: "no_reply", IDENTITY: "no_reply", SIGHT: "no_reply"},
        ),
    ],
)
def test_a_person_s_first_look_finds_the_way(
    city: RunningCity, faults: Mapping[str, object], expected: dict[Aspect, str]
) -> None:
    city.set_faults("camera", **faults)
    assert causes(look(target(city.port("camera")))[0]) == expected


def test_an_onvif_user_that_is_missing_is_found_at_the_cost_of_one_refusal_a_rest(city: RunningCity) -> None:
    city.set_faults("camera", onvif_user=True, vendor_snapshot="isapi")
    port, make = city.port("camera"), {"vendor": "hikvision"}
    past = datetime.now(UTC) - timedelta(seconds=1)
    refused, found = visits(
        target(port, subject(passport=make)),
        target(port, subject(passport=make), hold_until=past, hold_cause="login_refused"),
    )
    assert causes(refused[0])[ACCESS] == "login_refused"
    assert causes(found[0]) == {ACCESS: "onvif_user_missing", IDENTITY: "login_held"}
    assert sum(one.credentials and one.status != 200 for one in city.requests("camera")) == 2


# -- recorders


def _recorder(city: RunningCity, *channels: int, **given: Any) -> Target:
    subjects = [Subject(number, PICTURE, channel=number) for number in channels]
    return target(city.port("recorder"), Subject(100, HEARTBEAT, sees=False), *subjects, **given)


def test_a_recorder_s_channels_are_asked_over_one_connection_within_its_budget(city: RunningCity) -> None:
    learning = visits(_recorder(city, 1, 2, 3, 4))[0]
    assert [causes(one) for one in learning[1:]] == [{}] * CHANNELS
    before = city.connections("recorder").opened
    city.forget_requests("recorder")
    known = {one.device_id: one.passport for one in learning}
    polite = _recorder(city, 1, 2, burst=4, refill_s=5.0, deadline_s=4.0)
    assert [causes(one) for one in visits(polite, passports=known)[0]] == [{}, {}, {}]
    assert len(city.requests("recorder")) == 4  # the clock, a challenge, two pictures
    assert city.connections("recorder").opened == before + 1
    assert city.connections("recorder").most == 1


@pytest.mark.parametrize("rung", ["isapi", "dahua_cgi"])
def test_each_channel_is_asked_for_by_its_number(city: RunningCity, rung: str) -> None:
    city.set_faults("recorder", no_snapshot=True, vendor_snapshot=rung)
    make = {"isapi": "hikvision", "dahua_cgi": "dahua"}[rung]
    subjects = [Subject(n, PICTURE, channel=n, passport={"vendor": make}) for n in (3, 1)]
    readings = look(target(city.port("recorder"), *subjects))
    assert [causes(one) for one in readings] == [{}, {}]
    assert [one.passport["snapshot_rung"] for one in readings] == [rung, rung]
    paths = [one.path for one in city.requests("recorder") if one.method == "GET" and one.status == 200]
    assert [any(mark in path for mark in ("/301/", "=3")) for path in paths] == [True, False]


def test_a_channel_that_is_not_there_is_no_fault_of_the_others(city: RunningCity) -> None:
    own, good, gone = visits(_recorder(city, 1, 9))[0]
    assert causes(own) == causes(good) == {}
    assert causes(gone)[SIGHT] == "snapshot_missing"


def test_who_knows_no_password_is_asked_nothing_that_needs_one_twice(city: RunningCity) -> None:
    goal = replace(_recorder(city, 1, 2, 3), credential=Credential("admin", "wrong"))
    own, *channels = visits(goal)[0]
    assert causes(own)[ACCESS] == "login_refused"
    assert all(causes(one)[SIGHT] == "login_held" for one in channels)
    assert sum(one.credentials for one in city.requests("recorder")) == 1


def test_every_tier_at_once_is_within_a_person_s_budget_of_time(city: RunningCity) -> None:
    reading = look(target(city.port("camera"), subject(tiers=ALL_TIERS), burst=8, refill_s=5.0, deadline_s=10.0))[0]
    assert causes(reading) == {}
    assert reading.took_ms < 5000
