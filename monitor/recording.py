"""A batch of readings becomes what is held true: states, transitions, hours, incidents, second looks.

Nobody else writes these but `carriers`, for what is inferred.
Everything of a batch is written in one transaction with a number of statements that does not grow with the batch. A
reading counts only when it comes from an open lease, and only when it is younger than what is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from devices.models import Life
from devices.models.devices import POLLED
from monitor import carriers, incidents, ledger, pacing, shelf
from monitor.availability import Condition, Hour, advance, bridged, hour_of
from monitor.causes import UNKNOWN_OURS
from monitor.health import (
    BLANKS,
    Change,
    Status,
    Track,
    settled,
    silence,
    status_of,
    step,
    wants_second_look,
)
from monitor.keeping import keep_last, keep_proofs
from monitor.learning import keep_models
from monitor.leases import Lease, ask_on, give_back, holds_lease, leased, rest_refused
from monitor.ledger import Held, Watched
from monitor.models import DeviceHour, DeviceState, Schedule, Transition
from monitor.policies import Policies
from monitor.policy import BRIDGED_INTERVALS, FAILING, RECOVERING, STALE_INTERVALS, Policy
from monitor.rawlog import write_raw
from monitor.wire import Aspect, Finding, Reading, Verdict

log = logging.getLogger(__name__)

# Fetches and forgets a picture that waits under a key at the broker: thumbnail and original; None when it expired.
Fetch = Callable[[str], shelf.Picture | None]


@dataclass(frozen=True, slots=True)
class Case:
    """One reading and all that is held about its device."""

    reading: Reading
    device: Watched
    state: Held
    lease: Lease
    policy: Policy


@dataclass(slots=True)
class Batch:
    """What one batch of readings will write."""

    readings: list[Reading] = field(default_factory=list)
    pictures: dict[int, bytes] = field(default_factory=dict)
    states: dict[int, Held] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    hours: list[DeviceHour] = field(default_factory=list)
    turned: list[incidents.Turned] = field(default_factory=list)
    rechecks: dict[int, datetime] = field(default_factory=dict)
    parents: set[int] = field(default_factory=set)


def record(
    readings: Sequence[Reading], zone: str, fetch: Fetch, now: datetime | None = None, *, looked: bool = False
) -> int:
    """Write a batch of readings from a zone; give how many counted. Readings outside an open lease are refused.

    `looked`: a person asked for them.
    """
    now = now or timezone.now()
    with transaction.atomic():
        leases = leased(readings, zone)
        accepted = [_not_ahead(reading, now) for reading in readings if holds_lease(reading, leases)]
        _refuse(readings, accepted, zone)
        batch = _take_in(accepted, leases, fetch, now)
        _write(batch, now)
        keep_models(batch.readings, {device_id: state.tracks for device_id, state in batch.states.items()})
        write_raw(batch.readings, looked=looked)
        carriers.infer_around({item.device_id for item in batch.turned if item.aspect is Aspect.LINK}, now)
        give_back(accepted, leases, batch.rechecks, batch.parents, now)
        ask_on(leases, _unfinished(batch.readings), now)
    rest_refused([reading for reading in readings if not holds_lease(reading, leases)], zone)
    return len(batch.readings)


def mark_silent(now: datetime) -> int:
    """Whoever was not looked at for too long is unknown, and that is ours; give how many devices turned."""
    shortest = Schedule.objects.aggregate(every=Min("heartbeat_every"))["every"] or Policy().heartbeat_s
    late = now - timedelta(seconds=BRIDGED_INTERVALS * shortest)
    policies, batch, stretched = Policies(now), Batch(), pacing.heartbeat_stretches()
    with transaction.atomic():
        # Whoever is being recorded at this moment is not silent.
        free = DeviceState.objects.select_for_update(of=("self",), skip_locked=True)
        rows = free.filter(looked_at__lt=late, device__pause_reason="").exclude(status=Status.UNKNOWN)
        device_ids = list(rows.order_by("pk").values_list("pk", flat=True))
        devices, states = ledger.watched(device_ids), ledger.held(device_ids)
        for device_id, device in devices.items():
            state, every_s = states[device_id], _policy(policies, device).heartbeat_s * stretched.get(device.zone_id, 1)
            if state.looked_at and not bridged(state.looked_at, now, BRIDGED_INTERVALS * every_s):
                _silence(state, batch, now)
        _write(batch, now)
    return len(batch.states)


def follow_register(now: datetime) -> int:
    """Forget what was held true of devices that have left use, and end their incidents; give how many ended."""
    with transaction.atomic():
        # What carries others without an address of its own is inferred, and not measured.
        unused = ~Q(device__life__in=POLLED) | Q(device__endpoint=None) & ~Q(device__kind__in=carriers.CARRIERS)
        held = DeviceState.objects.select_for_update(of=("self",), skip_locked=True).filter(unused).exclude(tracks={})
        device_ids = list(held.order_by("pk").values_list("device_id", flat=True))
        ended = incidents.withdraw(device_ids, now)
        DeviceState.objects.filter(device__in=device_ids).update(tracks={}, status=Status.UNKNOWN, status_since=now)
        incidents.follow_register(now)
    return ended


# -- which readings count


def _not_ahead(reading: Reading, now: datetime) -> Reading:
    """What has arrived was read by now. A collector's clock that is ahead would make every later reading too late."""
    return reading if reading.at <= now else replace(reading, at=now)


def _refuse(readings: Sequence[Reading], accepted: Sequence[Reading], zone: str) -> None:
    refused = len(readings) - len(accepted)
    if refused:
        log.warning("%d readings of zone %s came without an open lease and were refused", refused, zone)


# -- taking readings in


def _take_in(readings: Sequence[Reading], leases: Mapping[int, Lease], fetch: Fetch, now: datetime) -> Batch:
    devices = ledger.watched([reading.device_id for reading in readings])
    states = ledger.held(sorted(devices))
    policies, batch = Policies(now), Batch()
    for reading in readings:
        device = devices.get(reading.device_id)
        if device is not None and device.endpoint_id == reading.endpoint_id:
            case = Case(
                reading, device, states[device.device_id], leases[reading.endpoint_id], _policy(policies, device)
            )
            _take(case, batch, fetch, now)
    return batch


def _policy(policies: Policies, device: Watched) -> Policy:
    return policies.of(device.zone_id, device.compound_id, device.kind, device.device_id)


def _take(case: Case, batch: Batch, fetch: Fetch, now: datetime) -> None:
    reading, state = case.reading, case.state
    late = state.looked_at is not None and reading.at <= state.looked_at
    if late or state.device_id in batch.states:  # a lease is good for one reading of each device
        return
    batch.readings.append(reading)
    _book(case, batch)
    for aspect, change in _step_all(state.tracks, reading.findings, reading.at):
        batch.transitions.append(Transition.made(state.device_id, aspect, change))
        batch.turned.append(incidents.Turned(state.device_id, aspect, change, case.policy.settle_s))
    _settle(state, reading.at)
    _keep_picture(state, reading, batch, fetch)
    _ask_again(case, batch, now)
    batch.states[state.device_id] = state


def _step_all(
    tracks: dict[Aspect, Track], findings: Mapping[Aspect, Finding], at: datetime
) -> list[tuple[Aspect, Change]]:
    changes = []
    for aspect, finding in findings.items():
        track, change = step(tracks.get(aspect, Track()), finding, at, FAILING[aspect], RECOVERING[aspect])
        tracks[aspect] = track
        if change is not None:
            changes.append((aspect, change))
    return changes


def _settle(state: Held, at: datetime) -> None:
    status = status_of(state.tracks)
    if status != state.status or state.status_since is None:
        state.status, state.status_since = status, at
    state.looked_at = at


def _silence(state: Held, batch: Batch, now: datetime) -> None:
    tracks = dict(state.tracks)
    for aspect, track in state.tracks.items():
        tracks[aspect], change = silence(track, now)
        if change is not None:
            batch.transitions.append(Transition.made(state.device_id, aspect, change))
    if tracks == state.tracks:
        return
    status = status_of(tracks)
    if status != state.status:
        state.status, state.status_since = status, state.looked_at
    state.tracks = tracks
    batch.states[state.device_id] = state


# -- hours


def _book(case: Case, batch: Batch) -> None:
    """Book the time since the last reading under what was held true in it; a long silence of ours is blind."""
    state, at = case.state, case.reading.at
    since = state.looked_at or at
    hour = state.hour or Hour(start=hour_of(since))
    closed, hour = advance(hour, since, at, _condition(case, since))
    batch.hours += [DeviceHour.booked(state.device_id, item) for item in closed]
    pictures = hour.pictures + (case.reading.picture is not None)
    state.hour = replace(hour, looks=hour.looks + 1, pictures=pictures)


def _condition(case: Case, since: datetime) -> Condition:
    if case.device.life != Life.IN_USE:
        return Condition(excluded=True)
    tracks = case.state.tracks
    held = {aspect: settled(track.state) for aspect, track in tracks.items()}
    link = held.get(Aspect.LINK, Verdict.UNKNOWN)
    if (
        _is_ours(tracks.get(Aspect.LINK))
        or link is Verdict.UNKNOWN
        or not bridged(since, case.reading.at, BRIDGED_INTERVALS * case.lease.interval_s)
    ):
        return Condition(blind=True)
    online = link is Verdict.OK
    return Condition(
        online=online,
        usable=online and (not case.device.sees or _usable(case, held)),
        clock_ok=online and held.get(Aspect.CLOCK) is Verdict.OK,
    )


def _is_ours(link: Track | None) -> bool:
    """Whether it is we who have not come to know about the link, again and again: nobody's figure counts that."""
    return link is not None and link.blanks >= BLANKS and link.why in UNKNOWN_OURS


def _usable(case: Case, held: Mapping[Aspect, Verdict]) -> bool:
    """The last judged picture is good and younger than three picture intervals (domain notes, section 6)."""
    limit = timedelta(seconds=STALE_INTERVALS * case.policy.picture_s * case.lease.picture_stretch)
    taken_at = case.state.picture_at
    fresh = taken_at is not None and case.reading.at - taken_at <= limit
    return fresh and held.get(Aspect.PICTURE) is Verdict.OK


# -- pictures


def _keep_picture(state: Held, reading: Reading, batch: Batch, fetch: Fetch) -> None:
    note = reading.picture
    if note is None:
        return
    state.trail = note.trail
    fetched = fetch(note.key) if note.key else None
    if fetched is None:
        return
    thumbnail, original = fetched
    keep_last(state, note, reading.at, thumbnail)
    batch.pictures[state.device_id] = original or thumbnail


# -- writing


def _write(batch: Batch, now: datetime) -> None:
    ledger.keep(batch.states.values())
    if batch.transitions:
        Transition.objects.bulk_create(batch.transitions)
    if batch.hours:
        DeviceHour.objects.bulk_create(batch.hours, ignore_conflicts=True)
    opened = incidents.apply(batch.turned, now)
    keep_proofs(opened, batch.states, batch.pictures)
    ledger.learn(batch.readings)


# -- when to look again


def _unfinished(readings: Sequence[Reading]) -> set[int]:
    """Endpoints whose picture was not reached for all that had to be learned first: it is asked for again soon."""
    return {
        reading.endpoint_id
        for reading in readings
        if reading.passport and reading.findings.get(Aspect.PICTURE, _SHOWN).cause == "late"
    }


_SHOWN = Finding(Verdict.OK)


def _ask_again(case: Case, batch: Batch, now: datetime) -> None:
    tracks = case.state.tracks
    if not any(wants_second_look(track) for track in tracks.values()):
        return
    soon, endpoint_id = now + timedelta(seconds=case.policy.second_look_s), case.reading.endpoint_id
    batch.rechecks[endpoint_id] = min(soon, batch.rechecks.get(endpoint_id, soon))
    link, parent_endpoint = tracks.get(Aspect.LINK), case.device.parent_endpoint_id
    if link is not None and wants_second_look(link) and parent_endpoint:
        batch.parents.add(parent_endpoint)
