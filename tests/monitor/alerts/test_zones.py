"""Blindness is told to the operators once, and its end once; to nobody else, and not while it may pass by itself."""

from __future__ import annotations

from smtplib import SMTPServerDisconnected
from unittest.mock import patch

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from devices.models import Role, User
from monitor.alerts import zones as telling
from monitor.alerts.zones import TELL_AFTER, tell_operators
from monitor.models import ZoneState
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return factories.member(Role.ADMIN, wants_mail=True)


@pytest.fixture
def blind(operator: User) -> ZoneState:
    """A zone that has been blind for long enough to tell."""
    since = timezone.now() - TELL_AFTER
    return ZoneState.objects.create(zone=factories.zone("far"), blind_since=since, blind_why="no_report")


def test_the_operators_are_told_once(blind: ZoneState, operator: User, mailoutbox: list[EmailMessage]) -> None:
    factories.admin()
    factories.officer(wants_mail=True)

    assert [tell_operators(timezone.now()) for _ in range(2)] == [1, 0]

    [mail] = mailoutbox
    assert mail.to == [operator.email]
    assert mail.subject.startswith("[Platform blind] Zone far, since")
    assert "Nothing came back from the collector." in mail.body
    assert "/operators/" in mail.body


def test_a_short_blindness_is_told_to_nobody(blind: ZoneState, mailoutbox: list[EmailMessage]) -> None:
    ZoneState.objects.update(blind_since=timezone.now() - TELL_AFTER / 2)

    assert tell_operators(timezone.now()) == 0


def test_the_end_is_told_once_and_only_when_the_beginning_was(blind: ZoneState, mailoutbox: list[EmailMessage]) -> None:
    ZoneState.objects.update(blind_since=None)
    assert tell_operators(timezone.now()) == 0

    ZoneState.objects.update(told_at=timezone.now())
    assert [tell_operators(timezone.now()) for _ in range(2)] == [1, 0]
    assert mailoutbox[0].subject == "[Platform sees again] Zone far"


def test_a_mail_server_that_is_away_is_tried_again(blind: ZoneState, mailoutbox: list[EmailMessage]) -> None:
    with patch.object(telling, "get_connection", side_effect=SMTPServerDisconnected):
        assert tell_operators(timezone.now()) == 0

    assert tell_operators(timezone.now()) == 1


def test_operators_read_their_own_language(blind: ZoneState, operator: User, mailoutbox: list[EmailMessage]) -> None:
    User.objects.filter(pk=operator.pk).update(language="zh-hans")

    tell_operators(timezone.now())

    assert 'lang="zh-CN"' in str(mailoutbox[0].alternatives[0][0])  # type: ignore[attr-defined]
