"""The schedule rows of a batch: locked by the lease that its readings carry, given back with what was found out.

Whoever locks several rows does so in the order of their keys, and waits for nobody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Greatest

from monitor.models import Schedule
from monitor.wire import Aspect, Reading, Tier

# The bits of `Schedule.claimed`: which tiers a lease took along, so that a lost one makes just those due again.
BITS: Mapping[Tier, int] = {Tier.HEARTBEAT: 1, Tier.PICTURE: 2, Tier.FACTS: 4}
# Facts that a visit has left open may be asked so much later, along with whatever the endpoint is visited for then: the
# token bucket is full again.
NEXT_HELPING = timedelta(seconds=30)
# So much later where a picture is still to be reached: that goes before.
LATER_HELPING = timedelta(minutes=5)
# A refused login rests for a day at most (DESIGN, decision 6); a shorter rest than this is no refusal but a doubt.
LONGEST_HOLD_S = 24 * 3600
SHORTEST_REFUSAL_S = 30 * 60


@dataclass(slots=True)
class Lease:
    """The schedule row of a leased endpoint, as far as recording reads and changes it.

    `interval_s` is that of its heartbeats as they are at the moment, `picture_stretch` by what factor pictures are
    slowed down.
    """

    endpoint_id: int
    lease: str
    claimed: int
    interval_s: float
    picture_stretch: float
    facts_due: datetime
    recheck_due: datetime | None
    due: datetime
    worked: bool
    hold_until: datetime | None
    hold_cause: str
    holds: int
    held_at: datetime | None
    rested_at: datetime | None


_LEASED = """
SELECT s.endpoint_id, s.lease::text, s.claimed, s.heartbeat_every * COALESCE(p.heartbeat_stretch, 1),
    COALESCE(p.picture_stretch, 1), s.facts_due, s.recheck_due, s.due, s.worked, s.hold_until,
    s.hold_cause, s.holds, s.held_at, s.rested_at
FROM monitor_schedule s JOIN devices_zone z ON z.id = s.zone_id LEFT JOIN monitor_zonestate p ON p.zone_id = s.zone_id
WHERE s.endpoint_id = ANY(%s) AND z.name = %s AND s.lease IS NOT NULL
ORDER BY s.endpoint_id FOR UPDATE OF s
"""
_GIVE_BACK = """
UPDATE monitor_schedule s SET lease = NULL, leased_until = LEAST(s.leased_until, %s), facts_due = v.facts_due,
    recheck_due = v.recheck_due, due = v.due, worked = v.worked, hold_until = v.hold_until,
    hold_cause = v.hold_cause, holds = v.holds, held_at = v.held_at, rested_at = v.rested_at
FROM jsonb_to_recordset(%s::jsonb) AS v(
    endpoint_id bigint, facts_due timestamptz, recheck_due timestamptz, due timestamptz, worked boolean,
    hold_until timestamptz, hold_cause text, holds smallint, held_at timestamptz,
    rested_at timestamptz)
WHERE s.endpoint_id = v.endpoint_id
"""


def leased(readings: Sequence[Reading], zone: str) -> dict[int, Lease]:
    """The schedule rows of the zone whose lease one of the readings carries, locked in one order by all."""
    carried = {(reading.endpoint_id, reading.lease) for reading in readings}
    with connection.cursor() as cursor:
        cursor.execute(_LEASED, [[endpoint_id for endpoint_id, _lease in carried], zone])
        rows = [Lease(*row) for row in cursor]
    return {row.endpoint_id: row for row in rows if (row.endpoint_id, row.lease) in carried}


def holds_lease(reading: Reading, leases: Mapping[int, Lease]) -> bool:
    """Whether a reading comes from the visit that was asked for."""
    row = leases.get(reading.endpoint_id)
    return row is not None and row.lease == reading.lease


def give_back(
    readings: Sequence[Reading],
    leases: Mapping[int, Lease],
    rechecks: Mapping[int, datetime],
    parents: Collection[int],
    now: datetime,
) -> None:
    """Give leases back, set second looks, look at suspects' parents at once, let refused logins and buckets rest.

    `rechecks` is when each endpoint wants its second look, `parents` the endpoints that suspects hang on.
    """
    _rest(readings, leases)
    for endpoint_id, row in leases.items():
        row.recheck_due = _earlier(row.recheck_due, rechecks.get(endpoint_id))
        row.due = _earlier(row.due, row.recheck_due) or row.due
    if leases:
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, [now, orjson.dumps(list(leases.values())).decode()])
    # A parent that another batch holds is being looked at just now.
    if unseen_ids := set(parents) - leases.keys():
        unseen = Schedule.objects.filter(endpoint__in=unseen_ids, recheck_due=None)
        free = [row.pk for row in unseen.select_for_update(skip_locked=True)]
        Schedule.objects.filter(pk__in=free).update(recheck_due=now, due=now)


_STILL_REFUSED = """
WITH refused AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS v(
        endpoint_id bigint, hold_until timestamptz, hold_cause text, held_at timestamptz)),
held AS (
    SELECT s.endpoint_id, c.changed_at
    FROM monitor_schedule s JOIN devices_zone z ON z.id = s.zone_id JOIN devices_endpoint e ON e.id = s.endpoint_id
        LEFT JOIN devices_credential c ON c.id = e.credential_id
    WHERE s.endpoint_id IN (SELECT endpoint_id FROM refused) AND z.name = %s
    ORDER BY s.endpoint_id FOR UPDATE OF s)
UPDATE monitor_schedule s SET worked = FALSE, hold_until = GREATEST(s.hold_until, r.hold_until),
    hold_cause = r.hold_cause, held_at = r.held_at
FROM refused r JOIN held h USING (endpoint_id)
WHERE s.endpoint_id = r.endpoint_id AND COALESCE(h.changed_at <= r.held_at, TRUE)
"""


def rest_refused(late: Sequence[Reading], zone: str) -> None:
    """Readings that came without an open lease count for nothing, but that a login was refused is remembered.

    It can only make us more careful; forgotten, it would be tried again and again while recording lags behind.
    Not to be called while other rows of the schedule are locked.
    """
    rows = [
        {
            "endpoint_id": reading.endpoint_id,
            "hold_until": reading.at + timedelta(seconds=reading.hold_s),
            "hold_cause": reading.findings[Aspect.ACCESS].cause if Aspect.ACCESS in reading.findings else "",
            "held_at": reading.at,
        }
        for reading in late
        if reading.credential == "refused" and reading.hold_s
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_STILL_REFUSED, [orjson.dumps(rows).decode(), zone])


_ASK_ON = """
UPDATE monitor_schedule s SET facts_due = LEAST(s.facts_due,
    CASE WHEN s.endpoint_id = ANY(%(unfinished)s) THEN %(later)s ELSE %(soon)s END)
FROM devices_device d JOIN monitor_passport p ON p.device_id = d.id
WHERE s.endpoint_id = ANY(%(endpoints)s) AND d.endpoint_id = s.endpoint_id AND p.learned ->> 'facts_open' <> ''
"""


def ask_on(leases: Mapping[int, Lease], unfinished: Collection[int], now: datetime) -> None:
    """Facts are asked in small helpings: where some are still open, the next one comes soon and not in a day.

    A picture that a first visit did not come to is not kept waiting: `unfinished` are its endpoints, which are asked
    again when they bear as much as at first.
    """
    if unfinished:
        rested = Greatest("rested_at", Value(now))
        pictured = Schedule.objects.filter(endpoint__in=unfinished, picture_due__gt=rested)
        pictured.update(picture_due=rested)
    asked = [endpoint_id for endpoint_id, row in leases.items() if row.claimed & BITS[Tier.FACTS]]
    if asked:
        with connection.cursor() as cursor:
            instants = {"soon": now + NEXT_HELPING, "later": now + LATER_HELPING}
            cursor.execute(_ASK_ON, {"endpoints": asked, "unfinished": list(unfinished), **instants})


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)


def _rest(readings: Sequence[Reading], leases: Mapping[int, Lease]) -> None:
    """Once for each endpoint, however many channels were seen through it; a refusal outweighs a success."""
    used: dict[int, Reading] = {}
    for reading in readings:
        # What is owed was counted when the visit ended, and `at` is when it began.
        owed = timedelta(seconds=reading.owed_s, milliseconds=reading.took_ms)
        row = leases[reading.endpoint_id]
        row.rested_at = max(row.rested_at or reading.at, reading.at + owed)
        known = used.get(reading.endpoint_id)
        if reading.credential and (known is None or known.credential != "refused"):
            used[reading.endpoint_id] = reading
    for endpoint_id, reading in used.items():
        _rest_login(leases[endpoint_id], reading)


def _rest_login(row: Lease, reading: Reading) -> None:
    """One refusal ends logins for a while, twice as long each time; a success ends the rest (DESIGN, decision 6)."""
    if reading.credential == "worked":
        row.worked, row.hold_until, row.hold_cause, row.holds = True, None, "", 0
    elif reading.credential == "refused" and reading.hold_s:
        refusal = reading.hold_s >= SHORTEST_REFUSAL_S
        rest_s = min(reading.hold_s * 2**row.holds, LONGEST_HOLD_S) if refusal else reading.hold_s
        access = reading.findings.get(Aspect.ACCESS)
        row.hold_until, row.held_at = reading.at + timedelta(seconds=rest_s), reading.at
        row.hold_cause = access.cause if access else ""
        row.holds += refusal
        # Whoever had worked gets one more try after a short rest; a second refusal is definite.
        row.worked = False
