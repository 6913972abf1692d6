"""Delivering notifications: claimed, sent outside any transaction, tried again with growing pauses, never lost.

A mail can be doubled only between the server's 250 and our commit; then both carry the same Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.mail import get_connection
from django.db import transaction
from django.utils import timezone

from monitor.alerts.mail import compose
from monitor.models import Notification

log = logging.getLogger(__name__)

BATCH = 50
# Longer than a batch of mails to a slow server takes; then somebody else may try.
CLAIM_S = 300
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600
# With these pauses about a day; after that a person must look, and the page for operators says so.
ATTEMPTS = 30


def deliver(now: datetime) -> int:
    """Send what is due; give how many were sent."""
    claimed = _claim(now)
    if not claimed:
        return 0
    return sum(_send(notification) for notification in claimed)


def _claim(now: datetime) -> Sequence[Notification]:
    with transaction.atomic():
        due = Notification.objects.select_for_update(skip_locked=True).filter(
            sent_at=None, failed_at=None, due_at__lte=now
        )
        free = [item.pk for item in due.order_by("due_at")[:BATCH] if not _taken(item, now)]
        Notification.objects.filter(pk__in=free).update(claimed_until=now + timedelta(seconds=CLAIM_S))
    related = ("user", "event__incident__device__compound", "event__incident__device__slot")
    return list(Notification.objects.filter(pk__in=free).select_related(*related).order_by("due_at", "pk"))


def _taken(notification: Notification, now: datetime) -> bool:
    return notification.claimed_until is not None and notification.claimed_until > now


def _send(notification: Notification) -> bool:
    try:
        mail = compose(notification)
        mail.connection = get_connection()
        mail.send()
    except (OSError, smtplib.SMTPException) as error:
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
