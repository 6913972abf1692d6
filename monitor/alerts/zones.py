"""Telling the operators once that the platform does not see into a zone, and once that it does again.

A mail of its own and no incident: nobody who answers for cameras is to be woken by a collector of ours.
"""

from __future__ import annotations

import hashlib
import logging
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlparse

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from devices.models import Membership, Role, User
from monitor import words
from monitor.models import ZoneState
from monitor.zones import SHORTEST_S

log = logging.getLogger(__name__)

# Blindness is told when it has lasted longer than it takes to be noticed by so much. Seconds.
SETTLE_S: Final = 120
TELL_AFTER: Final = timedelta(seconds=SHORTEST_S + SETTLE_S)


def tell_operators(now: datetime) -> int:
    """Tell what has settled about zones; give how many mails were sent."""
    news = ZoneState.objects.filter(
        Q(blind_since__lte=now - TELL_AFTER, told_at=None) | Q(blind_since=None, told_at__isnull=False)
    )
    return sum(_tell(state, now) for state in news.select_related("zone"))


def _tell(state: ZoneState, now: datetime) -> int:
    """Claim the news, so that it is told once, then send; a mail server that is away leaves it for the next time."""
    told_at = state.told_at
    mine = ZoneState.objects.filter(pk=state.pk, told_at=told_at, blind_since=state.blind_since)
    if not mine.update(told_at=None if told_at else now):
        return 0
    mails = [_mail(state, user) for user in operators()]
    try:
        return get_connection().send_messages(mails) or 0 if mails else 0
    except (OSError, smtplib.SMTPException) as error:
        log.warning("operators could not be told of zone %s (%s)", state.zone.name, type(error).__name__)
        ZoneState.objects.filter(pk=state.pk, told_at=None if told_at else now).update(told_at=told_at)
        return 0


def operators() -> Sequence[User]:
    """Administrators of the platform who want mails."""
    wanting = Membership.objects.filter(role=Role.ADMIN, wants_mail=True)
    people = User.objects.filter(is_active=True, memberships__in=wanting).exclude(email="")
    return list(people.distinct().order_by("pk"))


def _mail(state: ZoneState, user: User) -> EmailMultiAlternatives:
    with translation.override(user.language):
        context = _context(state, user)
        text = render_to_string("mail/zone.txt", context)
        mail = EmailMultiAlternatives(str(context["subject"]), text, settings.DEFAULT_FROM_EMAIL, [user.email])
        mail.extra_headers = {"Message-ID": _message_id(state, user), "Auto-Submitted": "auto-generated"}
        mail.attach_alternative(render_to_string("mail/zone.html", context), "text/html")
    return mail


def _context(state: ZoneState, user: User) -> dict[str, object]:
    over, zone = state.blind_since is None, str(state.zone)
    subject = _("[Platform sees again] Zone %(zone)s") if over else _("[Platform blind] Zone %(zone)s, since %(since)s")
    return {
        "over": over,
        "user": user,
        "zone": zone,
        "subject": subject % {"zone": zone, "since": words.clock(state.blind_since) if state.blind_since else ""},
        "since": words.clock(state.blind_since) if state.blind_since else "",
        "told": words.clock(state.told_at) if state.told_at else "",
        "why": words.blind(state.blind_why),
        "next_step": words.blind_step(state.blind_why),
        "url": settings.VIEWKEEPER_PUBLIC_URL + reverse("operators"),
        "demo": state.zone.demo,
    }


def _message_id(state: ZoneState, user: User) -> str:
    """The same for each attempt at the same news."""
    host = urlparse(settings.VIEWKEEPER_PUBLIC_URL).hostname or "viewkeeper"
    news = f"{state.pk} {state.blind_since} {state.told_at} {user.pk} {settings.SECRET_KEY}"
    return f"<zone-{hashlib.sha256(news.encode()).hexdigest()[:24]}@{host}>"
