"""Specification of the health address: well or not, to anybody, and nothing secret."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from devices.models import Device
from monitor.models import DeviceState, Pulse, Schedule
from tests import factories
from tests.monitor.overview.seeing import NOW

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def polled(camera: Device) -> Device:
    """A camera looked at half a minute ago, on a platform that is well."""
    Pulse.objects.create(name="tick", at=timezone.now())
    factories.state(camera, looked_at=timezone.now() - 30 * SECOND)
    return camera


def asked(client: Client) -> tuple[int, dict[str, object]]:
    answer = client.get("/healthz/")
    return answer.status_code, answer.json()


def test_a_platform_that_is_well_says_so_without_a_login(polled: Device, client: Client) -> None:
    assert asked(client) == (
        200,
        {
            "ok": True,
            "database": True,
            "broker": True,
            "beat": True,
            "beat_age_s": 0,
            "polling": True,
            "overdue_s": 0,
            "oldest_not_polled_s": 30,
        },
    )


@pytest.mark.parametrize(("age", "status"), [(60, 200), (61, 503)])
def test_a_beat_that_stopped_is_not_well(polled: Device, client: Client, age: int, status: int) -> None:
    Pulse.objects.update(at=timezone.now() - age * SECOND)

    found, told = asked(client)

    assert (found, told["beat_age_s"]) == (status, age)


def test_a_beat_that_never_was_is_not_well(polled: Device, client: Client) -> None:
    Pulse.objects.all().delete()

    found, told = asked(client)

    assert (found, told["beat"], told["beat_age_s"]) == (503, False, None)


@pytest.mark.parametrize(("late", "status"), [(300, 200), (301, 503)])
def test_a_schedule_that_nobody_works_on_is_not_well(polled: Device, client: Client, late: int, status: int) -> None:
    Schedule.objects.update(due=timezone.now() - late * SECOND)

    found, told = asked(client)

    assert (found, told["overdue_s"]) == (status, late)


def test_nothing_to_poll_is_well(polled: Device, client: Client) -> None:
    Schedule.objects.all().delete()
    DeviceState.objects.all().delete()

    found, told = asked(client)

    assert (found, told["overdue_s"], told["oldest_not_polled_s"]) == (200, 0, None)


def test_a_paused_device_is_not_waited_for(polled: Device, client: Client) -> None:
    Device.objects.update(pause_reason="works")

    assert asked(client)[1]["oldest_not_polled_s"] is None


def test_a_broker_that_does_not_answer_is_not_well(polled: Device, client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    found, told = asked(client)

    assert (found, told["broker"], told["database"]) == (503, False, True)


def test_a_database_that_does_not_answer_is_not_well(polled: Device, client: Client) -> None:
    with patch.object(Pulse.objects, "filter", side_effect=OperationalError("secret address")):
        found, told = asked(client)

    assert found == 503
    assert (told["database"], told["beat"], told["polling"], told["ok"]) == (False, False, False, False)
    assert "secret" not in str(told)


def test_it_is_never_kept(polled: Device, client: Client) -> None:
    assert "no-store" in client.get("/healthz/").headers["Cache-Control"]
