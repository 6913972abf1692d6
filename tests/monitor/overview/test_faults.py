"""Specification of the cards and rows: one per cause, the gravest first, with proof and with what hangs on it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devices.models import Compound, Device, Kind
from monitor.models import Incident, Picture
from monitor.overview.faults import NAMED, SHOWN, Fault, counted, last_shot, open_faults, references_of, roots
from tests import factories
from tests.monitor.overview.seeing import NOW, seen, watched

MINUTE = timedelta(minutes=1)


def faults(cards: int = 10) -> list[Fault]:
    shown, rows, _ = open_faults(Device.objects.all(), NOW, cards)
    return [*shown, *rows]


def switch_with(compound: Compound, children: int) -> Incident:
    """A dead switch and the incidents that hang on it."""
    switch = watched(compound, kind=Kind.SWITCH, name="Switch")
    root = factories.incident(switch, started_at=NOW - 5 * MINUTE)
    for number in range(children):
        child = watched(compound, name=f"Child {number}", parent=switch)
        factories.incident(child, root=root, started_at=NOW - 5 * MINUTE)
    return root


def test_one_dead_switch_is_one_fault_that_names_what_it_affects(compound: Compound) -> None:
    switch_with(compound, 2)

    [fault] = faults()

    assert (fault.device.name, fault.affects, fault.affected) == ("Switch", 2, ["Child 0", "Child 1"])
    assert fault.affected_more == 0


def test_entrances_are_named_before_facades(compound: Compound) -> None:
    root = switch_with(compound, 1)
    facade = watched(compound, name="A facade", kind=Kind.FACADE)
    factories.incident(facade, root=root)

    assert faults()[0].affected == ["Child 0", "A facade"]


def test_more_than_a_few_affected_are_counted(compound: Compound) -> None:
    switch_with(compound, NAMED + 2)

    [fault] = faults()

    assert (len(fault.affected), fault.affected_more) == (NAMED, 2)


def test_a_consequence_stands_for_itself_to_who_cannot_see_its_root(compound: Compound) -> None:
    switch_with(compound, 1)
    children = Device.objects.filter(name="Child 0")

    assert [incident.device.name for incident in roots(children)] == ["Child 0"]


def test_a_consequence_of_what_has_ended_stands_for_itself(compound: Compound) -> None:
    root = switch_with(compound, 1)
    Incident.objects.filter(pk=root.pk).update(ended_at=NOW)

    assert [fault.device.name for fault in faults()] == ["Child 0"]


def test_the_order_is_by_consequence(compound: Compound) -> None:
    entrance, facade, optional = (
        watched(compound, name=name, kind=kind, slot=factories.slot(compound, mandatory=must))
        for name, kind, must in (
            ("entrance", Kind.ENTRANCE, True),
            ("facade", Kind.FACADE, True),
            ("optional", Kind.ENTRANCE, False),
        )
    )
    for device in (optional, facade, entrance):
        factories.incident(device, "obstructed", started_at=NOW - MINUTE)
    factories.incident(watched(compound, name="clock"), "time_zone", started_at=NOW - 9 * MINUTE)
    factories.incident(watched(compound, name="off"), started_at=NOW - MINUTE)
    factories.incident(watched(compound, name="switch", kind=Kind.SWITCH), started_at=NOW)

    order = [fault.device.name for fault in faults(cards=0)]

    assert order == ["switch", "off", "entrance", "facade", "optional", "clock"]


def test_of_two_alike_the_older_comes_first(compound: Compound) -> None:
    for name, age in (("young", 1), ("old", 2)):
        factories.incident(watched(compound, name=name), started_at=NOW - age * MINUTE)

    assert [fault.device.name for fault in faults()] == ["old", "young"]


@pytest.mark.parametrize(
    ("cause", "kind", "is_card"),
    [
        ("obstructed", Kind.ENTRANCE, True),
        ("blur", Kind.ENTRANCE, True),
        ("port_closed", Kind.ENTRANCE, True),
        ("port_closed", Kind.LOUDSPEAKER, False),
        ("time_zone", Kind.ENTRANCE, False),
        ("not_a_picture", Kind.ENTRANCE, False),
    ],
)
def test_cards_are_for_what_takes_a_view_away(compound: Compound, cause: str, kind: Kind, is_card: bool) -> None:
    factories.incident(watched(compound, kind=kind), cause)

    shown, rows, count = open_faults(Device.objects.all(), NOW, 4)

    assert (len(shown), len(rows), count) == (int(is_card), int(not is_card), 1)


def test_more_cards_than_fit_become_rows(compound: Compound) -> None:
    for _ in range(3):
        factories.incident(watched(compound))

    shown, rows, count = open_faults(Device.objects.all(), NOW, 2)

    assert (len(shown), len(rows), count) == (2, 1, 3)


def test_a_first_page_has_an_end_and_the_count_does_not(compound: Compound) -> None:
    for _ in range(SHOWN + 1):
        factories.incident(watched(compound), "time_zone")

    _, rows, count = open_faults(Device.objects.all(), NOW, 4)

    assert (len(rows), count) == (SHOWN, SHOWN + 1)


def test_a_paused_device_is_no_fault_of_the_first_page(compound: Compound) -> None:
    factories.incident(watched(compound, pause_reason="works"))

    assert faults() == []


def test_what_is_unseen_is_said_where_a_view_is_lost(compound: Compound) -> None:
    slots = [factories.slot(compound, sees=f"way {number}") for number in (1, 2)]
    factories.incident(watched(compound, slot=slots[0]), "obstructed")
    factories.incident(watched(compound, slot=slots[1]), "time_zone")
    factories.incident(watched(compound), "black")

    assert [fault.unseen for fault in faults()] == ["way 1", "", ""]


def test_a_card_says_what_was_seen_and_what_to_do(compound: Compound) -> None:
    factories.incident(watched(compound), "obstructed", detail={"share": 0.6})

    [fault] = faults()

    assert fault.sentence == "About six tenths of the picture is covered."
    assert fault.next_step == "Clear what is in front of the lens, then look again."


def test_a_card_names_what_is_seen_nearby(compound: Compound, camera: Device) -> None:
    factories.broken(camera, "obstructed")
    seen(compound, name="North gate 2")

    [fault] = faults()

    assert [item.name for item in fault.nearby] == ["North gate 2"]


# -- proof


@pytest.fixture
def covered(camera: Device) -> Device:
    """A camera whose last picture is half covered."""
    factories.broken(camera, "obstructed", share=0.5)
    factories.last_picture(camera.state, label="obstructed", blocks=[0, 1, 16, 17])
    camera.state.picture_at = NOW
    camera.state.save()
    return camera


def test_the_picture_stands_beside_the_reference_of_its_phase(covered: Device) -> None:
    factories.picture(covered, phase="night")
    day = factories.picture(covered, phase="day")

    [fault] = faults()

    assert fault.now is not None
    assert (fault.now.which, fault.now.outline) == ("last", "M0 0L2 0L2 2L0 2Z")
    assert fault.reference is not None
    assert (fault.reference.which, fault.reference.version) == ("day", day.sha256[:16])


def test_without_a_reference_of_its_phase_there_is_none_beside_it(covered: Device) -> None:
    factories.picture(covered, phase="night")

    assert faults()[0].reference is None


def test_a_retired_reference_and_a_proof_are_none(covered: Device) -> None:
    factories.picture(covered, retired_at=NOW)
    factories.picture(covered, Picture.Role.PROOF)

    assert references_of([covered.pk]) == {}


@pytest.mark.parametrize(("age", "stale"), [(30, False), (30.1, True)])
def test_a_picture_is_stale_after_its_time(covered: Device, age: float, stale: bool) -> None:
    shot = last_shot(covered.state, NOW + timedelta(seconds=age), stale_s=30)

    assert shot is not None
    assert shot.stale is stale


def test_the_policy_of_the_device_says_how_long(covered: Device) -> None:
    covered.state.picture_at = NOW - timedelta(seconds=1801)
    covered.state.save()

    assert faults()[0].now is not None
    assert faults()[0].now.stale  # type: ignore[union-attr]  # it is there, says the line above


def test_a_turned_view_has_an_arrow_and_no_outline(covered: Device) -> None:
    covered.state.picture |= {"label": "moved", "shift": [0.2, 0.0]}

    shot = last_shot(covered.state, NOW, 30)

    assert shot is not None
    assert shot.arrow.startswith("M9.60 6.00")
    assert shot.outline == ""


def test_a_normal_picture_has_neither(covered: Device) -> None:
    covered.state.picture |= {"label": "normal", "shift": [0.2, 0.0]}

    shot = last_shot(covered.state, NOW, 30)

    assert shot is not None
    assert (shot.arrow, shot.outline) == ("", "")


def test_a_device_without_a_picture_has_no_shot(camera: Device) -> None:
    assert last_shot(factories.state(camera), NOW, 30) is None


def test_incidents_are_counted_apart(camera: Device) -> None:
    factories.incident(camera)
    factories.incident(camera, "obstructed", ended_at=NOW)

    assert counted(Incident.objects.all()) == {"open": 1, "ended": 1}
