"""Whether the platform sees into its zones: what batches report, and which zones nothing is known of.

A zone is blind when nothing well came back for too long although it was asked for, or when its last batches have all
lost their canaries. Its devices become unknown, and that is ours; here it is said once, with the reason.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q

from devices.models import Zone
from monitor.models import Batch, Pulse, Schedule, ZoneState
from monitor.probes.doubt import LAG_LIMIT_S
from monitor.wire import Aspect, Reading, Report, Verdict

log = logging.getLogger(__name__)

# Silence of a zone is blindness after so many of its heartbeats, and not before so many seconds.
MISSED: Final = 3
SHORTEST_S: Final = 180
# So many batches in a row without a canary are no accident.
LOST_IN_A_ROW: Final = 3
# Housekeeping comes each minute; after a longer gap we were down, and whoever was silent meanwhile was not asked.
GAP: Final = timedelta(minutes=3)
UP: Final = "up"

NO_REPORT: Final = "no_report"
CANARY_LOST: Final = "canary_lost"
SLOW: Final = "slow"
NO_KEY: Final = "no_key"


# -- what batches report


def take_report(zone: str, report: Report | None, readings: Sequence[Reading], record_s: float, now: datetime) -> None:
    """Note a helping of readings, and how the batch went when it is the last, in the row of the batch.

    `record_s` is what recording took. A report under a lease that was not sent to this zone is refused.
    """
    lease = _lease(report.lease if report else next((reading.lease for reading in readings), ""))
    with transaction.atomic():
        row = Batch.objects.select_for_update().filter(lease=lease, zone__name=zone).first() if lease else None
        if row is None:
            if report:
                log.warning("a report of zone %s on a batch that was not sent there was refused", zone)
            return
        row.readings += len(readings)
        row.outcomes = dict(Counter(row.outcomes) + Counter(outcome(reading) for reading in readings))
        row.record_s += record_s
        if report is not None and row.done_at is None:
            _end(row, report, now)
        row.save(update_fields=_REPORTED)


def _lease(text: str) -> UUID | None:
    """A lease as it came back; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


_REPORTED = (
    "readings",
    "outcomes",
    "record_s",
    "done_at",
    "took_s",
    "cpu_s",
    "lag_s",
    "canary",
    "collector",
)


def outcome(reading: Reading) -> str:
    """A visit in one word: "ok" when the device was reached and its login not refused, else the cause."""
    for aspect, unknown_counts in ((Aspect.LINK, True), (Aspect.ACCESS, False)):
        finding = reading.findings.get(aspect)
        if finding and (finding.verdict is Verdict.FAULTY or (unknown_counts and finding.verdict is Verdict.UNKNOWN)):
            return finding.cause
    return "ok"


def _end(row: Batch, report: Report, now: datetime) -> None:
    row.done_at, row.took_s, row.cpu_s, row.lag_s = now, report.took_s, report.cpu_s, report.lag_s
    row.canary = report.canary if report.canary in Batch.Canary else Batch.Canary.NONE
    row.collector = report.collector[: Batch._meta.get_field("collector").max_length]
    changes: dict[str, object] = {"clock_offset_s": report.clock_offset_s}
    if sees(row):
        changes["seen_at"] = now
    if not ZoneState.objects.filter(zone=row.zone_id).update(**changes):
        ZoneState.objects.bulk_create([ZoneState(zone_id=row.zone_id, **changes)], ignore_conflicts=True)


def sees(batch: Batch) -> bool:
    """Whether a batch that came back could see: its canaries answered, and its collector kept up."""
    return batch.canary != Batch.Canary.LOST and (batch.lag_s or 0.0) <= LAG_LIMIT_S


# -- which zones are blind


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of our sight into a zone.

    `asked_at`: since when orders have been waiting for an answer that shows something, None where none are; `lost_at`:
    when the first of the last batches was sent, where all of them have lost their canaries; `newest`: the last batch
    that came back.
    """

    has_key: bool
    seen_at: datetime | None
    asked_at: datetime | None
    lost_at: datetime | None
    newest: Batch | None
    limit: timedelta


def blindness(sight: Sight, now: datetime) -> tuple[datetime, str] | None:
    """Since when and why a zone is blind; None where we see.

    has key  all of the last batches lost  waiting for longer than the limit  then
    no       any                           any                                blind: no_key
    yes      yes                           any                                blind: canary_lost
    yes      no                            no                                 sees
    yes      no                            yes, nothing came back             blind: no_report
    yes      no                            yes, what came back lost canaries  blind: canary_lost
    yes      no                            yes, what came back lagged         blind: slow
    """
    if not sight.has_key:
        return sight.seen_at or now, NO_KEY
    if sight.lost_at is not None:
        return sight.lost_at, CANARY_LOST
    if sight.asked_at is None or now - sight.asked_at <= sight.limit:
        return None
    return sight.seen_at or sight.asked_at, _why(sight)


def _why(sight: Sight) -> str:
    newest, since = sight.newest, sight.asked_at
    if newest is None or newest.done_at is None or since is None or newest.done_at < since:
        return NO_REPORT
    return CANARY_LOST if newest.canary == Batch.Canary.LOST else SLOW


def watch(now: datetime) -> int:
    """Find out which zones are blind and which see again; give how many changed. Called by each housekeeping."""
    up = _up_since(now)
    changed, polled = 0, list(_polled_zones())
    for zone, every_s in polled:
        state = ZoneState.objects.get_or_create(zone=zone)[0]
        changed += _note(state, blindness(_sight(zone, state, every_s, up), now))
    # What is not polled any more is not blind either.
    idle = ZoneState.objects.exclude(blind_since=None).exclude(zone__in=[zone.pk for zone, _every_s in polled])
    return changed + idle.update(blind_since=None, blind_why="")


def _up_since(now: datetime) -> datetime:
    """Since when the platform has been at work without a gap."""
    pulses = dict(Pulse.objects.filter(name__in=(UP, "housekeep")).values_list("name", "at"))
    last = pulses.get("housekeep")
    if UP in pulses and last is not None and now - last <= GAP:
        return pulses[UP]
    Pulse.objects.update_or_create(name=UP, defaults={"at": now})
    return now


def _polled_zones() -> Iterable[tuple[Zone, int]]:
    """Zones with something to poll, and their shortest heartbeat."""
    found = Schedule.objects.values_list("zone").annotate(every=Min("heartbeat_every")).order_by()
    every: Mapping[int, int] = dict(found)
    for zone in Zone.objects.polled().filter(pk__in=every):
        yield zone, every[zone.pk]


def _sight(zone: Zone, state: ZoneState, every_s: int, up: datetime) -> Sight:
    since = max(up, state.seen_at) if state.seen_at else up
    asked = Batch.objects.filter(zone=zone, sent_at__gt=since).aggregate(at=Min("sent_at"))["at"]
    back = Batch.objects.filter(zone=zone, sent_at__gte=up, done_at__isnull=False)
    came = list(back.order_by("-sent_at")[:LOST_IN_A_ROW])
    lost = len(came) == LOST_IN_A_ROW and all(batch.canary == Batch.Canary.LOST for batch in came)
    return Sight(
        has_key=zone.name in settings.VIEWKEEPER_ZONE_KEYS,
        seen_at=state.seen_at,
        asked_at=asked,
        lost_at=came[-1].sent_at if lost else None,
        newest=came[0] if came else None,
        limit=timedelta(seconds=max(SHORTEST_S, MISSED * every_s * state.heartbeat_stretch)),
    )


def _note(state: ZoneState, found: tuple[datetime, str] | None) -> int:
    """Write down what has changed; a zone that stays blind stays so since when it was, whatever the reason now."""
    since, why = found or (None, "")
    if (since is None) == (state.blind_since is None) and why == state.blind_why:
        return 0
    if since is not None and state.blind_since is not None:
        since = min(since, state.blind_since)
    row = ZoneState.objects.filter(pk=state.pk)
    return row.update(blind_since=since, blind_why=why)


def stretched(over: float) -> Q:
    """Zones whose heartbeats or pictures are slowed down by more than this factor."""
    return Q(heartbeat_stretch__gt=over) | Q(picture_stretch__gt=over)
