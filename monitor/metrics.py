"""The platform's own figures, computed when somebody asks: from batch rows, zone states, the schedule and the queues.

Many processes work, so none of them counts. Everything here is a handful of statements that stand on an index, and
two round trips to the broker.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import redis
from django.conf import settings
from django.db.models import Count, Min, Q
from django.db.models.functions import Least

from devices.models import Zone
from monitor.alerts.delivery import undelivered
from monitor.claims import LEASE_S
from monitor.models import Batch, Notification, Pulse, Schedule, ZoneState

WINDOW_S: Final = 300
BROKER_PATIENCE_S: Final = 2
OWN_QUEUES: Final = ("record", "default", "alerts")
SHARES: Final = (0.5, 0.95)


@dataclass(slots=True)
class Collecting:
    """One collector in the window: its last batch, and how late its loop ran at its worst."""

    name: str
    at: datetime
    canary: str
    lag_s: float


@dataclass(slots=True)
class ZoneFigures:
    """One zone in the last `WINDOW_S` seconds. Seconds of processor time: `cpu_s` probing, `record_s` recording."""

    name: str
    label: str
    state: ZoneState | None
    endpoints: int = 0
    overdue_s: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    batches: Counter[str] = field(default_factory=Counter)
    took_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    record_s: float = 0.0
    collectors: dict[str, Collecting] = field(default_factory=dict)

    @property
    def polls(self) -> int:
        """Readings that came back."""
        return self.outcomes.total()

    @property
    def per_poll_ms(self) -> float | None:
        """Processor time of probing and recording, in milliseconds for each reading."""
        return (self.cpu_s + self.record_s) / self.polls * 1000 if self.polls else None

    @property
    def last(self) -> datetime | None:
        """When the last batch came back."""
        return max((item.at for item in self.collectors.values()), default=None)

    def batch_s(self, share: float) -> float | None:
        """What this share of the batches took at most, in seconds."""
        return percentile(self.took_s, share)


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """How many messages wait in a queue, and for how long the oldest one has; None where it does not say."""

    name: str
    length: int
    oldest_s: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it."""

    now: datetime
    zones: Sequence[ZoneFigures]
    queues: Sequence[QueueFigures]
    pulses: Mapping[str, float]
    mails_waiting: int
    mails_failed: int


def gather(now: datetime) -> Figures:
    """Everything, as it is now."""
    zones = _zones(now)
    waiting = Notification.objects.filter(sent_at=None, failed_at=None).count()
    pulses = {name: (now - at).total_seconds() for name, at in Pulse.objects.values_list("name", "at")}
    return Figures(now, zones, queues(zones, now), pulses, waiting, undelivered().count())


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


# -- zones


def _zones(now: datetime) -> list[ZoneFigures]:
    zones = Zone.objects.polled().select_related("polling").order_by("name")
    found = {zone.pk: ZoneFigures(zone.name, str(zone), getattr(zone, "polling", None)) for zone in zones}
    for zone_id, count in Schedule.objects.order_by().values_list("zone").annotate(Count("pk")):
        if zone_id in found:
            found[zone_id].endpoints = count
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    waiting = Schedule.objects.filter(free, Q(due__lte=now) | Q(picture_due__lte=now)).order_by()
    for zone_id, due in waiting.values_list("zone").annotate(first=Least(Min("due"), Min("picture_due"))):
        if zone_id in found:
            found[zone_id].overdue_s = (now - due).total_seconds()
    for batch in Batch.objects.filter(sent_at__gt=now - timedelta(seconds=WINDOW_S)).iterator():
        if batch.zone_id in found:
            _count(found[batch.zone_id], batch, now)
    return list(found.values())


def _count(zone: ZoneFigures, batch: Batch, now: datetime) -> None:
    zone.outcomes.update(batch.outcomes)
    zone.record_s += batch.record_s
    if batch.done_at is None:
        lost = (now - batch.sent_at).total_seconds() > LEASE_S  # its leases have ended
        zone.batches["lost" if lost else "under_way"] += 1
        return
    zone.batches["done"] += 1
    zone.took_s.append(batch.took_s or 0.0)
    zone.cpu_s += batch.cpu_s or 0.0
    first = Collecting(batch.collector, batch.done_at, batch.canary, 0.0)
    known = zone.collectors.setdefault(batch.collector, first)
    known.lag_s = max(known.lag_s, batch.lag_s or 0.0)
    if known.at < batch.done_at:
        known.at, known.canary = batch.done_at, batch.canary


# -- queues


def broker() -> redis.Redis:
    """A client that does not wait long: whoever asks for figures wants to be told that there are none."""
    patience_s = BROKER_PATIENCE_S
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=patience_s, socket_connect_timeout=patience_s)


def queues(zones: Iterable[ZoneFigures], now: datetime) -> list[QueueFigures]:
    """What waits at the broker; nothing where it does not answer."""
    names = [*(f"{kind}.{zone.name}" for zone in zones for kind in ("probe", "look")), *OWN_QUEUES]
    try:
        with broker() as store, store.pipeline(transaction=False) as asked:
            for name in names:
                asked.llen(name)
                asked.lindex(name, -1)
            answers = asked.execute()
    except redis.RedisError:
        return []
    return [
        QueueFigures(name, length, _age_s(oldest, now))
        for name, length, oldest in zip(names, answers[::2], answers[1::2], strict=True)
    ]


def _age_s(message: bytes | None, now: datetime) -> float | None:
    """How long ago a message was sent; whoever may put something into a queue may have put in anything."""
    if message is None:
        return None
    try:
        sent_at = json.loads(message)["headers"]["sent_at"]
        return max(0.0, now.timestamp() - float(sent_at))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
