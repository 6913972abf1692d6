"""How the polling of a zone is paced: its clocks, how much more it can take on, and the batches that are under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection

from monitor.models import Pulse, ZoneState
from monitor.pace import EARLIEST, LATE_SHARE, UNHURRIED, Clock, Pace, next_stretch

# A zone is given so many seconds' worth of what it has lately done; while that lies there, nothing more is claimed.
AHEAD_S = 15
MEASURED_S = 60
# What is due for less than two ticks is in time: nobody looks at the schedule more often.
IN_TIME_TICKS = 2
# After a pause of so many ticks, or of so many seconds without a word from a zone, it was not work that held it up.
STALLED_TICKS, SILENT_S = 5, 60
# What may be under way in a zone of which nothing is known yet: what five thousand devices ask for in half a minute.
FIRST_HEARTBEATS, FIRST_PICTURES = 3_000, 400


@dataclass(frozen=True, slots=True)
class Room:
    """How many endpoints a zone may be sent now: those whose picture is due, and the others."""

    pictures: int
    others: int


def pace_of(zone_id: int) -> Pace:
    """The clocks of a zone; real ones where it never had to be slowed down."""
    row = ZoneState.objects.filter(pk=zone_id).first()
    return _pace(row) if row else UNHURRIED


def _pace(row: ZoneState) -> Pace:
    if row.paced_at is None or row.heartbeat_at is None or row.picture_at is None:
        return UNHURRIED
    return Pace(
        Clock(row.paced_at, row.heartbeat_at, row.heartbeat_stretch),
        Clock(row.paced_at, row.picture_at, row.picture_stretch),
    )


def heartbeat_stretches() -> dict[int, float]:
    """By what factor the heartbeats of each zone are slowed down, by the zone's key; what is not there is not."""
    return dict(ZoneState.objects.values_list("zone", "heartbeat_stretch"))


# What somebody has a lease on, or a killed worker took along, can be claimed only when that is over: to be late until
# then says nothing about capacity. A picture waits while heartbeats are taken, and that is want of it.
_LATE = """
SELECT max(extract(epoch FROM %(now)s - GREATEST(heartbeat_due, leased_until)) - %(allowed)s * heartbeat_every),
    max(extract(epoch FROM %(now)s
        - CASE WHEN claimed & 2 > 0 OR lease IS NOT NULL THEN GREATEST(picture_due, leased_until) ELSE picture_due END)
        - %(allowed)s * picture_every)
FROM monitor_schedule WHERE zone_id = %(zone)s AND due <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
"""


def adjust(zone_id: int, now: datetime, *, held_up: bool = False) -> Pace:
    """Slow a zone down or let it speed up, by how late its longest due are; give its clocks. Once in each tick.

    `held_up`: it is late for want of somebody who asks, not of capacity; its clocks go on as they did.
    """
    state = ZoneState.objects.get_or_create(zone_id=zone_id)[0]
    pace = _pace(state)
    if held_up:
        ZoneState.objects.filter(pk=zone_id).update(heartbeat_late=EARLIEST, picture_late=EARLIEST)
        return pace
    heartbeat_late, picture_late = _late(zone_id, now)
    tick_s = settings.VIEWKEEPER_TICK_S
    heartbeat = next_stretch(pace.heartbeat.stretch, heartbeat_late, state.heartbeat_late, tick_s)
    picture = next_stretch(pace.picture.stretch, picture_late, state.picture_late, tick_s)
    changes: dict[str, Any] = {"heartbeat_late": heartbeat_late, "picture_late": picture_late}
    if (heartbeat, picture) != (pace.heartbeat.stretch, pace.picture.stretch):
        pace = Pace(pace.heartbeat.turned_to(heartbeat, now), pace.picture.turned_to(picture, now))
        changes |= {"paced_at": now, "heartbeat_stretch": heartbeat, "picture_stretch": picture}
        changes |= {"heartbeat_at": pace.heartbeat.shown, "picture_at": pace.picture.shown}
    ZoneState.objects.filter(pk=zone_id).update(**changes)
    return pace


def stalled(zone_id: int, now: datetime) -> bool:
    """Whether we were down, or nothing comes back from the zone: being late then says nothing about capacity."""
    pause_s = STALLED_TICKS * settings.VIEWKEEPER_TICK_S
    ticked = Pulse.objects.filter(name="tick").values_list("at", flat=True).first()
    seen = ZoneState.objects.filter(pk=zone_id).values_list("seen_at", flat=True).first()
    limits = ((ticked, pause_s), (seen, max(pause_s, SILENT_S)))
    return any(at is not None and (now - at).total_seconds() > limit_s for at, limit_s in limits)


def _late(zone_id: int, now: datetime) -> tuple[float, float]:
    """Minutes by which the longest due heartbeat and picture are later than is allowed, and than the ticks explain."""
    with connection.cursor() as cursor:
        cursor.execute(_LATE, {"zone": zone_id, "now": now, "allowed": LATE_SHARE})
        heartbeat_s, picture_s = cursor.fetchone()
    return _beyond(heartbeat_s), _beyond(picture_s)


def in_time_s() -> int:
    """For how many seconds something may have been due without being late."""
    return IN_TIME_TICKS * settings.VIEWKEEPER_TICK_S


def _beyond(late_s: Decimal | None) -> float:
    return EARLIEST if late_s is None else (float(late_s) - in_time_s()) / 60


_UNDER_WAY = """
WITH leased AS (
    SELECT claimed & 2 > 0 AS pictures FROM monitor_schedule
    WHERE zone_id = %(zone)s AND lease IS NOT NULL AND leased_until > %(now)s),
sent AS (
    SELECT pictures, endpoints FROM monitor_batch WHERE zone_id = %(zone)s AND sent_at > %(since)s)
SELECT pictures, (SELECT count(*) FROM leased l WHERE l.pictures = kinds.pictures),
    (SELECT COALESCE(sum(endpoints), 0) FROM sent s WHERE s.pictures = kinds.pictures)
FROM (VALUES (TRUE), (FALSE)) AS kinds (pictures)
"""


def room(zone_id: int, now: datetime) -> Room:
    """How much more a zone can take: enough to keep it busy, never so much that claims pile up and expire."""
    asked: dict[str, Any] = {"zone": zone_id, "now": now, "since": now - timedelta(seconds=MEASURED_S)}
    with connection.cursor() as cursor:
        cursor.execute(_UNDER_WAY, asked)
        found = {pictures: (leased, int(sent)) for pictures, leased, sent in cursor}
    return Room(_room(*found[True], FIRST_PICTURES), _room(*found[False], FIRST_HEARTBEATS))


def _room(leased: int, sent: int, first: int) -> int:
    """`leased` is under way, `sent` were sent in the last minute: the difference was done in it."""
    return max(0, max(first, AHEAD_S * (sent - leased) // MEASURED_S) - leased)
