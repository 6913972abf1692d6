"""Delivering notifications: claimed, sent outside any transaction, tried again with growing pauses for about a day.

What could not be sent by then is kept and counted; `manage.py resend_mail` sends it again. One process delivers at a
time, so that a mail server that hangs holds up one thread at most. A mail can be doubled only between the
server's 250 and our commit; then both carry the same Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.core.mail import get_connection
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from devices.models import Device, User
from monitor.alerts.mail import compose
from monitor.models import Event, Notification

log = logging.getLogger(__name__)

BATCH = 50
# After this somebody else may try. A slow server gets no more mails from us long before (one may take a minute).
CLAIM_S = 300
SENDING_S = 180
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600
# With these pauses about a day; after that a person must look, and the health address counts it.
ATTEMPTS = 30
NOT_ALLOWED = "no longer allowed"
# The number of our advisory lock; any that nobody else uses.
LOCK = 7_316_002


def deliver(now: datetime) -> int:
    """Send what is due, unless somebody else is at it; give how many were sent."""
    with _alone() as alone:
        return _send_due(now) if alone else 0


def undelivered() -> QuerySet[Notification]:
    """Mails that were given up, and that somebody should have got."""
    return Notification.objects.filter(sent_at=None, failed_at__isnull=False).exclude(error=NOT_ALLOWED)


def resend(now: datetime) -> int:
    """Begin anew with what was given up; give how many mails that is."""
    return undelivered().update(failed_at=None, claimed_until=None, attempts=0, due_at=now)


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether nobody else delivers. The lock is the session's, and goes with it when we die."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        alone = bool(cursor.fetchone()[0])
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _send_due(now: datetime) -> int:
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


def _allowed(notification: Notification) -> bool:
    """Whether the reader may still know; rights may have been taken since the notification was written."""
    user = User.objects.filter(pk=notification.user_id, is_active=True).first()
    device_id = notification.event.incident.device_id
    return user is not None and Device.objects.visible_to(user).filter(pk=device_id).exists()


def _send(notification: Notification) -> bool:
    if not _allowed(notification):
        Notification.objects.filter(pk=notification.pk).update(
            failed_at=timezone.now(), claimed_until=None, error=NOT_ALLOWED
        )
        return False
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
