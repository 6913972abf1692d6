"""What goes to a zone at each tick: as much as it can take, in batches, each under one lease."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from devices.models import Zone
from monitor import claims, pacing
from monitor.claims import BATCH, PICTURE_BATCH, Claim, Terms
from monitor.models import Batch
from monitor.policies import Policies
from monitor.targets import targets
from monitor.wire import Canary, Order


def due(zone: Zone, now: datetime) -> Iterator[Order]:
    """Claim what is due in a zone and describe it, until nothing is or the zone has enough to do.

    Pictures are claimed first, so that an endpoint of which both are due is visited once, and sent last. What is left
    waiting when there is no room for all are pictures, never heartbeats.
    """
    heartbeat_s, deadline_s = Policies(now).extremes(zone.pk)
    if pacing.stalled(zone.pk, now, heartbeat_s):
        claims.respread(zone.pk, now)
    else:
        pacing.observe(zone.pk, now)
    terms, room = claims.terms_of(heartbeat_s, deadline_s), pacing.room(zone.pk, now)
    pictures = list(_orders(zone, now, room.pictures, terms, pictures=True))
    yield from _orders(zone, now, room.others, terms, pictures=False)
    yield from pictures


def _orders(zone: Zone, now: datetime, room: int, terms: Terms, *, pictures: bool) -> Iterator[Order]:
    claim, size = (claims.claim_pictures, PICTURE_BATCH) if pictures else (claims.claim_others, BATCH)
    while room > 0 and (found := claim(zone.pk, now, min(room, size), terms.lease_s)):
        room -= len(found)
        visits = targets(found, now)
        claims.let_go(found, {target.endpoint_id for target in visits})
        if visits:
            _note(zone, found, len(visits), now, pictures=pictures)
            yield Order(tuple(visits), found[0].lease, now, canaries(zone), terms.patience_s)


def _note(zone: Zone, found: list[Claim], count: int, now: datetime, *, pictures: bool) -> None:
    overdue_s = max(item.overdue_s for item in found)
    Batch.objects.create(
        lease=found[0].lease, zone=zone, pictures=pictures, sent_at=now, endpoints=count, overdue_s=overdue_s
    )


def canaries(zone: Zone) -> tuple[Canary, ...]:
    """What always answers in a zone; on this machine itself only in the demo's."""
    loopback = settings.VIEWKEEPER_DEMO and zone.demo
    return tuple(Canary(host, port, loopback) for host, port in zone.canary_addresses)
