"""Specification of strips: fine is a thin line, trouble stands up as high as its share, blind is hollow."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devices.models import Compound, Device, Kind
from monitor.causes import Category
from monitor.overview.strips import DAY, FINE, HEIGHT, LEAST_WIDTH, OPEN_WIDTH, WIDTH, Bar, Span, of_compounds, strip
from tests import factories
from tests.monitor.overview.seeing import NOW, watched

SINCE = NOW - DAY
HOURS = timedelta(hours=1)


def span(device: int, begins: float, ends: float, category: Category = Category.OFFLINE, rank: int = 10) -> Span:
    """A fault so many hours after the beginning of the strip."""
    return Span(device, category, rank, SINCE + begins * HOURS, SINCE + ends * HOURS)


def drawn(spans: list[Span], total: int = 4) -> list[Bar]:
    return [bar for bar in strip(spans, [], total, SINCE, NOW).bars if bar.css != "ok"]


def test_a_quiet_day_is_one_thin_line() -> None:
    found = strip([], [], 4, SINCE, NOW)

    assert found.bars == (Bar("ok", 0.0, HEIGHT - FINE, WIDTH, FINE),)
    assert (found.faults, found.worst, found.worst_at) == (0, 0, None)


def test_a_fault_stands_where_it_was_and_as_high_as_its_share() -> None:
    assert drawn([span(1, 6, 12)]) == [Bar("off", 360.0, 15.75, 360.0, 8.25)]


def test_all_points_unseen_fill_the_height() -> None:
    [bar] = drawn([span(1, 6, 12)], total=1)

    assert (bar.y, bar.height) == (0.0, HEIGHT)


def test_two_at_once_stand_higher_and_show_the_graver() -> None:
    bars = drawn([span(1, 0, 12, Category.PICTURE, 24), span(2, 6, 12)])

    assert [(bar.css, bar.x) for bar in bars] == [("pic", 0.0), ("off", 360.0)]
    assert bars[1].height > bars[0].height


def test_two_faults_of_one_point_count_once() -> None:
    found = strip([span(1, 0, 12), span(1, 0, 12, Category.LOGIN, 60)], [], 4, SINCE, NOW)

    assert (found.faults, found.worst) == (2, 1)


def test_the_worst_instant_is_the_first_of_its_kind() -> None:
    found = strip([span(1, 0, 12), span(2, 6, 8), span(3, 9, 10)], [], 4, SINCE, NOW)

    assert (found.worst, found.worst_at) == (2, SINCE + 6 * HOURS)


def test_between_two_faults_nothing_stands() -> None:
    assert [bar.x for bar in drawn([span(1, 0, 6), span(1, 12, 18)])] == [0.0, 720.0]


def test_a_short_fault_can_still_be_seen() -> None:
    [bar] = drawn([span(1, 12, 12.01)])

    assert bar.width == LEAST_WIDTH


def test_what_is_open_now_shows_from_its_first_minute_on() -> None:
    [bar] = drawn([span(1, 23.999, 24)])

    assert bar.width == OPEN_WIDTH


def test_a_fault_that_began_just_now_stays_inside() -> None:
    [bar] = drawn([span(1, 23.999, 24)])

    assert bar.x + bar.width == WIDTH


def test_a_blind_half_hour_is_hollow_and_has_no_line_under_it() -> None:
    found = strip([], [(SINCE + 6 * HOURS, 4 * 1800.0)], 4, SINCE, NOW)

    assert [(bar.css, bar.x, bar.width) for bar in found.bars] == [
        ("ok", 0.0, 360.0),
        ("ok", 390.0, 1050.0),
        ("unk", 360.0, 30.0),
    ]


@pytest.mark.parametrize(("seconds", "shown"), [(4 * 71.9, False), (4 * 72.1, True)])
def test_a_hiccup_of_blindness_is_not_drawn(seconds: float, shown: bool) -> None:
    found = strip([], [(SINCE, seconds)], 4, SINCE, NOW)

    assert any(bar.css == "unk" for bar in found.bars) is shown


def test_an_hour_before_the_strip_is_cut_at_its_edge() -> None:
    found = strip([], [(SINCE - 0.5 * HOURS, 4 * 3600.0)], 4, SINCE, NOW)

    assert [(bar.css, bar.x) for bar in found.bars] == [("ok", 30.0), ("unk", 0.0)]


# -- out of the journal


def strip_of(compound: Compound, total: int = 1) -> list[str]:
    found = of_compounds(Device.objects.all(), {compound.pk: total}, NOW)[compound.pk]
    return [bar.css for bar in found.bars]


def test_incidents_of_the_day_stand_in_the_strip_of_their_compound(compound: Compound, camera: Device) -> None:
    factories.incident(camera, "obstructed", started_at=NOW - 2 * HOURS)
    other = factories.compound()

    assert strip_of(compound) == ["ok", "pic"]
    assert strip_of(other) == ["ok"]


@pytest.mark.parametrize("cause", ["time_zone", "identity_changed"])
def test_what_takes_no_view_away_does_not_stand(compound: Compound, camera: Device, cause: str) -> None:
    factories.incident(camera, cause, started_at=NOW - 2 * HOURS)

    assert strip_of(compound) == ["ok"]


def test_what_a_cause_takes_along_counts_with_it(compound: Compound, camera: Device) -> None:
    switch = factories.incident(watched(compound, kind=Kind.SWITCH), started_at=NOW - HOURS)
    for device in (camera, watched(compound)):
        factories.incident(device, started_at=NOW - HOURS, root=switch)

    assert of_compounds(Device.objects.points(), {compound.pk: 2}, NOW)[compound.pk].faults == 1


def test_what_ended_before_the_day_is_gone(compound: Compound, camera: Device) -> None:
    factories.incident(camera, started_at=SINCE - 2 * HOURS, ended_at=SINCE)

    assert strip_of(compound) == ["ok"]


def test_what_began_before_the_day_is_cut(compound: Compound, camera: Device) -> None:
    factories.incident(camera, started_at=SINCE - 2 * HOURS, ended_at=SINCE + 6 * HOURS)
    found = of_compounds(Device.objects.all(), {compound.pk: 1}, NOW)[compound.pk]

    assert [(bar.x, bar.width) for bar in found.bars if bar.css == "off"] == [(0.0, 360.0)]


def test_blind_hours_are_shared_out_over_the_points(compound: Compound, camera: Device) -> None:
    other = watched(compound)
    for device in (camera, other):
        factories.hour(device, NOW.replace(minute=0) - 3 * HOURS, online_s=0, usable_s=0, blind_s=3600)

    found = of_compounds(Device.objects.all(), {compound.pk: 2}, NOW)[compound.pk]

    assert [bar.width for bar in found.bars if bar.css == "unk"] == [60.0]
