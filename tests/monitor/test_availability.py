"""Specification of the hours: every second is booked once, under what held in it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.availability import HOUR, Condition, Hour, advance, bridged, hour_of, percent
from tests.monitor.visits import START, minute

GOOD = Condition(online=True, usable=True, clock_ok=True)


def booked(condition: Condition, seconds: float = 60) -> Hour:
    """One hour in which so many seconds passed under a condition."""
    closed, hour = advance(Hour(START), START, START + timedelta(seconds=seconds), condition)
    assert closed == []
    return hour


@pytest.mark.parametrize(
    ("condition", "hour"),
    [
        (GOOD, Hour(START, online_s=60, usable_s=60, clock_ok_s=60)),
        (Condition(online=True), Hour(START, online_s=60)),
        (Condition(), Hour(START, offline_s=60)),
        (Condition(usable=True), Hour(START, offline_s=60)),
        (Condition(online=True, clock_ok=True), Hour(START, online_s=60, clock_ok_s=60)),
        (Condition(online=True, blind=True), Hour(START, blind_s=60)),
        (Condition(online=True, blind=True, excluded=True), Hour(START, excluded_s=60)),
    ],
)
def test_a_second_is_booked_under_what_held_in_it(condition: Condition, hour: Hour) -> None:
    assert booked(condition) == hour


def test_seconds_add_up() -> None:
    _, hour = advance(booked(GOOD), minute(1), minute(3), Condition(online=True))

    assert (hour.online_s, hour.usable_s) == (180, 60)


def test_no_time_books_nothing() -> None:
    assert advance(Hour(START), START, START, GOOD) == ([], Hour(START))
    assert advance(Hour(START), minute(1), START, GOOD) == ([], Hour(START))


def test_the_turn_of_the_hour_closes_one_and_opens_the_next() -> None:
    closed, hour = advance(Hour(START, looks=7), minute(59), minute(61), GOOD)

    assert closed == [Hour(START, 60, 0, 60, 60, looks=7)]
    assert hour == Hour(minute(60), 60, 0, 60, 60)


def test_an_hour_that_ends_sharp_is_closed_by_the_next_reading() -> None:
    closed, hour = advance(Hour(START), minute(59), minute(60), GOOD)
    assert (closed, hour.start) == ([], START)

    closed, hour = advance(hour, minute(60), minute(61), GOOD)
    assert ([item.start for item in closed], hour.start) == ([START], minute(60))


def test_a_long_time_closes_each_hour_in_it() -> None:
    closed, hour = advance(Hour(START), minute(30), minute(210), GOOD)

    assert [(item.start, item.online_s) for item in closed] == [
        (START, 1800),
        (minute(60), 3600),
        (minute(120), 3600),
    ]
    assert (hour.start, hour.online_s) == (minute(180), 1800)


@given(
    st.lists(st.tuples(st.floats(0, 20_000), st.booleans(), st.booleans(), st.booleans()), max_size=12),
    st.integers(0, 7_200),
)
def test_every_second_is_booked_exactly_once(steps: list[tuple[float, bool, bool, bool]], offset_s: int) -> None:
    at = first = START + timedelta(seconds=offset_s)
    hours: list[Hour] = []
    running = Hour(hour_of(at))
    for seconds, online, blind, excluded in steps:
        until = at + timedelta(seconds=seconds)
        closed, running = advance(running, at, until, Condition(online, blind=blind, excluded=excluded))
        hours, at = hours + closed, until
    hours.append(running)

    total = sum(hour.online_s + hour.offline_s + hour.blind_s + hour.excluded_s for hour in hours)
    assert total == pytest.approx((at - first).total_seconds())
    assert all(hour.online_s <= HOUR.total_seconds() + 1e-6 for hour in hours)
    assert [hour.start for hour in hours] == sorted({hour.start for hour in hours})


def test_an_hour_begins_sharp_in_any_zone_of_whole_hours() -> None:
    beijing = datetime(2026, 3, 1, 16, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=8)))

    assert hour_of(beijing) == START


@pytest.mark.parametrize(("seconds", "short"), [(0, True), (150, True), (150.001, False)])
def test_a_silence_is_bridged_up_to_its_limit(seconds: float, short: bool) -> None:
    assert bridged(START, START + timedelta(seconds=seconds), 150) is short


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [
        (99.996, 100, "99.99"),
        (100, 100, "100.00"),
        (2, 3, "66.66"),
        (1, 1000, "0.10"),
        (0, 5, "0.00"),
        (9, 1000, "0.90"),
        (0, 0, ""),
        (1, -1, ""),
        (0.5, 0.5, "100.00"),
    ],
)
def test_a_percentage_is_cut_never_rounded_up(part: float, whole: float, told: str) -> None:
    assert percent(part, whole) == told


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_only_all_of_it_is_a_hundred_percent(part: int, whole: int) -> None:
    told = percent(min(part, whole), whole)

    assert (float(told) == 100.0) == (part >= whole)
