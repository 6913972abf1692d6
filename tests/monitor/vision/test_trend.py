"""What grows into a view: the structure lost against a reference, and the day on which it will be too much."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.vision import days_left, decode, structure_lost
from tests.monitor.vision.drawing import Pixels, Shot, jpeg, take, view

LIMIT = 0.25


def overgrown(share: float) -> Pixels:
    """A view whose left part is leaves."""
    pixels = view().copy()
    width = round(pixels.shape[1] * share)
    rng = np.random.default_rng(7)
    pixels[:, :width] = rng.normal(90, 25, (pixels.shape[0], width, 1)) * (0.6, 1.0, 0.5)
    return pixels


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.6])
def test_what_leaves_hide_is_lost(share: float) -> None:
    reference = decode(jpeg(take(view())))

    lost = structure_lost(reference, decode(jpeg(take(overgrown(share), Shot(frame=3, light=0.9)))))

    assert lost == pytest.approx(share, abs=0.08)


def test_day_is_not_measured_by_night_nor_a_view_without_edges() -> None:
    day, night = decode(jpeg(take(view()))), decode(jpeg(take(view(), Shot(infrared=True))))
    flat = decode(jpeg(np.full((360, 640, 3), (90, 140, 190), dtype=np.float32)))

    assert structure_lost(day, night) is None
    assert structure_lost(flat, day) is None


def weekly(*losses: float) -> list[tuple[float, float]]:
    return [(7.0 * number, loss) for number, loss in enumerate(losses)]


def test_a_steady_rise_reaches_the_limit_in_proportion() -> None:
    # .03 a week from .04 on: after six weeks .19, and two weeks later .25.
    assert days_left(weekly(0.04, 0.07, 0.10, 0.13, 0.16, 0.19), LIMIT) == pytest.approx(14.0)


def test_one_odd_week_moves_the_day_little() -> None:
    found = days_left(weekly(0.04, 0.07, 0.40, 0.13, 0.16, 0.19, 0.22), LIMIT)

    assert found == pytest.approx(7.0, abs=4.0)


@pytest.mark.parametrize(
    "losses",
    [
        (),
        (0.05, 0.10, 0.15),  # three weeks prove nothing
        (0.05, 0.05, 0.05, 0.05, 0.05),
        (0.20, 0.16, 0.12, 0.08, 0.04),
        (0.08, 0.03, 0.09, 0.02, 0.08, 0.03, 0.09, 0.02),  # up and down
    ],
)
def test_what_does_not_rise_has_no_day(losses: tuple[float, ...]) -> None:
    assert days_left(weekly(*losses), LIMIT) is None


def test_a_limit_that_is_reached_leaves_no_days() -> None:
    assert days_left(weekly(0.1, 0.2, 0.3, 0.4), LIMIT) == 0.0


@given(st.lists(st.floats(0, 1), max_size=26))
def test_days_are_never_negative(losses: list[float]) -> None:
    left = days_left(weekly(*losses), LIMIT)

    assert left is None or left >= 0
