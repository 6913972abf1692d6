"""Specification of what can be seen near a lost point: the same place first, then the same kind, never elsewhere."""

from __future__ import annotations

import pytest

from devices.models import Compound, Device, Kind
from monitor.overview.nearby import NAMED, near, same_place, seen_in
from tests import factories
from tests.monitor.overview.seeing import NOW, seen, watched


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("北门出入口", "北门关键道路", True),
        ("北门出入口", "北侧围墙", False),
        ("北门", "北门", True),
        ("North gate 1", "North gate 2", True),
        ("North gate", "Northern wall", False),
        ("East 1", "East 2", True),
        ("No 1", "No 2", False),
        ("Gate", "Gate", True),
        ("", "", False),
    ],
)
def test_positions_that_begin_alike_are_one_place(one: str, other: str, same: bool) -> None:
    assert same_place(one, other) is same


def names(device: Device) -> list[str]:
    return [item.name for item in near(device, seen_in(Device.objects.all(), [device.compound_id], NOW))]


def test_the_same_place_comes_before_the_same_kind(compound: Compound) -> None:
    lost = watched(compound, name="North gate 1")
    seen(compound, name="East gate 1")
    seen(compound, name="North gate road", kind=Kind.KEY_ROAD)

    assert names(lost) == ["North gate road", "East gate 1"]


def test_another_place_of_another_kind_does_not_help(compound: Compound) -> None:
    lost = watched(compound, name="North gate 1")
    seen(compound, name="Facade 3", kind=Kind.FACADE)

    assert names(lost) == []


def test_only_what_is_seen_now_helps(compound: Compound, camera: Device) -> None:
    factories.broken(watched(compound, name="North gate 2"))

    assert names(camera) == []


def test_another_compound_is_not_near(compound: Compound, camera: Device) -> None:
    seen(factories.compound(), name="North gate 2")

    assert names(camera) == []


def test_a_point_is_not_near_itself(compound: Compound) -> None:
    assert names(seen(compound, name="North gate 1")) == []


def test_the_slot_says_where_a_point_is(compound: Compound) -> None:
    lost = watched(compound, name="A1", slot=factories.slot(compound, position="South gate, in"))
    slot = factories.slot(compound, position="South gate, out")
    seen(compound, name="Z9", kind=Kind.FACADE, slot=slot)

    assert names(lost) == ["Z9"]


def test_a_few_are_named(compound: Compound, camera: Device) -> None:
    for number in range(NAMED + 1):
        seen(compound, name=f"Gate {number}")

    assert names(camera) == ["Gate 0", "Gate 1"]
