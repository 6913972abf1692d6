"""Specification of the health address: well or not, to anybody, and nothing secret."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from devices.models import Device
from monitor.alerts.delivery import NOT_ALLOWED
from monitor.models import DeviceState, Pulse, Schedule, ZoneState
from tests import factories
from tests.monitor.overview.seeing import NOW, watched

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
            "zones_blind": 0,
            "deliver_age_s": None,
            "housekeep_age_s": None,
            "mails_failed": 0,
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


def test_pictures_that_give_way_are_no_illness(polled: Device, client: Client) -> None:
    Schedule.objects.update(due=timezone.now(), picture_due=timezone.now() - 3_600 * SECOND)

    assert asked(client)[0] == 200


def test_nothing_to_poll_is_well(polled: Device, client: Client) -> None:
    Schedule.objects.all().delete()
    DeviceState.objects.all().delete()

    found, told = asked(client)

    assert (found, told["overdue_s"], told["oldest_not_polled_s"]) == (200, 0, None)


def leased(now: datetime) -> dict[str, Any]:
    """A lease that was just taken."""
    return {"lease": uuid.uuid4(), "leased_until": now + 9 * SECOND}


@pytest.mark.parametrize(
    ("every", "age", "status"), [(60, 300, 200), (60, 301, 503), (10, 300, 200), (120, 600, 200), (120, 601, 503)]
)
def test_devices_that_nobody_looks_at_are_not_well_although_the_schedule_moves_on(
    polled: Device, client: Client, every: int, age: int, status: int
) -> None:
    now = timezone.now()
    Schedule.objects.update(heartbeat_every=every, due=now + 9 * SECOND, **leased(now))
    DeviceState.objects.update(looked_at=now - age * SECOND)

    found, told = asked(client)

    assert (found, told["polling"], told["overdue_s"]) == (status, status == 200, 0)


def test_one_forgotten_device_among_others_is_not_well(polled: Device, client: Client) -> None:
    forgotten = watched(polled.compound)
    factories.state(forgotten, looked_at=timezone.now() - 301 * SECOND)

    assert asked(client)[0] == 503


@pytest.mark.parametrize(("ahead", "status"), [(1, 200), (0, 503)])
def test_a_device_that_was_just_resumed_is_waited_for_once_its_turn_has_come(
    polled: Device, client: Client, ahead: int, status: int
) -> None:
    Schedule.objects.update(due=timezone.now() + ahead * SECOND)
    DeviceState.objects.update(looked_at=timezone.now() - timedelta(days=2))

    assert asked(client)[0] == status


def test_a_device_that_nobody_schedules_is_not_well(polled: Device, client: Client) -> None:
    Schedule.objects.all().delete()
    DeviceState.objects.update(looked_at=timezone.now() - 301 * SECOND)

    assert asked(client)[0] == 503


@pytest.mark.parametrize(("claimed", "status"), [(False, 200), (True, 503)])
def test_a_zone_that_never_answered_is_not_well_once_it_was_asked(
    polled: Device, client: Client, claimed: bool, status: int
) -> None:
    device = factories.device(polled.compound, endpoint=factories.endpoint(factories.zone("far")))
    factories.schedule(device, **leased(timezone.now()) if claimed else {})

    assert asked(client)[0] == status


def test_a_new_device_beside_others_that_are_looked_at_is_well(polled: Device, client: Client) -> None:
    Schedule.objects.filter(pk=watched(polled.compound).endpoint_id).update(**leased(timezone.now()))

    assert asked(client)[0] == 200


def test_the_ages_of_mails_and_housekeeping_are_told(polled: Device, client: Client) -> None:
    for name, age in (("deliver", 4000), ("housekeep", 5000)):
        Pulse.objects.create(name=name, at=timezone.now() - age * SECOND)

    found, told = asked(client)

    assert (found, told["deliver_age_s"], told["housekeep_age_s"], told["beat_age_s"]) == (200, 4000, 5000, 0)


def test_mails_that_were_given_up_are_counted(polled: Device, client: Client) -> None:
    event, now = factories.event(factories.incident(polled)), timezone.now()
    for fields in ({"failed_at": now}, {"sent_at": now}, {}, {"failed_at": now, "error": NOT_ALLOWED}):
        factories.notification(event, factories.user(), **fields)

    found, told = asked(client)

    assert (found, told["mails_failed"]) == (200, 1)


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


def test_a_zone_that_is_not_seen_is_not_well(polled: Device, client: Client) -> None:
    ZoneState.objects.create(zone=factories.zone("far"), blind_since=timezone.now())

    found, told = asked(client)

    assert (found, told["polling"], told["zones_blind"]) == (503, False, 1)
