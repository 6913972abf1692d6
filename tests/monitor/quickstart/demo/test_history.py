"""The thirty days that the demo has behind it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from devices.models import Device
from monitor.causes import CAUSES
from monitor.health import State
from monitor.models import Incident
from monitor.quickstart.demo import history
from monitor.quickstart.demo.history import BLIND_GAPS, DAYS, PAST, Span, bounds, hours_of, incidents, transitions
from monitor.quickstart.demo.plan import THINGS, thing
from monitor.wire import Aspect

# One hour after midnight in Beijing, and an instant in the middle of an hour of the day.
NOWS = (datetime(2026, 3, 1, 17, 0, tzinfo=UTC), datetime(2026, 11, 23, 5, 28, 31, 5, tzinfo=UTC))


def devices() -> dict[str, Device]:
    return {item.key: Device(pk=number, name=item.name) for number, item in enumerate(THINGS, 1)}


def gaps(now: datetime) -> list[Span]:
    return [history._gap(*gap, now) for gap in BLIND_GAPS]


@pytest.mark.parametrize("now", NOWS)
def test_every_second_of_thirty_days_is_booked_once(now: datetime) -> None:
    start, end = history.window(now)
    assert end == now.replace(minute=0, second=0, microsecond=0) and end - start == timedelta(days=30)
    for item in THINGS:
        hours = hours_of(item, gaps(now), now)
        assert [hour.start for hour in hours] == [start + timedelta(hours=n) for n in range(24 * DAYS)]
        assert all(hour.online_s + hour.offline_s + hour.blind_s == 3600 for hour in hours)


@pytest.mark.parametrize("now", NOWS)
def test_seconds_of_incidents_are_seconds_of_hours(now: datetime) -> None:
    lost: dict[tuple[str, Aspect], float] = defaultdict(float)
    for past in history.faults_within(now):
        since, until = bounds(past, now)
        for key in (past.key, *past.takes):
            lost[key, CAUSES[past.cause].aspect] += (until - since).total_seconds()
    blind = sum(minutes * 60 for _day, _clock, minutes in BLIND_GAPS)
    for item in THINGS:
        hours = hours_of(item, gaps(now), now)
        link, clock = lost[item.key, Aspect.LINK], lost[item.key, Aspect.CLOCK]
        picture = lost[item.key, Aspect.PICTURE] + lost[item.key, Aspect.ACCESS]
        online = sum(hour.online_s for hour in hours)
        assert sum(hour.offline_s for hour in hours) == link
        assert sum(hour.blind_s for hour in hours) == blind
        assert online - sum(hour.usable_s for hour in hours) == picture
        assert online - sum(hour.clock_ok_s for hour in hours) == clock


def test_most_of_the_past_lies_within_the_window_whatever_the_hour() -> None:
    assert all(len(history.faults_within(now)) >= len(PAST) - 1 for now in NOWS)


@pytest.mark.parametrize("now", NOWS)
def test_no_fault_overlaps_another_of_its_device_nor_a_blind_gap(now: datetime) -> None:
    for item in THINGS:
        spans = sorted([*gaps(now), *history._spans(item, now)], key=lambda span: span.since)
        assert all(one.until < other.since for one, other in pairwise(spans))


def test_a_fault_older_than_the_window_and_one_that_is_not_over_are_left_out() -> None:
    now = NOWS[0]
    start, end = history.window(now)
    found = [bounds(past, now) for past in history.faults_within(now)]
    assert min(since for since, _until in found) >= start and max(until for _since, until in found) <= end


def test_what_a_fault_took_down_hangs_on_it() -> None:
    known = devices()
    found, hang = incidents(known, NOWS[0])
    roots = {root.device.name for _item, root in hang}
    assert roots == {thing("yj-sw").name, thing("hf-sw").name, thing("rm-nvr").name}
    assert {item.cause for item, root in hang if root.device == known["rm-nvr"]} == {"parent_down"}
    assert {item.cause for item, root in hang if root.device == known["yj-sw"]} == {"no_answer"}
    assert all(item in found and root in found for item, root in hang)


def test_incidents_are_over_confirmed_after_they_began_and_of_their_causes_aspect() -> None:
    for item in incidents(devices(), NOWS[1])[0]:
        assert item.ended_at is not None and item.end_decided_at is not None
        assert item.started_at < item.decided_at < item.ended_at < item.end_decided_at
        assert item.aspect == CAUSES[item.cause].aspect


def test_each_incident_came_and_went_in_four_steps() -> None:
    item = incidents(devices(), NOWS[1])[0][0]
    assert isinstance(item, Incident)
    rows = list(transitions([item]))
    steps = [State.OK, State.SUSPECT, State.FAULTY, State.RECOVERING, State.OK]
    assert [(row.was, row.now) for row in rows] == list(pairwise(steps))
    assert [row.at for row in rows] == [item.started_at, item.started_at, item.ended_at, item.ended_at]
    assert [row.decided_at for row in rows][1::2] == [item.decided_at, item.end_decided_at]
    assert [row.cause for row in rows] == [item.cause] * 3 + [""]


def test_only_what_has_a_lens_takes_pictures_and_nobody_looks_while_blind() -> None:
    now, known = NOWS[1], devices()
    rows = list(history.hours(known, now))
    cameras = {known[item.key].pk for item in THINGS if item.scene}
    assert len(rows) == 36 * 24 * DAYS
    assert all(row.pictures == 0 for row in rows if row.device_id not in cameras)
    full = next(row for row in rows if row.device_id in cameras and row.online_s == 3600)
    assert (full.looks, full.pictures) == (240, 180)
    blind = next(row for row in rows if row.blind_s == 24 * 60)
    assert blind.looks == 240 - 24 * 4
