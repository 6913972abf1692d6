"""When each endpoint is looked at: due by phase, claimed with a lease, turned into sealed targets.

Instants follow the endpoint's phase and never "last look + interval", so the load stays even after an outage of ours or
an import of ten thousand devices (DESIGN, decisions 3 and 4).
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, TextField
from django.db.models.functions import Cast

from devices.models import Device, Endpoint
from devices.secrets import Undecryptable, decrypt
from monitor.health import Track, wants_second_look
from monitor.models import Schedule
from monitor.models.scheduling import LONGEST_DEADLINE_S
from monitor.policies import Policies
from monitor.wire import Aspect, Credential, Subject, Target, Tier

log = logging.getLogger(__name__)

# A multiplier that shares no factor with any interval made of minutes and hours: consecutive endpoints land evenly.
SPREAD = 2_654_435_761
# A batch is small enough to be done well before it expires; pictures weigh more (DESIGN, decision 4).
BATCH, PICTURE_BATCH = 500, 100
# What a batch may wait in the queue before the visit is worthless, in seconds; a lease outlasts it and any visit.
PATIENCE_S = 30
LEASE_S = PATIENCE_S + LONGEST_DEADLINE_S
# A person waits for a look: the bucket is deeper (DESIGN, decision 3).
LOOK_BURST = 8

TIER_OF: Mapping[Aspect, Tier] = {
    Aspect.LINK: Tier.HEARTBEAT,
    Aspect.ACCESS: Tier.PICTURE,
    Aspect.CLOCK: Tier.HEARTBEAT,
    Aspect.PICTURE: Tier.PICTURE,
    Aspect.IDENTITY: Tier.FACTS,
    Aspect.RECORDING: Tier.FACTS,
}


def phase_after(endpoint_id: int, every_s: int, now: datetime) -> datetime:
    """The next instant after `now` that is congruent to the endpoint's phase modulo the interval."""
    phase = endpoint_id * SPREAD % every_s
    steps = (int(now.timestamp()) - phase) // every_s + 1
    return datetime.fromtimestamp(steps * every_s + phase, UTC)


# -- keeping the schedule in step with the register


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
    have = {row.endpoint_id: row for row in Schedule.objects.filter(chosen)}
    # In the order in which recording locks them, so that the two never wait for each other in a circle.
    wanted = _intervals(Device.objects.polled().filter(chosen).select_related("endpoint").order_by("endpoint"), now)
    rows = [
        _row(endpoint, every, have.get(endpoint.pk), now)
        for endpoint, every in wanted
        if not _same(have.get(endpoint.pk), endpoint, every)
    ]
    Schedule.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["endpoint"],
        update_fields=["zone", *_EVERY, *_DUE, "due"],
    )
    return gone + len(rows)


_EVERY = ("heartbeat_every", "picture_every", "facts_every")
_DUE = ("heartbeat_due", "picture_due", "facts_due")


def _intervals(devices: Iterable[Device], now: datetime) -> Iterator[tuple[Endpoint, tuple[int, int | None, int]]]:
    policies = Policies(now)
    by_endpoint: dict[int, list[Device]] = defaultdict(list)
    for device in devices:
        by_endpoint[device.endpoint_id or 0].append(device)
    for group in by_endpoint.values():
        terms = [policies.of_device(device) for device in group]
        pictures = [term.picture_s for device, term in zip(group, terms, strict=True) if device.sees]
        endpoint = group[0].endpoint
        assert endpoint is not None  # noqa: S101 - `polled()` asks for it
        yield (
            endpoint,
            (min(term.heartbeat_s for term in terms), min(pictures, default=None), min(term.facts_s for term in terms)),
        )


def _same(row: Schedule | None, endpoint: Endpoint, every: tuple[int, int | None, int]) -> bool:
    return row is not None and row.zone_id == endpoint.zone_id and every == tuple(getattr(row, name) for name in _EVERY)


def _row(endpoint: Endpoint, every: tuple[int, int | None, int], old: Schedule | None, now: datetime) -> Schedule:
    heartbeat, picture, facts = every
    heartbeat_due = phase_after(endpoint.pk, heartbeat, now)
    picture_due = phase_after(endpoint.pk, picture, now) if picture else None
    # Facts are wanted soon after a device appears, not a day later.
    facts_due = old.facts_due if old else heartbeat_due
    return Schedule(
        endpoint=endpoint,
        zone_id=endpoint.zone_id,
        heartbeat_every=heartbeat,
        picture_every=picture,
        facts_every=facts,
        heartbeat_due=heartbeat_due,
        picture_due=picture_due,
        facts_due=facts_due,
        due=min(due for due in (heartbeat_due, picture_due, facts_due, old and old.recheck_due) if due),
    )


# -- claiming


@dataclass(frozen=True, slots=True)
class Claim:
    """One leased endpoint and which of its tiers are due."""

    endpoint_id: int
    lease: str
    tiers: frozenset[Tier]
    recheck: bool
    worked: bool
    hold_until: datetime | None
    hold_cause: str


_NEXT = """CASE WHEN s.{tier}_due <= %(now)s THEN to_timestamp(
    (floor((extract(epoch FROM %(now)s) - s.endpoint_id * {spread} %% s.{tier}_every) / s.{tier}_every) + 1)
    * s.{tier}_every + s.endpoint_id * {spread} %% s.{tier}_every) ELSE s.{tier}_due END"""
_NEXT_OF = {tier: _NEXT.format(tier=tier, spread=f"{SPREAD}::bigint") for tier in ("heartbeat", "picture", "facts")}
_CLAIM = f"""
WITH picked AS (
    SELECT endpoint_id, heartbeat_due, picture_due, facts_due, recheck_due, leased_until IS NOT NULL AS unreturned
    FROM monitor_schedule
    WHERE zone_id = %(zone)s AND due <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
    ORDER BY due LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
UPDATE monitor_schedule s SET
    lease = %(lease)s, leased_until = %(until)s,
    heartbeat_due = {_NEXT_OF["heartbeat"]},
    picture_due = {_NEXT_OF["picture"]},
    facts_due = {_NEXT_OF["facts"]},
    recheck_due = CASE WHEN s.recheck_due <= %(now)s THEN NULL ELSE s.recheck_due END,
    due = LEAST({_NEXT_OF["heartbeat"]}, {_NEXT_OF["picture"]}, {_NEXT_OF["facts"]},
        CASE WHEN s.recheck_due <= %(now)s THEN NULL ELSE s.recheck_due END)
FROM picked p WHERE p.endpoint_id = s.endpoint_id
RETURNING s.endpoint_id, p.heartbeat_due <= %(now)s, p.picture_due <= %(now)s, p.facts_due <= %(now)s,
    p.recheck_due <= %(now)s, p.unreturned, s.worked, s.hold_until, s.hold_cause
"""  # noqa: S608 - built from constants of this module only


def claim(zone_id: int, now: datetime, limit: int = BATCH) -> list[Claim]:
    """Lease what is due in a zone and move its instants on, in one statement; the longest due first."""
    lease = uuid.uuid4()
    asked: dict[str, Any] = {
        "zone": zone_id,
        "now": now,
        "limit": limit,
        "lease": lease,
        "until": now + timedelta(seconds=LEASE_S),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, asked)
        rows = cursor.fetchall()
    return [_claim(str(lease), row) for row in rows]


def _claim(lease: str, row: Sequence[Any]) -> Claim:
    endpoint_id, heartbeat, picture, facts, recheck, unreturned, worked, hold_until, hold_cause = row
    due = {Tier.HEARTBEAT: heartbeat, Tier.PICTURE: picture, Tier.FACTS: facts}
    # A visit that never came back has taken its tiers along: all of them are due again, not only in a day.
    tiers = frozenset(tier for tier, is_due in due.items() if is_due or unreturned)
    return Claim(endpoint_id, lease, tiers, bool(recheck or unreturned), worked, hold_until, hold_cause)


def let_go(claims: Sequence[Claim], found: Sequence[Target]) -> None:
    """Give back what was claimed for nothing: all devices of the endpoint are paused or gone."""
    wanted = {target.endpoint_id for target in found}
    empty = [item for item in claims if item.endpoint_id not in wanted]
    if empty:
        rows = Schedule.objects.filter(endpoint__in=[item.endpoint_id for item in empty], lease=empty[0].lease)
        rows.update(lease=None, leased_until=None)


def claim_for_look(device: Device, now: datetime) -> Claim | None:
    """Lease a device's endpoint for a person's look, paused ones too; None while a visit is under way."""
    with transaction.atomic():
        row = Schedule.objects.select_for_update().filter(endpoint=device.endpoint_id).first() or _row_for_look(
            device, now
        )
        if row.leased_until and row.leased_until > now:
            return None
        row.lease, row.leased_until = uuid.uuid4(), now + timedelta(seconds=LEASE_S)
        row.save(update_fields=["lease", "leased_until"])
    return Claim(row.endpoint_id, str(row.lease), frozenset(Tier), False, row.worked, row.hold_until, row.hold_cause)


def _row_for_look(device: Device, now: datetime) -> Schedule:
    for endpoint, every in _intervals([device], now):
        Schedule.objects.bulk_create([_row(endpoint, every, None, now)], ignore_conflicts=True)
    return Schedule.objects.select_for_update().get(endpoint=device.endpoint_id)


# -- targets


def targets(claims: Sequence[Claim], only: Device | None = None) -> list[Target]:
    """What a probe needs to visit these endpoints: addresses, credentials, what is due, what is known already."""
    policies = Policies()
    by_endpoint: dict[int, list[Device]] = defaultdict(list)
    wanted = Device.objects.polled() if only is None else Device.objects.filter(pk=only.pk)
    related = ("endpoint__zone", "state", "passport", "learned_view")
    for device in wanted.filter(endpoint__in=[item.endpoint_id for item in claims]).select_related(*related):
        by_endpoint[device.endpoint_id or 0].append(device)
    logins = _logins(by_endpoint)
    return [
        _target(item, sorted(group, key=lambda device: device.channel), policies, logins, looking=only is not None)
        for item in claims
        if (group := by_endpoint.get(item.endpoint_id))
    ]


def _logins(endpoint_ids: Iterable[int]) -> dict[int, Credential]:
    """The logins of endpoints. One that no key opens is left out and told: it must not hold up the others."""
    sealed = Endpoint.objects.filter(pk__in=list(endpoint_ids), credential__isnull=False)
    found = {}
    rows = sealed.values_list("pk", "credential__username", Cast("credential__password", TextField()))
    for endpoint_id, username, token in rows:
        try:
            found[endpoint_id] = Credential(username, decrypt(token) if token else "")
        except Undecryptable:
            log.error("no key of VIEWKEEPER_FIELD_KEYS opens the password of endpoint %d", endpoint_id)
    return found


def _target(
    claim: Claim,
    devices: Sequence[Device],
    policies: Policies,
    logins: Mapping[int, Credential],
    *,
    looking: bool,
) -> Target:
    endpoint = devices[0].endpoint
    assert endpoint is not None  # noqa: S101 - the devices were found by it
    terms = policies.of_device(devices[0])
    return Target(
        endpoint_id=endpoint.pk,
        zone=endpoint.zone.name,
        host=endpoint.host,
        port=endpoint.port,
        scheme=endpoint.scheme,
        probe=terms.probe,
        ports=terms.ports,
        subjects=tuple(_subject(device, claim, looking=looking) for device in devices),
        lease=claim.lease,
        credential=logins.get(endpoint.pk),
        worked=claim.worked,
        hold_until=claim.hold_until,
        hold_cause=claim.hold_cause,
        basic_in_clear=endpoint.basic_in_clear,
        loopback=settings.VIEWKEEPER_DEMO and endpoint.zone.demo,
        deadline_s=float(terms.deadline_s),
        burst=LOOK_BURST if looking else terms.burst,
        refill_s=float(terms.refill_s),
        clock_limit_s=float(terms.clock_limit_s),
    )


def _subject(device: Device, claim: Claim, *, looking: bool) -> Subject:
    state, passport, view = (getattr(device, name, None) for name in ("state", "passport", "learned_view"))
    tracks = state.read_tracks() if state else {}
    tiers = claim.tiers | (_second_look(tracks) if claim.recheck else frozenset())
    if not device.sees:
        tiers -= {Tier.PICTURE}
    return Subject(
        device_id=device.pk,
        channel=device.channel,
        tiers=tiers,
        passport=passport.learned if passport else {},
        model=bytes(view.signature) if view else b"",
        trail=bytes(state.trail) if state else b"",
        serial=device.serial,
        sees=device.sees,
        keep_original=looking or wants_second_look(tracks.get(Aspect.PICTURE, Track())),
    )


def _second_look(tracks: Mapping[Aspect, Track]) -> frozenset[Tier]:
    """Tiers in which something is suspect or recovering; a heartbeat at least, since somebody asked for a look."""
    return frozenset({Tier.HEARTBEAT} | {TIER_OF[name] for name, track in tracks.items() if wants_second_look(track)})


def batches(found: Iterable[Target]) -> Iterator[list[Target]]:
    """Targets in batches that are done well before they expire, pictures apart."""
    pictures: list[Target] = []
    others: list[Target] = []
    for target in found:
        heavy = any(Tier.PICTURE in subject.tiers for subject in target.subjects)
        (pictures if heavy else others).append(target)
    for items, size in ((others, BATCH), (pictures, PICTURE_BATCH)):
        for start in range(0, len(items), size):
            yield items[start : start + size]
