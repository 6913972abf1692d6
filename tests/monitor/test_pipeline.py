"""From what is due to what is told: register, schedule, broker, probe worker, record, incident, mail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from devices.models import Device, User
from monitor import schedule, tasks
from monitor.health import Status
from monitor.models import DeviceState, Incident, Look, Notification, Passport, PolicyRule, Schedule
from monitor.simulator.plan import CityPlan, DevicePlan, SceneSpec
from monitor.simulator.server import RunningCity
from monitor.wire import Aspect
from tests import factories
from tests.monitor.conftest import Eventually, MailServer

PASSWORD = "tango-7-Zebra/&#"
PLAN = CityPlan(
    devices=(
        DevicePlan("switch", kind="switch"),
        DevicePlan("gate", password=PASSWORD, parent="switch", scene=SceneSpec("gate", 1), size=(640, 360)),
    )
)


@pytest.fixture
def city() -> Iterator[RunningCity]:
    with RunningCity(PLAN) as running:
        yield running


@pytest.fixture
def gate(stillness: None, city: RunningCity, settings: LazySettings) -> Device:
    """A camera on a switch, as the register has them, and an officer who wants mails."""
    settings.VIEWKEEPER_DEMO = True
    zone = factories.zone("demo", demo=True)
    PolicyRule.objects.create(zone=zone, heartbeat_s=5, picture_s=5, second_look_s=1, settle_s=0, burst=50, refill_s=1)
    place = factories.compound()
    switch = factories.device(
        place, kind="switch", endpoint=factories.endpoint(zone, host="127.0.0.1", port=city.port("switch"))
    )
    login = factories.credential(username="admin", password=PASSWORD)
    endpoint = factories.endpoint(zone, host="127.0.0.1", port=city.port("gate"), credential=login)
    officer = factories.officer(place.district, wants_mail=True)
    User.objects.filter(pk=officer.pk).update(email="wang@police.example", language="en")
    return factories.device(place, kind="entrance", endpoint=endpoint, parent=switch, life="in_use")


def look_around() -> bool:
    """Everything is due now, as if the intervals had passed; False, since nothing is known of it yet."""
    now = timezone.now()
    Schedule.objects.update(due=now, heartbeat_due=now, picture_due=now, facts_due=now)
    tasks.tick.delay()
    return False


def status(device: Device) -> str:
    return DeviceState.objects.filter(device=device).values_list("status", flat=True).first() or ""


def until_status(device: Device, wanted: Status, eventually: Eventually) -> None:
    def reached() -> bool:
        if status(device) == wanted:
            return True
        return look_around()

    eventually(reached)


def test_a_healthy_camera_is_seen_clearly(gate: Device, workers: Path, eventually: Eventually) -> None:
    schedule.sync(timezone.now())

    until_status(gate, Status.ONLINE, eventually)
    eventually(lambda: DeviceState.objects.get(device=gate).picture_file)
    eventually(lambda: Passport.objects.filter(device=gate, facts__has_key="manufacturer").exists() or look_around())

    assert DeviceState.objects.get(device=gate).picture["label"] == "normal"
    assert Passport.objects.get(device=gate).facts["manufacturer"] == "Viewkeeper"
    assert not Incident.objects.exists()


def test_a_dead_switch_is_one_cause_and_one_mail(
    gate: Device, city: RunningCity, workers: Path, mail_server: MailServer, eventually: Eventually
) -> None:
    schedule.sync(timezone.now())
    until_status(gate, Status.ONLINE, eventually)

    city.set_faults("switch", off=True)
    until_status(gate, Status.OFFLINE, eventually)
    eventually(lambda: Incident.objects.filter(root__device=gate.parent).exists() or look_around())
    eventually(lambda: tasks.deliver.delay() and Notification.objects.filter(sent_at__isnull=False).exists())

    (outage,) = mail_server.mails
    assert str(gate.parent) in outage["Subject"]

    city.clear("switch")
    until_status(gate, Status.ONLINE, eventually)
    eventually(lambda: not Incident.objects.open().exists() or look_around())
    eventually(lambda: tasks.deliver.delay() and len(mail_server.mails) > 1)

    assert mail_server.mails[1]["In-Reply-To"] == outage["Message-ID"]


def test_a_look_tells_each_fact_as_it_is_learned(gate: Device, workers: Path, eventually: Eventually) -> None:
    look = Look.objects.create(device=gate)

    tasks.look.delay(look.pk)
    eventually(lambda: Look.objects.get(pk=look.pk).finished_at)

    look.refresh_from_db()
    told = set(look.steps.exclude(aspect="").values_list("aspect", flat=True))
    assert look.outcome == "done"
    assert {Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE} <= told
