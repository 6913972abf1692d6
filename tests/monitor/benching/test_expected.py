"""Specification of the soak's table: what must be held of a device, by its faults."""

from __future__ import annotations

from monitor.benching.expected import ASPECTS, EXPECTED, OK, UNSEEN, expected
from monitor.causes import CAUSES
from monitor.health import State
from monitor.simulator.faults import FAULTS
from monitor.simulator.fleet.script import load
from monitor.wire import Aspect


def test_every_fault_of_the_storm_has_its_line_and_every_line_is_a_fault() -> None:
    stormy = {name for rule in load("storm").rules for name in rule.faults}

    assert stormy <= set(EXPECTED)
    assert set(EXPECTED) <= set(FAULTS)


def test_every_cause_exists_and_belongs_to_its_aspect() -> None:
    for name, held in EXPECTED.items():
        for aspect, says in held.items():
            assert all(CAUSES[cause].aspect is aspect for cause in says.causes), name


def test_without_a_fault_everything_is_ok() -> None:
    assert expected("camera", {}) == dict.fromkeys(ASPECTS["camera"], OK)


def test_a_device_that_is_off_hides_what_else_ails_it() -> None:
    held = expected("camera", {"covered": 0.6, "off": True})

    assert held[Aspect.LINK].fits(State.FAULTY, "port_closed")
    assert held[Aspect.PICTURE] is UNSEEN
    assert not held[Aspect.PICTURE].fits(State.OK, "")
    assert held[Aspect.PICTURE].fits(State.FAULTY, "obstructed")


def test_a_fault_needs_its_cause() -> None:
    held = expected("camera", {"black": True})

    assert held[Aspect.PICTURE].fits(State.FAULTY, "black")
    assert not held[Aspect.PICTURE].fits(State.FAULTY, "frozen")
    assert held[Aspect.LINK] is OK


def test_a_channel_may_name_its_recorder_s_fault() -> None:
    assert expected("channel", {"off": True})[Aspect.LINK].fits(State.FAULTY, "parent_down")
    assert not expected("camera", {"off": True})[Aspect.LINK].fits(State.FAULTY, "parent_down")


def test_devices_without_a_service_have_a_link_only() -> None:
    assert set(expected("speaker", {"off": True})) == {Aspect.LINK}
