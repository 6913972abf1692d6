"""The schedule rows of a batch: locked by the lease that its readings carry, given back with what was found out.

Whoever locks several rows does so in the order of their keys, and waits for nobody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from monitor.models import Schedule
from monitor.wire import Aspect, Reading

# A refused login rests for a day at most (DESIGN, decision 6); a shorter rest than this is no refusal but a doubt.
LONGEST_HOLD_S = 24 * 3600
SHORTEST_REFUSAL_S = 30 * 60


def leased(readings: Sequence[Reading], zone: str) -> dict[int, Schedule]:
    """The schedule rows of the zone whose lease one of the readings carries, locked in one order by all."""
    carried = {(reading.endpoint_id, reading.lease) for reading in readings}
    endpoints = {endpoint_id for endpoint_id, _lease in carried}
    locked = Schedule.objects.select_for_update(of=("self",))
    rows = locked.filter(endpoint__in=endpoints, zone__name=zone).order_by("pk")
    return {row.endpoint_id: row for row in rows if row.lease and (row.endpoint_id, str(row.lease)) in carried}


def holds_lease(reading: Reading, schedules: Mapping[int, Schedule]) -> bool:
    """Whether a reading comes from the visit that was asked for."""
    row = schedules.get(reading.endpoint_id)
    return row is not None and row.lease is not None and str(row.lease) == reading.lease


def give_back(
    readings: Sequence[Reading],
    schedules: Mapping[int, Schedule],
    rechecks: Mapping[int, datetime],
    parents: Collection[int],
    now: datetime,
) -> None:
    """Give leases back, set second looks, look at suspects' parents at once, let refused logins rest.

    `rechecks` is when each endpoint wants its second look, `parents` the endpoints that suspects hang on.
    """
    _rest_logins(readings, schedules)
    for endpoint_id, row in schedules.items():
        row.lease = row.leased_until = None
        row.recheck_due = _earlier(row.recheck_due, rechecks.get(endpoint_id))
        row.due = _earlier(row.due, row.recheck_due) or row.due
    Schedule.objects.bulk_create(
        schedules.values(), update_conflicts=True, unique_fields=["endpoint"], update_fields=_RESCHEDULED
    )
    # A parent that another batch holds is being looked at just now.
    unseen = Schedule.objects.filter(endpoint__in=set(parents) - schedules.keys(), recheck_due=None)
    free = [row.pk for row in unseen.select_for_update(skip_locked=True)]
    Schedule.objects.filter(pk__in=free).update(recheck_due=now, due=now)


_RESCHEDULED = ("lease", "leased_until", "recheck_due", "due", "worked", "hold_until", "hold_cause", "holds")


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)


def _rest_logins(readings: Sequence[Reading], schedules: Mapping[int, Schedule]) -> None:
    """Once for each endpoint, however many channels were seen through it; a refusal outweighs a success."""
    used: dict[int, Reading] = {}
    for reading in readings:
        known = used.get(reading.endpoint_id)
        if reading.credential and (known is None or known.credential != "refused"):
            used[reading.endpoint_id] = reading
    for endpoint_id, reading in used.items():
        _rest_login(schedules[endpoint_id], reading)


def _rest_login(row: Schedule, reading: Reading) -> None:
    """One refusal ends logins for a while, twice as long each time; a success ends the rest (DESIGN, decision 6)."""
    if reading.credential == "worked":
        row.worked, row.hold_until, row.hold_cause, row.holds = True, None, "", 0
    elif reading.credential == "refused" and reading.hold_s:
        refusal = reading.hold_s >= SHORTEST_REFUSAL_S
        rest_s = min(reading.hold_s * 2**row.holds, LONGEST_HOLD_S) if refusal else reading.hold_s
        access = reading.findings.get(Aspect.ACCESS)
        row.hold_until = reading.at + timedelta(seconds=rest_s)
        row.hold_cause = access.cause if access else ""
        row.holds += refusal
        # Whoever had worked gets one more try after a short rest; a second refusal is definite.
        row.worked = False
