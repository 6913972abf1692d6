"""What is wrong now, as the cards and rows of the first pages: one entry per cause, ordered by consequence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from devices.models import Device, Kind
from devices.models.kinds import CAMERAS
from monitor import words
from monitor.causes import CAUSES, Category, Cause
from monitor.models import DeviceState, Incident, Picture
from monitor.overview.nearby import Neighbour, near, seen_in
from monitor.overview.outlines import arrow, outline
from monitor.policies import Policies
from monitor.policy import STALE_INTERVALS
from monitor.wire import Aspect

# Consequences named on a card; more are counted.
NAMED = 8
# Entries of a first page; whoever has more opens the list.
SHOWN = 30
# By consequence: what keeps more eyes from seeing comes first.
_KINDS = (Kind.SWITCH, Kind.ONU, Kind.RECORDER, *CAMERAS, Kind.ACCESS_CONTROL, Kind.BARRIER, Kind.LOUDSPEAKER)


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of a device as a page shows it; `version` changes with it, so that no cache shows an old one.

    `binding` is False of a reference that the contractor accepted before the police had accepted any.
    """

    device_id: int
    which: str
    version: str
    at: datetime
    phase: str
    stale: bool = False
    outline: str = ""
    arrow: str = ""
    binding: bool = True


@dataclass(slots=True)
class Fault:
    """One cause: its incident, what it keeps from being seen, and the proof."""

    incident: Incident
    cause: Cause
    affects: int = 0
    affected: list[str] = field(default_factory=list)
    now: Shot | None = None
    reference: Shot | None = None
    nearby: list[Neighbour] = field(default_factory=list)

    @property
    def device(self) -> Device:
        """The device at fault."""
        return self.incident.device

    @property
    def affected_more(self) -> int:
        """How many of the affected are not named."""
        return self.affects - len(self.affected)

    @property
    def sentence(self) -> str:
        """What was seen."""
        return words.sentence(self.incident.cause, self.incident.detail)

    @property
    def next_step(self) -> str:
        """What to do about it."""
        return words.next_step(self.incident.cause, self.incident.detail)

    @property
    def unseen(self) -> str:
        """What cannot be seen because of it, "" where nothing is lost or the register does not say."""
        lost = self.incident.aspect in (Aspect.LINK, Aspect.PICTURE, Aspect.ACCESS)
        return self.device.slot.sees if lost and self.device.slot else ""

    @property
    def blinds(self) -> bool:
        """Whether points cannot be seen because of it: a card, where the rest are rows."""
        if self.cause.category in (Category.OBSTRUCTED, Category.PICTURE):
            return True
        return self.cause.category is Category.OFFLINE and (self.device.sees or self.affects > 0)


def roots(visible: QuerySet[Device]) -> QuerySet[Incident]:
    """Open incidents that stand for themselves: no consequence of another of these devices."""
    above = Incident.objects.open().filter(pk=OuterRef("root"), device__in=visible)
    return Incident.objects.open().filter(~Exists(above), device__in=visible)


def tell_roots(incidents: Sequence[Incident], visible: QuerySet[Device]) -> Sequence[Incident]:
    """Incidents that name their root only where it is one of these devices; loaded with `root`."""
    above = [item.root.device_id for item in incidents if item.root]
    known = set(visible.filter(pk__in=above).values_list("pk", flat=True)) if above else set()
    for item in incidents:
        if item.root and item.root.device_id not in known:
            item.root = None
    return incidents


def open_faults(visible: QuerySet[Device], now: datetime, cards: int) -> tuple[list[Fault], list[Fault], int]:
    """The first `cards` faults that blind a point, with their proof; the other faults; how many there are in all."""
    faults = _ordered(roots(visible).filter(device__pause_reason=""))
    _tell_affected(visible, faults)
    shown = [fault for fault in faults if fault.blinds][:cards]
    rows = [fault for fault in faults if fault not in shown]
    prove(shown, now)
    _tell_nearby(visible, shown, now)
    return shown, rows[: SHOWN - len(shown)], len(faults)


def consequence(incident: Incident) -> tuple[Any, ...]:
    """The order of the lists: the gravest cause first, what must be seen before what may, entrances before facades."""
    device = incident.device
    rank = CAUSES[incident.cause].rank if incident.cause in CAUSES else 99
    kind = Kind(device.kind)
    return (
        rank,
        kind not in (Kind.SWITCH, Kind.ONU, Kind.RECORDER),
        not (device.slot and device.slot.mandatory),
        _KINDS.index(kind),
        incident.started_at,
    )


def _ordered(incidents: QuerySet[Incident]) -> list[Fault]:
    found = incidents.select_related("device__compound", "device__slot", "device__state", "device__endpoint")
    known = [item for item in found if item.cause in CAUSES]
    return [Fault(item, CAUSES[item.cause]) for item in sorted(known, key=consequence)]


def _tell_affected(visible: QuerySet[Device], faults: Sequence[Fault]) -> None:
    """Count and name what else is down because of each root."""
    carriers = {fault.incident.pk: fault for fault in faults if fault.device.carries}
    if not carriers:
        return
    hanging = Incident.objects.open().filter(root__in=carriers, device__in=visible)
    rows = hanging.values_list("root_id", "device__name", "device__kind").order_by("device__name")
    ordered = sorted(rows, key=lambda row: _KINDS.index(Kind(row[2])))
    for root_id, name, _kind in ordered:
        fault = carriers[root_id]
        fault.affects += 1
        if len(fault.affected) < NAMED:
            fault.affected.append(name)


# -- proof


def prove(faults: Iterable[Fault], now: datetime) -> None:
    """Give faults their pictures: the last one and the reference of the same phase, or else any reference."""
    faults = [fault for fault in faults if fault.device.sees]
    references = references_of([fault.device.pk for fault in faults])
    without = any_phase(references)
    policies = Policies()
    for fault in faults:
        state = getattr(fault.device, "state", None)
        if state is not None and state.picture_file:
            limit = STALE_INTERVALS * policies.of_device(fault.device).picture_s
            fault.now = last_shot(state, now, limit)
            fault.reference = references.get((fault.device.pk, state.picture.get("phase", "")))
        else:
            fault.reference = without.get(fault.device.pk)


def last_shot(state: DeviceState, now: datetime, stale_s: float) -> Shot | None:
    """The last picture of a device; what lies in its outline only while the picture is the one that was judged."""
    if not state.picture_file or state.picture_at is None:
        return None
    note: Mapping[str, Any] = state.picture
    covered = note.get("label") == "obstructed"
    return Shot(
        device_id=state.device_id,
        which="last",
        version=str(note.get("sha256", ""))[:16],
        at=state.picture_at,
        phase=str(note.get("phase", "")),
        stale=now - state.picture_at > timedelta(seconds=stale_s),
        outline=outline(note.get("blocks") or ()) if covered else "",
        arrow=arrow(note.get("shift")) if note.get("label") == "moved" else "",
    )


def references_of(device_ids: Collection[int]) -> dict[tuple[int, str], Shot]:
    """The references in force, by device and phase."""
    found = Picture.objects.filter(device__in=device_ids, role=Picture.Role.REFERENCE, retired_at=None)
    return {(item.device_id, item.phase): reference_shot(item) for item in found}


def any_phase(references: Mapping[tuple[int, str], Shot]) -> dict[int, Shot]:
    """One reference of each device, that of the day where there is one: for a camera that has given no picture."""
    return {device_id: references[device_id, phase] for device_id, phase in sorted(references, reverse=True)}


def reference_shot(item: Picture) -> Shot:
    """A reference as a page shows it."""
    at, binding = item.accepted_at or item.taken_at, not item.by_contractor
    return Shot(item.device_id, item.phase, item.sha256[:16], at, item.phase, binding=binding)


def _tell_nearby(visible: QuerySet[Device], faults: Sequence[Fault], now: datetime) -> None:
    lost = [fault for fault in faults if fault.device.sees]
    seen = seen_in(visible, {fault.device.compound_id for fault in lost}, now) if lost else {}
    for fault in lost:
        fault.nearby = near(fault.device, seen)


def counted(incidents: QuerySet[Incident]) -> dict[str, int]:
    """How many open and ended incidents there are."""
    return incidents.aggregate(open=Count("pk", filter=Q(ended_at=None)), ended=Count("pk", filter=~Q(ended_at=None)))
