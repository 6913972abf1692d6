"""Specification of targets: what a visitor is told about an endpoint, and about each device seen through it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from devices.models import Device
from monitor import claims, schedule
from monitor.claims import BATCH, Claim
from monitor.health import State, Track
from monitor.models import Passport, PolicyRule, Schedule
from monitor.targets import LOOK_BURST, targets
from monitor.wire import Aspect, Probe, Subject, Target, Tier
from tests import factories
from tests.monitor.visits import START, claim_due, minute

HEARTBEAT, PICTURE, FACTS = frozenset({Tier.HEARTBEAT}), frozenset({Tier.PICTURE}), frozenset({Tier.FACTS})
SOON = minute(1)


@pytest.fixture
def camera(db: None) -> Device:
    return factories.device()


@pytest.fixture
def due(camera: Device) -> Device:
    """A camera whose tiers are due at 1, 2 and 3 minutes."""
    factories.schedule(camera, heartbeat_due=minute(1), picture_due=minute(2), facts_due=minute(3), due=minute(1))
    return camera


def row_of(device: Device) -> Schedule:
    return Schedule.objects.get(endpoint=device.endpoint_id)


def claimed(device: Device, now: datetime, limit: int = BATCH) -> list[Claim]:
    assert device.endpoint is not None
    return claim_due(device.endpoint.zone_id, now, limit)


def target_of(device: Device, now: datetime = SOON) -> Target:
    [target] = targets(claimed(device, now), now)
    return target


def test_a_target_says_where_as_whom_and_how_politely(due: Device) -> None:
    assert due.endpoint is not None
    due.endpoint.credential = factories.credential(username="admin", password="geheim")
    due.endpoint.scheme, due.endpoint.port, due.endpoint.basic_in_clear = "https", 8443, True
    due.endpoint.save()
    PolicyRule.objects.create(burst=3, refill_s=7, deadline_s=9)
    Schedule.objects.update(worked=True, hold_until=minute(9), hold_cause="login_refused")

    target = target_of(due, minute(2))

    assert (target.endpoint_id, target.zone, target.scheme) == (due.endpoint_id, "local", "https")
    assert (target.host, target.port, target.basic_in_clear) == (due.endpoint.host, 8443, True)
    assert target.credential is not None
    assert (target.credential.username, target.credential.password) == ("admin", "geheim")
    assert (target.burst, target.refill_s, target.deadline_s) == (3, 7.0, 9.0)
    assert (target.worked, target.hold_until, target.hold_cause) == (True, minute(9), "login_refused")
    assert target.lease == str(row_of(due).lease)


def test_a_target_without_credential_has_none(due: Device) -> None:
    assert target_of(due).credential is None


@pytest.mark.parametrize(
    ("kind", "probe"),
    [
        ("entrance", Probe.ONVIF),
        ("recorder", Probe.ONVIF),
        ("loudspeaker", Probe.HTTP),
        ("access_control", Probe.HTTP),
        ("barrier", Probe.HTTP),
        ("switch", Probe.TCP),
        ("onu", Probe.TCP),
    ],
)
def test_the_kind_names_the_probe(due: Device, kind: str, probe: Probe) -> None:
    Device.objects.update(kind=kind)

    assert target_of(due).probe is probe


@pytest.mark.parametrize(
    ("demo", "demo_zone", "allowed"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_loopback_only_for_demo_zones_of_a_demo(
    due: Device, settings: Settings, demo: bool, demo_zone: bool, allowed: bool
) -> None:
    settings.VIEWKEEPER_DEMO = demo
    assert due.endpoint is not None
    due.endpoint.zone.demo = demo_zone
    due.endpoint.zone.save()

    assert target_of(due).loopback is allowed


def test_devices_of_an_endpoint_share_a_target_in_the_order_of_their_channels(due: Device) -> None:
    second = factories.device(due.compound, endpoint=due.endpoint, channel=2)
    first = factories.device(due.compound, endpoint=due.endpoint, channel=1)

    assert [item.device_id for item in target_of(due).subjects] == [due.pk, first.pk, second.pk]


def test_channels_of_a_recorder_take_turns(db: None) -> None:
    place, end = factories.compound(), factories.endpoint()
    factories.device(place, kind="recorder", endpoint=end)
    channels = [factories.device(place, endpoint=end, channel=number) for number in range(1, 7)]
    schedule.sync(START)

    every_s = Schedule.objects.get().picture_every
    assert every_s == 600 * schedule.CHANNELS_A_VISIT // 6
    seen: list[int] = []
    for turn in range(1, 4):
        now = START + turn * timedelta(seconds=1.1 * every_s)
        Schedule.objects.update(leased_until=None)
        taken = [one.device_id for one in target_of(channels[0], now).subjects if Tier.PICTURE in one.tiers]
        assert len(taken) == schedule.CHANNELS_A_VISIT
        for device_id in taken:
            factories.pictured(device_id, now)
        seen += taken
    assert sorted(seen) == [channel.pk for channel in channels]


def test_a_paused_channel_is_left_out(due: Device) -> None:
    factories.device(due.compound, endpoint=due.endpoint, channel=1, pause_reason="painting")

    assert [item.device_id for item in target_of(due).subjects] == [due.pk]


def test_an_endpoint_whose_devices_are_all_paused_is_no_target(due: Device) -> None:
    found = claimed(due, minute(1))
    Device.objects.update(pause_reason="painting")

    assert targets(found, SOON) == []


def subject_of(device: Device, now: datetime = SOON) -> Subject:
    [subject] = target_of(device, now).subjects
    return subject


def test_a_subject_carries_what_is_known(due: Device) -> None:
    Device.objects.update(serial="S-1")
    Passport.objects.create(device=due, learned={"path": "/snap"})
    factories.state(due, trail=b"trail")
    factories.learned(due, b"model")

    subject = subject_of(due, minute(2))

    assert (subject.channel, subject.serial, subject.sees) == (0, "S-1", True)
    assert (subject.passport, subject.trail, subject.model) == ({"path": "/snap"}, b"trail", b"model")
    assert subject.tiers == HEARTBEAT | PICTURE


def test_neither_login_nor_model_travels_for_a_heartbeat(due: Device) -> None:
    assert due.endpoint is not None
    due.endpoint.credential = factories.credential()
    due.endpoint.save()
    factories.state(due, trail=b"trail")
    factories.learned(due, b"model")

    target, subject = target_of(due), subject_of(due, minute(2.5))

    assert target.credential is None
    assert (target.subjects[0].trail, target.subjects[0].model) == (b"", b"")
    assert (subject.trail, subject.model) == (b"trail", b"model")


def test_a_new_device_is_known_for_nothing(due: Device) -> None:
    subject = subject_of(due)

    assert (subject.passport, subject.trail, subject.model) == ({}, b"", b"")
    assert not subject.keep_original


def test_what_sees_nothing_is_never_asked_for_a_picture(due: Device) -> None:
    factories.device(due.compound, endpoint=due.endpoint, channel=1, kind="loudspeaker")
    [camera, speaker] = target_of(due, minute(2)).subjects

    assert (camera.tiers, speaker.tiers) == (HEARTBEAT | PICTURE, HEARTBEAT)


@pytest.mark.parametrize(
    ("aspect", "tiers"),
    [
        (Aspect.LINK, HEARTBEAT),
        (Aspect.CLOCK, HEARTBEAT),
        (Aspect.ACCESS, HEARTBEAT | PICTURE),
        (Aspect.PICTURE, HEARTBEAT | PICTURE),
        (Aspect.IDENTITY, HEARTBEAT | FACTS),
    ],
)
@pytest.mark.parametrize("state", [State.SUSPECT, State.RECOVERING])
def test_a_second_look_asks_for_what_is_undecided_and_keeps_an_undecided_picture_whole(
    due: Device, aspect: Aspect, tiers: frozenset[Tier], state: State
) -> None:
    factories.state(due, {aspect: Track(state, at=START)})
    Schedule.objects.update(recheck_due=START, due=START)

    subject = subject_of(due, START)

    assert (subject.tiers, subject.keep_original) == (tiers, aspect is Aspect.PICTURE)


@pytest.mark.parametrize("state", [State.OK, State.FAULTY, State.UNKNOWN])
def test_a_second_look_at_what_is_decided_is_a_heartbeat(due: Device, state: State) -> None:
    """Somebody else's suspicion asked for it: a child's, a neighbour's on the same recorder."""
    factories.state(due, {Aspect.PICTURE: Track(state, at=START)})
    Schedule.objects.update(recheck_due=START, due=START)

    subject = subject_of(due, START)

    assert (subject.tiers, subject.keep_original) == (HEARTBEAT, False)


def test_the_number_of_statements_does_not_grow_with_the_claims(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(30):
        factories.schedule(factories.device(endpoint=factories.endpoint(credential=factories.credential())))
    found = claim_due(factories.zone().pk, minute(10**6))

    with django_assert_num_queries(2):
        assert len(targets(found, SOON)) == 30


# -- a person's look


@pytest.mark.parametrize("why", [{"pause_reason": "painting"}, {"life": "planned"}])
def test_a_device_that_is_not_polled_can_be_looked_at(camera: Device, why: dict[str, str]) -> None:
    Device.objects.update(**why)
    camera.refresh_from_db()
    claim = claims.claim_for_look(camera, START)

    assert claim is not None
    [target] = targets([claim], START, only=camera)
    assert [subject.device_id for subject in target.subjects] == [camera.pk]


def test_a_look_is_for_one_channel_with_a_deeper_bucket_and_the_original(due: Device) -> None:
    factories.device(due.compound, endpoint=due.endpoint, channel=1)
    claim = claims.claim_for_look(due, START)
    assert claim is not None

    [target] = targets([claim], START, only=due)

    assert [(item.device_id, item.keep_original) for item in target.subjects] == [(due.pk, True)]
    assert target.burst == LOOK_BURST
