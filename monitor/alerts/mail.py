"""One mail about one event, in the reader's language: a subject that says it all on a lock screen, text and HTML.

A mail carries no picture, no address and no credential. The recovery answers the outage mail (same thread).
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlparse

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from devices.models import Device, User
from monitor import words
from monitor.causes import CAUSES
from monitor.models import Event, Incident, Notification
from monitor.wire import Aspect

MARKS = {"offline": "■", "obstructed": "▲", "picture": "▲", "login": "◆"}
COLOURS = {"offline": "#9b1b30", "obstructed": "#c2500a", "picture": "#c2500a", "login": "#6a3fb5"}
RECOVERED_MARK, RECOVERED_COLOUR = "●", "#005f73"
# Devices named in a mail; more are counted.
NAMED = 6


def compose(notification: Notification) -> EmailMultiAlternatives:
    """The mail of a notification. Composed anew at each attempt, always under the same Message-ID."""
    user, event = notification.user, notification.event
    with translation.override(user.language):
        context = _context(event, user)
        subject = _subject(context)
        mail = EmailMultiAlternatives(
            subject,
            render_to_string("mail/incident.txt", context),
            settings.DEFAULT_FROM_EMAIL,
            [user.email],
            headers=_headers(event, user),
        )
        mail.attach_alternative(render_to_string("mail/incident.html", context), "text/html")
    return mail


def message_id(event_kind: str, incident_id: int, user_id: int) -> str:
    """The same for each attempt, so that a mail doubled by a crash is seen as one by the reader's program."""
    host = urlparse(settings.VIEWKEEPER_PUBLIC_URL).hostname or "viewkeeper"
    salt = hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:8]
    return f"<incident-{incident_id}-{event_kind}-{user_id}-{salt}@{host}>"


def _headers(event: Event, user: User) -> dict[str, str]:
    headers = {"Message-ID": message_id(event.kind, event.incident_id, user.pk), "Auto-Submitted": "auto-generated"}
    if event.kind == Event.Kind.CLOSED:
        first = message_id(Event.Kind.OPENED, event.incident_id, user.pk)
        headers |= {"In-Reply-To": first, "References": first}
    return headers


def _context(event: Event, user: User) -> dict[str, object]:
    incident = event.incident
    device = incident.device
    category = CAUSES[incident.cause].category
    closed = event.kind == Event.Kind.CLOSED
    affected = _affected(incident, user)
    return {
        "closed": closed,
        "incident": incident,
        "device": device,
        "user": user,
        "title": _("Recovered") if closed else words.title(incident.cause),
        "cause_title": words.title(incident.cause),
        "sentence": words.sentence(incident.cause, incident.detail),
        "next_step": words.next_step(incident.cause, incident.detail),
        "sees": device.slot.sees if device.slot else "",
        "since": words.clock(incident.started_at),
        "lasted": words.duration(incident.lasted_s(timezone.now())),
        "affected": affected[:NAMED],
        "affected_count": len(affected),
        "mark": RECOVERED_MARK if closed else MARKS[category],
        "colour": RECOVERED_COLOUR if closed else COLOURS[category],
        "url": settings.VIEWKEEPER_PUBLIC_URL + reverse("incident", args=[incident.pk]),
        "public_url": settings.VIEWKEEPER_PUBLIC_URL,
        "demo": device.compound.demo,
    }


def _affected(incident: Incident, user: User) -> list[str]:
    """The names of what hangs on it, as far as the reader may see it."""
    seen = Device.objects.visible_to(user)
    consequences = incident.consequences.filter(aspect=Aspect.LINK, device__in=seen).select_related("device")
    return [item.device.name for item in consequences.order_by("device__name")]


def _subject(context: dict[str, object]) -> str:
    place = {**context, "place": f"{context['device']}"}
    if context["closed"]:
        text = _("[Recovered] %(place)s: %(cause_title)s lasted %(lasted)s")
    elif context["affected_count"]:
        text = _("[%(title)s] %(place)s is down, affects %(affected_count)s, since %(since)s")
    else:
        text = _("[%(title)s] %(place)s, since %(since)s")
    return " ".join((text % place).split())
