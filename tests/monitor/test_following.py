"""The journal follows the register: devices leave use, are paused, get other parents; keys and demos go away."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.db import connection

from devices.models import Device, Zone
from monitor import claims, recording, schedule, tasks
from monitor.health import Status
from monitor.leases import BITS
from monitor.models import DeviceHour, DeviceState, Event, Incident, Schedule
from monitor.targets import targets
from monitor.wire import Tier
from tests import factories
from tests.monitor.visits import BLANK, OFF, START, claim_due, lease, minute, round_of, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def switch() -> Device:
    return factories.device(kind="switch", name="switch", life="in_use")


@pytest.fixture
def camera(switch: Device) -> Device:
    return factories.device(switch.compound, parent=switch, name="camera", life="in_use")


def down(*devices: Device) -> None:
    """All of these are confirmed offline."""
    for number in range(2):
        round_of(dict.fromkeys(devices, OFF), minute(number))


def told_about() -> list[str]:
    """Devices about which somebody will be told."""
    return list(Event.objects.filter(done_at=None).values_list("incident__device__name", flat=True))


# -- devices that leave use


@pytest.mark.parametrize("change", [{"life": "removed"}, {"life": "planned"}, {"endpoint": None}])
def test_whoever_leaves_use_has_no_incident_any_more(camera: Device, change: dict[str, object]) -> None:
    down(camera)
    Device.objects.filter(pk=camera.pk).update(**change)

    assert recording.follow_register(minute(9)) == 1

    assert Incident.objects.get().ended_at == minute(9)
    assert DeviceState.objects.get().status == Status.UNKNOWN
    assert told_about() == []


def test_whoever_stays_in_use_keeps_its_incident(camera: Device) -> None:
    down(camera)

    assert recording.follow_register(minute(9)) == 0
    assert Incident.objects.get().is_open


def test_what_comes_back_into_use_is_found_down_anew(camera: Device) -> None:
    down(camera)
    Device.objects.update(life="removed")
    recording.follow_register(minute(9))
    Device.objects.update(life="in_use")

    for number in (10, 11):
        visit(camera, minute(number), OFF)

    assert Incident.objects.open().get().started_at == minute(10)


@pytest.mark.parametrize("change", [{"life": "removed"}, {"pause_reason": "roadworks"}])
def test_what_hung_on_a_cause_that_is_gone_is_told_for_itself(
    switch: Device, camera: Device, change: dict[str, object]
) -> None:
    down(switch, camera)
    assert Incident.objects.get(device=camera).root is not None
    Device.objects.filter(pk=switch.pk).update(**change)

    recording.follow_register(minute(9))

    assert Incident.objects.get(device=camera).root is None
    assert "camera" in told_about()


def test_an_incident_follows_its_device_to_another_parent(switch: Device, camera: Device) -> None:
    other = factories.device(switch.compound, kind="switch", name="other", life="in_use")
    down(switch, camera, other)
    Device.objects.filter(pk=camera.pk).update(parent=other)

    recording.follow_register(minute(9))

    root = Incident.objects.get(device=camera).root
    assert root is not None
    assert root.device == other


# -- what is ours


def test_hours_in_which_we_could_not_look_are_blind_also_of_what_was_offline(camera: Device) -> None:
    down(camera)
    for number in range(2, 6):
        visit(camera, minute(number), BLANK)
    visit(camera, minute(60), OFF)
    visit(camera, minute(61), OFF)

    hour = DeviceHour.objects.get()
    # Confirmed at minute 1, not seen for the second time at minute 3; until it was confirmed it counted as online.
    assert (hour.offline_s, hour.blind_s) == (2 * 60, 3600 - 3 * 60)


# -- what was claimed


def lost(camera: Device, *tiers: Tier) -> None:
    """A visit that had taken these tiers along never came back; nothing but a heartbeat is due."""
    lease(camera)
    due = {"heartbeat_due": minute(1), "picture_due": minute(30), "facts_due": minute(999), "due": minute(1)}
    Schedule.objects.update(claimed=sum(BITS[tier] for tier in tiers), **due)


def test_a_visit_that_never_came_back_has_what_it_took_along_due_again(camera: Device) -> None:
    lost(camera, Tier.PICTURE)

    (found,) = claim_due(factories.zone().pk, minute(2))

    assert (found.tiers, found.recheck) == (frozenset({Tier.HEARTBEAT}), True)
    assert Schedule.objects.get().picture_due == minute(2)


def test_facts_that_got_lost_are_not_waited_for_a_day(camera: Device) -> None:
    lost(camera, Tier.FACTS)

    (found,) = claim_due(factories.zone().pk, minute(2))

    assert found.tiers == {Tier.HEARTBEAT, Tier.FACTS}


def test_a_paused_device_costs_no_lease(camera: Device) -> None:
    factories.schedule(camera, due=START, heartbeat_due=START)
    Device.objects.update(pause_reason="roadworks")
    found = claim_due(factories.zone().pk, minute(1))

    claims.let_go(found, {item.endpoint_id for item in targets(found, minute(1))})

    assert len(found) == 1
    assert Schedule.objects.get().lease is None


def test_what_is_to_be_visited_keeps_its_lease(camera: Device) -> None:
    factories.schedule(camera, due=START, heartbeat_due=START)
    found = claim_due(factories.zone().pk, minute(1))

    claims.let_go(found, {item.endpoint_id for item in targets(found, minute(1))})

    assert Schedule.objects.get().lease is not None


def test_a_login_goes_on_resting_while_its_device_is_paused(camera: Device) -> None:
    row = factories.schedule(camera, hold_until=minute(300), holds=4)
    Device.objects.update(pause_reason="roadworks")

    schedule.sync(minute(1))
    assert Schedule.objects.get(pk=row.pk).holds == 4

    schedule.sync(minute(301))
    assert not Schedule.objects.exists()


def test_a_password_that_no_key_opens_holds_up_no_other(camera: Device, caplog: pytest.LogCaptureFixture) -> None:
    good, bad = (
        factories.device(endpoint=factories.endpoint(credential=factories.credential(password=word)))
        for word in ("right", "lost")
    )
    assert bad.endpoint is not None
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE devices_credential SET password = 'gAAAA-of-another-key' WHERE id = %s",
            [bad.endpoint.credential_id],
        )
    for item in (good, bad):
        factories.schedule(item, due=START, picture_due=START)

    found = {item.endpoint_id: item for item in targets(claim_due(factories.zone().pk, minute(1)), minute(1))}

    login = found[good.endpoint_id or 0].credential
    assert login is not None
    assert login.password == "right"
    assert found[bad.endpoint_id or 0].credential is None
    assert "no key of VIEWKEEPER_FIELD_KEYS opens" in caplog.text


def test_outside_the_demo_nobody_asks_for_its_cameras(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def send(zone: Zone) -> int:
        asked.append(zone.name)
        return 0

    monkeypatch.setattr(tasks, "_send_due", send)
    factories.zone("demo", demo=True)
    factories.zone("local")

    for demo in (False, True):
        settings.VIEWKEEPER_DEMO = demo
        tasks.tick()

    assert sorted(asked) == ["demo", "local", "local"]


def test_one_zone_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    settings.VIEWKEEPER_DEMO = True

    def send(zone: object) -> int:
        if str(zone) == "demo":
            raise RuntimeError("broken")
        return 7

    monkeypatch.setattr(tasks, "_send_due", send)
    factories.zone("demo", demo=True, label="demo")
    factories.zone("local")

    assert tasks.tick().startswith("7 endpoints sent")
