"""Delivering notifications: claimed, sent outside any transaction, tried again with growing pauses, never lost.

A mail can be doubled only between the server's 250 and our commit; then both carry the same Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime, timedelta

from django.core.mail import get_connection
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from monitor.alerts.mail import compose
from monitor.models import Event, Notification

log = logging.getLogger(__name__)

BATCH = 50
# After this somebody else may try. A slow server gets no more mails from us long before (one may take a minute).
CLAIM_S = 300
SENDING_S = 180
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600
# With these pauses about a day; after that a person must look, and the page for operators says so.
ATTEMPTS = 30


def deliver(now: datetime) -> int:
    """Send what is due; give how many were sent."""
    sent = 0
    claimed = _claim(now)
    until = timezone.now() + timedelta(seconds=SENDING_S)
    while claimed and timezone.now() < until:
        sent += _send(claimed.pop(0))
    Notification.objects.filter(pk__in=[item.pk for item in claimed]).update(claimed_until=None)
    return sent


def _claim(now: datetime) -> list[Notification]:
    with transaction.atomic():
        due = Notification.objects.select_for_update(of=("self",), skip_locked=True).filter(
            Q(claimed_until=None) | Q(claimed_until__lte=now), sent_at=None, failed_at=None, due_at__lte=now
        )
        free = [item.pk for item in due.exclude(_too_early()).order_by("due_at", "pk")[:BATCH]]
        Notification.objects.filter(pk__in=free).update(claimed_until=now + timedelta(seconds=CLAIM_S))
    related = ("user", "event__incident__device__compound", "event__incident__device__slot")
    return list(Notification.objects.filter(pk__in=free).select_related(*related).order_by("due_at", "pk"))


def _too_early() -> Q:
    """The end is not told while the beginning still waits for the mail server."""
    beginning = Notification.objects.filter(
        event__incident=OuterRef("event__incident"),
        user=OuterRef("user"),
        event__kind=Event.Kind.OPENED,
        sent_at=None,
        failed_at=None,
    )
    return Q(Exists(beginning), event__kind=Event.Kind.CLOSED)


def _send(notification: Notification) -> bool:
    try:
        mail = compose(notification)
        mail.connection = get_connection()
        mail.send()
    except (OSError, smtplib.SMTPException) as error:
        _later(notification, error)
        return False
    except Exception as error:  # a mail that cannot be written must not hold up the others
        log.exception("mail of notification %d cannot be written", notification.pk)
        _later(notification, error)
        return False
    Notification.objects.filter(pk=notification.pk).update(sent_at=timezone.now(), claimed_until=None)
    return True


def _later(notification: Notification, error: Exception) -> None:
    """Keep it for another try; a mail server that is away costs time, never a mail."""
    attempts = notification.attempts + 1
    pause = min(FIRST_PAUSE_S * 2 ** (attempts - 1), LONGEST_PAUSE_S)
    now = timezone.now()
    log.warning("mail of notification %d failed (%s), try %d", notification.pk, type(error).__name__, attempts)
    Notification.objects.filter(pk=notification.pk).update(
        attempts=attempts,
        due_at=now + timedelta(seconds=pause),
        claimed_until=None,
        failed_at=now if attempts >= ATTEMPTS else None,
        error=f"{type(error).__name__}: {error}"[:200],
    )
