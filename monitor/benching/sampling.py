"""How a platform does over time: how late its visits are, how stretched its intervals, what its processes take."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.db import connection
from django.utils import timezone

from devices.models import Zone
from monitor.benching.crew import Crew
from monitor.benching.scratch import ZONE
from monitor.claims import EARLY
from monitor.models import ZoneState

# Devices whose visits are followed one by one, spread over the fleet.
FOLLOWED = 2_000
P99 = 98  # of the hundred percentiles, from 0
FEWEST_VISITS = 2
SLOWEST = 5  # devices whose intervals are told one by one

_SEEN = """
SELECT s.device_id, extract(epoch FROM e.heartbeat_due), extract(epoch FROM s.looked_at),
    extract(epoch FROM e.picture_due), extract(epoch FROM s.picture_at)
FROM monitor_devicestate s JOIN devices_device d ON d.id = s.device_id
JOIN monitor_schedule e ON e.endpoint_id = d.endpoint_id WHERE s.device_id = ANY(%s)
"""


@dataclass(slots=True)
class Turns:
    """The turns of one device: when it is due next, which turns wait for their visit, when those were.

    A turn that waits is known by when it was due, and by when it cannot have been claimed yet: `seen_at`, when the
    device was looked at last before that.
    """

    due: float | None = None
    seen_at: float = 0.0
    waiting: list[tuple[float, float]] = field(default_factory=list)
    visits: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Tier:
    """The turns of one tier: when each followed device was seen for one, and how late."""

    every_s: int
    turns: dict[int, Turns] = field(default_factory=lambda: defaultdict(Turns))
    lags: list[float] = field(default_factory=list)

    def see(self, device_id: int, due: float | None, at: float | None, now: float) -> None:
        """Take into account when a device is due next, and when it was seen last; Unix time.

        An instant that is due no more has been claimed since we last looked, if it has come or was taken along a little
        early: the first visit from then on is its visit. A visit that was for something else meanwhile is none.
        """
        turns, early_s = self.turns[device_id], EARLY * self.every_s
        if turns.due is not None and due is not None and due != turns.due:
            taken_early = turns.due <= now + early_s and due >= turns.due + self.every_s - early_s
            if turns.due <= now or taken_early:
                turns.waiting.append((turns.due, min(turns.due, turns.seen_at)))
        turns.due, turns.seen_at = due, now
        served = [due_at for due_at, since in turns.waiting if at is not None and at >= since]
        if at is not None and served:
            self.lags += [max(0.0, at - due_at) for due_at in served]
            turns.waiting = turns.waiting[len(served) :]
            turns.visits.append(at)  # one visit, however many turns it is for

    def overdue(self, now: float) -> list[float]:
        """How late those are already that nobody has visited yet."""
        waiting = [at for turns in self.turns.values() for at, _since in turns.waiting]
        waiting += [turns.due for turns in self.turns.values() if turns.due is not None]
        return [now - at for at in waiting if at < now]

    def intervals(self) -> dict[int, float]:
        """The mean interval between the visits of each device, by device."""
        seen = {key: turns.visits for key, turns in self.turns.items() if len(turns.visits) >= FEWEST_VISITS}
        return {key: (visits[-1] - visits[0]) / (len(visits) - 1) for key, visits in seen.items()}

    def _slowest(self, means: dict[int, float]) -> dict[str, list[float]]:
        """The single intervals of the devices that were visited most rarely: where the time went."""
        last = sorted(means, key=lambda key: means[key])[-SLOWEST:]
        return {str(key): [round(after - at, 1) for at, after in pairwise(self.turns[key].visits)] for key in last}

    def told(self, now: float) -> dict[str, Any]:
        """Lateness and the spread of intervals; None where too few were seen."""
        means = self.intervals()
        found = sorted(means.values())
        lags = self.lags + self.overdue(now)
        return {
            "every_s": self.every_s,
            "turns": len(lags),
            "lag_p50_s": _percentile(lags, 49),
            "lag_p99_s": _percentile(lags, P99),
            "lag_p99_share": _share(_percentile(lags, P99), self.every_s),
            # The second half of the run: addresses and logins are learned by then.
            "late_lag_p99_s": _percentile(lags[len(lags) // 2 :], P99),
            "interval_min_s": found[0] if found else None,
            "interval_median_s": statistics.median(found) if found else None,
            "interval_max_s": found[-1] if found else None,
            "interval_p1_s": _percentile(found, 0),
            "interval_p99_s": _percentile(found, P99),
            "slowest": self._slowest(means),
            "stretch": _share(statistics.median(found) if found else None, self.every_s),
            "max_over_min": _share(found[-1], found[0]) if found else None,
        }


class Sampler:
    """Follows healthy devices, the processes and the zone's clocks."""

    def __init__(self, crew: Crew, device_ids: Sequence[int], heartbeat_s: int, picture_s: int) -> None:
        self._crew = crew
        step = max(1, len(device_ids) // FOLLOWED)
        self._followed = list(device_ids[::step])
        self.tiers = {"heartbeat": Tier(heartbeat_s), "picture": Tier(picture_s)}
        self.rss: list[dict[str, float]] = []
        self.stretches: list[dict[str, float]] = []
        self._zone_id = Zone.objects.get(name=ZONE).pk
        self._cpu = crew.cpu_ms()
        self._spent: dict[str, float] = defaultdict(float)
        self._began = time.monotonic()

    def visits(self) -> None:
        """Look whom the platform has visited since."""
        now = time.time()
        with connection.cursor() as cursor:
            cursor.execute(_SEEN, [self._followed])
            for device_id, *instants in cursor:
                heartbeat_due, looked_at, picture_due, picture_at = map(_number, instants)
                self.tiers["heartbeat"].see(device_id, heartbeat_due, looked_at, now)
                self.tiers["picture"].see(device_id, picture_due, picture_at, now)

    def processes(self) -> None:
        """Memory and CPU time now, and how far the zone's clocks are slowed down."""
        at = round(time.monotonic() - self._began)
        self.rss.append({"at_s": at, **self._crew.mb()})
        state = ZoneState.objects.filter(pk=self._zone_id).first()
        if state is not None:
            self.stretches.append({"at_s": at, "heartbeat": state.heartbeat_stretch, "picture": state.picture_stretch})
        now = self._crew.cpu_ms()
        for name, spent in now.items():
            # A process that was started again begins at nothing.
            self._spent[name] += (
                max(0.0, spent - self._cpu.get(name, 0.0)) if spent >= self._cpu.get(name, 0.0) else spent
            )
        self._cpu = now

    def told(self) -> dict[str, Any]:
        """The figures of the whole run."""
        seconds = time.monotonic() - self._began
        totals = [sum(value for name, value in item.items() if name != "at_s") for item in self.rss] or [0.0]
        third = max(1, len(totals) // 3)
        early, late = statistics.fmean(totals[third : 2 * third] or totals), statistics.fmean(totals[-third:])
        return {
            **{name: tier.told(time.time()) for name, tier in self.tiers.items()},
            "rss_mb": {
                "most": max(totals),
                "early": early,
                "late": late,
                "growth": _share(late, early),
                "last": self.rss[-1] if self.rss else {},
            },
            "stretches": self.stretches[-1:],
            "batches": _batches(),
            "core_seconds_per_second": {
                **{name: spent / 1000 / seconds for name, spent in self._spent.items()},
                "all": sum(self._spent.values()) / 1000 / seconds,
            },
        }


def _batches() -> list[dict[str, Any]]:
    """The later half of the batches: how late the longest due of each was when it was sent, how long it was away."""
    with connection.cursor() as cursor:
        cursor.execute(_BATCHES)
        return [dict(zip(_BATCH_COLUMNS, row, strict=True)) for row in cursor]


_BATCH_COLUMNS = ("pictures", "batches", "overdue_p50_s", "overdue_p99_s", "away_p50_s", "away_p99_s")
_BATCHES = """
SELECT pictures, count(*),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY overdue_s), percentile_cont(0.99) WITHIN GROUP (ORDER BY overdue_s),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - sent_at)::float8),
    percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - sent_at)::float8)
FROM monitor_batch
WHERE sent_at >= (SELECT min(sent_at) + (max(sent_at) - min(sent_at)) / 2 FROM monitor_batch)
GROUP BY pictures ORDER BY pictures
"""


def late_now(device_ids: Sequence[int], heartbeat_s: int) -> tuple[float, int]:
    """How many intervals ago the longest unseen device was seen, and how many leases are over and not given back."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"devices": list(device_ids), "now": now})
        oldest, orphans = cursor.fetchone()
    return (now.timestamp() - float(oldest)) / heartbeat_s if oldest else 0.0, orphans


_WAITING = """
SELECT (SELECT extract(epoch FROM min(looked_at)) FROM monitor_devicestate WHERE device_id = ANY(%(devices)s)),
    (SELECT count(*) FROM monitor_schedule WHERE lease IS NOT NULL AND leased_until < %(now)s)
"""


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _percentile(values: Sequence[float], place: int) -> float | None:
    return statistics.quantiles(values, n=100, method="inclusive")[place] if len(values) > 1 else None


def _share(one: float | None, other: float) -> float | None:
    return one / other if one is not None and other else None
