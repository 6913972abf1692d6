"""Specification of switches without an address: one cause instead of twenty-four, and never taken for measured."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from devices.models import Device, Kind
from monitor import carriers, recording
from monitor.alerts.fanout import fan_out
from monitor.health import State, Status
from monitor.models import DeviceHour, DeviceState, Event, Incident, Transition
from monitor.wire import Aspect, Finding
from tests import factories
from tests.monitor.visits import GOOD, OFF, START, lease, minute, reading, round_of, take_in, visit

pytestmark = pytest.mark.django_db
CAMERAS = 24


@pytest.fixture
def switch() -> Device:
    return factories.device(kind=Kind.SWITCH, name="switch", endpoint=None)


@pytest.fixture
def cameras(switch: Device) -> list[Device]:
    return hang(switch, CAMERAS)


def hang(switch: Device, number: int) -> list[Device]:
    """Cameras that hang on a switch."""
    return [factories.device(switch.compound, parent=switch, name=f"camera {n:02}") for n in range(number)]


def all_at_once(devices: list[Device], found: Finding, first: float) -> None:
    """Two rounds of looks, half a minute apart."""
    for at in (first, first + 0.5):
        round_of(dict.fromkeys(devices, found), minute(at))


def status_of(device: Device) -> str:
    return DeviceState.objects.get(device=device).status


def roots() -> dict[str, str]:
    """Which open incident hangs on which, by the names of their devices."""
    found = Incident.objects.open().select_related("device", "root__device")
    return {item.device.name: item.root.device.name if item.root else "" for item in found}


def told() -> list[str]:
    """Whom somebody was told about, with what."""
    found = Event.objects.filter(outcome="told").order_by("pk")
    return [f"{event.incident.device.name} {event.kind}" for event in found.select_related("incident__device")]


# -- from the devices below to the switch


def test_a_switch_below_which_a_device_answers_is_online_by_inference(switch: Device, cameras: list[Device]) -> None:
    visit(cameras[0], START)

    state = DeviceState.objects.get(device=switch)
    assert (state.status, state.status_since) == (Status.ONLINE, START)
    assert state.read_tracks()[Aspect.LINK].detail == {"down": 0, "of": CAMERAS}


def test_a_switch_is_down_when_all_below_it_are(switch: Device, cameras: list[Device]) -> None:
    all_at_once(cameras, OFF, 0)

    incident = Incident.objects.get(device=switch)
    assert status_of(switch) == Status.OFFLINE
    assert (incident.cause, incident.detail) == ("inferred_down", {"down": CAMERAS, "of": CAMERAS})
    assert (incident.started_at, incident.decided_at) == (START, minute(0.5))
    assert roots() == {"switch": ""} | {camera.name: "switch" for camera in cameras}


def test_one_device_that_answers_clears_it(switch: Device, cameras: list[Device]) -> None:
    round_of(dict.fromkeys(cameras[1:], OFF) | {cameras[0]: GOOD}, minute(0))
    round_of(dict.fromkeys(cameras[1:], OFF) | {cameras[0]: GOOD}, minute(1))

    assert status_of(switch) == Status.ONLINE
    assert set(roots().values()) == {""}


def test_it_recovers_with_the_first_device_that_does(switch: Device, cameras: list[Device]) -> None:
    all_at_once(cameras, OFF, 0)
    for at in (10, 10.5):
        visit(cameras[3], minute(at))

    incident = Incident.objects.get(device=switch)
    assert (incident.ended_at, incident.end_decided_at) == (minute(10), minute(10.5))
    assert status_of(switch) == Status.ONLINE


def test_transitions_say_how_it_turned(switch: Device, cameras: list[Device]) -> None:
    visit(cameras[0], START)
    all_at_once(cameras, OFF, 1)

    turned = Transition.objects.filter(device=switch).order_by("pk").values_list("was", "now", "at", "cause")
    assert list(turned) == [
        (State.UNKNOWN, State.OK, START, ""),
        (State.OK, State.FAULTY, minute(1), "inferred_down"),
    ]


def test_the_incident_counts_along_without_further_transitions(switch: Device) -> None:
    cameras = hang(switch, 3)
    all_at_once(cameras[:2], OFF, 0)
    all_at_once(cameras[2:], OFF, 5)

    assert Incident.objects.get(device=switch).detail == {"down": 3, "of": 3}
    assert Transition.objects.filter(device=switch).count() == 1


def test_a_switch_over_switches_is_down_only_when_two_of_them_are(switch: Device) -> None:
    lower = [
        factories.device(switch.compound, kind=Kind.SWITCH, name=f"lower {n}", parent=switch, endpoint=None)
        for n in range(2)
    ]
    under = [[factories.device(switch.compound, parent=item) for _number in range(3)] for item in lower]
    all_at_once(under[0], OFF, 0)
    assert {item.device.name for item in Incident.objects.filter(cause="inferred_down")} == {"lower 0"}

    all_at_once(under[1], OFF, 5)
    assert {root for name, root in roots().items() if name != "switch"} == {"switch"}


def test_a_measured_switch_stays_as_it_was_measured(switch: Device) -> None:
    measured = factories.device(switch.compound, kind=Kind.SWITCH, name="measured")
    all_at_once([*hang(measured, 3), measured], OFF, 0)
    visit(measured, minute(2))
    visit(measured, minute(3))

    assert status_of(measured) == Status.ONLINE


def test_a_recorder_is_not_inferred_from_what_it_records(switch: Device) -> None:
    recorder = factories.device(switch.compound, kind=Kind.RECORDER, name="recorder", endpoint=None)
    all_at_once(hang(recorder, 3), OFF, 0)

    assert not DeviceState.objects.filter(device=recorder).exists()


# -- what is told


def test_a_switch_that_takes_24_cameras_down_and_comes_back_is_told_as_one(switch: Device) -> None:
    """Each camera is looked at once a minute, spread over it, and again half a minute after a doubt."""
    cameras = hang(switch, CAMERAS)
    factories.officer(switch.compound.district, wants_mail=True)
    dark, light = minute(2), minute(6)
    again: dict[int, set[int]] = {}
    for second in range(0, 9 * 60, 5):
        now = START + timedelta(seconds=second)
        due = {n for n in range(CAMERAS) if (second - n * 60 / CAMERAS) % 60 < 5} | again.pop(second, set())
        shows = OFF if dark <= now < light else GOOD
        take_in([reading(cameras[n], now, lease(cameras[n], now), shows) for n in due], now)
        doubted = DeviceState.objects.filter(tracks__link__state__in=(State.SUSPECT, State.RECOVERING))
        known = set(doubted.values_list("device_id", flat=True))
        again.setdefault(second + 30, set()).update(n for n in due if cameras[n].pk in known)
        fan_out(now)

    assert told() == ["switch opened", "switch closed"]


def test_who_hung_on_it_is_given_a_round_of_looks_to_follow_before_it_is_told(switch: Device) -> None:
    cameras = hang(switch, 3)
    all_at_once(cameras, OFF, 0)
    for at in (10, 10.5):
        visit(cameras[0], minute(at))

    waiting = Event.objects.filter(incident__device=cameras[1], done_at=None)
    settle, round_of_looks = timedelta(seconds=60), timedelta(seconds=60)
    assert [event.ready_at for event in waiting] == [minute(10.5) + settle + round_of_looks]


# -- never taken for measured


def test_nobody_has_looked_at_it_and_no_hour_counts_it(switch: Device, cameras: list[Device]) -> None:
    for hour in range(3):
        visit(cameras[0], minute(60 * hour))
    recording.mark_silent(minute(121))

    assert DeviceState.objects.get(device=switch).looked_at is None
    assert not DeviceHour.objects.filter(device=switch).exists()
    assert status_of(switch) == Status.ONLINE


def test_following_the_register_leaves_it_alone(switch: Device, cameras: list[Device]) -> None:
    all_at_once(cameras, OFF, 0)
    recording.follow_register(minute(1))

    assert status_of(switch) == Status.OFFLINE
    assert roots()["switch"] == ""


# -- the register changes


def test_housekeeping_finds_devices_that_were_hung_elsewhere(switch: Device) -> None:
    cameras = hang(switch, 4)
    all_at_once(cameras[:3], OFF, 0)
    round_of({cameras[3]: GOOD}, START)
    elsewhere = factories.device(switch.compound, kind=Kind.SWITCH, endpoint=None)
    Device.objects.filter(pk=cameras[3].pk).update(parent=elsewhere)

    assert carriers.infer_all(minute(3)) == 2
    assert (status_of(switch), status_of(elsewhere)) == (Status.OFFLINE, Status.ONLINE)


def test_with_nothing_left_below_it_is_unknown_and_nobody_is_told_that_it_recovered(
    switch: Device, cameras: list[Device]
) -> None:
    all_at_once(cameras, OFF, 0)
    Device.objects.filter(parent=switch).update(pause_reason="works")
    carriers.infer_all(minute(3))

    assert status_of(switch) == Status.UNKNOWN
    assert Incident.objects.get(device=switch).ended_at == minute(3)
    assert not Event.objects.filter(incident__device=switch, done_at=None).exists()


def test_a_switch_that_lost_its_address_is_inferred_from_then_on(switch: Device) -> None:
    measured = factories.device(switch.compound, kind=Kind.SWITCH, name="measured")
    cameras = hang(measured, 2)
    all_at_once([measured], OFF, 0)
    visit(cameras[0], minute(2))
    Device.objects.filter(pk=measured.pk).update(endpoint=None)
    carriers.infer_all(minute(3))

    state = DeviceState.objects.get(device=measured)
    assert (state.status, state.looked_at) == (Status.ONLINE, None)
    assert not Incident.objects.open().filter(device=measured).exists()


def test_a_switch_that_gets_an_address_is_measured_from_then_on(switch: Device, cameras: list[Device]) -> None:
    all_at_once(cameras, OFF, 0)
    switch.endpoint = factories.endpoint()
    switch.save(update_fields=["endpoint"])
    visit(switch, minute(2))
    visit(switch, minute(3))

    assert status_of(switch) == Status.ONLINE
    assert Incident.objects.get(device=switch).ended_at == minute(2)


def test_a_circle_in_the_register_ends_nowhere_and_hurts_nobody(switch: Device) -> None:
    other = factories.device(switch.compound, kind=Kind.SWITCH, parent=switch, endpoint=None)
    Device.objects.filter(pk=switch.pk).update(parent=other)
    visit(hang(switch, 1)[0], START)

    assert (status_of(switch), status_of(other)) == (Status.ONLINE, Status.ONLINE)


# -- cost


def test_the_number_of_statements_does_not_grow_with_the_batch() -> None:
    counts = []
    for number in (1, 6):
        switches = [factories.device(kind=Kind.SWITCH, endpoint=None) for _number in range(number)]
        cameras = [camera for item in switches for camera in hang(item, 3)]
        round_of(dict.fromkeys(cameras, OFF), START)
        readings = [reading(item, minute(1), lease(item, minute(1)), OFF) for item in cameras]
        with CaptureQueriesContext(connection) as caught:
            take_in(readings, minute(1))
        counts.append(len(caught))

    assert counts[0] == counts[1]
    assert Incident.objects.filter(cause="inferred_down").count() == 7


def test_where_no_switch_lacks_an_address_one_statement_finds_that_out(cameras: list[Device], switch: Device) -> None:
    Device.objects.filter(pk=switch.pk).update(kind=Kind.RECORDER)
    with CaptureQueriesContext(connection) as caught:
        carriers.infer_around([cameras[0].pk], START)

    assert len(caught) == 2  # and the lock of the incidents
