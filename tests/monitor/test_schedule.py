"""Specification of the schedule: when an endpoint is due, who may visit it, and what the visitor is told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from devices.models import Device, Endpoint
from monitor import schedule
from monitor.health import State, Track
from monitor.models import Passport, PolicyRule, Schedule
from monitor.schedule import BATCH, LEASE_S, LOOK_BURST, PICTURE_BATCH, phase_after
from monitor.wire import Aspect, Probe, Subject, Target, Tier
from tests import factories
from tests.monitor.visits import START, minute

HEARTBEAT, PICTURE, FACTS = frozenset({Tier.HEARTBEAT}), frozenset({Tier.PICTURE}), frozenset({Tier.FACTS})
SOON = minute(1)
BEIJING = timezone(timedelta(hours=8))


@pytest.fixture
def camera(db: None) -> Device:
    return factories.device()


def row_of(device: Device) -> Schedule:
    return Schedule.objects.get(endpoint=device.endpoint_id)


def claims(device: Device, now: datetime, limit: int = BATCH) -> list[schedule.Claim]:
    assert device.endpoint is not None
    return schedule.claim(device.endpoint.zone_id, now, limit)


# -- phases


@given(
    st.integers(1, 10**9),
    st.sampled_from([5, 8, 15, 30, 60, 600, 3600, 86_400]),
    st.integers(1_700_000_000, 1_900_000_000),
    st.integers(0, 999_999),
)
def test_the_next_instant_is_soon_and_always_of_the_same_phase(
    endpoint: int, every: int, epoch: int, micros: int
) -> None:
    now = datetime.fromtimestamp(epoch, UTC) + timedelta(microseconds=micros)
    due = phase_after(endpoint, every, now)

    assert timedelta(0) < due - now <= timedelta(seconds=every)
    assert phase_after(endpoint, every, due) - due == timedelta(seconds=every)
    assert phase_after(endpoint, every, now.astimezone(BEIJING)) == due


@pytest.mark.parametrize("every", [60, 600, 3600])
def test_ten_thousand_endpoints_land_evenly(every: int) -> None:
    per_second = Counter(phase_after(endpoint, every, START) for endpoint in range(1, 10_001))

    assert len(per_second) == every
    assert max(per_second.values()) - min(per_second.values()) <= 1


# -- in step with the register


def test_a_new_endpoint_is_due_at_its_phase_and_its_facts_with_the_first_heartbeat(camera: Device) -> None:
    assert schedule.sync(START) == 1

    row = row_of(camera)
    assert (row.heartbeat_every, row.picture_every, row.facts_every) == (60, 600, 86_400)
    assert row.heartbeat_due == phase_after(row.pk, 60, START)
    assert row.picture_due == phase_after(row.pk, 600, START)
    assert row.facts_due == row.heartbeat_due
    assert row.due == min(row.heartbeat_due, row.picture_due)


def test_an_unchanged_register_changes_nothing(camera: Device) -> None:
    schedule.sync(START)
    before = Schedule.objects.values().get()

    assert schedule.sync(minute(30)) == 0
    assert Schedule.objects.values().get() == before


def test_an_endpoint_without_pictures_has_no_picture_due(db: None) -> None:
    switch = factories.device(kind="switch")
    schedule.sync(START)

    assert (row_of(switch).picture_every, row_of(switch).picture_due) == (None, None)


def test_an_endpoint_of_several_devices_has_one_row_with_the_shortest_intervals(camera: Device) -> None:
    factories.device(camera.compound, endpoint=camera.endpoint, channel=1, kind="facade")
    PolicyRule.objects.create(kind="facade", heartbeat_s=30, picture_s=300)
    PolicyRule.objects.create(kind="entrance", facts_s=7200)
    schedule.sync(START)

    row = Schedule.objects.get()
    assert (row.heartbeat_every, row.picture_every, row.facts_every) == (30, 300, 7200)


@pytest.mark.parametrize("why", [{"life": "removed"}, {"life": "planned"}, {"pause_reason": "painting"}])
def test_what_is_not_polled_has_no_row(camera: Device, why: dict[str, str]) -> None:
    schedule.sync(START)
    Device.objects.update(**why)

    assert schedule.sync(START) == 1
    assert not Schedule.objects.exists()


def test_a_visit_under_way_is_not_pulled_from_under_the_visitor(camera: Device) -> None:
    schedule.sync(START)
    Schedule.objects.update(leased_until=minute(1))
    Device.objects.update(pause_reason="painting")

    assert schedule.sync(START) == 0
    assert schedule.sync(minute(1)) == 1


def test_changed_intervals_keep_facts_lease_rest_and_second_look(camera: Device) -> None:
    schedule.sync(START)
    kept = {"facts_due": minute(99), "recheck_due": minute(0.01), "worked": True, "holds": 2, "leased_until": minute(1)}
    Schedule.objects.update(**kept)
    PolicyRule.objects.create(heartbeat_s=30)

    assert schedule.sync(START) == 1

    row = Schedule.objects.values(*kept, "heartbeat_every", "due").get()
    assert row == {**kept, "heartbeat_every": 30, "due": minute(0.01)}


def test_an_endpoint_that_moves_to_another_zone_is_polled_there(camera: Device) -> None:
    schedule.sync(START)
    other = factories.zone("other")
    Endpoint.objects.update(zone=other)

    assert schedule.sync(START) == 1
    assert row_of(camera).zone == other


def test_only_the_chosen_endpoints_are_brought_in_step(camera: Device) -> None:
    other = factories.device()
    schedule.sync(START, [camera.endpoint_id or 0])
    assert [row.endpoint_id for row in Schedule.objects.all()] == [camera.endpoint_id]

    Device.objects.update(pause_reason="painting")
    assert schedule.sync(START, [other.endpoint_id or 0]) == 0
    assert Schedule.objects.exists()


# -- claiming


@pytest.fixture
def due(camera: Device) -> Device:
    """A camera whose tiers are due at 1, 2 and 3 minutes."""
    factories.schedule(camera, heartbeat_due=minute(1), picture_due=minute(2), facts_due=minute(3), due=minute(1))
    return camera


@pytest.mark.parametrize(
    ("at", "tiers"),
    [(1, HEARTBEAT), (1.99, HEARTBEAT), (2, HEARTBEAT | PICTURE), (3, HEARTBEAT | PICTURE | FACTS)],
)
def test_a_claim_takes_every_tier_that_is_due(due: Device, at: float, tiers: frozenset[Tier]) -> None:
    [claim] = claims(due, minute(at))

    assert (claim.endpoint_id, claim.tiers, claim.recheck) == (due.endpoint_id, tiers, False)


def test_nothing_is_claimed_before_it_is_due(due: Device) -> None:
    assert claims(due, minute(1) - timedelta(microseconds=1)) == []


def test_a_claim_moves_what_was_due_to_the_next_instant_of_its_phase(due: Device) -> None:
    now = minute(2.5)
    claims(due, now)

    row = row_of(due)
    assert row.heartbeat_due == phase_after(row.pk, 60, now)
    assert row.picture_due == phase_after(row.pk, 600, now)
    assert row.facts_due == minute(3)
    assert row.due == min(row.heartbeat_due, row.picture_due, row.facts_due)


@pytest.mark.django_db
@given(endpoint=st.integers(1, 3_000_000_000), every=st.integers(5, 90_000), micros=st.integers(0, 10**9))
def test_the_database_and_we_agree_on_phases(endpoint: int, every: int, micros: int) -> None:
    now = START + timedelta(microseconds=micros)
    asked = schedule._NEXT.format(tier="heartbeat", spread=f"{schedule.SPREAD}::bigint")
    row = "(SELECT %(id)s::bigint AS endpoint_id, %(every)s::int AS heartbeat_every, %(now)s AS heartbeat_due) s"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked} FROM {row}", {"now": now, "id": endpoint, "every": every})  # noqa: S608
        assert cursor.fetchone()[0] == phase_after(endpoint, every, now)


def test_nothing_herds_after_an_outage_of_ours(db: None) -> None:
    """All were due long ago; claimed in one go, they are due evenly again."""
    zone, place = factories.zone(), factories.compound()
    ends = Endpoint.objects.bulk_create(Endpoint(zone=zone, host=f"10.1.{n // 250}.{n % 250}") for n in range(1200))
    Device.objects.bulk_create(
        Device(compound=place, kind="entrance", name=f"{n}", endpoint=end) for n, end in enumerate(ends)
    )
    schedule.sync(START)
    later = START + timedelta(hours=6, seconds=7)
    while schedule.claim(zone.pk, later):
        pass

    per_second = Counter(Schedule.objects.values_list("heartbeat_due", flat=True))
    assert (min(per_second.values()), max(per_second.values())) == (20, 20)
    assert min(per_second) > later


def test_the_longest_due_come_first(camera: Device) -> None:
    other = factories.device()
    factories.schedule(camera, due=minute(1))
    factories.schedule(other, due=minute(0))

    assert [claim.endpoint_id for claim in claims(camera, minute(2), limit=1)] == [other.endpoint_id]


def test_zones_are_claimed_apart(due: Device) -> None:
    assert schedule.claim(factories.zone("other").pk, minute(9)) == []


def test_a_claim_is_a_lease_of_its_own(due: Device) -> None:
    [claim] = claims(due, minute(1))

    row = row_of(due)
    assert (str(row.lease), row.leased_until) == (claim.lease, minute(1) + timedelta(seconds=LEASE_S))


def test_a_leased_endpoint_is_not_claimed_until_the_lease_is_over(due: Device) -> None:
    [first] = claims(due, minute(1))
    until = minute(1) + timedelta(seconds=LEASE_S)
    Schedule.objects.update(due=minute(1))

    assert claims(due, until - timedelta(microseconds=1)) == []
    [again] = claims(due, until)
    assert again.lease != first.lease


def test_a_claim_tells_about_the_login(due: Device) -> None:
    Schedule.objects.update(worked=True, hold_until=minute(9), hold_cause="login_refused")
    [claim] = claims(due, minute(1))

    assert (claim.worked, claim.hold_until, claim.hold_cause) == (True, minute(9), "login_refused")


def test_a_second_look_is_claimed_once_and_asks_for_no_tier(due: Device) -> None:
    Schedule.objects.update(recheck_due=START, due=START)
    [claim] = claims(due, START)

    assert (claim.tiers, claim.recheck) == (frozenset(), True)
    assert row_of(due).recheck_due is None
    assert row_of(due).due == minute(1)


def test_a_second_look_that_is_not_due_yet_stays(due: Device) -> None:
    soon = minute(1) + timedelta(milliseconds=1)
    Schedule.objects.update(recheck_due=soon)
    [claim] = claims(due, minute(1))

    assert claim.recheck is False
    assert (row_of(due).recheck_due, row_of(due).due) == (soon, soon)


# -- two at the same time


@pytest.fixture
def endpoints(transactional_db: None) -> Iterator[int]:
    """Many endpoints due; the zone's id."""
    zone, place = factories.zone(), factories.compound()
    ends = Endpoint.objects.bulk_create(Endpoint(zone=zone, host=f"10.2.0.{n}") for n in range(200))
    Device.objects.bulk_create(
        Device(compound=place, kind="entrance", name=f"{n}", endpoint=end) for n, end in enumerate(ends)
    )
    schedule.sync(START)
    yield zone.pk


def in_threads(count: int, work: Callable[[], object]) -> None:
    """Do the same in several threads, each with a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_each_endpoint_is_claimed_by_one_of_several(endpoints: int) -> None:
    got: list[int] = []
    gate = threading.Barrier(4)

    def work() -> None:
        gate.wait()
        while found := schedule.claim(endpoints, minute(60), limit=7):
            got.extend(claim.endpoint_id for claim in found)

    in_threads(4, work)

    assert len(got) == len(set(got)) == 200


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_is_writing_is_passed_over(endpoints: int) -> None:
    held = Schedule.objects.order_by("pk")[0].pk
    got: list[int] = []

    with transaction.atomic():
        Schedule.objects.select_for_update().get(pk=held)
        in_threads(1, lambda: got.extend(claim.endpoint_id for claim in schedule.claim(endpoints, minute(60))))

    assert held not in got
    assert len(got) == 199


@pytest.mark.django_db(transaction=True)
def test_one_of_two_looks_at_the_same_device_gets_the_lease(transactional_db: None) -> None:
    camera = factories.device()
    gate, got = threading.Barrier(4), []

    def work() -> None:
        gate.wait()
        got.append(schedule.claim_for_look(camera, START))

    in_threads(4, work)

    assert sorted(claim is None for claim in got) == [False, True, True, True]


# -- a person's look


def test_a_look_takes_the_lease_and_asks_for_everything(due: Device) -> None:
    claim = schedule.claim_for_look(due, START)

    assert claim is not None
    row = row_of(due)
    assert (claim.tiers, claim.recheck) == (frozenset(Tier), False)
    assert (str(row.lease), row.leased_until) == (claim.lease, START + timedelta(seconds=LEASE_S))
    assert row.due == minute(1)


def test_a_look_waits_for_a_visit_under_way(due: Device) -> None:
    claims(due, minute(1))
    until = minute(1) + timedelta(seconds=LEASE_S)

    assert schedule.claim_for_look(due, until - timedelta(microseconds=1)) is None
    assert schedule.claim_for_look(due, until) is not None


@pytest.mark.parametrize("why", [{"pause_reason": "painting"}, {"life": "planned"}])
def test_a_device_that_is_not_polled_can_be_looked_at(camera: Device, why: dict[str, str]) -> None:
    Device.objects.update(**why)
    camera.refresh_from_db()
    claim = schedule.claim_for_look(camera, START)

    assert claim is not None
    [target] = schedule.targets([claim], only=camera)
    assert [subject.device_id for subject in target.subjects] == [camera.pk]


def test_a_look_is_for_one_channel_with_a_deeper_bucket_and_the_original(due: Device) -> None:
    factories.device(due.compound, endpoint=due.endpoint, channel=1)
    claim = schedule.claim_for_look(due, START)
    assert claim is not None

    [target] = schedule.targets([claim], only=due)

    assert [(item.device_id, item.keep_original) for item in target.subjects] == [(due.pk, True)]
    assert target.burst == LOOK_BURST


# -- targets


def target_of(device: Device, now: datetime = SOON) -> Target:
    [target] = schedule.targets(claims(device, now))
    return target


def test_a_target_says_where_as_whom_and_how_politely(due: Device) -> None:
    assert due.endpoint is not None
    due.endpoint.credential = factories.credential(username="admin", password="geheim")
    due.endpoint.scheme, due.endpoint.port, due.endpoint.basic_in_clear = "https", 8443, True
    due.endpoint.save()
    PolicyRule.objects.create(burst=3, refill_s=7, deadline_s=9)
    Schedule.objects.update(worked=True, hold_until=minute(9), hold_cause="login_refused")

    target = target_of(due)

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


def test_a_paused_channel_is_left_out(due: Device) -> None:
    factories.device(due.compound, endpoint=due.endpoint, channel=1, pause_reason="painting")

    assert [item.device_id for item in target_of(due).subjects] == [due.pk]


def test_an_endpoint_whose_devices_are_all_paused_is_no_target(due: Device) -> None:
    found = claims(due, minute(1))
    Device.objects.update(pause_reason="painting")

    assert schedule.targets(found) == []


def subject_of(device: Device, now: datetime = SOON) -> Subject:
    [subject] = target_of(device, now).subjects
    return subject


def test_a_subject_carries_what_is_known(due: Device) -> None:
    Device.objects.update(serial="S-1")
    Passport.objects.create(device=due, learned={"path": "/snap"})
    factories.state(due, trail=b"trail")
    factories.learned(due, b"model")

    subject = subject_of(due)

    assert (subject.channel, subject.serial, subject.sees) == (0, "S-1", True)
    assert (subject.passport, subject.trail, subject.model) == ({"path": "/snap"}, b"trail", b"model")
    assert subject.tiers == HEARTBEAT


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
    found = schedule.claim(factories.zone().pk, minute(10**6))

    with django_assert_num_queries(3):
        assert len(schedule.targets(found)) == 30


# -- batches


def target(number: int, *tiers: Tier) -> Target:
    return Target(number, "local", "10.0.0.1", 80, (Subject(number, frozenset(tiers)),))


@pytest.mark.parametrize(
    ("tier", "count", "sizes"),
    [
        (Tier.HEARTBEAT, BATCH, [BATCH]),
        (Tier.HEARTBEAT, BATCH + 1, [BATCH, 1]),
        (Tier.PICTURE, PICTURE_BATCH, [PICTURE_BATCH]),
        (Tier.PICTURE, PICTURE_BATCH * 2 + 1, [PICTURE_BATCH, PICTURE_BATCH, 1]),
        (Tier.PICTURE, 0, []),
    ],
)
def test_batches_are_small_enough_to_be_done_in_time(tier: Tier, count: int, sizes: list[int]) -> None:
    assert [len(batch) for batch in schedule.batches(target(n, tier) for n in range(count))] == sizes


def test_pictures_travel_apart_and_nothing_is_lost() -> None:
    found = [target(1, Tier.HEARTBEAT), target(2, Tier.PICTURE, Tier.HEARTBEAT), target(3, Tier.FACTS)]

    assert [[item.endpoint_id for item in batch] for batch in schedule.batches(found)] == [[1, 3], [2]]
