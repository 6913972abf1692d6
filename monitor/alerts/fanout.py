"""From events to notifications: who is told, and who need not be any more."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from devices.models import Device, Membership, User
from monitor.models import Event, Incident, Notification

# How many events one run takes; the rest is the next run's.
EVENTS = 200


def fan_out(now: datetime) -> int:
    """Turn the events whose settle time is over into notifications; give how many events were dealt with."""
    with transaction.atomic():
        ready = Event.objects.select_for_update(of=("self",), skip_locked=True).filter(done_at=None, ready_at__lte=now)
        events = list(ready.select_related("incident__device__compound__district").order_by("at", "pk")[:EVENTS])
        for event in events:
            event.outcome, event.done_at = _deal(event, now), now
            event.save(update_fields=["outcome", "done_at"])
    return len(events)


def _deal(event: Event, now: datetime) -> str:
    """Write down whom an event is told; say what became of it.

    "adopted" by its cause; "repeated": told already, before a cause came and went; "brief": over before it settled;
    "untold": the end of what was never told; "nobody" wants to know.
    """
    related = ("device__compound", "device__contract", "root__device__compound", "root__device__contract")
    incident = Incident.objects.select_related(*related).get(pk=event.incident_id)
    told = _told(incident)
    if event.kind == Event.Kind.CLOSED:
        people = [user for user in recipients(incident.device) if user.pk in told]
        why_not = "nobody" if told else "untold"
    else:
        people = [user for user in _concerned(incident) if user.pk not in told]
        why_not = _needless(incident, bool(told))
    Notification.objects.bulk_create(
        [Notification(event=event, user=user, created_at=now, due_at=now) for user in people], ignore_conflicts=True
    )
    return "told" if people else why_not


def _concerned(incident: Incident) -> list[User]:
    """Who is to hear of an outage itself: of one with a cause, those whom the mail about the cause does not reach.

    The switch may be somebody else's, and its mail then goes to people who have nothing to do with the camera.
    """
    if not incident.is_open:
        return []
    people = recipients(incident.device)
    if incident.root is None:
        return people
    reached = {user.pk for user in recipients(incident.root.device)}
    return [user for user in people if user.pk not in reached]


def _needless(incident: Incident, told: bool) -> str:
    """Why nobody is told of a beginning."""
    if incident.root_id is not None:
        return "adopted"
    if told:
        return "repeated"
    return "nobody" if incident.is_open else "brief"


def _told(incident: Incident) -> set[int]:
    """Who was told of the beginning is told of the end."""
    opened = Notification.objects.filter(event__incident=incident, event__kind=Event.Kind.OPENED)
    return set(opened.values_list("user", flat=True))


def recipients(device: Device) -> list[User]:
    """Everyone who wants outage mails and may see the device."""
    wanting = Membership.objects.filter(wants_mail=True, user__is_active=True).exclude(user__email="")
    people = User.objects.filter(memberships__in=wanting.filter(_may_cover(device))).distinct().order_by("pk")
    return [user for user in people if Device.objects.visible_to(user).filter(pk=device.pk).exists()]


def _may_cover(device: Device) -> Q:
    """A first, cheap narrowing of the memberships; `visible_to` decides."""
    contractor = device.contract.contractor_id if device.contract else None
    return Q(organisation__kind="police") | Q(organisation=contractor) | Q(organisation=device.compound.owner_id)
