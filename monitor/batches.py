"""What goes to a zone at each tick: as much as it can take, in batches, each under one lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from devices.models import Zone
from monitor import claims, pacing
from monitor.claims import BATCH, PICTURE_BATCH, Claim
from monitor.models import Batch
from monitor.pace import Pace
from monitor.targets import targets
from monitor.wire import Canary, Order

Claiming = Callable[[int, datetime, int, Pace], list[Claim]]


@dataclass(slots=True)
class Late:
    """By what share of their intervals the longest due were late."""

    heartbeat: float = 0.0
    picture: float = 0.0

    def see(self, found: list[Claim]) -> None:
        """Take a batch into account."""
        for item in found:
            self.heartbeat = max(self.heartbeat, item.heartbeat_late)
            self.picture = max(self.picture, item.picture_late)


def due(zone: Zone, now: datetime) -> Iterator[Order]:
    """Claim what is due in a zone and describe it, until nothing is or the zone has enough to do.

    Pictures are claimed first, so that an endpoint of which both are due is visited once, and sent last. What is left
    waiting when there is no room for all are pictures, never heartbeats.
    """
    pace, late = pacing.pace_of(zone.pk), Late()
    room = pacing.room(zone.pk, now)
    pictures = list(_orders(zone, now, pace, late, (claims.claim_pictures, room.pictures, PICTURE_BATCH)))
    yield from _orders(zone, now, pace, late, (claims.claim_others, room.others, BATCH))
    yield from pictures
    pacing.adjust(zone.pk, pace, late.heartbeat, late.picture, now)


def _orders(zone: Zone, now: datetime, pace: Pace, late: Late, how: tuple[Claiming, int, int]) -> Iterator[Order]:
    claiming, room, size = how
    while room > 0 and (found := claiming(zone.pk, now, min(room, size), pace)):
        room -= len(found)
        late.see(found)
        visits = targets(found, now)
        claims.let_go(found, {target.endpoint_id for target in visits})
        if visits:
            _note(zone, found, len(visits), now, pictures=claiming is claims.claim_pictures)
            yield Order(tuple(visits), found[0].lease, now, canaries(zone))


def _note(zone: Zone, found: list[Claim], count: int, now: datetime, *, pictures: bool) -> None:
    overdue_s = max(item.overdue_s for item in found)
    Batch.objects.create(
        lease=found[0].lease, zone=zone, pictures=pictures, sent_at=now, endpoints=count, overdue_s=overdue_s
    )


def canaries(zone: Zone) -> tuple[Canary, ...]:
    """What always answers in a zone; on this machine itself only in the demo's."""
    loopback = settings.VIEWKEEPER_DEMO and zone.demo
    return tuple(Canary(host, port, loopback) for host, port in zone.canary_addresses)
