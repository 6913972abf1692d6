"""Specification of the schedule: when an endpoint is due, who may visit it, and what the visitor is told."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from devices.models import Device, Endpoint
from monitor import schedule
from monitor.models import PolicyRule, Schedule
from monitor.schedule import phase_after
from monitor.wire import Tier
from tests import factories
from tests.monitor.visits import START, give_login, minute

HEARTBEAT, PICTURE, FACTS = frozenset({Tier.HEARTBEAT}), frozenset({Tier.PICTURE}), frozenset({Tier.FACTS})
SOON = minute(1)
BEIJING = timezone(timedelta(hours=8))


@pytest.fixture
def camera(db: None) -> Device:
    return factories.device()


def row_of(device: Device) -> Schedule:
    return Schedule.objects.get(endpoint=device.endpoint_id)


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


def test_a_new_endpoint_is_due_at_its_phase_and_its_facts_in_the_first_minutes(camera: Device) -> None:
    assert schedule.sync(START) == 1

    row = row_of(camera)
    assert (row.heartbeat_every, row.picture_every, row.facts_every) == (60, 600, 86_400)
    assert row.heartbeat_due == phase_after(row.pk, 60, START)
    assert row.picture_due == phase_after(row.pk, 600, START)
    assert row.facts_due == phase_after(row.pk, 600, START)
    assert row.due == row.heartbeat_due


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


def _rows_as_planned_with(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::int FROM pg_class WHERE relname = %s", [table])
        return int(cursor.fetchone()[0])


def test_ten_thousand_imported_at_once_come_one_after_another(db: None) -> None:
    """Every tier: nothing herds in the minute after an import."""
    zone, place = factories.zone(), factories.compound()
    ends = Endpoint.objects.bulk_create(
        Endpoint(zone=zone, host=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(10_000)
    )
    Device.objects.bulk_create(
        Device(compound=place, kind="entrance", name=f"{n}", endpoint=end) for n, end in enumerate(ends)
    )

    assert schedule.sync(START) == 10_000
    assert _rows_as_planned_with("monitor_schedule") == 10_000

    for tier, every_s in (("heartbeat", 60), ("picture", 600), ("facts", schedule.FIRST_FACTS_S)):
        per_second = Counter(Schedule.objects.values_list(f"{tier}_due", flat=True))
        assert len(per_second) == every_s
        assert max(per_second.values()) - min(per_second.values()) <= 1


@pytest.mark.parametrize(("changed_at", "rests"), [(minute(1), False), (minute(-1), True)])
def test_a_login_that_was_changed_after_it_was_refused_is_tried_again(
    camera: Device, changed_at: datetime, rests: bool
) -> None:
    give_login(camera, changed_at)
    held = {"hold_until": minute(60), "hold_cause": "login_refused", "holds": 2, "held_at": START}
    factories.schedule(camera, **held)

    schedule.sync(minute(2))

    row = row_of(camera)
    assert (row.hold_until, row.holds) == ((minute(60), 2) if rests else (None, 0))
