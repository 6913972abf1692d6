"""Leases on what is due: claimed in one statement that moves the due instants on, given back when there was no need."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from devices.models import Device
from monitor.models import Schedule
from monitor.models.scheduling import LONGEST_DEADLINE_S
from monitor.pacing import in_time_s
from monitor.schedule import FIRST_FACTS_S, SPREAD, row_for_look
from monitor.wire import LONGEST_WAIT_S, Tier

# What an order may wait in the queue before its visits are worthless: half a heartbeat interval, within bounds.
LEAST_PATIENCE_S, PATIENCE_S = 2, LONGEST_WAIT_S
# What a batch may need beside its visits (canaries first and last, the helping, the way back and recording): a sixth.
LEAST_RETURN_S, RETURN_S = 3, 10
# A lease outlasts the waiting, any visit and the way back.
LEASE_S = PATIENCE_S + LONGEST_DEADLINE_S + RETURN_S
# A batch is small enough to be done well before it expires; pictures weigh more (DESIGN, decision 4).
BATCH, PICTURE_BATCH = 500, 100


@dataclass(frozen=True, slots=True)
class Terms:
    """For how long the orders of a zone are good, and its endpoints leased. Seconds."""

    patience_s: int = PATIENCE_S
    lease_s: int = LEASE_S


def terms_of(shortest_heartbeat_s: int, longest_deadline_s: int) -> Terms:
    """The terms of a zone: what a killed worker takes along is due again within two intervals.

    The deadline of a visit has its part in that: where it is longer than an interval, so is the lease.
    """
    patience_s = max(LEAST_PATIENCE_S, min(PATIENCE_S, shortest_heartbeat_s // 2))
    return_s = max(LEAST_RETURN_S, min(RETURN_S, shortest_heartbeat_s // 6))
    return Terms(patience_s, min(LEASE_S, patience_s + longest_deadline_s + return_s))


@dataclass(frozen=True, slots=True)
class Claim:
    """One leased endpoint, which of its tiers are due, and for how many seconds the first of them has been."""

    endpoint_id: int
    lease: str
    tiers: frozenset[Tier]
    recheck: bool = False
    worked: bool = False
    hold_until: datetime | None = None
    hold_cause: str = ""
    rested_at: datetime | None = None
    overdue_s: float = 0.0


# What is due within this share of its interval is taken along when the endpoint is visited for something else.
EARLY = 0.1
# By so much of its interval an instant comes back towards its phase each time.
BACK = 0.03


def _next(tier: str) -> str:
    """When a tier that is taken along is due again.

    What is in time keeps its rhythm, and what is off its phase comes back to it by and by. What is late is due an
    interval from now: where there is too much to do everybody's interval lengthens alike, the longest due being claimed
    first. What a lost lease makes due before its time keeps its instant.
    """
    due, every = f"d.{tier}_due", f"d.{tier}_every"
    phase = f"d.endpoint_id * {SPREAD}::bigint %% {every}"
    ahead = f"(extract(epoch FROM {due}) - {phase}) %% {every}"
    nearest = f"{ahead} - CASE WHEN 2 * ({ahead}) > {every} THEN {every} ELSE 0 END"
    back = f"GREATEST(-{BACK} * {every}, LEAST({BACK} * {every}, {nearest}))"
    return f"""CASE WHEN {due} > %(now)s + make_interval(secs => {EARLY} * {every}) THEN {due}
        WHEN {due} < %(late)s THEN %(now)s + make_interval(secs => {every})
        ELSE {due} + make_interval(secs => ({every} - ({back}))::float8) END"""


def _phase_after(tier: str, every: str = "") -> str:
    """The next instant of a tier's phase, as `schedule.phase_after` gives it."""
    every = every or f"d.{tier}_every"
    phase = f"(d.endpoint_id * {SPREAD}::bigint %% {every})"
    return f"to_timestamp((floor((%(epoch)s - {phase}) / {every}) + 1) * {every} + {phase})"


def _statement(due: str, pictures: str) -> str:
    """The claim of what is due by that column, the longest due first; `pictures` says whether those are taken along.

    Facts are worth no visit of their own. A picture that a lost lease had taken, and this one does not, is due.
    """
    return f"""
WITH due AS (
    SELECT *, CASE WHEN lease IS NULL THEN 0 ELSE claimed END AS lost FROM monitor_schedule
    WHERE zone_id = %(zone)s AND {due} <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
    ORDER BY {due} LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
taken AS (
    SELECT *, heartbeat_due <= %(now)s + make_interval(secs => {EARLY} * heartbeat_every) OR lost & 1 > 0 AS heartbeat,
        {pictures} AND (picture_due <= %(now)s OR lost & 2 > 0) AS picture,
        facts_due <= %(now)s OR lost & 4 > 0 AS facts,
        COALESCE(recheck_due <= %(now)s, FALSE) OR lost > 0 AS recheck
    FROM due),
moved AS (
    SELECT *, CASE WHEN heartbeat THEN {_next("heartbeat")} ELSE heartbeat_due END AS heartbeat_next,
        CASE WHEN picture THEN {_next("picture")} WHEN lost & 2 > 0 THEN %(now)s ELSE picture_due END AS picture_next,
        CASE WHEN facts THEN {_phase_after("facts")} ELSE facts_due END AS facts_next,
        CASE WHEN recheck_due > %(now)s THEN recheck_due END AS recheck_next
    FROM taken d)
UPDATE monitor_schedule s SET
    lease = %(lease)s, leased_until = %(until)s,
    claimed = m.heartbeat::int + 2 * m.picture::int + 4 * m.facts::int,
    heartbeat_due = m.heartbeat_next, picture_due = m.picture_next, facts_due = m.facts_next,
    recheck_due = m.recheck_next, due = LEAST(m.heartbeat_next, m.recheck_next)
FROM moved m WHERE m.endpoint_id = s.endpoint_id
RETURNING s.endpoint_id, m.heartbeat, m.picture, m.facts, m.recheck, s.worked, s.hold_until, s.hold_cause, s.rested_at,
    extract(epoch FROM %(now)s - m.{due})
"""  # noqa: S608 - built from constants of this module only


_PICTURES, _OTHERS = _statement("picture_due", "TRUE"), _statement("due", "FALSE")


def claim_pictures(zone_id: int, now: datetime, limit: int = PICTURE_BATCH, lease_s: int = LEASE_S) -> list[Claim]:
    """Lease endpoints whose picture is due, with whatever else is due there, and move their instants on.

    One statement; the longest due first.
    """
    return _claim(_PICTURES, zone_id, now, limit, lease_s)


def claim_others(zone_id: int, now: datetime, limit: int = BATCH, lease_s: int = LEASE_S) -> list[Claim]:
    """Lease endpoints of which something else is due; a picture that is due, too, waits."""
    return _claim(_OTHERS, zone_id, now, limit, lease_s)


def _claim(statement: str, zone_id: int, now: datetime, limit: int, lease_s: int) -> list[Claim]:
    lease, until = uuid.uuid4(), now + timedelta(seconds=lease_s)
    asked = {"zone": zone_id, "limit": limit, "lease": lease, "until": until, **_instants(now)}
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return [_claimed(str(lease), row) for row in cursor]


def _instants(now: datetime) -> dict[str, Any]:
    """For a statement: now, and since when something must be due to be late."""
    return {"now": now, "epoch": now.timestamp(), "late": now - timedelta(seconds=in_time_s())}


_RESPREAD = f"""
WITH held_up AS (
    SELECT * FROM monitor_schedule
    WHERE zone_id = %(zone)s AND (due < %(late)s OR picture_due < %(late)s)
        AND (leased_until IS NULL OR leased_until <= %(now)s)
    ORDER BY endpoint_id FOR UPDATE SKIP LOCKED),
turned AS (
    SELECT endpoint_id,
        CASE WHEN heartbeat_due < %(late)s THEN {_phase_after("heartbeat")} ELSE heartbeat_due END AS heartbeat,
        CASE WHEN picture_due < %(late)s THEN {_phase_after("picture")} ELSE picture_due END AS picture,
        CASE WHEN facts_due < %(late)s THEN {_phase_after("facts", "LEAST(d.facts_every, %(soon)s)")}
            ELSE facts_due END AS facts
    FROM held_up d)
UPDATE monitor_schedule s SET heartbeat_due = t.heartbeat, picture_due = t.picture, facts_due = t.facts,
    due = LEAST(t.heartbeat, s.recheck_due)
FROM turned t WHERE t.endpoint_id = s.endpoint_id
"""  # noqa: S608 - built from constants of this module only


def respread(zone_id: int, now: datetime) -> None:
    """After an outage what is overdue waits for its next turn by phase, so that nothing herds (DESIGN, decision 4).

    Facts come within the first minutes, and not in a day.
    """
    asked = {"zone": zone_id, "soon": FIRST_FACTS_S, **_instants(now)}
    with connection.cursor() as cursor:
        cursor.execute(_RESPREAD, asked)


def _claimed(lease: str, row: Sequence[Any]) -> Claim:
    endpoint_id, heartbeat, picture, facts, recheck, worked, until, cause, rested_at, overdue = row
    due = {Tier.HEARTBEAT: heartbeat, Tier.PICTURE: picture, Tier.FACTS: facts}
    return Claim(
        endpoint_id,
        lease,
        frozenset(tier for tier, is_due in due.items() if is_due),
        recheck,
        worked,
        until,
        cause,
        rested_at,
        float(overdue),
    )


def let_go(claims: Sequence[Claim], wanted: Collection[int]) -> None:
    """Give back what was claimed for nothing: all devices of the endpoint are paused or gone."""
    empty = [item for item in claims if item.endpoint_id not in wanted]
    if empty:
        rows = Schedule.objects.filter(endpoint__in=[item.endpoint_id for item in empty], lease=empty[0].lease)
        rows.update(lease=None, leased_until=None)


def claim_for_look(device: Device, now: datetime) -> Claim | None:
    """Lease a device's endpoint for a person's look, paused ones too; None while a visit is under way."""
    with transaction.atomic():
        row = Schedule.objects.select_for_update().filter(endpoint=device.endpoint_id).first() or row_for_look(
            device, now
        )
        if row.lease and row.leased_until and row.leased_until > now:
            return None
        row.lease, row.leased_until, row.claimed = uuid.uuid4(), now + timedelta(seconds=LEASE_S), 0
        row.save(update_fields=["lease", "leased_until", "claimed"])
    return Claim(
        row.endpoint_id,
        str(row.lease),
        frozenset(Tier),
        worked=row.worked,
        hold_until=row.hold_until,
        hold_cause=row.hold_cause,
        rested_at=row.rested_at,
    )
