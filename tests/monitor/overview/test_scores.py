"""Specification of the plot of scores: one measure for faulty and normal pictures, and gaps that say whose they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from devices.models import Device
from monitor.models import Incident, RawReading
from monitor.overview.scores import HEIGHT, SPAN, STEP_S, TOLD, WIDTH, Plot, Point, drawn, plot, points_of
from monitor.rawlog import write_raw
from tests import factories
from tests.monitor.overview.seeing import NOW
from tests.monitor.visits import bad, note, reading

PICTURE_S = 600
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def ago(minutes: float) -> datetime:
    return NOW - minutes * MINUTE


def taken(device: Device, minutes: float, label: str = "normal", score: float | None = 0.8, **told: Any) -> None:
    """A raw row of a picture so many minutes ago."""
    picture = {"label": label, "score": score, "checkable": True, **told}
    RawReading.objects.create(device=device, at=ago(minutes), took_ms=1.0, picture=picture)


def plotted(device: Device) -> Plot:
    return plot(device, Incident.objects.filter(device=device), PICTURE_S, NOW)


def near(device: Device) -> list[float | None]:
    found = [point.near for point in points_of(device, NOW - SPAN, NOW)]
    return [None if value is None else round(value, 3) for value in found]


# -- what is read


def test_a_normal_score_is_turned_and_that_of_a_fault_is_not(camera: Device) -> None:
    taken(camera, 30, "normal", 0.8)
    taken(camera, 20, "obstructed", 0.65)

    assert near(camera) == [0.2, 0.65]


def test_what_was_written_as_it_came_is_read(camera: Device) -> None:
    shot = note(label="obstructed", score=0.7)
    write_raw([reading(camera, ago(10), "", picture=bad("obstructed"), shot=shot)], looked=False)

    assert near(camera) == [0.7]


def test_what_could_not_be_judged_has_no_measure(camera: Device) -> None:
    RawReading.objects.create(device=camera, at=ago(10), took_ms=1.0, picture={"label": "normal", "score": 0.9})

    assert near(camera) == [None]
    assert plotted(camera).judged == 0


def test_of_a_few_minutes_the_worst_is_drawn(camera: Device) -> None:
    beginning = 60 * (NOW.timestamp() % STEP_S) / 3600
    for second, score in enumerate((0.9, 0.55, 0.7)):
        taken(camera, 30 + beginning - (second + 1) / 60, "normal", score)
    RawReading.objects.create(
        device=camera, at=ago(30 + beginning - 0.2), took_ms=1.0, picture={"label": "normal", "score": 0.5}
    )

    assert near(camera) == [0.45]


def test_only_the_last_day_of_this_device_and_only_pictures(camera: Device) -> None:
    taken(camera, 24 * 60 + 1)
    taken(factories.device(camera.compound), 10)
    RawReading.objects.create(device=camera, at=ago(10), took_ms=1.0, findings={"link": ["faulty", "no_answer"]})

    assert near(camera) == []


def test_a_plot_costs_one_statement(camera: Device, django_assert_num_queries: Any) -> None:
    for minutes in range(0, 600, 10):
        taken(camera, minutes)

    with django_assert_num_queries(1):
        assert plot(camera, [], PICTURE_S, NOW).judged == 60


# -- what is drawn


def line(*values: float | None, every: int = 10, until: float = 0) -> list[Point]:
    """Points each ten minutes, the last one `until` minutes ago."""
    last = len(values) - 1
    return [
        Point(ago(until + every * (last - place)), value, "blur" if value and value >= 0.5 else "normal")
        for place, value in enumerate(values)
    ]


def draw(points: list[Point], unreached: tuple[tuple[datetime, datetime], ...] = ()) -> Plot:
    return drawn(points, unreached, PICTURE_S, NOW)


def test_nothing_is_drawn_of_nothing() -> None:
    found = draw([])

    assert (found.curves, found.gaps, found.last, found.last_figure, found.beyond) == ((), (), None, "", False)
    assert found.sentence == "Last 24 hours: no picture could be judged."


def test_the_axis_is_told_each_six_hours() -> None:
    assert draw([]).ticks == [NOW - SPAN + 6 * HOUR * number for number in range(5)]


def test_the_line_stands_at_its_minute_and_its_measure() -> None:
    found = draw(line(0.25, 0.0))

    assert [curve.path for curve in found.curves] == [f"M{WIDTH - 10:.1f} 75.0L{WIDTH:.1f} {HEIGHT:.1f}"]
    assert not found.curves[0].bad
    assert found.limit_y == HEIGHT / 2


def test_the_way_to_a_fault_is_bad_and_the_way_back_is_not() -> None:
    found = draw(line(0.1, 0.7, 0.8, 0.1))

    assert [(curve.bad, curve.path.count("L")) for curve in found.curves] == [(True, 2), (False, 1)]
    assert found.curves[0].path.endswith(found.curves[1].path.split("L")[0][1:])


def test_a_picture_alone_is_a_dot() -> None:
    assert [(curve.dot, curve.path) for curve in draw(line(0.7)).curves] == [(True, "M1440.0 30.0h0")]


def gaps(found: Plot) -> list[tuple[str, datetime, datetime]]:
    return [(gap.why, gap.start, gap.end) for gap in found.gaps if gap.why != "before"]


def test_a_silence_breaks_the_line_and_is_the_platforms() -> None:
    found = draw([*line(0.1, 0.1, until=60), *line(0.1, 0.1)])

    assert gaps(found) == [("blind", ago(60), ago(10))]
    assert len(found.curves) == 2


def test_two_and_a_half_intervals_are_bridged() -> None:
    found = draw([*line(0.1, until=25), *line(0.1)])

    assert gaps(found) == []
    assert len(found.curves) == 1


def test_a_silence_in_which_the_device_was_at_fault_is_the_devices() -> None:
    found = draw([*line(0.1, 0.1, until=60), *line(0.1, 0.1)], ((ago(58), ago(15)),))

    assert gaps(found) == [("unreached", ago(60), ago(10))]


def test_a_silence_that_lasts_reaches_to_now(camera: Device) -> None:
    taken(camera, 50)
    taken(camera, 40)
    factories.incident(camera, "no_answer", started_at=ago(38))
    factories.incident(camera, "time_zone", started_at=ago(3000))

    assert gaps(plotted(camera)) == [("unreached", ago(40), NOW)]


def test_pictures_that_cannot_be_judged_are_told_apart() -> None:
    found = draw(line(0.1, None, None, 0.1, 0.1))

    assert gaps(found) == [("unjudged", ago(30), ago(20))]
    assert [curve.dot for curve in found.curves] == [True, False]


def test_before_the_first_picture_none_is_kept() -> None:
    found = draw(line(0.1, 0.1))

    assert [(gap.why, gap.x, gap.width) for gap in found.gaps] == [("before", 0.0, WIDTH - 10.0)]
    assert draw(line(*[0.1] * 144)).gaps == []


def test_a_short_gap_can_still_be_seen() -> None:
    assert draw(line(0.1, None, 0.1)).gaps[-1].width == 3.0


def test_so_many_gaps_are_told_in_words_the_last_ones() -> None:
    found = draw([point for hours in range(9, 0, -1) for point in line(0.1, 0.1, until=60 * hours)])

    assert [gap.end for gap in found.last_gaps][-1] == NOW
    assert len(found.last_gaps) == TOLD < len(found.gaps)


# -- what it says


def test_it_says_what_was_worst_and_how_it_stands() -> None:
    found = draw(line(0.1, 0.579, 0.2))

    assert found.sentence == "Last 24 hours: at worst 0.57 at 03-10 16:05, last 0.20; the limit is 0.50."
    assert (found.beyond, found.bad_since) == (False, None)


def test_it_says_since_when_it_is_beyond_the_limit() -> None:
    found = draw(line(0.7, 0.1, 0.6, 0.7))

    assert (found.beyond, found.bad_since, found.last_figure) == (True, ago(10), "0.70")


def test_an_open_incident_knows_better_since_when(camera: Device) -> None:
    taken(camera, 10, "blur", 0.7)
    taken(camera, 0, "blur", 0.7)
    factories.incident(camera, "blur", started_at=ago(45))
    factories.incident(camera, "moved", started_at=ago(300), ended_at=ago(200))

    assert plotted(camera).bad_since == ago(45)


@pytest.mark.parametrize("value", [0.5, 0.99])
def test_the_limit_itself_is_a_fault(value: float) -> None:
    assert draw(line(value)).beyond
