"""Rounds of visits through the whole platform: made due, sent by a tick, visited, recorded; and what that took.

The bench plays beat. It makes some devices due, sends the tick that beat would send, waits until the last of them is
recorded, and reads the processes' CPU time before and after. So a round costs what that many visits cost in full
batches, the tick's share included; what a platform does in between for nobody (ticks with nothing due, housekeeping)
is not in it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.utils import timezone

from monitor.benching.failure import BenchFailed
from monitor.benching.register import NEVER
from monitor.benching.workers import Usage, Workers
from monitor.celery import app
from monitor.health import Status
from monitor.models import DeviceState

# How progress is told.
Say = Callable[[str], None]

# The slowest machine does this many visits a second.
SLOWEST_PER_S = 10
PATIENCE_S = 30.0
LOOK_EVERY_S = 0.1
# What still runs after the last row was written (the acknowledgement of a task) is over by then.
REST_S = 0.15


@dataclass(slots=True)
class Spent:
    """Rounds of one kind: the CPU milliseconds per visit of each, and the seconds they took on the wall."""

    visits: int = 0
    rounds: list[Usage] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def median(self) -> Usage:
        """The round in the middle, part by part."""
        parts = zip(*((item.probe, item.record, item.postgres, item.redis) for item in self.rounds), strict=True)
        return Usage(*(statistics.median(part) for part in parts))

    @property
    def total_ms(self) -> float:
        """Per visit, all parts: of the round in the middle."""
        return statistics.median(item.total for item in self.rounds)


def visits(workers: Workers, rounds: Iterable[Sequence[int]], *, pictures: bool, spent: Spent | None = None) -> Spent:
    """Have the devices of each round visited and recorded: a heartbeat each, or a heartbeat and a picture."""
    spent = spent or Spent()
    for device_ids in rounds:
        began = make_due(device_ids, pictures=pictures)
        before, since = workers.cpu_ms(), time.monotonic()
        _wait(device_ids, began, pictures=pictures)
        spent.wall_s += time.monotonic() - since
        time.sleep(REST_S)
        spent.rounds.append(workers.cpu_ms().since(before, len(device_ids)))
        spent.visits += len(device_ids)
    return spent


def make_due(device_ids: Sequence[int], *, pictures: bool) -> datetime:
    """Let these devices be due now and all others never."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_REST, {"never": NEVER})
        cursor.execute(_DUE, {"now": now, "devices": list(device_ids), "picture": now if pictures else NEVER})
    return now


_REST = """
UPDATE monitor_schedule SET heartbeat_due = %(never)s, picture_due = %(never)s, facts_due = %(never)s,
    recheck_due = NULL, due = %(never)s
WHERE due < %(never)s OR picture_due < %(never)s
"""
_DUE = """
UPDATE monitor_schedule s SET heartbeat_due = %(now)s, picture_due = %(picture)s, due = %(now)s
FROM devices_device d WHERE d.endpoint_id = s.endpoint_id AND d.id = ANY(%(devices)s)
"""


def _wait(device_ids: Sequence[int], began: datetime, *, pictures: bool) -> None:
    """Beat, until all are recorded."""
    until = time.monotonic() + PATIENCE_S + len(device_ids) / SLOWEST_PER_S
    seen = DeviceState.objects.filter(device__in=device_ids, looked_at__gte=began)
    beat = 0.0
    while seen.count() < len(device_ids):
        if time.monotonic() >= beat:
            beat = time.monotonic() + settings.VIEWKEEPER_TICK_S
            app.send_task("monitor.tasks.tick", queue="default")
        if time.monotonic() > until:
            raise BenchFailed(f"of {len(device_ids)} devices due only {seen.count()} were visited and recorded")
        time.sleep(LOOK_EVERY_S)
    well = seen.filter(status=Status.ONLINE, **({"picture_at__gte": began} if pictures else {}))
    if unwell := seen.exclude(pk__in=well).first():
        raise BenchFailed(f"device {unwell.device_id} is {unwell.status}: {unwell.tracks} {unwell.picture}")
