"""Specification of delivery: nothing is lost, nothing told twice, whatever the mail server does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.mail import EmailMultiAlternatives
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from devices.models import Device, Membership, User
from monitor.alerts import delivery
from monitor.alerts.delivery import ATTEMPTS, CLAIM_S, FIRST_PAUSE_S, LONGEST_PAUSE_S, deliver, undelivered
from monitor.alerts.mail import compose
from monitor.models import Event, Incident, Notification
from tests import factories
from tests.monitor.alerts.postbox import Postbox, subject, text

SECOND = timedelta(seconds=1)


@pytest.fixture
def outage(camera: Device) -> Incident:
    return factories.incident(camera, "no_answer")


@pytest.fixture
def notification(outage: Incident, officer: User) -> Notification:
    return factories.notification(factories.event(outage), officer)


def reader(notification: Notification) -> User:
    """Another officer of the same district."""
    return factories.officer(notification.event.incident.device.compound.district)


def now_and(seconds: float = 0) -> int:
    """Deliver as if so many seconds had passed."""
    return deliver(timezone.now() + timedelta(seconds=seconds))


def again(notification: Notification) -> Notification:
    notification.refresh_from_db()
    return notification


def closed(notification: Notification) -> Notification:
    """The recovery, told to the same person."""
    incident = notification.event.incident
    Incident.objects.filter(pk=incident.pk).update(ended_at=timezone.now())
    return factories.notification(factories.event(incident, kind=Event.Kind.CLOSED), notification.user)


# -- a good day


def test_a_mail_has_a_subject_a_text_and_html_and_goes_to_one_person(
    postbox: Postbox, notification: Notification
) -> None:
    assert now_and() == 1

    [mail] = postbox.kept
    assert mail["To"] == notification.user.email
    assert subject(mail).startswith("[Offline] Hefei Road · north entrance, since ")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Nothing answers at this address." in text(mail)
    assert "Nothing answers at this address." in text(mail, "html")
    assert again(notification).sent_at is not None
    assert again(notification).claimed_until is None


def test_what_was_sent_is_not_sent_again(postbox: Postbox, notification: Notification) -> None:
    assert [now_and(), now_and(CLAIM_S + 1)] == [1, 0]
    assert len(postbox.kept) == 1


def test_nothing_is_sent_before_it_is_due(postbox: Postbox, notification: Notification) -> None:
    Notification.objects.update(due_at=timezone.now() + 60 * SECOND)

    assert [now_and(), now_and(61)] == [0, 1]


def test_the_recovery_answers_the_outage_mail(postbox: Postbox, notification: Notification) -> None:
    now_and()
    closed(notification)
    now_and()

    outage, recovery = postbox.kept
    assert subject(recovery).startswith("[Recovered] Hefei Road · north entrance: Offline lasted 1 h")
    assert recovery["In-Reply-To"] == recovery["References"] == outage["Message-ID"]
    assert recovery["Message-ID"] != outage["Message-ID"]


def test_the_same_outage_has_another_message_id_for_another_person(
    postbox: Postbox, notification: Notification
) -> None:
    factories.notification(notification.event, reader(notification))
    now_and()

    assert len({mail["Message-ID"] for mail in postbox.kept}) == 2


def test_each_run_takes_a_batch(postbox: Postbox, notification: Notification, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BATCH", 2)
    for _ in range(2):
        factories.notification(notification.event, reader(notification))

    assert [now_and(), now_and(), now_and()] == [2, 1, 0]


# -- a bad day


def test_a_refused_connection_is_tried_again_under_the_same_message_id(
    postbox: Postbox, notification: Notification
) -> None:
    postbox.close()
    assert now_and() == 0

    kept = again(notification)
    assert (kept.sent_at, kept.failed_at, kept.claimed_until, kept.attempts) == (None, None, None, 1)
    assert kept.error.startswith("ConnectionRefusedError")

    postbox.server = type(postbox.server)(postbox, hostname="127.0.0.1", port=postbox.port)
    postbox.open()
    assert now_and(FIRST_PAUSE_S + 1) == 1
    assert len(postbox.kept) == 1


def test_nothing_is_lost_while_the_server_says_try_later(postbox: Postbox, notification: Notification) -> None:
    postbox.answers = ["451 try later"] * 3

    sent = [now_and(seconds) for seconds in (0, 31, 61 + 31, 122 + 61 + 31)]

    assert sent == [0, 0, 0, 1]
    assert len({mail["Message-ID"] for mail in postbox.tried}) == 1
    assert (len(postbox.tried), len(postbox.kept)) == (4, 1)
    assert again(notification).attempts == 3


def test_one_refused_mail_holds_up_no_other(postbox: Postbox, notification: Notification) -> None:
    second = factories.notification(notification.event, reader(notification))
    postbox.answers = ["451 try later"]

    assert now_and() == 1
    assert (again(notification).sent_at, again(second).sent_at is None) == (None, False)


def test_a_mail_that_cannot_be_written_holds_up_no_other(
    postbox: Postbox, notification: Notification, caplog: pytest.LogCaptureFixture
) -> None:
    """A cause that a newer collector knows and we do not."""
    strange = factories.incident(factories.device(notification.event.incident.device.compound))
    Incident.objects.filter(pk=strange.pk).update(cause="from_the_future")
    poison = factories.notification(factories.event(strange), notification.user)
    Notification.objects.filter(pk=poison.pk).update(due_at=timezone.now() - 60 * SECOND)

    assert now_and() == 1
    assert (again(poison).attempts, again(poison).claimed_until) == (1, None)
    assert "cannot be written" in caplog.text


def pause_after(notification: Notification, attempts: int) -> float:
    Notification.objects.update(attempts=attempts - 1, due_at=timezone.now())
    before = timezone.now()
    now_and(1)
    return round((again(notification).due_at - before).total_seconds())


def test_pauses_grow_to_an_hour(postbox: Postbox, notification: Notification) -> None:
    postbox.answers = ["451 try later"] * 9

    pauses = [pause_after(notification, attempts) for attempts in range(1, 10)]

    assert pauses == [30, 60, 120, 240, 480, 960, 1920, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


@pytest.mark.parametrize(("attempts", "given_up"), [(ATTEMPTS - 1, False), (ATTEMPTS, True)])
def test_after_a_day_a_person_must_look(
    postbox: Postbox, notification: Notification, attempts: int, given_up: bool
) -> None:
    postbox.answers = ["451 try later"]
    pause_after(notification, attempts)

    assert (again(notification).failed_at is not None) is given_up
    assert now_and(LONGEST_PAUSE_S + 60) == (0 if given_up else 1)


def test_a_long_error_is_cut(postbox: Postbox, notification: Notification) -> None:
    postbox.answers = ["451 " + "x" * 400]
    now_and()

    assert len(again(notification).error) == 200


def test_the_end_waits_for_the_beginning(postbox: Postbox, notification: Notification) -> None:
    postbox.answers = ["451 try later"]
    now_and()
    end = closed(notification)

    assert now_and(FIRST_PAUSE_S - 5) == 0
    assert now_and(FIRST_PAUSE_S + 1) == 1
    assert now_and(FIRST_PAUSE_S + 1) == 1
    assert [subject(mail).split("]")[0] for mail in postbox.kept] == ["[Offline", "[Recovered"]
    assert again(end).attempts == 0


def test_the_end_waits_for_no_other_persons_beginning(postbox: Postbox, notification: Notification) -> None:
    other = factories.notification(notification.event, reader(notification))
    Notification.objects.filter(pk=other.pk).update(due_at=timezone.now() + 60 * SECOND)
    now_and()
    closed(notification)

    assert now_and() == 1


def test_the_end_does_not_wait_for_a_beginning_that_was_given_up(postbox: Postbox, notification: Notification) -> None:
    Notification.objects.update(failed_at=timezone.now())
    closed(notification)

    assert now_and() == 1


# -- whoever may no longer know


@pytest.mark.parametrize("taken", ["account", "scope"])
def test_a_mail_to_whoever_may_no_longer_know_is_not_tried(
    postbox: Postbox, notification: Notification, taken: str
) -> None:
    if taken == "account":
        User.objects.update(is_active=False)
    else:
        Membership.objects.update(district=factories.district())

    assert [now_and(), now_and(CLAIM_S + 1)] == [0, 0]
    kept = again(notification)
    assert postbox.tried == []
    assert (kept.failed_at is None, kept.attempts, kept.claimed_until) == (False, 0, None)
    assert kept.error == "no longer allowed"
    assert not undelivered().exists()


def test_rights_taken_during_a_run_count(
    postbox: Postbox, notification: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.notification(notification.event, reader(notification))

    def last(item: Notification) -> EmailMultiAlternatives:
        User.objects.exclude(pk=item.user_id).update(is_active=False)
        return compose(item)

    monkeypatch.setattr(delivery, "compose", last)

    assert now_and() == 1
    assert len(postbox.tried) == 1


# -- what was given up


def test_what_was_given_up_is_counted_and_can_be_sent_again(
    postbox: Postbox, notification: Notification, capsys: pytest.CaptureFixture[str]
) -> None:
    Notification.objects.update(
        failed_at=timezone.now(), attempts=ATTEMPTS, error="SMTPDataError", due_at=timezone.now() + 60 * SECOND
    )
    assert (now_and(61), undelivered().count()) == (0, 1)

    call_command("resend_mail")

    assert capsys.readouterr().out == "1 mails are due again.\n"
    assert (again(notification).attempts, undelivered().count()) == (0, 0)
    assert now_and() == 1


def test_sending_again_doubles_nothing(postbox: Postbox, notification: Notification) -> None:
    now_and()
    refused = factories.notification(notification.event, factories.user())
    now_and()
    call_command("resend_mail")

    assert now_and() == 0
    assert again(refused).failed_at is not None
    assert len(postbox.kept) == 1


# -- one at a time


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[Any]:
    """A cursor of another session of the database."""
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        yield cursor
    other.close()


def test_nothing_is_sent_while_somebody_else_delivers(
    elsewhere: Any, postbox: Postbox, notification: Notification
) -> None:
    elsewhere.execute("SELECT pg_advisory_lock(%s)", [delivery.LOCK])
    assert now_and() == 0
    assert again(notification).claimed_until is None

    elsewhere.execute("SELECT pg_advisory_unlock(%s)", [delivery.LOCK])
    assert now_and() == 1


def test_the_turn_is_given_up_even_after_an_accident(
    elsewhere: Any, postbox: Postbox, notification: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_claim", Mock(side_effect=OSError))
    with pytest.raises(OSError):
        now_and()

    elsewhere.execute("SELECT pg_try_advisory_lock(%s)", [delivery.LOCK])
    assert elsewhere.fetchone() == (True,)


# -- claims


def test_what_somebody_else_is_sending_is_left_to_him_until_his_claim_is_over(
    postbox: Postbox, notification: Notification
) -> None:
    now = timezone.now()
    Notification.objects.update(claimed_until=now + 60 * SECOND)

    assert deliver(now + 60 * SECOND - timedelta(microseconds=1)) == 0
    assert deliver(now + 60 * SECOND) == 1


def test_claims_of_somebody_who_died_hide_nothing_else(
    postbox: Postbox, notification: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 1)
    Notification.objects.update(claimed_until=timezone.now() + 60 * SECOND, due_at=timezone.now() - 60 * SECOND)
    factories.notification(notification.event, reader(notification))

    assert now_and() == 1


def test_a_claim_is_written_before_anything_is_sent(
    postbox: Postbox, notification: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[datetime | None] = []

    def watched(item: Notification) -> EmailMultiAlternatives:
        seen.append(again(item).claimed_until)
        return compose(item)

    monkeypatch.setattr(delivery, "compose", watched)
    now = timezone.now()
    deliver(now)

    assert seen == [now + timedelta(seconds=CLAIM_S)]


def test_what_cannot_be_sent_within_the_claim_is_given_back(
    postbox: Postbox, notification: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes ages for each mail."""
    monkeypatch.setattr(delivery, "SENDING_S", 0)

    assert now_and() == 0
    assert again(notification).claimed_until is None
    assert again(notification).attempts == 0


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_time_send_each_mail_once(postbox: Postbox, notification: Notification) -> None:
    for _ in range(9):
        factories.notification(notification.event, reader(notification))
    gate, sent = threading.Barrier(3), []

    def work() -> None:
        gate.wait()
        sent.append(now_and())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(sent) == len(postbox.kept) == 10
    assert len({mail["To"] for mail in postbox.kept}) == 10


def test_no_transaction_is_open_while_sending(
    transactional_db: None, postbox: Postbox, notification: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = []
    real = socket.create_connection

    def watched(*args: object, **kwargs: object) -> socket.socket:
        inside.append(connection.in_atomic_block)
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", watched)
    now_and()

    assert inside == [False]
