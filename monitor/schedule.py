"""When each endpoint is due: by phase, in step with the register.

Instants follow the endpoint's phase, so the load stays even after an outage of ours or an import of ten thousand
devices (DESIGN, decisions 3 and 4); what an overload has moved comes back to its phase by and by (`claims`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from devices.models import Device
from devices.models.kinds import CAMERAS
from monitor.models import Schedule
from monitor.policies import Policies

# A multiplier that shares no factor with any interval made of minutes and hours: consecutive endpoints land evenly.
SPREAD = 2_654_435_761
# So many of a recorder's channels are pictured in one visit: what its token bucket can give beside the clock. They take
# turns, so that each channel still has its picture once in the interval.
CHANNELS_A_VISIT = 2
# Within this time a new endpoint's facts are asked for the first time. Seconds.
FIRST_FACTS_S = 600
# So many new rows make the database's statistics worthless.
MANY = 1_000
# No endpoint is asked for pictures more often than this, however many channels it has. Seconds.
SHORTEST_TURN_S = 15


_EPOCH = datetime.fromtimestamp(0, UTC)


def phase_after(endpoint_id: int, every_s: int, now: datetime) -> datetime:
    """The next instant after `now` that is congruent to the endpoint's phase modulo the interval."""
    phase_s = endpoint_id * SPREAD % every_s
    steps = (int(now.timestamp()) - phase_s) // every_s + 1
    return _EPOCH + timedelta(seconds=steps * every_s + phase_s)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An endpoint that is to be polled, and how often. Seconds; no pictures where nothing there sees."""

    endpoint_id: int
    zone_id: int
    heartbeat_s: int
    picture_s: int | None
    facts_s: int


def sync(now: datetime, endpoint_ids: Collection[int] | None = None) -> int:
    """Give each endpoint with a polled device its row and take the others' away; give the number of rows changed.

    Intervals are the shortest of the endpoint's devices. A row whose intervals did not change keeps its instants.
    """
    chosen = Q() if endpoint_ids is None else Q(endpoint__in=endpoint_ids)
    polled = Device.objects.polled().filter(endpoint=OuterRef("endpoint"))
    # A login that rests goes on resting, also while its device is paused.
    free = (Q(leased_until=None) | Q(leased_until__lte=now)) & (Q(hold_until=None) | Q(hold_until__lte=now))
    with transaction.atomic():
        idle = Schedule.objects.select_for_update(skip_locked=True).filter(chosen & free).filter(~Exists(polled))
        gone, _rows = Schedule.objects.filter(pk__in=[row.pk for row in idle]).delete()
    _forgive(chosen, now)
    have = _intervals_in_force(chosen)
    # In the order in which recording locks them, so that the two never wait for each other in a circle.
    wanted = [item for item in _wanted(chosen, now) if have.get(item.endpoint_id) != item]
    _write(wanted, now)
    if len(wanted) >= MANY:
        _count_anew()
    return gone + len(wanted)


def _count_anew() -> None:
    """After an import the database plans with what it knew before; until it counts by itself, ticks take a second."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE devices_device, devices_endpoint, monitor_schedule")


def _forgive(chosen: Q, now: datetime) -> None:
    """A login that was changed since it was refused, on a page or by an import, has not been refused yet."""
    changed = Q(hold_until__gt=now, held_at__lt=F("endpoint__credential__changed_at"))
    held = Schedule.objects.select_for_update(of=("self",), skip_locked=True).filter(chosen & changed)
    with transaction.atomic():
        rows = Schedule.objects.filter(pk__in=list(held.values_list("pk", flat=True)))
        rows.update(hold_until=None, hold_cause="", holds=0, worked=False)


def _intervals_in_force(chosen: Q) -> dict[int, Wanted]:
    rows = Schedule.objects.filter(chosen)
    found = rows.values_list("endpoint", "zone", "heartbeat_every", "picture_every", "facts_every")
    return {row[0]: Wanted(*row) for row in found.iterator()}


def _wanted(chosen: Q, now: datetime) -> Iterator[Wanted]:
    """What the register wants, endpoint by endpoint, in the order of their keys. Plain rows: there may be 50,000."""
    policies = Policies(now)
    devices = Device.objects.polled().filter(chosen).order_by("endpoint")
    by_endpoint: dict[tuple[int, int], list[tuple[int, str, int]]] = defaultdict(list)
    for endpoint_id, zone_id, compound_id, kind, pk in devices.values_list(
        "endpoint", "endpoint__zone", "compound", "kind", "pk"
    ):
        by_endpoint[endpoint_id or 0, zone_id].append((compound_id, kind, pk))
    for (endpoint_id, zone_id), group in by_endpoint.items():
        terms = [policies.of(zone_id, *device) for device in group]
        pictures = [term.picture_s for (_, kind, _), term in zip(group, terms, strict=True) if kind in CAMERAS]
        yield Wanted(
            endpoint_id,
            zone_id,
            min(term.heartbeat_s for term in terms),
            _turn(min(pictures), len(pictures)) if pictures else None,
            min(term.facts_s for term in terms),
        )


def _turn(picture_s: int, channels: int) -> int:
    """How often to fetch pictures where several channels take turns."""
    if channels <= CHANNELS_A_VISIT:
        return picture_s
    return max(min(picture_s, SHORTEST_TURN_S), picture_s * CHANNELS_A_VISIT // channels)


def _write(wanted: Collection[Wanted], now: datetime) -> None:
    """Enter new intervals; what is known of the rows besides them stays."""
    old = Schedule.objects.in_bulk([item.endpoint_id for item in wanted])
    Schedule.objects.bulk_create(
        [_row(item, old.get(item.endpoint_id), now) for item in wanted],
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["endpoint"],
        update_fields=["zone", *_EVERY, *_DUE, "due"],
    )


_EVERY = ("heartbeat_every", "picture_every", "facts_every")
_DUE = ("heartbeat_due", "picture_due", "facts_due")


def _row(item: Wanted, old: Schedule | None, now: datetime) -> Schedule:
    heartbeat_due = phase_after(item.endpoint_id, item.heartbeat_s, now)
    picture_due = phase_after(item.endpoint_id, item.picture_s, now) if item.picture_s else None
    # Facts are wanted soon after a device appears, not a day later; of ten thousand imported at once not all at once.
    facts_due = old.facts_due if old else phase_after(item.endpoint_id, min(item.facts_s, FIRST_FACTS_S), now)
    return Schedule(
        endpoint_id=item.endpoint_id,
        zone_id=item.zone_id,
        heartbeat_every=item.heartbeat_s,
        picture_every=item.picture_s,
        facts_every=item.facts_s,
        heartbeat_due=heartbeat_due,
        picture_due=picture_due,
        facts_due=facts_due,
        due=min(heartbeat_due, (old and old.recheck_due) or heartbeat_due),
    )


def row_for_look(device: Device, now: datetime) -> Schedule:
    """The locked row of a device's endpoint, made for a look where nothing there is polled."""
    endpoint = device.endpoint
    assert endpoint is not None  # noqa: S101 - without an address nobody can look
    terms = Policies(now).of_device(device)
    pictures = terms.picture_s if device.sees else None
    row = _row(Wanted(endpoint.pk, endpoint.zone_id, terms.heartbeat_s, pictures, terms.facts_s), None, now)
    Schedule.objects.bulk_create([row], ignore_conflicts=True)
    return Schedule.objects.select_for_update().get(endpoint=endpoint)
