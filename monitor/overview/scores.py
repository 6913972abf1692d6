"""How near a camera's pictures came to being taken for a fault, over the last 24 hours, as a plot in an SVG.

A judgement's score says of a fault how far it is beyond its limit (one half is the limit), and of a normal picture how
far the nearest fault is. Here both are one measure: `near`, 0 far from any fault, one half the limit, 1 beyond doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, pairwise, takewhile

from django.db.models import Case, F, FloatField, Q, QuerySet, Value, When, Window
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Extract, Floor, RowNumber
from django.utils.translation import gettext as _

from devices.models import Device
from monitor import words
from monitor.models import Incident, RawReading
from monitor.policy import BRIDGED_INTERVALS
from monitor.vision import Label
from monitor.vision.judge import LIMIT_SCORE
from monitor.wire import Aspect

SPAN = timedelta(hours=24)
# The worst picture of each so many seconds is drawn: a second look each 30 s, or a demo's pictures, would be a band.
STEP_S = 300
WIDTH, HEIGHT = 1440, 100  # of the viewBox: a unit across is a minute, one up is a hundredth
TOLD = 6  # gaps in words
TICKS = 4  # the axis is told at its ends and between, each six hours


@dataclass(frozen=True, slots=True)
class Point:
    """The worst picture of a few minutes; `near` is None where it could not be judged."""

    at: datetime
    near: float | None
    label: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of which there is no judged picture, and why.

    `why` is "blind" (the platform's), "unreached" (the device was at fault: its link or its login), "unjudged"
    (pictures came and were not checkable), or "before" (of so long ago none is kept).
    """

    start: datetime
    end: datetime
    why: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A piece of the line as an SVG path; `bad` where it lies beyond the limit, `dot` where it is one point alone."""

    path: str
    bad: bool
    dot: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """The last 24 hours: the line, its gaps, the instants of the axis, the worst of it and how it stands now."""

    curves: Sequence[Curve] = ()
    gaps: Sequence[Gap] = ()
    ticks: Sequence[datetime] = ()
    worst: Point | None = None
    last: Point | None = None
    judged: int = 0
    bad_since: datetime | None = None
    limit: float = LIMIT_SCORE
    width: int = WIDTH
    height: int = HEIGHT
    limit_y: float = HEIGHT * (1 - LIMIT_SCORE)

    @property
    def sentence(self) -> str:
        """What the line shows, for whoever cannot see it."""
        if self.worst is None or self.last is None:
            return _("Last 24 hours: no picture could be judged.")
        told = _("Last 24 hours: at worst %(worst)s at %(at)s, last %(last)s; the limit is %(limit)s.")
        figures = {"worst": figure(self.worst), "last": figure(self.last), "limit": f"{LIMIT_SCORE:.2f}"}
        return told % {**figures, "at": words.clock(self.worst.at)}

    @property
    def last_figure(self) -> str:
        """The measure of the last judged picture, "" where there is none."""
        return figure(self.last) if self.last else ""

    @property
    def last_gaps(self) -> Sequence[Gap]:
        """The gaps that are told in words: the last ones, of which there are seldom more."""
        return self.gaps[-TOLD:]

    @property
    def beyond(self) -> bool:
        """Whether the last judged picture lies beyond the limit."""
        return self.last is not None and is_bad(self.last)


def figure(point: Point) -> str:
    """A point's measure as pages write it, cut and never rounded up."""
    return f"{int((point.near or 0.0) * 100) / 100:.2f}"


def is_bad(point: Point) -> bool:
    """Whether a point lies at the limit or beyond."""
    return point.near is not None and point.near >= LIMIT_SCORE


def plot(device: Device, history: Iterable[Incident], picture_s: int, now: datetime) -> Plot:
    """The plot of a device whose pictures are taken each `picture_s` seconds; its `history` says why some are missing.

    One statement.
    """
    incidents = list(history)
    found = drawn(list(points_of(device, now - SPAN, now)), _unreached(incidents, now), picture_s, now)
    open_now = [item.started_at for item in incidents if item.is_open and item.aspect == Aspect.PICTURE]
    return replace(found, bad_since=open_now[0]) if found.beyond and open_now else found


# -- what is kept


def points_of(device: Device, since: datetime, now: datetime) -> Iterator[Point]:
    """The worst picture of each few minutes; the worst of it is what is judged, not what could not be."""
    step = Floor(Extract("at", "epoch") / Value(float(STEP_S)))
    worst_first = (F("near").desc(nulls_last=True), F("at").desc())
    rows = _pictures(device, since, now).annotate(near=_near())
    rows = rows.annotate(place=Window(RowNumber(), partition_by=[step], order_by=worst_first)).filter(place=1)
    for at, near, label in rows.order_by("at").values_list("at", "near", "picture__label"):
        yield Point(at, None if near is None else min(1.0, max(0.0, near)), str(label))


def _pictures(device: Device, since: datetime, now: datetime) -> QuerySet[RawReading]:
    return RawReading.objects.filter(device=device, at__gt=since, at__lte=now, picture__has_key="label")


def _near() -> Case:
    """Null where it was not checkable: raw rows keep no flag that is false."""
    score = Cast(KeyTextTransform("score", "picture"), FloatField())
    return Case(
        When(~Q(picture__has_key="checkable"), then=Value(None)),
        When(picture__label=Label.NORMAL.value, then=Value(1.0) - score),
        default=score,
        output_field=FloatField(),
    )


def _unreached(history: Iterable[Incident], now: datetime) -> list[tuple[datetime, datetime]]:
    gone = (item for item in history if item.aspect in (Aspect.LINK, Aspect.ACCESS))
    return [(item.started_at, item.ended_at or now) for item in gone]


# -- drawing


def drawn(
    points: Sequence[Point], unreached: Sequence[tuple[datetime, datetime]], picture_s: int, now: datetime
) -> Plot:
    """Draw points of the last 24 hours; `unreached` are the times in which the device was at fault."""
    since = now - SPAN
    judged = [point for point in points if point.near is not None]
    if not points:
        return Plot(ticks=_ticks(since))
    limit = timedelta(seconds=max(BRIDGED_INTERVALS * picture_s, 2 * STEP_S))
    pieces = list(_pieces(points, limit))
    return Plot(
        curves=[curve for piece in pieces for curve in _curves(piece, since)],
        gaps=sorted(_gaps(points, unreached, limit, now), key=lambda gap: gap.start),
        ticks=_ticks(since),
        worst=max(judged, key=lambda point: point.near or 0.0, default=None),
        last=judged[-1] if judged else None,
        judged=len(judged),
        bad_since=_bad_since(judged),
    )


def _bad_since(judged: Sequence[Point]) -> datetime | None:
    """When the last run of pictures beyond the limit began, None where the last one is none of them."""
    run = list(takewhile(is_bad, reversed(judged)))
    return run[-1].at if run else None


def _ticks(since: datetime) -> list[datetime]:
    return [since + SPAN * number / TICKS for number in range(TICKS + 1)]


def _pieces(points: Sequence[Point], limit: timedelta) -> Iterator[list[Point]]:
    """Runs of judged points without a silence between them."""
    run: list[Point] = []
    for point in points:
        if run and (point.near is None or point.at - run[-1].at > limit):
            yield run
            run = []
        if point.near is not None:
            run.append(point)
    if run:
        yield run


def _curves(run: Sequence[Point], since: datetime) -> Iterator[Curve]:
    """A run as paths: the way to a bad point is bad, so that it is seen to rise; a point alone is a dot."""
    if len(run) == 1:
        yield Curve(f"M{_at(run[0], since)}h0", is_bad(run[0]), dot=True)
    for bad, steps in groupby(pairwise(run), key=lambda step: is_bad(step[1])):
        way = list(steps)
        yield Curve("M" + "L".join(_at(point, since) for point in (way[0][0], *(end for _, end in way))), bad)


def _at(point: Point, since: datetime) -> str:
    return f"{_x(point.at, since):.1f} {HEIGHT * (1 - (point.near or 0.0)):.1f}"


def _x(at: datetime, since: datetime) -> float:
    return min(1.0, max(0.0, (at - since) / SPAN)) * WIDTH


def _gaps(
    points: Sequence[Point], unreached: Sequence[tuple[datetime, datetime]], limit: timedelta, now: datetime
) -> Iterator[Gap]:
    since = now - SPAN
    if points[0].at - since > limit:
        yield _gap(since, points[0].at, "before", since)
    yield from (
        _gap(one.at, other.at, _why(one.at, other.at, unreached), since)
        for one, other in pairwise([*points, Point(now, None, "")])
        if other.at - one.at > limit
    )
    yield from _unjudged(points, since)


def _why(start: datetime, end: datetime, unreached: Iterable[tuple[datetime, datetime]]) -> str:
    return "unreached" if any(begun < end and ended > start for begun, ended in unreached) else "blind"


def _unjudged(points: Sequence[Point], since: datetime) -> Iterator[Gap]:
    for unjudged, run in groupby(points, key=lambda point: point.near is None):
        if unjudged:
            found = list(run)
            yield _gap(found[0].at, found[-1].at, "unjudged", since)


def _gap(start: datetime, end: datetime, why: str, since: datetime) -> Gap:
    left, right = _x(start, since), _x(end, since)
    return Gap(start, end, why, round(left, 1), round(max(right - left, 3.0), 1))
