"""What is suspected and not yet confirmed: seen so many times of so many, and when it will be decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from devices.models import Device
from monitor.causes import CAUSES
from monitor.health import State, Track
from monitor.overview.points import polled_of
from monitor.policies import Policies
from monitor.policy import FAILING
from monitor.wire import Aspect

# Suspects of a first page; a fleet in trouble has many, and each is decided within the minute.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Suspect:
    """A suspected fault: bad in `seen` of the `needed` readings that confirm it, decided in about `left_s` seconds."""

    device: Device
    cause: str
    seen: int
    needed: int
    left_s: int
    since: datetime | None


def suspects(visible: QuerySet[Device]) -> list[Suspect]:
    """The suspected faults of these devices."""
    any_aspect = Q(pk__in=())
    for aspect in Aspect:
        any_aspect |= Q(**{f"state__tracks__{aspect}__state": State.SUSPECT})
    found = polled_of(visible).filter(any_aspect).select_related("compound", "endpoint", "state")
    policies = Policies()
    shown = []
    for device in found.order_by("pk")[:SHOWN]:
        second_look_s = policies.of_device(device).second_look_s
        for aspect, track in device.state.read_tracks().items():
            if track.state is State.SUSPECT and track.cause in CAUSES:
                shown.append(suspect(device, aspect, track, second_look_s))
    return shown


def suspect(device: Device, aspect: Aspect, track: Track, second_look_s: int) -> Suspect:
    """How far a suspicion has come."""
    needed, window = FAILING[aspect].n, min(FAILING[aspect].m, track.seen)
    seen = min(needed, (track.ring & ((1 << window) - 1)).bit_count())
    return Suspect(device, track.cause, seen, needed, max(1, needed - seen) * second_look_s, track.since)
