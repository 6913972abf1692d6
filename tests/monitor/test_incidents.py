"""Specification of incidents: causes before symptoms, one to tell for a dead switch, words that follow the fault."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from devices.models import Device
from devices.models.devices import MAX_PARENTS
from monitor import incidents
from monitor.health import Change, State
from monitor.incidents import Turned
from monitor.models import Event, Incident
from monitor.wire import Aspect
from tests import factories
from tests.monitor.visits import START, minute

pytestmark = pytest.mark.django_db
SETTLE_S = 60


@pytest.fixture
def switch() -> Device:
    return factories.device(kind="switch", name="switch")


@pytest.fixture
def cameras(switch: Device) -> list[Device]:
    return [factories.device(switch.compound, parent=switch, name=f"camera {n}") for n in range(3)]


def turn(
    device: Device, was: State, now: State, at: datetime, *, cause: str = "no_answer", aspect: Aspect = Aspect.LINK
) -> Turned:
    return Turned(device.pk, aspect, Change(was, now, at, at, cause, {"n": 1}), SETTLE_S)


def fail(devices: Sequence[Device], at: datetime, cause: str = "no_answer", aspect: Aspect = Aspect.LINK) -> None:
    incidents.apply([turn(item, State.SUSPECT, State.FAULTY, at, cause=cause, aspect=aspect) for item in devices], at)


def recover(devices: Sequence[Device], at: datetime) -> None:
    incidents.apply([turn(item, State.RECOVERING, State.OK, at) for item in devices], at)


def roots() -> dict[str, str]:
    """Which open link incident hangs on which, by the names of their devices."""
    found = Incident.objects.open().select_related("device", "root__device").order_by("device__name")
    return {item.device.name: item.root.device.name if item.root else "" for item in found}


def waiting(kind: str = "opened") -> dict[str, datetime]:
    """Events that have not been dealt with: the device's name, and when they are ready."""
    found = Event.objects.filter(kind=kind, done_at=None).select_related("incident__device").order_by("pk")
    return {item.incident.device.name: item.ready_at for item in found}


# -- one device


def test_a_confirmed_fault_opens_an_incident_and_waits_before_it_is_told(switch: Device) -> None:
    [opened] = incidents.apply([turn(switch, State.SUSPECT, State.FAULTY, START)], minute(1))

    assert (opened.cause, opened.detail, opened.started_at, opened.decided_at) == ("no_answer", {"n": 1}, START, START)
    assert waiting() == {"switch": minute(2)}


@pytest.mark.parametrize("was", [State.UNKNOWN, State.OK, State.SUSPECT])
def test_a_fault_opens_whatever_was_before(switch: Device, was: State) -> None:
    assert incidents.apply([turn(switch, was, State.FAULTY, START)], START)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (State.OK, State.SUSPECT),
        (State.SUSPECT, State.OK),
        (State.FAULTY, State.RECOVERING),
        (State.RECOVERING, State.FAULTY),
        (State.OK, State.UNKNOWN),
        (State.FAULTY, State.FAULTY),
    ],
)
def test_what_is_undecided_opens_nothing(switch: Device, was: State, now: State) -> None:
    assert incidents.apply([turn(switch, was, now, START)], START) == []
    assert not Incident.objects.exists()


def test_an_open_incident_is_not_opened_again(switch: Device) -> None:
    fail([switch], START)
    fail([switch], minute(1))

    assert Incident.objects.count() == Event.objects.count() == 1


def test_each_aspect_has_its_own_incident_and_its_own_wait(switch: Device) -> None:
    picture = Turned(
        switch.pk, Aspect.PICTURE, Change(State.SUSPECT, State.FAULTY, START, START, "black", {}), SETTLE_S
    )
    incidents.apply([turn(switch, State.SUSPECT, State.FAULTY, START), picture], START)

    assert set(Incident.objects.values_list("aspect", "cause")) == {("link", "no_answer"), ("picture", "black")}


def test_a_recovery_ends_the_incident_and_is_told_at_once(switch: Device) -> None:
    fail([switch], START)
    change = Change(State.RECOVERING, State.OK, minute(5), minute(6), "no_answer", {})
    incidents.apply([Turned(switch.pk, Aspect.LINK, change, SETTLE_S)], minute(6))

    closed = Incident.objects.get()
    assert (closed.ended_at, closed.end_decided_at) == (minute(5), minute(6))
    assert waiting("closed") == {"switch": minute(6)}


def test_a_definite_recovery_ends_it_too(switch: Device) -> None:
    fail([switch], START)
    incidents.apply([turn(switch, State.FAULTY, State.OK, minute(1))], minute(1))

    assert not Incident.objects.open().exists()


def test_a_recovery_without_an_incident_is_no_news(switch: Device) -> None:
    recover([switch], START)

    assert not Event.objects.exists()


def test_the_end_of_one_aspect_leaves_the_others_open(switch: Device) -> None:
    fail([switch], START)
    fail([switch], START, "black", Aspect.PICTURE)
    recover([switch], minute(1))

    assert [item.aspect for item in Incident.objects.open()] == [Aspect.PICTURE]


@pytest.mark.parametrize("was", [State.FAULTY, State.RECOVERING])
def test_a_fault_that_goes_on_under_another_cause_is_renamed(switch: Device, was: State) -> None:
    fail([switch], START)
    change = Change(was, State.FAULTY, minute(2), minute(2), "port_closed", {"n": 2})
    incidents.apply([Turned(switch.pk, Aspect.LINK, change, SETTLE_S)], minute(2))

    renamed = Incident.objects.get()
    assert (renamed.cause, renamed.detail, renamed.started_at) == ("port_closed", {"n": 2}, START)
    assert Event.objects.count() == 1


# -- a switch and its cameras


def test_a_switch_found_first_is_the_root_of_its_cameras(switch: Device, cameras: list[Device]) -> None:
    fail([switch], START)
    fail(cameras, minute(0.5))

    assert roots() == {"camera 0": "switch", "camera 1": "switch", "camera 2": "switch", "switch": ""}


def test_a_switch_found_last_adopts_its_cameras(switch: Device, cameras: list[Device]) -> None:
    fail(cameras, START)
    assert set(roots().values()) == {""}

    fail([switch], minute(0.5))

    assert roots() == {"camera 0": "switch", "camera 1": "switch", "camera 2": "switch", "switch": ""}


def test_a_switch_found_together_with_its_cameras_is_their_root(switch: Device, cameras: list[Device]) -> None:
    fail([*cameras, switch], START)

    assert list(roots().values()) == ["switch"] * 3 + [""]


def test_a_root_found_much_later_adopts_as_well(switch: Device, cameras: list[Device]) -> None:
    fail(cameras[:1], START)
    Event.objects.update(done_at=minute(2), outcome="told")
    fail([switch], minute(60))

    assert roots()["camera 0"] == "switch"


def test_neighbours_in_other_compounds_are_left_alone(switch: Device) -> None:
    elsewhere = factories.device(name="elsewhere")
    fail([elsewhere, switch], START)

    assert roots() == {"elsewhere": "", "switch": ""}


def test_a_picture_fault_is_no_symptom_of_the_switch(switch: Device, cameras: list[Device]) -> None:
    fail(cameras[:1], START, "black", Aspect.PICTURE)
    fail([switch], START)

    assert roots()["camera 0"] == ""


def test_a_picture_fault_of_the_parent_adopts_nobody(cameras: list[Device], switch: Device) -> None:
    fail([switch], START, "identity_changed", Aspect.IDENTITY)
    fail(cameras[:1], START)

    assert roots()["camera 0"] == ""


@pytest.fixture
def tower(switch: Device) -> tuple[Device, Device, Device]:
    """A camera on a recorder on a switch."""
    recorder = factories.device(switch.compound, kind="recorder", name="recorder", parent=switch)
    return switch, recorder, factories.device(switch.compound, parent=recorder, name="channel")


def test_the_topmost_that_is_down_is_the_root_of_all(tower: tuple[Device, Device, Device]) -> None:
    switch, recorder, channel = tower
    fail([channel], START)
    fail([recorder], minute(1))
    assert roots() == {"channel": "recorder", "recorder": ""}

    fail([switch], minute(2))
    assert roots() == {"channel": "switch", "recorder": "switch", "switch": ""}


def test_when_the_topmost_recovers_the_next_one_takes_its_place(tower: tuple[Device, Device, Device]) -> None:
    switch, recorder, channel = tower
    fail([switch, recorder, channel], START)
    Event.objects.update(done_at=minute(1))

    recover([switch], minute(9))

    assert roots() == {"channel": "recorder", "recorder": ""}
    assert waiting() == {"recorder": minute(10)}


def test_a_switch_that_takes_all_its_cameras_with_it_leaves_nothing_to_tell(
    switch: Device, cameras: list[Device]
) -> None:
    fail([switch, *cameras], START)
    Event.objects.update(done_at=minute(1))

    recover([switch, *cameras], minute(9))

    assert waiting() == {}
    assert len(waiting("closed")) == 4


def test_a_camera_that_stays_down_after_its_switch_stands_for_itself_after_the_settle_time(
    switch: Device, cameras: list[Device]
) -> None:
    fail([switch, *cameras], START)
    Event.objects.update(done_at=minute(1))

    recover([switch, *cameras[1:]], minute(9))

    assert roots() == {"camera 0": ""}
    assert waiting() == {"camera 0": minute(10)}


def test_what_waited_to_be_told_waits_anew_when_the_root_is_gone(switch: Device, cameras: list[Device]) -> None:
    fail(cameras[:1], START)
    fail([switch], START)
    recover([switch], minute(0.5))

    assert waiting() == {"switch": minute(1), "camera 0": minute(1.5)}
    assert Event.objects.get(incident__device=cameras[0], outcome="adopted").done_at == minute(0.5)


def test_in_a_circle_of_parents_everybody_stands_for_himself(switch: Device) -> None:
    """A circle cannot be entered; were there one, its faults must be told all the same."""
    other = factories.device(switch.compound, kind="switch", parent=switch, name="other")
    Device.objects.filter(pk=switch.pk).update(parent=other)

    fail([switch, other], START)

    assert roots() == {"other": "", "switch": ""}


def test_a_chain_of_parents_is_followed_as_far_as_the_register_allows(switch: Device) -> None:
    chain = [switch]
    for level in range(MAX_PARENTS + 1):
        below = factories.device(switch.compound, kind="switch", parent=chain[-1], name=f"below {level}")
        chain.append(below)

    fail([switch, *chain[-2:]], START)

    assert roots() == {"below 7": "switch", "below 8": "below 7", "switch": ""}
