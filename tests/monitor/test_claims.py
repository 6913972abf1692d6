"""Specification of claims: what is due is leased once, and its instants move on."""

from __future__ import annotations

import statistics
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from devices.models import Device, Endpoint
from monitor import claims, schedule
from monitor.claims import BATCH, LEASE_S, Claim
from monitor.models import Schedule
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


@pytest.mark.django_db
@given(endpoint=st.integers(1, 3_000_000_000), every=st.integers(5, 90_000), micros=st.integers(0, 10**9))
def test_the_database_and_we_agree_on_phases(endpoint: int, every: int, micros: int) -> None:
    now = START + timedelta(microseconds=micros)
    row = "(SELECT %(id)s::bigint AS endpoint_id, %(every)s::int AS heartbeat_every, %(due)s AS heartbeat_due) d"
    due = phase_after(endpoint, every, now)
    known = {"id": endpoint, "every": every, "due": due, **claims._instants(due)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {claims._phase_after('heartbeat')} FROM {row}",  # noqa: S608
            {**known, "epoch": now.timestamp()},
        )
        assert abs(cursor.fetchone()[0] - due) <= timedelta(milliseconds=2)
        # What is at its phase and in time stays there.
        cursor.execute(f"SELECT {claims._next('heartbeat')} FROM {row}", known)  # noqa: S608
        assert abs(cursor.fetchone()[0] - (due + timedelta(seconds=every))) <= timedelta(milliseconds=2)


def settled(camera: Device, **due: datetime) -> Schedule:
    """A row whose tiers are due at instants of their phases, but for those given."""
    phases = {"heartbeat_due": 60, "picture_due": 600, "facts_due": 86_400}
    assert camera.endpoint_id is not None
    instants = {name: phase_after(camera.endpoint_id, every, START) for name, every in phases.items()} | due
    first = min(at for name, at in instants.items() if name != "facts_due")
    return factories.schedule(camera, **{"due": first} | instants)


@pytest.mark.parametrize("late_s", [0, 1.5, 3.9])
def test_what_is_in_time_keeps_its_phase(camera: Device, late_s: float) -> None:
    row = settled(camera)
    at = row.heartbeat_due
    claimed(camera, at + timedelta(seconds=late_s))

    assert row_of(camera).heartbeat_due == row_of(camera).due == at + timedelta(seconds=60)
    assert row_of(camera).facts_due == row.facts_due


def test_what_is_late_is_due_an_interval_from_now(camera: Device) -> None:
    """So that under an overload the cycle lengthens for everybody alike."""
    row = settled(camera, picture_due=START)
    now = row.heartbeat_due + timedelta(seconds=25)
    claimed(camera, now)

    assert row_of(camera).heartbeat_due == now + timedelta(seconds=60)
    assert row_of(camera).picture_due == now + timedelta(seconds=600)


@pytest.mark.parametrize(
    ("off_s", "wanted_s"), [(0, 60), (1, 59), (-1, 61), (20, 58.2), (-20, 61.8), (29.5, 58.2), (30.5, 61.8)]
)
def test_what_is_off_its_phase_comes_back_by_and_by(camera: Device, off_s: float, wanted_s: float) -> None:
    at = settled(camera).heartbeat_due + timedelta(seconds=off_s)
    Schedule.objects.update(heartbeat_due=at, due=at)
    claimed(camera, at)

    assert row_of(camera).heartbeat_due == at + timedelta(seconds=wanted_s)


@pytest.mark.parametrize(("early_s", "taken"), [(5.9, True), (6.1, False)])
def test_a_heartbeat_that_is_almost_due_is_taken_along(camera: Device, early_s: float, taken: bool) -> None:
    now = START + timedelta(hours=1)
    heartbeat_due = now + timedelta(seconds=early_s)
    settled(camera, picture_due=now, heartbeat_due=heartbeat_due)
    [claim] = claimed(camera, now)

    assert claim.tiers - FACTS == (PICTURE | HEARTBEAT if taken else PICTURE)
    left_s = (row_of(camera).heartbeat_due - heartbeat_due).total_seconds()
    assert (58 <= left_s <= 62) if taken else (left_s == 0)


def test_facts_are_worth_no_visit_of_their_own(camera: Device) -> None:
    row = settled(camera, facts_due=START)

    assert claimed(camera, row.heartbeat_due - timedelta(milliseconds=1)) == []
    [claim] = claimed(camera, row.heartbeat_due)
    assert claim.tiers >= HEARTBEAT | FACTS
    assert row_of(camera).facts_due == phase_after(row.pk, 86_400, row.heartbeat_due)


def test_what_a_lost_lease_had_taken_is_due_at_once_and_keeps_its_next_turn(camera: Device) -> None:
    row = settled(camera)
    claimed(camera, row.heartbeat_due)
    second_look = row.heartbeat_due + timedelta(seconds=20)
    Schedule.objects.update(recheck_due=second_look, due=second_look, leased_until=second_look)
    [claim] = claimed(camera, second_look)

    assert (claim.tiers, claim.recheck) == (HEARTBEAT, True)
    assert row_of(camera).heartbeat_due == row.heartbeat_due + timedelta(seconds=60)


def crowd(count: int) -> int:
    """So many cameras in the schedule; their zone's id."""
    zone, place = factories.zone(), factories.compound()
    ends = Endpoint.objects.bulk_create(Endpoint(zone=zone, host=f"10.1.{n // 250}.{n % 250}") for n in range(count))
    Device.objects.bulk_create(
        Device(compound=place, kind="entrance", name=f"{n}", endpoint=end) for n, end in enumerate(ends)
    )
    schedule.sync(START)
    return zone.pk


def test_a_herd_disperses(db: None) -> None:
    """All were held up and claimed in one go; twenty minutes later they come evenly again."""
    zone_id = crowd(180)
    now = START + timedelta(seconds=100)
    for _tick in range(600):
        while claims.claim_others(zone_id, now):
            Schedule.objects.update(lease=None, leased_until=None)
        now += timedelta(seconds=2)

    per_second = Counter(Schedule.objects.values_list("heartbeat_due", flat=True))
    assert (min(per_second.values()), max(per_second.values())) == (3, 3)


def test_an_overload_lengthens_every_interval_by_the_same_factor(db: None) -> None:
    """Of 180 devices that are due each minute two a second are visited, where three were wanted."""
    zone_id, seen = crowd(180), defaultdict[int, list[float]](list)
    for second in range(0, 900, 2):
        now = START + timedelta(seconds=second)
        for claim in claims.claim_others(zone_id, now, limit=4):
            seen[claim.endpoint_id].append(second)
        Schedule.objects.update(lease=None, leased_until=None)

    means = [(at[-1] - at[3]) / (len(at) - 4) for at in seen.values()]
    assert statistics.fmean(means) == pytest.approx(90, rel=0.02)
    assert max(means) / min(means) < 1.1


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
