"""The figures of the pages: a part of a whole, in percent that are cut, and in hours (domain notes, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db.models import F, FloatField, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from devices.models import Device
from monitor import availability
from monitor.models import DeviceHour, DeviceState
from monitor.words import HOUR_S

if TYPE_CHECKING:
    from devices.models import User

SECONDS = ("online_s", "offline_s", "usable_s", "clock_ok_s", "blind_s", "excluded_s")
# The sums over a month of closed hours change once an hour; each reader's are kept this long. Seconds.
KEPT_S = 300
# Longer numbers are set in groups of three digits.
GROUPED_FROM, NARROW_SPACE = 10_000, "\u202f"


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds that were good, of the seconds that count."""

    part_s: float
    whole_s: float

    @property
    def percent(self) -> str:
        """In percent with two decimals, cut; "" when nothing counts yet."""
        return availability.percent(_tenths(self.part_s), _tenths(self.whole_s))

    @property
    def part_h(self) -> str:
        """Hours that were good, as they are shown."""
        return _hours(self.part_s)

    @property
    def whole_h(self) -> str:
        """Hours that count, as they are shown."""
        return _hours(self.whole_s)


def _tenths(seconds: float) -> int:
    """Full tenths of an hour: what is shown, and what a percentage beside it is made of, so that one can check it."""
    return int(seconds * 10 // HOUR_S)


def _hours(seconds: float) -> str:
    whole, tenth = divmod(_tenths(seconds), 10)
    told = f"{whole:,}".replace(",", NARROW_SPACE) if whole >= GROUPED_FROM else str(whole)
    return f"{told}.{tenth}"


@dataclass(frozen=True, slots=True)
class Sums:
    """Seconds by what was true in them, over devices and hours (see `availability.Hour`)."""

    online_s: float = 0.0
    offline_s: float = 0.0
    usable_s: float = 0.0
    clock_ok_s: float = 0.0
    blind_s: float = 0.0
    excluded_s: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in SECONDS})

    @property
    def online(self) -> Rate:
        """Online rate: online / (due - excluded - blind)."""
        return Rate(self.online_s, self.online_s + self.offline_s)

    @property
    def usable(self) -> Rate:
        """Usable-picture rate, over the same denominator as the online rate."""
        return Rate(self.usable_s, self.online_s + self.offline_s)

    @property
    def coverage(self) -> Rate:
        """How much of the due time we looked at all: what is left of it without the blind seconds."""
        seen_s = self.online_s + self.offline_s
        return Rate(seen_s, seen_s + self.blind_s)


def sums_of(row: Mapping[str, Any]) -> Sums:
    """Sums from an aggregate, in which an empty sum is None."""
    return Sums(**{name: float(row[name] or 0) for name in SECONDS})


def day_start(now: datetime) -> datetime:
    """Midnight in local time."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def month_start(now: datetime) -> datetime:
    """The first midnight of the month in local time."""
    return day_start(now).replace(day=1)


def closed_hours(devices: QuerySet[Device], since: datetime) -> Sums:
    """The closed hours of these devices from an instant on."""
    rows = DeviceHour.objects.filter(device__in=devices, start__gte=since)
    return sums_of(rows.aggregate(**{name: Sum(name) for name in SECONDS}))


def running_hours(devices: QuerySet[Device], since: datetime) -> Sums:
    """The hours that still run, of devices looked at from an instant on."""
    states = DeviceState.objects.filter(device__in=devices, looked_at__gte=since)
    seconds = {name: Sum(Cast(KeyTextTransform(name, "hour"), FloatField())) for name in SECONDS}
    return sums_of(states.aggregate(**seconds))


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums of the month and of today."""

    month: Sums
    today: Sums


def figures(user: User, points: QuerySet[Device], now: datetime) -> Figures:
    """What the first page and the trust line tell of this month and of today, the running hour with it."""
    key = f"figures:{user.pk}:{now:%Y%m%d%H}"
    closed = cache.get(key)
    if closed is None:
        closed = _closed(points, now)
        cache.set(key, closed, KEPT_S)
    running = running_hours(points, day_start(now))
    return Figures(Sums(*closed["month"]) + running, Sums(*closed["today"]) + running)


def _closed(points: QuerySet[Device], now: datetime) -> dict[str, list[float]]:
    """One pass over the month's hours: the sums of the month and those of today among them."""
    rows = DeviceHour.objects.filter(device__in=points, start__gte=month_start(now))
    today = Q(start__gte=day_start(now))
    wanted = {f"month_{name}": Sum(F(name)) for name in SECONDS}
    wanted |= {f"today_{name}": Sum(F(name), filter=today) for name in SECONDS}
    found = rows.aggregate(**wanted)
    return {part: [float(found[f"{part}_{name}"] or 0) for name in SECONDS] for part in ("month", "today")}
