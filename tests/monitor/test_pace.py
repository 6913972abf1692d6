"""Specification of the pace: intervals lengthen by one factor, everybody keeps their turn, and it settles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.pace import (
    AT_LEISURE,
    LATE_SHARE,
    LONGEST,
    MOST,
    REAL,
    Clock,
    next_stretch,
    phase_after,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_unhurried_the_clock_is_the_real_one() -> None:
    assert REAL.at(NOON) == NOON
    assert REAL.real(NOON) == NOON


def test_a_clock_does_not_jump_when_its_speed_changes() -> None:
    slow = REAL.turned_to(2.0, NOON)
    slower = slow.turned_to(3.0, NOON + 60 * SECOND)

    assert slow.at(NOON) == NOON
    assert slow.at(NOON + 60 * SECOND) == slower.at(NOON + 60 * SECOND) == NOON + 30 * SECOND
    assert slower.at(NOON + 90 * SECOND) == NOON + 40 * SECOND


@given(st.floats(1, 20), st.integers(0, 10**6))
def test_what_a_clock_shows_it_shows_at_one_instant(stretch: float, seconds: int) -> None:
    clock = REAL.turned_to(stretch, NOON)
    at = NOON + timedelta(seconds=seconds)

    assert abs(clock.real(clock.at(at)) - at) <= timedelta(milliseconds=1)


@given(st.integers(0, 3599), st.floats(1, 20), st.integers(0, 10_000))
def test_every_interval_is_lengthened_by_the_factor(phase: int, stretch: float, seconds: int) -> None:
    clock = REAL.turned_to(stretch, NOON)
    first = phase_after(phase % 60, 60, NOON + timedelta(seconds=seconds), clock)
    second = phase_after(phase % 60, 60, first + SECOND / 100, clock)

    assert abs((second - first).total_seconds() - 60 * stretch) < 0.1


@pytest.mark.parametrize(
    ("stretch", "late", "before", "wanted"),
    [
        (1.0, -9.0, -9.0, 1.0),  # never faster than asked for
        (1.5, 0.0, 0.0, 1.5),  # just as late as is allowed
        (1.0, 0.1, 0.1, 1.005),
        (1.0, 0.1, 0.08, 1.036),
        (1.0, 10.0, 0.0, 1 + 5 * MOST),
        (2.0, -9.0, -9.0, 2.0 * (1 - 5 * AT_LEISURE)),
        (2.0, -1.0, 1.0, 2.0 * (1 - 5 * MOST)),
        (LONGEST, 10.0, 10.0, LONGEST),
    ],
)
def test_longer_while_it_is_late_and_shorter_again_within_bounds(
    stretch: float, late: float, before: float, wanted: float
) -> None:
    assert next_stretch(stretch, late, before, tick_s=5) == pytest.approx(wanted)


@pytest.mark.parametrize("demand", [1.2, 1.7, 3.0])
@pytest.mark.parametrize("every_s", [60, 600])
@pytest.mark.parametrize("tick_s", [1, 2, 5])
def test_under_a_steady_overload_the_factor_settles_where_the_capacity_is(
    demand: float, every_s: int, tick_s: int
) -> None:
    """As many visits are asked for as are done, times the demand."""
    stretch, late_s, before, seen = 1.0, 0.0, 0.0, []
    for tick in range(1200 // tick_s):
        late_s = max(0.0, late_s + tick_s * (demand / stretch - 1))
        late_min = (late_s - LATE_SHARE * every_s) / 60
        stretch, before = next_stretch(stretch, late_min, before, tick_s), late_min
        if tick > 600 // tick_s:
            seen.append(stretch)

    assert max(seen) / min(seen) < 1.05
    assert sum(seen) / len(seen) == pytest.approx(demand, rel=0.03)
    assert late_s < max(6.0, 0.1 * every_s)


def test_when_there_is_capacity_again_intervals_are_what_they_were() -> None:
    stretch = 2.0
    for _tick in range(12 * 3):
        stretch = next_stretch(stretch, -0.05, -0.05, tick_s=5)

    assert stretch == 1.0


def test_clocks_are_values() -> None:
    assert Clock(NOON, NOON, 2.0) == REAL.turned_to(2.0, NOON)


def test_a_passing_delay_leaves_nothing_behind() -> None:
    stretch, before = 1.5, -0.05
    for late_min in (0.02, 0.05, 0.02, -0.05):
        stretch, before = next_stretch(stretch, late_min, before, tick_s=2), late_min

    assert stretch == pytest.approx(1.5, rel=0.01)
