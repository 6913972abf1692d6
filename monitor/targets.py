"""What a probe needs to visit endpoints: addresses, logins, what is due, what is known already."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import orjson
from django.conf import settings
from django.db import connection

from devices.models import Device
from devices.models.devices import POLLED
from devices.models.kinds import CAMERAS
from devices.secrets import Undecryptable, decrypt
from monitor.claims import Claim
from monitor.health import Track, wants_second_look
from monitor.learning import may_learn
from monitor.models.states import read_tracks
from monitor.policies import Policies
from monitor.schedule import CHANNELS_A_VISIT
from monitor.wire import Aspect, Credential, Subject, Target, Tier

log = logging.getLogger(__name__)

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
# Without these a visit neither logs in nor judges: neither a login nor a camera model travels for a heartbeat.
_PRIVATE = frozenset({Tier.PICTURE, Tier.FACTS})


class Row(NamedTuple):
    """A device at its endpoint, as the register and the journal have it; what a heartbeat does not need is None."""

    endpoint_id: int
    zone: str
    zone_id: int
    demo: bool
    scheme: str
    host: str
    port: int
    basic_in_clear: bool
    username: str | None
    password: str | None
    device_id: int
    compound_id: int
    kind: str
    channel: int
    serial: str
    parent_id: int | None
    passport: str | None
    tracks: str | None
    model: memoryview | None
    learned: int | None
    learned_at: datetime | None
    trail: memoryview | None


# Strings of ciphertext and signatures of 8 kB are read for those only that need them.
_ROWS = """
SELECT e.id, z.name, z.id, z.demo, e.scheme, e.host, e.port, e.basic_in_clear, c.username, c.password::text,
    d.id, d.compound_id, d.kind, d.channel, d.serial, d.parent_id, p.learned, s.tracks,
    v.signature, v.learned, v.updated_at, s.trail
FROM devices_device d
JOIN devices_endpoint e ON e.id = d.endpoint_id JOIN devices_zone z ON z.id = e.zone_id
LEFT JOIN devices_credential c ON c.id = e.credential_id AND e.id = ANY(%(whole)s)
LEFT JOIN monitor_passport p ON p.device_id = d.id
LEFT JOIN monitor_devicestate s ON s.device_id = d.id AND e.id = ANY(%(whole)s)
LEFT JOIN monitor_learnedview v ON v.device_id = d.id AND e.id = ANY(%(whole)s)
WHERE e.id = ANY(%(endpoints)s)
    AND (d.id = %(only)s OR %(only)s IS NULL AND d.pause_reason = '' AND d.life = ANY(%(lives)s))
ORDER BY e.id, d.channel, d.id
"""


def targets(claims: Sequence[Claim], now: datetime, only: Device | None = None) -> list[Target]:
    """The visits of these claims; of those only whose devices are still polled, or of the one that is looked at."""
    policies = Policies(now)
    rows = {key: list(group) for key, group in groupby(_rows(claims, only), key=lambda row: row.endpoint_id)}
    return [
        _target(item, rows[item.endpoint_id], policies, now, looking=only is not None)
        for item in claims
        if item.endpoint_id in rows
    ]


def _rows(claims: Sequence[Claim], only: Device | None) -> Iterable[Row]:
    whole = [item.endpoint_id for item in claims if item.recheck or item.tiers & _PRIVATE]
    asked = {
        "endpoints": [item.endpoint_id for item in claims],
        "whole": whole,
        "only": only.pk if only else None,
        "lives": [str(life) for life in POLLED],
    }
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, asked)
        return [Row(*row) for row in cursor]


def _target(claim: Claim, rows: Sequence[Row], policies: Policies, now: datetime, *, looking: bool) -> Target:
    first = rows[0]
    terms = policies.of(first.zone_id, first.compound_id, first.kind, first.device_id)
    subjects = _subjects(claim, rows, now, looking=looking)
    private = any(subject.tiers & _PRIVATE for subject in subjects)
    return Target(
        endpoint_id=first.endpoint_id,
        zone=first.zone,
        host=first.host,
        port=first.port,
        scheme=first.scheme,
        probe=terms.probe,
        ports=terms.ports,
        parent=first.parent_id or 0,
        subjects=subjects,
        lease=claim.lease,
        credential=_login(first) if private else None,
        worked=claim.worked,
        hold_until=claim.hold_until,
        hold_cause=claim.hold_cause,
        basic_in_clear=first.basic_in_clear,
        loopback=settings.VIEWKEEPER_DEMO and first.demo,
        deadline_s=float(terms.deadline_s),
        burst=LOOK_BURST if looking else terms.burst,
        refill_s=float(terms.refill_s),
        owed_s=max(0.0, (claim.rested_at - now).total_seconds()) if claim.rested_at else 0.0,
        clock_limit_s=float(terms.clock_limit_s),
    )


def _login(row: Row) -> Credential | None:
    """The login of an endpoint. One that no key opens is left out and told: it must not hold up the others."""
    if row.username is None:
        return None
    try:
        return Credential(row.username, decrypt(row.password) if row.password else "")
    except Undecryptable:
        log.error("no key of VIEWKEEPER_FIELD_KEYS opens the password of endpoint %d", row.endpoint_id)
        return None


def _subjects(claim: Claim, rows: Sequence[Row], now: datetime, *, looking: bool) -> tuple[Subject, ...]:
    tracks = {row.device_id: read_tracks(orjson.loads(row.tracks)) if row.tracks else {} for row in rows}
    tiers = {row.device_id: _tiers(claim, row, tracks[row.device_id]) for row in rows}
    pictured = _in_turn([row.device_id for row in rows if Tier.PICTURE in tiers[row.device_id]], tracks)
    return tuple(
        _subject(
            row,
            tiers[row.device_id] - (frozenset() if row.device_id in pictured else {Tier.PICTURE}),
            tracks[row.device_id].get(Aspect.PICTURE, Track()),
            now,
            looking=looking,
        )
        for row in rows
    )


def _subject(row: Row, tiers: frozenset[Tier], picture: Track, now: datetime, *, looking: bool) -> Subject:
    """One device, with what its picture is judged by where it is to be taken."""
    pictured = Tier.PICTURE in tiers
    return Subject(
        device_id=row.device_id,
        channel=row.channel,
        tiers=tiers,
        passport=orjson.loads(row.passport) if row.passport else {},
        model=bytes(row.model) if row.model and pictured else b"",
        trail=bytes(row.trail) if row.trail and pictured else b"",
        serial=row.serial,
        sees=row.kind in CAMERAS,
        keep_original=looking or wants_second_look(picture),
        learn=pictured and may_learn(row.learned, row.learned_at, picture, now),
    )


def _tiers(claim: Claim, row: Row, tracks: Mapping[Aspect, Track]) -> frozenset[Tier]:
    tiers = claim.tiers | (_second_look(tracks) if claim.recheck else frozenset())
    return tiers if row.kind in CAMERAS else tiers - {Tier.PICTURE}


def _second_look(tracks: Mapping[Aspect, Track]) -> frozenset[Tier]:
    """Tiers in which something is suspect or recovering; a heartbeat at least, since somebody asked for a look."""
    return frozenset({Tier.HEARTBEAT} | {TIER_OF[name] for name, track in tracks.items() if wants_second_look(track)})


def _in_turn(device_ids: Collection[int], tracks: Mapping[int, Mapping[Aspect, Track]]) -> frozenset[int]:
    """Of a recorder's channels those whose picture is waited for longest, no more than one visit may fetch."""

    def last(device_id: int) -> float:
        track = tracks[device_id].get(Aspect.PICTURE, Track())
        at = track.blank_at or track.at
        return at.timestamp() if at else 0.0

    return frozenset(sorted(device_ids, key=last)[:CHANNELS_A_VISIT])
