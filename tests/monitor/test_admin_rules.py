"""Specification of entering policy rules: a lasting one speaks of places and kinds, an occasion of its devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from devices.models import Device
from monitor.models import PolicyRule
from tests import factories

pytestmark = pytest.mark.django_db
Errors = Callable[..., dict[str, list[str]]]
OCCASION = {
    "name": "Marathon",
    "starts_at_0": "2026-03-01",
    "starts_at_1": "08:00",
    "ends_at_0": "2026-03-01",
    "ends_at_1": "20:00",
}


@pytest.fixture
def camera() -> Device:
    return factories.device()


@pytest.fixture
def errors(client: Client) -> Errors:
    """What the administration page says about a rule; nothing where it was kept."""
    client.force_login(factories.user(is_superuser=True, is_staff=True))

    def enter(**given: Any) -> dict[str, list[str]]:
        answer = client.post(reverse("admin:monitor_policyrule_add"), {"heartbeat_s": 10, **given})
        return dict(answer.context["adminform"].form.errors) if answer.context else {}

    return enter


def test_an_occasion_with_its_devices_will_do(camera: Device, errors: Errors) -> None:
    assert errors(**OCCASION, devices=str(camera.pk)) == {}
    assert list(PolicyRule.objects.get().devices.all()) == [camera]


def test_an_occasion_without_devices_says_what_is_missing(errors: Errors) -> None:
    assert errors(**OCCASION) == {"devices": ["An occasion needs the devices that it is about."]}


def test_an_occasion_is_not_about_a_place_or_a_kind(camera: Device, errors: Errors) -> None:
    told = "An occasion speaks of its list of devices only; leave this empty."

    assert errors(**OCCASION, devices=str(camera.pk), kind="entrance") == {"kind": [told]}


def test_a_list_of_devices_needs_an_occasion(camera: Device, errors: Errors) -> None:
    assert "name" in errors(devices=str(camera.pk))


@pytest.mark.parametrize("ports", ["0", "80,65536", "99999"])
def test_ports_are_such_as_can_be_dialled(ports: str, errors: Errors) -> None:
    assert errors(ports=ports) == {"ports": ["The port is a number from 1 to 65535."]}


@pytest.mark.parametrize("ports", ["80;443", "1,2,3,4,5,6,7,8,9", "http"])
def test_ports_are_numbers_with_commas(ports: str, errors: Errors) -> None:
    assert errors(ports=ports) == {"ports": ["Up to eight port numbers with commas between them."]}


def test_a_device_that_there_is_not_is_named(camera: Device, errors: Errors) -> None:
    assert list(errors(**OCCASION, devices="999999")) == ["devices"]
