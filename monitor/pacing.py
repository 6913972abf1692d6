"""How the polling of a zone is paced: how much more it can take on, by how much it is stretched, whether we were away.

When the machine is too small, what is due longest is asked first and is due again an interval after that, so that a
cycle lengthens for everybody alike; nothing needs to be steered for that. Pictures give way to heartbeats.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from monitor.models import Pulse, ZoneState

# A zone is given so many seconds' worth of what it has lately done: enough until the next ticks. While that lies there
# nothing more is claimed, for what waits in a queue cannot give way to what is more urgent.
AHEAD_S = 6
MEASURED_S = 60
# What is due for less than two ticks is in time: nobody looks at the schedule more often.
IN_TIME_TICKS = 2
# After a pause of so many ticks, or of so many seconds without a word from a zone, it was not work that held it up. A
# pause of less than half an interval is made good: whoever waited for their next turn would be late by more than that.
STALLED_TICKS, SILENT_S = 5, 60
# What may be under way in a zone of which nothing is known yet: what five thousand devices ask for in half a minute.
FIRST_HEARTBEATS, FIRST_PICTURES = 3_000, 400
# Heartbeats that are late by more than this share of their interval push pictures back, each second by so much of what
# those may have under way; while they are not, it grows each second by so much of the whole. Some always go.
LATE_SHARE = 0.05
GIVE_WAY, COME_BACK, LEAST_SHARE = 0.05, 0.01, 0.05
# The stretch that is told is the mean of about so many seconds.
SMOOTH_S = 30


class Room(NamedTuple):
    """How many endpoints a zone may be sent now: those whose picture is due, and the others."""

    pictures: int
    others: int


class Late(NamedTuple):
    """By how many intervals, beyond what ticks explain, the longest due heartbeat and picture of a zone are late."""

    heartbeat: float
    picture: float


def heartbeat_stretches() -> dict[int, float]:
    """By what factor the heartbeats of each zone are slowed down, by the zone's key; what is not there is not."""
    return dict(ZoneState.objects.values_list("zone", "heartbeat_stretch"))


# What somebody has a lease on, or a killed worker took along, can be claimed only when that is over: to be late until
# then says nothing about capacity. A picture waits while heartbeats are taken, and that is want of it.
_LATE = """
SELECT COALESCE(max((extract(epoch FROM %(now)s - GREATEST(heartbeat_due, leased_until)) - %(in_time)s)
        / heartbeat_every), 0)::float8,
    COALESCE(max((extract(epoch FROM %(now)s - CASE WHEN claimed & 2 > 0 OR lease IS NOT NULL
        THEN GREATEST(picture_due, leased_until) ELSE picture_due END) - %(in_time)s) / picture_every), 0)::float8
FROM monitor_schedule
WHERE zone_id = %(zone)s AND (due <= %(now)s OR picture_due <= %(now)s)
    AND (leased_until IS NULL OR leased_until <= %(now)s)
"""


def observe(zone_id: int, now: datetime) -> Late:
    """How late a zone is; its stretch and what pictures may take up follow from that. Once in each tick."""
    with connection.cursor() as cursor:
        cursor.execute(_LATE, {"zone": zone_id, "now": now, "in_time": in_time_s()})
        late = Late(*cursor.fetchone())
    state = ZoneState.objects.get_or_create(zone_id=zone_id)[0]
    tick_s = float(settings.VIEWKEEPER_TICK_S)
    ZoneState.objects.filter(pk=zone_id).update(
        heartbeat_stretch=_smoothed(state.heartbeat_stretch, late.heartbeat, tick_s),
        picture_stretch=_smoothed(state.picture_stretch, late.picture, tick_s),
        picture_share=next_share(state.picture_share, late.heartbeat, tick_s),
    )
    return late


def _smoothed(stretch: float, late: float, tick_s: float) -> float:
    """An interval after it was asked, late by so many, an endpoint is asked again: the cycle is as much longer."""
    return stretch + (1 + max(0.0, late) - stretch) * min(1.0, tick_s / SMOOTH_S)


def next_share(share: float, late: float, tick_s: float) -> float:
    """What share of their usual number pictures may have under way, `tick_s` later, where heartbeats are `late`."""
    if late > LATE_SHARE:
        return max(LEAST_SHARE, share * math.exp(-GIVE_WAY * tick_s))
    return min(1.0, share + COME_BACK * tick_s)


def stalled(zone_id: int, now: datetime, heartbeat_s: float) -> bool:
    """Whether we were down, or nothing comes back from the zone: being late then says nothing about capacity.

    `heartbeat_s` is the zone's shortest interval.
    """
    pause_s = max(STALLED_TICKS * settings.VIEWKEEPER_TICK_S, heartbeat_s / 2)
    ticked = Pulse.objects.filter(name="tick").values_list("at", flat=True).first()
    seen = ZoneState.objects.filter(pk=zone_id).values_list("seen_at", flat=True).first()
    limits = ((ticked, pause_s), (seen, max(pause_s, SILENT_S)))
    return any(at is not None and (now - at).total_seconds() > limit_s for at, limit_s in limits)


def in_time_s() -> int:
    """For how many seconds something may have been due without being late."""
    return IN_TIME_TICKS * settings.VIEWKEEPER_TICK_S


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
    share = ZoneState.objects.filter(pk=zone_id).values_list("picture_share", flat=True).first()
    pictures = _room(*found[True], FIRST_PICTURES, 1.0 if share is None else share)
    return Room(pictures, _room(*found[False], FIRST_HEARTBEATS))


def _room(leased: int, sent: int, first: int, share: float = 1.0) -> int:
    """`leased` is under way, `sent` were sent in the last minute: the difference was done in it."""
    return max(0, int(share * max(first, AHEAD_S * (sent - leased) / MEASURED_S)) - leased)
