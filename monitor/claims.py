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
from monitor.pace import REAL, UNHURRIED, Pace
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


def _next(tier: str, clock: str, every: str = "") -> str:
    """When a tier is due again: the next instant of its phase by the zone's clock, in real time."""
    every = every or f"s.{tier}_every"
    phase = f"(s.endpoint_id * {SPREAD}::bigint %% {every})"
    shown, stretch = f"%({clock}_shown)s", f"%({clock}_stretch)s"
    following = f"(floor(({shown} - {phase}) / {every}) + 1) * {every} + {phase}"
    return f"to_timestamp(%(epoch)s + ({following} - {shown}) * {stretch})"


# `p.{tier}` says whether the tier is taken along. A picture that a lost lease had taken, and this one does not, is due.
_NEW = {
    "heartbeat": f"CASE WHEN p.heartbeat THEN {_next('heartbeat', 'heartbeat')} ELSE s.heartbeat_due END",
    "picture": f"CASE WHEN p.picture THEN {_next('picture', 'picture')} "
    "WHEN p.lost & 2 > 0 THEN %(now)s ELSE s.picture_due END",
    "facts": f"CASE WHEN p.facts THEN {_next('facts', 'real')} ELSE s.facts_due END",
}
_RECHECK = "CASE WHEN s.recheck_due <= %(now)s THEN NULL ELSE s.recheck_due END"


def _statement(picked: str, pictures: str) -> str:
    """The claim; `picked` narrows what is due, `pictures` says whether pictures are taken along."""
    return f"""
WITH due AS (
    SELECT *, CASE WHEN lease IS NULL THEN 0 ELSE claimed END AS lost FROM monitor_schedule
    WHERE zone_id = %(zone)s AND due <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s) AND {picked}
    ORDER BY due LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
picked AS (
    SELECT endpoint_id, due, lost,
        heartbeat_due <= %(now)s OR lost & 1 > 0 AS heartbeat,
        {pictures} AND picture_every IS NOT NULL AND (picture_due <= %(now)s OR lost & 2 > 0) AS picture,
        facts_due <= %(now)s OR lost & 4 > 0 AS facts,
        COALESCE(recheck_due <= %(now)s, FALSE) OR lost > 0 AS recheck
    FROM due)
UPDATE monitor_schedule s SET
    lease = %(lease)s, leased_until = %(until)s,
    claimed = p.heartbeat::int + 2 * p.picture::int + 4 * p.facts::int,
    heartbeat_due = {_NEW["heartbeat"]}, picture_due = {_NEW["picture"]}, facts_due = {_NEW["facts"]},
    recheck_due = {_RECHECK},
    due = LEAST({_NEW["heartbeat"]}, {_NEW["picture"]}, {_NEW["facts"]}, {_RECHECK})
FROM picked p WHERE p.endpoint_id = s.endpoint_id
RETURNING s.endpoint_id, p.heartbeat, p.picture, p.facts, p.recheck, s.worked, s.hold_until, s.hold_cause, s.rested_at,
    extract(epoch FROM %(now)s - p.due)
"""  # noqa: S608 - built from constants of this module only


_LOST_PICTURE = "lease IS NOT NULL AND claimed & 2 > 0"
_PICTURES = _statement(f"picture_every IS NOT NULL AND (picture_due <= %(now)s OR {_LOST_PICTURE})", "TRUE")
_OTHERS = _statement("(heartbeat_due <= %(now)s OR facts_due <= %(now)s OR recheck_due <= %(now)s)", "FALSE")


def claim_pictures(
    zone_id: int, now: datetime, limit: int = PICTURE_BATCH, pace: Pace = UNHURRIED, lease_s: int = LEASE_S
) -> list[Claim]:
    """Lease endpoints whose picture is due, with whatever else is due there, and move their instants on.

    One statement; the longest due first.
    """
    return _claim(_PICTURES, (zone_id, now, limit), pace, lease_s)


def claim_others(
    zone_id: int, now: datetime, limit: int = BATCH, pace: Pace = UNHURRIED, lease_s: int = LEASE_S
) -> list[Claim]:
    """Lease endpoints of which something else is due; a picture that is due, too, waits."""
    return _claim(_OTHERS, (zone_id, now, limit), pace, lease_s)


def _claim(statement: str, what: tuple[int, datetime, int], pace: Pace, lease_s: int) -> list[Claim]:
    zone_id, now, limit = what
    lease, until = uuid.uuid4(), now + timedelta(seconds=lease_s)
    asked = {"zone": zone_id, "limit": limit, "lease": lease, "until": until, **_clocks(pace, now)}
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return [_claimed(str(lease), row) for row in cursor]


def _clocks(pace: Pace, now: datetime) -> dict[str, Any]:
    """What the clocks of a zone show, for a statement."""
    asked: dict[str, Any] = {"now": now, "epoch": now.timestamp()}
    for name, clock in (("heartbeat", pace.heartbeat), ("picture", pace.picture), ("real", REAL)):
        asked |= {f"{name}_shown": clock.at(now).timestamp(), f"{name}_stretch": clock.stretch}
    return asked


_RESPREAD = f"""
WITH held_up AS (
    SELECT * FROM monitor_schedule
    WHERE zone_id = %(zone)s AND due < %(late)s AND (leased_until IS NULL OR leased_until <= %(now)s)
    ORDER BY endpoint_id FOR UPDATE SKIP LOCKED),
turned AS (
    SELECT endpoint_id,
        CASE WHEN heartbeat_due < %(late)s THEN {_next("heartbeat", "heartbeat")} ELSE heartbeat_due END AS heartbeat,
        CASE WHEN picture_due < %(late)s THEN {_next("picture", "picture")} ELSE picture_due END AS picture,
        CASE WHEN facts_due < %(late)s THEN {_next("facts", "real", "LEAST(s.facts_every, %(soon)s)")}
            ELSE facts_due END AS facts
    FROM held_up s)
UPDATE monitor_schedule s SET heartbeat_due = t.heartbeat, picture_due = t.picture, facts_due = t.facts,
    due = LEAST(t.heartbeat, t.picture, t.facts, s.recheck_due)
FROM turned t WHERE t.endpoint_id = s.endpoint_id
"""  # noqa: S608 - built from constants of this module only


def respread(zone_id: int, now: datetime, pace: Pace = UNHURRIED) -> None:
    """After an outage what is overdue waits for its next turn by phase, so that nothing herds (DESIGN, decision 4).

    Facts come within the first minutes, and not in a day.
    """
    asked = {"zone": zone_id, "late": now - timedelta(seconds=in_time_s()), "soon": FIRST_FACTS_S, **_clocks(pace, now)}
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
