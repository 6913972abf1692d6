"""The last 30 days of a device as a strip of hours, with the rates over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from devices.models import Device
from monitor.availability import HOUR, hour_of
from monitor.causes import CAUSES, Category
from monitor.models import DeviceHour, Incident
from monitor.overview.rates import SECONDS, Sums
from monitor.overview.standing import CSS
from monitor.overview.strips import WIDTH, Bar

DAYS = 30
HEIGHT = 40  # of the viewBox
# Less than this in an hour is one missed look, not worth a bar. Seconds.
LEAST_S = 60
# The kind of trouble stands in the height too, not in the colour alone.
HEIGHTS = {"ok": 3, "off": 40, "pic": 30, "login": 20, "mnt": 30, "unk": 30}
AXIS_DAYS = 6


@dataclass(frozen=True, slots=True)
class Month:
    """Bars, the days under them, and the sums of the hours they stand for."""

    bars: tuple[Bar, ...]
    axis: tuple[datetime, ...]
    sums: Sums
    hours: int


def month(device: Device, now: datetime) -> Month:
    """The strip of one device."""
    since = hour_of(now) - timedelta(days=DAYS)
    rows = list(DeviceHour.objects.filter(device=device, start__gte=since).order_by("start"))
    spans = _spans(device, since, now)
    bars = [_bar(row, css_of(row, spans), since, now) for row in rows]
    total = sum((Sums(**{name: getattr(row, name) for name in SECONDS}) for row in rows), Sums())
    axis = tuple(since + timedelta(days=day) for day in range(0, DAYS, AXIS_DAYS))
    return Month(merged(bars), axis, total, len(rows))


def css_of(row: DeviceHour, spans: Sequence[tuple[datetime, datetime, Category]]) -> str:
    """What an hour stands for: the gravest of what was true in it for a minute or more."""
    if row.offline_s >= LEAST_S:
        return "off"
    if row.online_s - row.usable_s >= LEAST_S:
        return next((CSS[item] for start, end, item in spans if start < row.start + HOUR and end > row.start), "pic")
    if row.blind_s >= LEAST_S:
        return "unk"
    if row.excluded_s >= LEAST_S:
        return "mnt"
    return "ok"


def merged(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """Neighbouring hours of one kind as one bar."""
    joined: list[Bar] = []
    for bar in bars:
        last = joined[-1] if joined else None
        if last is not None and last.css == bar.css and abs(last.x + last.width - bar.x) < 1:
            joined[-1] = Bar(bar.css, last.x, last.y, round(bar.x + bar.width - last.x, 2), last.height)
        else:
            joined.append(bar)
    return tuple(joined)


def _spans(device: Device, since: datetime, now: datetime) -> list[tuple[datetime, datetime, Category]]:
    found = Incident.objects.filter(Q(ended_at=None) | Q(ended_at__gt=since), device=device, cause__in=CAUSES)
    rows = sorted(found, key=lambda item: CAUSES[item.cause].rank)
    return [(item.started_at, item.ended_at or now, CAUSES[item.cause].category) for item in rows]


def _bar(row: DeviceHour, css: str, since: datetime, now: datetime) -> Bar:
    left = (row.start - since) / (now - since) * WIDTH
    height = HEIGHTS[css]
    return Bar(css, round(left, 2), HEIGHT - height, round(HOUR / (now - since) * WIDTH, 2), height)
