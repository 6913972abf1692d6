"""Specification of what the police, and nobody else, decide about the polling: pausing with a reason, resuming."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devices.models import Device, Membership, User
from monitor.models import Schedule
from monitor.overview.acts import Act, acts_on
from tests import factories

SignIn = Callable[[User], Client]
ACTS = ("device-pause", "device-resume")


@pytest.fixture
def police(officer: User, sign_in: SignIn) -> Client:
    return sign_in(officer)


def done(device: Device) -> list[tuple[Act, str]]:
    found = acts_on(device, timezone.now() - timedelta(hours=1))
    return [(item.act, item.about) for item in reversed(found)]


def test_a_pause_keeps_reason_person_and_time_and_ends_the_polling(
    camera: Device, officer: User, police: Client
) -> None:
    answer = police.post(reverse("device-pause", args=[camera.pk]), {"reason": " works in the street "}, follow=True)

    camera.refresh_from_db()
    assert (camera.pause_reason, camera.paused_by) == ("works in the street", officer)
    assert camera.paused_at is not None
    assert timezone.now() - camera.paused_at < timedelta(minutes=1)
    assert not Schedule.objects.exists()
    assert done(camera) == [(Act.PAUSE, "works in the street")]
    assert "Polling is paused." in answer.content.decode()


@pytest.mark.parametrize("reason", ["", "   ", "x" * 161])
def test_a_pause_needs_a_reason_of_reasonable_length(camera: Device, police: Client, reason: str) -> None:
    answer = police.post(reverse("device-pause", args=[camera.pk]), {"reason": reason}, follow=True)

    camera.refresh_from_db()
    assert camera.pause_reason == ""
    assert done(camera) == []
    assert "A pause needs a reason." in answer.content.decode()


def test_a_second_pause_does_not_overwrite_the_first(camera: Device, police: Client) -> None:
    for reason in ("works", "something else"):
        police.post(reverse("device-pause", args=[camera.pk]), {"reason": reason})

    camera.refresh_from_db()
    assert camera.pause_reason == "works"
    assert done(camera) == [(Act.PAUSE, "works")]


def test_a_device_is_polled_again_after_resuming(camera: Device, police: Client) -> None:
    police.post(reverse("device-pause", args=[camera.pk]), {"reason": "works"})

    answer = police.post(reverse("device-resume", args=[camera.pk]), follow=True)

    camera.refresh_from_db()
    assert (camera.pause_reason, camera.paused_at, camera.paused_by) == ("", None, None)
    assert Schedule.objects.filter(endpoint=camera.endpoint).exists()
    assert done(camera) == [(Act.PAUSE, "works"), (Act.RESUME, "works")]
    assert "Polling goes on." in answer.content.decode()


def test_resuming_what_is_not_paused_changes_nothing(camera: Device, police: Client) -> None:
    police.post(reverse("device-resume", args=[camera.pk]))

    assert done(camera) == []


def test_a_device_without_an_address_can_be_paused(camera: Device, police: Client) -> None:
    device = factories.device(camera.compound, endpoint=None)

    police.post(reverse("device-pause", args=[device.pk]), {"reason": "not built"})

    device.refresh_from_db()
    assert device.pause_reason == "not built"


@pytest.mark.parametrize("name", ACTS)
def test_a_contractor_may_look_but_not_decide(camera: Device, sign_in: SignIn, name: str) -> None:
    firm = factories.organisation("contractor")
    Device.objects.filter(pk=camera.pk).update(contract=factories.contract(firm))
    client = sign_in(factories.manager(firm))

    assert client.get(reverse("device", args=[camera.pk])).status_code == 200
    answer = client.post(reverse(name, args=[camera.pk]), {"reason": "works"})
    assert answer.status_code == 403
    assert "This is not yours to decide." in answer.content.decode()
    assert done(camera) == []


@pytest.mark.parametrize("name", ACTS)
def test_an_officer_elsewhere_who_may_watch_here_does_not_decide_here(
    camera: Device, sign_in: SignIn, name: str
) -> None:
    officer = factories.officer()
    viewers = {"organisation": factories.organisation(), "role": "viewer", "compound": camera.compound}
    Membership.objects.create(user=officer, **viewers)
    client = sign_in(officer)

    page = client.get(reverse("device", args=[camera.pk]))
    assert page.status_code == 200
    assert reverse(name, args=[camera.pk]) not in page.content.decode()
    assert client.post(reverse(name, args=[camera.pk]), {"reason": "works"}).status_code == 403
    assert done(camera) == []


@pytest.mark.parametrize("name", ACTS)
def test_an_officer_of_another_district_does_not_find_it(camera: Device, sign_in: SignIn, name: str) -> None:
    answer = sign_in(factories.officer()).post(reverse(name, args=[camera.pk]), {"reason": "works"})

    assert answer.status_code == 404
    assert done(camera) == []


@pytest.mark.parametrize("name", ACTS)
def test_nothing_is_decided_by_a_link(camera: Device, police: Client, name: str) -> None:
    assert police.get(reverse(name, args=[camera.pk])).status_code == 405


@pytest.mark.parametrize("name", ACTS)
def test_nothing_is_decided_without_signing_in(camera: Device, client: Client, name: str) -> None:
    assert client.post(reverse(name, args=[camera.pk]), {"reason": "works"}).status_code == 302
    assert done(camera) == []


@pytest.mark.parametrize("name", ACTS)
def test_nothing_is_decided_from_another_site(camera: Device, officer: User, name: str) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(officer)

    assert careful.post(reverse(name, args=[camera.pk]), {"reason": "works"}).status_code == 403
    assert done(camera) == []


def test_buttons_are_for_who_may_press_them(camera: Device, police: Client, sign_in: SignIn) -> None:
    firm = factories.organisation("contractor")
    Device.objects.filter(pk=camera.pk).update(contract=factories.contract(firm))
    factories.last_picture(factories.state(camera))
    address = reverse("device", args=[camera.pk])

    for_police = police.get(address).content.decode()
    for_contractor = sign_in(factories.technician(firm)).get(address).content.decode()

    assert reverse("device-pause", args=[camera.pk]) in for_police
    assert reverse("device-pause", args=[camera.pk]) not in for_contractor
    assert reverse("look-start", args=[camera.pk]) in for_contractor
