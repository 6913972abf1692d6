"""From transitions to incidents: one open per device and aspect, causes before symptoms, events into the outbox.

Called by `recording` inside its transaction, with all changes of a batch at once; the number of statements does not
grow with the batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from devices.models import Device
from devices.models.devices import MAX_PARENTS
from monitor.health import Change, State
from monitor.models import Event, Incident
from monitor.wire import Aspect

# The number of our advisory lock; any that nobody else uses.
LOCK = 7_316_001
BAD = (State.FAULTY, State.RECOVERING)


@dataclass(frozen=True, slots=True)
class Turned:
    """One aspect of one device changed its state. `settle_s`: how long to wait before anybody is told."""

    device_id: int
    aspect: Aspect
    change: Change
    settle_s: int


def apply(turned: Sequence[Turned], now: datetime) -> list[Incident]:
    """Open, rename and close incidents after these changes; give the ones that were opened."""
    if not turned:
        return []
    one_at_a_time()
    opening = [item for item in turned if _opens(item.change)]
    closing = [item for item in turned if item.change.was in BAD and item.change.now is State.OK]
    opened = _open(opening, now)
    _rename([item for item in turned if item.change.was in BAD and item.change.now is State.FAULTY])
    closed = _close(closing, now)
    settle = {item.device_id: item.settle_s for item in turned}
    _adopt([incident for incident in opened if incident.aspect == Aspect.LINK])
    _release([incident for incident in closed if incident.aspect == Aspect.LINK], settle, now)
    return opened


def one_at_a_time() -> None:
    """Batches that change incidents follow each other: adopting reaches across devices, and must not deadlock.

    And a switch and its cameras, found down at the same moment by two batches, would not see each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _opens(change: Change) -> bool:
    return change.now is State.FAULTY and change.was not in BAD


def _open(turned: Sequence[Turned], now: datetime) -> list[Incident]:
    known = _open_incidents(turned)
    fresh = [
        Incident(
            device_id=item.device_id,
            aspect=item.aspect,
            cause=item.change.cause,
            detail=dict(item.change.detail),
            started_at=item.change.at,
            decided_at=item.change.decided_at,
        )
        for item in turned
        if (item.device_id, item.aspect) not in known
    ]
    opened = Incident.objects.bulk_create(fresh)
    settle = {(item.device_id, item.aspect): item.settle_s for item in turned}
    waits = {incident.pk: settle[incident.device_id, Aspect(incident.aspect)] for incident in opened}
    _tell(opened, Event.Kind.OPENED, now, waits)
    return opened


def _rename(turned: Sequence[Turned]) -> None:
    """A fault goes on under another cause: the incident stays, its words change."""
    known = _open_incidents(turned)
    renamed = []
    for item in turned:
        incident = known.get((item.device_id, item.aspect))
        if incident is not None:
            incident.cause, incident.detail = item.change.cause, dict(item.change.detail)
            renamed.append(incident)
    Incident.objects.bulk_update(renamed, ["cause", "detail"])


def _close(turned: Sequence[Turned], now: datetime) -> list[Incident]:
    known = _open_incidents(turned)
    closed = []
    for item in turned:
        incident = known.get((item.device_id, item.aspect))
        if incident is not None:
            incident.ended_at, incident.end_decided_at = item.change.at, item.change.decided_at
            closed.append(incident)
    Incident.objects.bulk_update(closed, ["ended_at", "end_decided_at"])
    _tell(closed, Event.Kind.CLOSED, now, {})
    return closed


def _open_incidents(turned: Sequence[Turned]) -> dict[tuple[int, str], Incident]:
    if not turned:
        return {}
    wanted = Q(pk__in=())
    for aspect in {item.aspect for item in turned}:
        wanted |= Q(aspect=aspect, device__in=[item.device_id for item in turned if item.aspect is aspect])
    found = Incident.objects.open().filter(wanted).select_for_update().order_by("pk")
    return {(incident.device_id, incident.aspect): incident for incident in found}


def _tell(incidents: Iterable[Incident], kind: Event.Kind, now: datetime, waits: Mapping[int, int]) -> None:
    Event.objects.bulk_create(
        Event(incident=item, kind=kind, at=now, ready_at=now + timedelta(seconds=waits.get(item.pk, 0)))
        for item in incidents
    )


# -- cause before symptom: the parent tree


def _adopt(opened: Sequence[Incident]) -> None:
    """Hang link incidents on the topmost ancestor that is down too, whichever was found first."""
    if not opened:
        return
    above = _parents_of_neighbours(incident.device_id for incident in opened)
    down = _down(above)
    adopted = []
    for device_id, incident in down.items():
        root = _topmost(device_id, above, down)
        root_id = root.pk if root else None
        if root_id is not None and incident.root_id != root_id:
            incident.root_id = root_id
            adopted.append(incident)
    Incident.objects.bulk_update(adopted, ["root"])


def _release(closed: Sequence[Incident], settle: Mapping[int, int], now: datetime) -> None:
    """A root has ended: what is still down hangs on the next ancestor, or stands for itself after the settle time."""
    orphans = list(Incident.objects.open().filter(root__in=closed).select_related("root").order_by("pk"))
    waits = {item.pk: settle.get(item.root.device_id, 0) for item in orphans if item.root is not None}
    _rehang(orphans, waits, now)


def _rehang(incidents: Sequence[Incident], waits: Mapping[int, int], now: datetime) -> None:
    """Give link incidents the root that the register's tree now has for them; tell those that lost theirs."""
    if not incidents:
        return
    above = _parents_of_neighbours(incident.device_id for incident in incidents)
    down = _down(above)
    moved = []
    for incident in incidents:
        root = _topmost(incident.device_id, above, down)
        if incident.root_id != (root.pk if root else None):
            incident.root = root
            moved.append(incident)
    Incident.objects.bulk_update(moved, ["root"])
    _tell_anew([item for item in moved if item.root is None], now, waits)


def withdraw(device_ids: Collection[int], now: datetime) -> int:
    """End the incidents of devices that have left use: nobody is told that they recovered, for they did not."""
    one_at_a_time()
    gone = list(Incident.objects.open().filter(device__in=device_ids).select_for_update(of=("self",)).order_by("pk"))
    for incident in gone:
        incident.ended_at = incident.end_decided_at = now
    Incident.objects.bulk_update(gone, ["ended_at", "end_decided_at"])
    Event.objects.filter(incident__in=gone, done_at=None).update(done_at=now, outcome="withdrawn")
    return len(gone)


def follow_register(now: datetime) -> None:
    """Hang every open link incident where the register's tree has it today: parents change, are paused, leave use."""
    one_at_a_time()
    _rehang(list(Incident.objects.open().filter(aspect=Aspect.LINK).order_by("pk")), {}, now)


def _tell_anew(alone: Sequence[Incident], now: datetime, waits: Mapping[int, int]) -> None:
    """What waits to be told about these incidents waits anew: they may well recover with their root."""
    waiting = Event.objects.filter(incident__in=alone, kind=Event.Kind.OPENED, done_at=None)
    waiting.update(done_at=now, outcome="adopted")
    _tell(alone, Event.Kind.OPENED, now, waits)


def _parents_of_neighbours(device_ids: Iterable[int]) -> dict[int, int | None]:
    """Parent of each device in the compounds concerned: a tree never leaves its compound."""
    compounds = Device.objects.filter(pk__in=list(device_ids)).values("compound")
    return dict(Device.objects.filter(compound__in=compounds).values_list("pk", "parent"))


def _down(device_ids: Iterable[int]) -> dict[int, Incident]:
    found = Incident.objects.open().filter(aspect=Aspect.LINK, device__in=list(device_ids), device__pause_reason="")
    return {incident.device_id: incident for incident in found}


def _topmost(device_id: int, above: Mapping[int, int | None], down: Mapping[int, Incident]) -> Incident | None:
    root, parent = None, above.get(device_id)
    for _level in range(MAX_PARENTS):
        if parent is None:
            break
        if parent == device_id:  # a circle in the register: nobody in it is the cause
            return None
        root = down.get(parent, root)
        parent = above.get(parent)
    return root
