"""Specification of claims: what is due is leased once, and its instants move on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from devices.models import Device, Endpoint
from monitor import claims, schedule
from monitor.claims import BATCH, LEASE_S, Claim
from monitor.models import Schedule
from monitor.pace import Clock
from monitor.schedule import phase_after
from monitor.wire import Tier
from tests import factories
from tests.monitor.visits import START, claim_due, minute

HEARTBEAT, PICTURE, FACTS = frozenset({Tier.HEARTBEAT}), frozenset({Tier.PICTURE}), frozenset({Tier.FACTS})


@pytest.fixture
def camera(db: None) -> Device:
    return factories.device()


def row_of(device: Device) -> Schedule:
    return Schedule.objects.get(endpoint=device.endpoint_id)


def claimed(device: Device, now: datetime, limit: int = BATCH) -> list[Claim]:
    assert device.endpoint is not None
    return claim_due(device.endpoint.zone_id, now, limit)


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
    [claim] = claimed(due, minute(at))

    assert (claim.endpoint_id, claim.tiers, claim.recheck) == (due.endpoint_id, tiers, False)


def test_nothing_is_claimed_before_it_is_due(due: Device) -> None:
    assert claimed(due, minute(1) - timedelta(microseconds=1)) == []


def test_a_claim_moves_what_was_due_to_the_next_instant_of_its_phase(due: Device) -> None:
    now = minute(2.5)
    claimed(due, now)

    row = row_of(due)
    assert row.heartbeat_due == phase_after(row.pk, 60, now)
    assert row.picture_due == phase_after(row.pk, 600, now)
    assert row.facts_due == minute(3)
    assert row.due == min(row.heartbeat_due, row.picture_due, row.facts_due)


@pytest.mark.django_db
@given(
    endpoint=st.integers(1, 3_000_000_000),
    every=st.integers(5, 90_000),
    micros=st.integers(0, 10**9),
    stretch=st.sampled_from([1.0, 1.3, 7.5]),
)
def test_the_database_and_we_agree_on_phases(endpoint: int, every: int, micros: int, stretch: float) -> None:
    clock = Clock().turned_to(stretch, START - timedelta(hours=1))
    now = START + timedelta(microseconds=micros)
    asked = claims._next("heartbeat", "heartbeat")
    row = "(SELECT %(id)s::bigint AS endpoint_id, %(every)s::int AS heartbeat_every, %(now)s AS heartbeat_due) s"
    with connection.cursor() as cursor:
        known: dict[str, Any] = {"now": now, "id": endpoint, "every": every, "epoch": now.timestamp()}
        known |= {"heartbeat_shown": clock.at(now).timestamp(), "heartbeat_stretch": clock.stretch}
        cursor.execute(f"SELECT {asked} FROM {row}", known)  # noqa: S608
        assert abs(cursor.fetchone()[0] - phase_after(endpoint, every, now, clock)) <= timedelta(milliseconds=2)


def test_nothing_herds_after_an_outage_of_ours(db: None) -> None:
    """All were due long ago; claimed in one go, they are due evenly again."""
    zone, place = factories.zone(), factories.compound()
    ends = Endpoint.objects.bulk_create(Endpoint(zone=zone, host=f"10.1.{n // 250}.{n % 250}") for n in range(1200))
    Device.objects.bulk_create(
        Device(compound=place, kind="entrance", name=f"{n}", endpoint=end) for n, end in enumerate(ends)
    )
    schedule.sync(START)
    later = START + timedelta(hours=6, seconds=7)
    while claim_due(zone.pk, later):
        pass

    per_second = Counter(Schedule.objects.values_list("heartbeat_due", flat=True))
    assert (min(per_second.values()), max(per_second.values())) == (20, 20)
    assert min(per_second) > later


def test_the_longest_due_come_first(camera: Device) -> None:
    other = factories.device()
    factories.schedule(camera, due=minute(1), heartbeat_due=minute(1))
    factories.schedule(other, due=minute(0), heartbeat_due=minute(0))

    assert [claim.endpoint_id for claim in claimed(camera, minute(2), limit=1)] == [other.endpoint_id]


def test_zones_are_claimed_apart(due: Device) -> None:
    assert claim_due(factories.zone("other").pk, minute(9)) == []


def test_a_claim_is_a_lease_of_its_own(due: Device) -> None:
    [claim] = claimed(due, minute(1))

    row = row_of(due)
    assert (str(row.lease), row.leased_until) == (claim.lease, minute(1) + timedelta(seconds=LEASE_S))


def test_a_leased_endpoint_is_not_claimed_until_the_lease_is_over(due: Device) -> None:
    [first] = claimed(due, minute(1))
    until = minute(1) + timedelta(seconds=LEASE_S)
    Schedule.objects.update(due=minute(1))

    assert claimed(due, until - timedelta(microseconds=1)) == []
    [again] = claimed(due, until)
    assert again.lease != first.lease


def test_a_claim_tells_about_the_login(due: Device) -> None:
    Schedule.objects.update(worked=True, hold_until=minute(9), hold_cause="login_refused")
    [claim] = claimed(due, minute(1))

    assert (claim.worked, claim.hold_until, claim.hold_cause) == (True, minute(9), "login_refused")


def test_a_second_look_is_claimed_once_and_asks_for_no_tier(due: Device) -> None:
    Schedule.objects.update(recheck_due=START, due=START)
    [claim] = claimed(due, START)

    assert (claim.tiers, claim.recheck) == (frozenset(), True)
    assert row_of(due).recheck_due is None
    assert row_of(due).due == minute(1)


def test_a_second_look_that_is_not_due_yet_stays(due: Device) -> None:
    soon = minute(1) + timedelta(milliseconds=1)
    Schedule.objects.update(recheck_due=soon)
    [claim] = claimed(due, minute(1))

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
        while found := claim_due(endpoints, minute(60), limit=7):
            got.extend(claim.endpoint_id for claim in found)

    in_threads(4, work)

    assert len(got) == len(set(got)) == 200


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_is_writing_is_passed_over(endpoints: int) -> None:
    held = Schedule.objects.order_by("pk")[0].pk
    got: list[int] = []

    with transaction.atomic():
        Schedule.objects.select_for_update().get(pk=held)
        in_threads(1, lambda: got.extend(claim.endpoint_id for claim in claim_due(endpoints, minute(60))))

    assert held not in got
    assert len(got) == 199


@pytest.mark.django_db(transaction=True)
def test_one_of_two_looks_at_the_same_device_gets_the_lease(transactional_db: None) -> None:
    camera = factories.device()
    gate, got = threading.Barrier(4), []

    def work() -> None:
        gate.wait()
        got.append(claims.claim_for_look(camera, START))

    in_threads(4, work)

    assert sorted(claim is None for claim in got) == [False, True, True, True]


# -- a person's look


def test_a_look_takes_the_lease_and_asks_for_everything(due: Device) -> None:
    claim = claims.claim_for_look(due, START)

    assert claim is not None
    row = row_of(due)
    assert (claim.tiers, claim.recheck) == (frozenset(Tier), False)
    assert (str(row.lease), row.leased_until) == (claim.lease, START + timedelta(seconds=LEASE_S))
    assert row.due == minute(1)


def test_a_look_waits_for_a_visit_under_way(due: Device) -> None:
    claimed(due, minute(1))
    until = minute(1) + timedelta(seconds=LEASE_S)

    assert claims.claim_for_look(due, until - timedelta(microseconds=1)) is None
    assert claims.claim_for_look(due, until) is not None


# -- after an outage


def test_only_what_is_overdue_and_free_waits_for_its_next_turn(db: None) -> None:
    now = minute(10)
    old, fresh, held = (factories.device() for _ in range(3))
    for device, since in ((old, START), (fresh, now - timedelta(seconds=3)), (held, START)):
        due = dict.fromkeys(("heartbeat_due", "picture_due", "facts_due", "due"), since)
        factories.schedule(device, leased_until=minute(11) if device is held else None, **due)
    zone = factories.zone()

    claims.respread(zone.pk, now)

    assert {row.due for row in (row_of(fresh), row_of(held))} == {now - timedelta(seconds=3), START}
    turned = row_of(old)
    assert turned.heartbeat_due == phase_after(turned.pk, 60, now)
    assert turned.picture_due == phase_after(turned.pk, 600, now)
    assert turned.facts_due == phase_after(turned.pk, schedule.FIRST_FACTS_S, now)
    assert turned.due == turned.heartbeat_due


def test_a_second_look_that_is_overdue_is_not_put_off(due: Device) -> None:
    Schedule.objects.update(recheck_due=minute(1))

    claims.respread(factories.zone().pk, minute(10))

    assert row_of(due).due == row_of(due).recheck_due == minute(1)


@pytest.mark.slow
def test_twenty_thousand_after_an_outage_come_evenly(db: None) -> None:
    zone, now = factories.zone(), minute(10)
    endpoints = Endpoint.objects.bulk_create(
        [Endpoint(zone=zone, host=f"10.1.{n // 250}.{n % 250}") for n in range(20_000)]
    )
    start = dict.fromkeys(("heartbeat_due", "picture_due", "facts_due", "due"), START)
    every = {"heartbeat_every": 60, "picture_every": 600, "facts_every": 86_400}
    Schedule.objects.bulk_create(Schedule(endpoint=item, zone=zone, **every, **start) for item in endpoints)

    claims.respread(zone.pk, now)

    seconds = Counter(
        int((at - now).total_seconds()) // 5 for at in Schedule.objects.values_list("heartbeat_due", flat=True)
    )
    assert len(seconds) in {12, 13}
    assert max(seconds.values()) < 1.1 * 20_000 / 12


@pytest.mark.parametrize(
    ("heartbeat_s", "deadline_s", "wanted"),
    [(60, 10, claims.Terms(30, 50)), (600, 30, claims.Terms(30, claims.LEASE_S)), (6, 2, claims.Terms(3, 8))],
)
def test_a_lost_lease_is_over_within_two_intervals(heartbeat_s: int, deadline_s: int, wanted: claims.Terms) -> None:
    terms = claims.terms_of(heartbeat_s, deadline_s)

    assert terms == wanted
    assert terms.lease_s < 2 * heartbeat_s
