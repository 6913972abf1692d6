"""Strips: when something could not be seen, as rectangles. Fine is a thin line, trouble stands up, blind is hollow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from devices.models import Device
from monitor.availability import HOUR
from monitor.causes import CAUSES, Category
from monitor.models import DeviceHour, Incident
from monitor.wire import Aspect

DAY = timedelta(days=1)
WIDTH, HEIGHT = 1440, 24  # of the viewBox of a day's strip: a unit is a minute
FINE = 3.0  # height of the line of what is fine
HOLLOW = 0.9  # share of the height that a blind time takes
LEAST_WIDTH = 3.0  # so that a short fault can still be seen
OPEN_WIDTH = 6.0  # what is open now is what one looks for: it shows from its first minute on
# A blind time shorter than this share of an hour is a hiccup that no strip can show.
LEAST_BLIND = 0.02
# What keeps a point from being seen; a wrong clock or serial number does not.
UNSEEN_ASPECTS = (Aspect.LINK, Aspect.ACCESS, Aspect.PICTURE)


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle of a strip: a status ("ok", "off", "pic", "login", "unk") and its place in the viewBox."""

    css: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Span:
    """A fault of one device from one instant to another; `origin` is the incident it counts with."""

    device_id: int
    category: Category
    rank: int
    start: datetime
    end: datetime
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip and what it says in words: how many causes, and how many points were unseen at the worst instant."""

    bars: tuple[Bar, ...]
    faults: int
    worst: int
    worst_at: datetime | None
    total: int


CSS: Mapping[Category, str] = {
    Category.OFFLINE: "off",
    Category.OBSTRUCTED: "pic",
    Category.PICTURE: "pic",
    Category.LOGIN: "login",
}


def of_compounds(points: QuerySet[Device], totals: Mapping[int, int], now: datetime) -> dict[int, Strip]:
    """The strips of the last 24 hours of compounds: `points` of them are seen, `totals` by compound."""
    since = now - DAY
    devices = points.filter(compound__in=totals)
    spans, blind = _spans(devices, since, now), _blind(devices, since, now)
    return {pk: strip(spans[pk], blind[pk], total, since, now) for pk, total in totals.items()}


def _spans(devices: QuerySet[Device], since: datetime, now: datetime) -> Mapping[int, list[Span]]:
    rows = Incident.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=since), device__in=devices, aspect__in=UNSEEN_ASPECTS, started_at__lt=now
    ).values_list("device__compound_id", "device_id", "cause", "started_at", "ended_at", Coalesce("root_id", "pk"))
    found: dict[int, list[Span]] = defaultdict(list)
    for compound_id, device_id, cause, start, end, origin in rows:
        if cause in CAUSES:
            known = CAUSES[cause]
            span = Span(device_id, known.category, known.rank, max(start, since), min(end or now, now), origin)
            found[compound_id].append(span)
    return found


def _blind(devices: QuerySet[Device], since: datetime, now: datetime) -> Mapping[int, list[tuple[datetime, float]]]:
    """Blind seconds by hour and compound, of the closed hours."""
    rows = (
        DeviceHour.objects.filter(device__in=devices, start__gt=since - HOUR, start__lt=now, blind_s__gt=0)
        .values("device__compound_id", "start")
        .order_by("start")
        .annotate(seconds=Sum("blind_s"))
    )
    found: dict[int, list[tuple[datetime, float]]] = defaultdict(list)
    for row in rows:
        found[row["device__compound_id"]].append((row["start"], row["seconds"]))
    return found


def strip(
    spans: Sequence[Span], blind: Sequence[tuple[datetime, float]], total: int, since: datetime, now: datetime
) -> Strip:
    """Draw spans of faults and blind hours; heights are the share of `total` points that could not be seen."""
    hollow = [bar for start, seconds in blind if (bar := _hollow(start, seconds, total, since, now))]
    bars, worst, worst_at = _standing(spans, total, since, now)
    causes = {id(span) if span.origin is None else span.origin for span in spans}
    return Strip((*_fine(hollow), *bars, *hollow), len(causes), worst, worst_at, total)


def _standing(
    spans: Sequence[Span], total: int, since: datetime, now: datetime
) -> tuple[list[Bar], int, datetime | None]:
    """Bars where faults stand up, and the worst instant: between two instants at which one begins or ends."""
    instants = sorted({at for span in spans for at in (span.start, span.end)})
    bars: list[Bar] = []
    worst, worst_at = 0, None
    for start, end in pairwise(instants):
        active = [span for span in spans if span.start <= start and span.end >= end]
        if not active:
            continue
        unseen = min(total, len({span.device_id for span in active}))
        if unseen > worst:
            worst, worst_at = unseen, start
        least = OPEN_WIDTH if end == now else LEAST_WIDTH
        gravest = min(active, key=lambda span: span.rank)
        left, right = _x(start, since, now), _x(end, since, now)
        bars.append(_bar(CSS[gravest.category], left, right, unseen / max(1, total), least))
    return bars, worst, worst_at


def _bar(css: str, left: float, right: float, share: float, least: float) -> Bar:
    height = round(FINE + share * (HEIGHT - FINE), 2)
    width = max(least, round(right - left, 2))
    return Bar(css, min(left, WIDTH - width), round(HEIGHT - height, 2), width, height)


def _hollow(start: datetime, seconds: float, total: int, since: datetime, now: datetime) -> Bar | None:
    """The blind part of an hour; where in the hour it lay is not kept, so it stands at its beginning."""
    share = min(1.0, seconds / (max(1, total) * HOUR.total_seconds()))
    if share < LEAST_BLIND:
        return None
    left, right = _x(max(start, since), since, now), _x(min(start + HOUR * share, now), since, now)
    height = round(HEIGHT * HOLLOW, 2)
    return Bar("unk", left, HEIGHT - height, max(LEAST_WIDTH, round(right - left, 2)), height)


def _fine(hollow: Sequence[Bar]) -> list[Bar]:
    """The line of what is fine, left out where nobody looked; faults are drawn over it."""
    edges = [0.0, *(edge for bar in hollow for edge in (bar.x, bar.x + bar.width)), float(WIDTH)]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Bar("ok", left, HEIGHT - FINE, round(right - left, 2), FINE) for left, right in pairs if right > left]


def _x(at: datetime, since: datetime, now: datetime) -> float:
    return round((at - since) / (now - since) * WIDTH, 2)
