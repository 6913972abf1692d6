"""Specification of what goes to a zone at each tick: in batches, heartbeats first, never more than it can take."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from devices.models import Device, Endpoint
from monitor import batches, pacing, schedule
from monitor.models import Batch, Pulse, Schedule, ZoneState
from monitor.wire import Canary, Order, Tier
from tests import factories
from tests.monitor.visits import START, minute

pytestmark = pytest.mark.django_db


@pytest.fixture
def cameras() -> list[Device]:
    """Seven cameras; the heartbeat of all is due, the picture of the first three as well."""
    found = [factories.device() for _ in range(7)]
    for number, camera in enumerate(found):
        picture_due = START if number < 3 else minute(99)
        factories.schedule(camera, heartbeat_due=START, picture_due=picture_due, facts_due=minute(99), due=START)
    return found


def due() -> list[Order]:
    return list(batches.due(factories.zone(), minute(0.1)))


def sizes(orders: list[Order]) -> list[tuple[bool, int]]:
    """Of each order whether pictures are asked for, and for how many endpoints."""
    pictures = [any(Tier.PICTURE in subject.tiers for subject in order.targets[0].subjects) for order in orders]
    return list(zip(pictures, [len(order.targets) for order in orders], strict=True))


def test_what_is_due_twice_is_visited_once_and_heartbeats_travel_first(cameras: list[Device]) -> None:
    assert sizes(due()) == [(False, 4), (True, 3)]
    assert due() == []


def test_batches_are_small_enough_to_be_done_in_time(cameras: list[Device], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 3)
    monkeypatch.setattr(batches, "PICTURE_BATCH", 2)

    assert sizes(due()) == [(False, 3), (False, 1), (True, 2), (True, 1)]


def test_each_batch_is_a_lease_of_its_own_and_noted(cameras: list[Device]) -> None:
    orders = due()

    noted = {str(row.lease): (row.pictures, row.endpoints, row.overdue_s) for row in Batch.objects.all()}
    assert noted == {orders[0].lease: (False, 4, 6.0), orders[1].lease: (True, 3, 6.0)}
    for order in orders:
        assert {target.lease for target in order.targets} == {order.lease}


def test_an_order_names_the_canaries_and_the_platforms_time(cameras: list[Device], settings: Settings) -> None:
    settings.VIEWKEEPER_DEMO = True
    zone = factories.zone()
    zone.canaries = "192.0.2.1:80\n[2001:db8::1]:443"

    order = next(batches.due(zone, minute(0.1)))

    assert order.canaries == (Canary("192.0.2.1", 80), Canary("2001:db8::1", 443))
    assert order.sent_at == minute(0.1)


def test_where_there_is_no_room_pictures_wait_and_heartbeats_go(
    cameras: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "FIRST_PICTURES", 1)

    assert sizes(due()) == [(False, 6), (True, 1)]
    assert Schedule.objects.filter(picture_due__lte=minute(0.1)).count() == 2


def test_a_zone_that_has_enough_to_do_is_sent_nothing_more(
    cameras: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "FIRST_HEARTBEATS", 2)
    monkeypatch.setattr(pacing, "FIRST_PICTURES", 0)
    due()

    assert due() == []
    Schedule.objects.update(leased_until=None)  # all of it came back
    assert sizes(due()) == [(False, 2)]


def test_a_zone_that_does_much_is_sent_much(cameras: list[Device]) -> None:
    zone = factories.zone()
    Batch.objects.create(lease="6f9619ff-8b86-4d01-b42d-00c04fc964ff", zone=zone, sent_at=START, endpoints=40_000)

    room = pacing.room(zone.pk, minute(0.5))

    assert (room.others, room.pictures) == (4_000, pacing.FIRST_PICTURES)


def stretches() -> tuple[float, float]:
    state = ZoneState.objects.get(zone=factories.zone())
    return state.heartbeat_stretch, state.picture_stretch


def test_by_how_much_intervals_are_lengthened_is_told(cameras: list[Device]) -> None:
    """Every heartbeat is asked 34 s after it is due: a minute has become 94 s, or less by what ticks explain."""
    zone = factories.zone()
    Schedule.objects.update(picture_due=None)
    for _tick in range(100):
        pacing.observe(zone.pk, START + timedelta(seconds=34))

    heartbeat, picture = stretches()
    assert heartbeat == pytest.approx(1.5, rel=0.01)
    assert picture == 1


@pytest.mark.parametrize("late_s", [0, 3, 4])
def test_what_is_in_time_is_not_late(cameras: list[Device], late_s: int) -> None:
    pacing.observe(factories.zone().pk, START + timedelta(seconds=late_s))

    assert stretches() == (1.0, 1.0)


def test_what_a_lost_lease_held_back_is_no_want_of_capacity(cameras: list[Device]) -> None:
    zone = factories.zone()
    Schedule.objects.update(leased_until=START + timedelta(seconds=95))

    assert pacing.observe(zone.pk, START + timedelta(seconds=96)).heartbeat <= 0
    assert pacing.observe(zone.pk, START + timedelta(seconds=120)).heartbeat == pytest.approx(21 / 60)


@pytest.mark.parametrize(("claimed", "late"), [(1, True), (3, False)])
def test_a_picture_that_waits_while_heartbeats_are_taken_is_late(
    cameras: list[Device], claimed: int, late: bool
) -> None:
    zone, now = factories.zone(), minute(60)
    Schedule.objects.update(picture_due=START, heartbeat_due=now, claimed=claimed, leased_until=now)

    assert (pacing.observe(zone.pk, now).picture > 0) is late
    assert pacing.observe(zone.pk, now).heartbeat <= 0


@pytest.mark.parametrize(
    ("share", "late", "wanted"),
    [(1.0, 0.0, 1.0), (0.5, 0.05, 0.52), (1.0, 0.06, 0.905), (0.05, 3.0, 0.05), (0.99, 0.0, 1.0)],
)
def test_pictures_give_way_to_heartbeats_and_come_back(share: float, late: float, wanted: float) -> None:
    assert pacing.next_share(share, late, tick_s=2) == pytest.approx(wanted, abs=0.001)


def test_what_pictures_may_take_up_is_less_while_heartbeats_are_late(cameras: list[Device]) -> None:
    zone = factories.zone()
    for _tick in range(20):
        pacing.observe(zone.pk, minute(1))

    room = pacing.room(zone.pk, minute(1))

    assert room.others == pacing.FIRST_HEARTBEATS
    assert 0 < room.pictures < 0.2 * pacing.FIRST_PICTURES


def test_the_number_of_statements_does_not_grow_with_the_endpoints(
    cameras: list[Device], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    zone, place = factories.zone(), factories.compound()
    pacing.observe(zone.pk, START)
    ends = Endpoint.objects.bulk_create(Endpoint(zone=zone, host=f"10.3.0.{n}") for n in range(100))
    Device.objects.bulk_create(
        Device(compound=place, kind="entrance", name=f"{n}", endpoint=end) for n, end in enumerate(ends)
    )
    schedule.sync(START)

    with django_assert_num_queries(22):
        assert sum(len(order.targets) for order in batches.due(zone, minute(60))) == 107


def test_after_a_stop_of_ours_nobody_is_slowed_down_and_all_wait_for_their_turn(cameras: list[Device]) -> None:
    Pulse.objects.create(name="tick", at=START)
    back = minute(10)

    assert list(batches.due(factories.zone(), back)) == []

    assert not ZoneState.objects.exists()
    for row in Schedule.objects.all():
        assert row.heartbeat_due == schedule.phase_after(row.pk, 60, back)
        assert row.due == row.heartbeat_due


def test_a_zone_that_was_cut_off_is_not_slowed_down_either(cameras: list[Device]) -> None:
    ZoneState.objects.create(zone=factories.zone(), seen_at=START)
    Pulse.objects.create(name="tick", at=minute(9.95))
    Schedule.objects.update(leased_until=None)

    assert list(batches.due(factories.zone(), minute(10))) == []
    assert stretches() == (1.0, 1.0)


@pytest.mark.parametrize(
    ("ticked", "seen", "expected"),
    [(None, None, False), (5, None, False), (5, 59, False), (29, 5, False), (31, 5, True), (5, 61, True)],
)
def test_late_for_want_of_work_or_for_want_of_capacity(ticked: int | None, seen: int | None, expected: bool) -> None:
    zone, now = factories.zone(), minute(10)
    if ticked is not None:
        Pulse.objects.create(name="tick", at=now - timedelta(seconds=ticked))
    if seen is not None:
        ZoneState.objects.create(zone=zone, seen_at=now - timedelta(seconds=seen))

    assert pacing.stalled(zone.pk, now, 60) is expected


@pytest.mark.parametrize(("pause_s", "expected"), [(9, False), (11, True)])
def test_where_intervals_are_short_a_few_ticks_are_a_pause(pause_s: int, expected: bool) -> None:
    Pulse.objects.create(name="tick", at=START)

    assert pacing.stalled(factories.zone().pk, START + timedelta(seconds=pause_s), 6) is expected
