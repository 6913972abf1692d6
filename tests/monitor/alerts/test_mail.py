"""Specification of a mail: what happened, where and since when, in the reader's language, and nothing secret."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone, translation
from pytest_django import Settings

from devices.models import Device, User
from monitor.alerts import mail
from monitor.alerts.mail import NAMED, compose, message_id
from monitor.models import Event, Incident
from tests import factories
from tests.monitor.visits import START, minute


@pytest.fixture(autouse=True)
def today() -> object:
    """It is 17:00 in Beijing, an hour after the outage began."""
    with time_machine.travel(minute(60), tick=False) as traveller:
        yield traveller


@pytest.fixture
def outage(camera: Device) -> Incident:
    return factories.incident(camera, "no_answer", started_at=START)


def written(incident: Incident, to: User, kind: Event.Kind = Event.Kind.OPENED) -> EmailMultiAlternatives:
    return compose(factories.notification(factories.event(incident, kind=kind), to))


def html(message: EmailMultiAlternatives) -> str:
    [(content, kind)] = message.alternatives
    assert kind == "text/html"
    return str(content)


def test_the_subject_says_what_where_and_since_when_in_beijing_time(outage: Incident, officer: User) -> None:
    assert written(outage, officer).subject == "[Offline] Hefei Road · north entrance, since 16:00"


def test_an_outage_since_yesterday_says_the_day(outage: Incident, officer: User) -> None:
    outage.started_at = datetime.fromisoformat("2026-02-28T15:59:00+00:00")
    outage.save()

    assert written(outage, officer).subject.endswith("since 02-28 23:59")


@pytest.mark.parametrize("body", [lambda message: message.body, html])
def test_a_mail_says_what_was_seen_what_is_unseen_what_to_do_and_where_to_look(
    outage: Incident, officer: User, body: object, settings: Settings
) -> None:
    told = body(written(outage, officer))  # type: ignore[operator]

    assert "Nothing answers at this address." in told
    assert "everybody who comes in" in told
    assert "Check power, network cable and switch port, then look again." in told
    assert f"{settings.VIEWKEEPER_PUBLIC_URL}/i/{outage.pk}/" in told


@pytest.mark.parametrize("body", [lambda message: message.body, html])
def test_no_address_and_no_login_leaves_with_a_mail(outage: Incident, officer: User, body: object) -> None:
    endpoint = outage.device.endpoint
    assert endpoint is not None
    endpoint.credential = factories.credential(username="rootuser", password="geheim-7")
    endpoint.save()

    told = body(written(outage, officer))  # type: ignore[operator]

    assert endpoint.host not in told
    assert "rootuser" not in told
    assert "geheim-7" not in told


def test_markup_in_a_name_stays_text(outage: Incident, officer: User) -> None:
    Device.objects.update(name="<b>gate</b>")
    outage.refresh_from_db()

    assert "<b>gate</b>" not in html(written(outage, officer))
    assert "<b>gate</b>" in written(factories.incident(factories.device(name="<b>gate</b>")), officer).body


def test_a_name_with_a_line_break_cannot_add_a_header(outage: Incident, officer: User) -> None:
    Device.objects.update(name="gate\r\nBcc: x@example.org")
    outage.refresh_from_db()

    assert written(outage, officer).subject == "[Offline] Hefei Road · gate Bcc: x@example.org, since 16:00"


def test_a_dead_switch_says_how_many_it_affects_and_names_some(outage: Incident, officer: User) -> None:
    place = outage.device.compound
    for number in range(NAMED + 1):
        below = factories.device(place, name=f"camera {number}")
        factories.incident(below, root=outage)
        factories.incident(below, "login_refused", root=outage)

    message = written(outage, officer)

    assert message.subject == "[Offline] Hefei Road · north entrance is down, affects 7, since 16:00"
    assert f"camera {NAMED - 1}" in message.body
    assert f"camera {NAMED}" not in message.body


def test_a_mail_names_and_counts_only_what_its_reader_may_see(outage: Incident, officer: User) -> None:
    contract = factories.contract()
    technician = factories.technician(contract.contractor)
    mine = factories.device(outage.device.compound, name="my camera", contract=contract)
    theirs = factories.device(outage.device.compound, name="another camera")
    for below in (mine, theirs):
        factories.incident(below, root=outage)

    message = written(outage, technician)

    assert "affects 1," in message.subject
    assert "my camera" in message.body
    assert "another camera" not in message.body + html(message)
    assert "affects 2," in written(outage, officer).subject


def test_a_recovery_says_what_lasted_how_long(outage: Incident, officer: User) -> None:
    Incident.objects.update(ended_at=minute(47))
    outage.refresh_from_db()
    message = written(outage, officer, Event.Kind.CLOSED)

    assert message.subject == "[Recovered] Hefei Road · north entrance: Offline lasted 47 min"
    assert mail.RECOVERED_MARK in html(message)


@pytest.mark.parametrize(
    ("cause", "mark"), [("no_answer", "■"), ("obstructed", "▲"), ("blur", "▲"), ("login_refused", "◆")]
)
def test_form_and_colour_say_what_kind_of_fault_it_is(camera: Device, officer: User, cause: str, mark: str) -> None:
    incident = factories.incident(camera, cause, detail={"share": 0.6})

    assert mark in html(written(incident, officer))


def test_a_mail_is_in_the_language_of_its_reader(
    outage: Incident, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "render_to_string", lambda *_args: translation.get_language())
    User.objects.update(language="zh-hans")
    officer.refresh_from_db()

    with translation.override("en"):
        message = written(outage, officer)
        assert (message.body, html(message)) == ("zh-hans", "zh-hans")
        assert translation.get_language() == "en"


def test_the_message_id_is_the_same_at_each_attempt_and_tells_no_key(settings: Settings) -> None:
    settings.VIEWKEEPER_PUBLIC_URL = "https://watch.example:8443"

    first = message_id("opened", 7, 9)

    assert first == message_id("opened", 7, 9)
    assert first.startswith("<incident-7-opened-9-")
    assert first.endswith("@watch.example>")
    assert settings.SECRET_KEY[:8] not in first


def test_the_message_ids_of_two_installations_differ(settings: Settings) -> None:
    first = message_id("opened", 7, 9)
    settings.SECRET_KEY = "another " * 8

    assert message_id("opened", 7, 9) != first


@pytest.mark.parametrize("other", [("closed", 7, 9), ("opened", 8, 9), ("opened", 7, 8)])
def test_each_event_of_each_incident_has_its_own_message_id_for_each_person(other: tuple[str, int, int]) -> None:
    assert message_id("opened", 7, 9) != message_id(*other)


def test_a_mail_late_in_the_day_counts_to_its_end_not_to_now(outage: Incident, officer: User) -> None:
    Incident.objects.update(ended_at=START + timedelta(minutes=5))
    outage.refresh_from_db()

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert "lasted 5 min" in written(outage, officer, Event.Kind.CLOSED).subject
