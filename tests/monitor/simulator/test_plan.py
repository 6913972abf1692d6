"""A plan is read and written without loss, and an unsound one is refused with the field at fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.simulator.plan import ChannelPlan, CityPlan, DevicePlan, PlanError, SceneSpec, check_plan
from monitor.simulator.plan_json import dump_plan, load_plan

PLAN = CityPlan(
    (
        DevicePlan("sw", "switch"),
        DevicePlan("cam", password="&/#", parent="sw", scene=SceneSpec("gate", 4, "G4"), faults={"covered": 0.5}),
        DevicePlan("rec", "recorder", size=(640, 360), channels=(ChannelPlan("c1", faults={"black": True}),)),
    )
)


def test_a_plan_survives_the_way_through_json() -> None:
    assert load_plan(dump_plan(PLAN)) == PLAN


def test_a_password_does_not_show_in_a_repr() -> None:
    assert "&/#" not in repr(PLAN)


def test_little_is_needed() -> None:
    assert load_plan('{"devices": [{"key": "a"}]}') == CityPlan((DevicePlan("a"),))


def _device(**changes: Any) -> str:
    return json.dumps({"devices": [{"key": "a", **changes}]})


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "plan"),
        ("[]", "plan"),
        ("{}", "devices"),
        ('{"devices": {}, "more": 1}', "plan.more"),
        ('{"devices": [5]}', "devices[0]"),
        ('{"devices": [{}]}', "devices[0].key"),
        (_device(key=""), "devices[0].key"),
        (_device(key=5), "devices[0].key"),
        (_device(port="80"), "devices[0].port"),
        (_device(port=True), "devices[0].port"),
        (_device(port=-1), "devices[0].port"),
        (_device(port=65_536), "devices[0].port"),
        (_device(kind="kettle"), "devices[0].kind"),
        (_device(auth="handshake"), "devices[0].auth"),
        (_device(host="192.168.1.1"), "devices[0].host"),
        (_device(host="localhost"), "devices[0].host"),
        (_device(size=[640]), "devices[0].size"),
        (_device(size=[159, 360]), "devices[0].size"),
        (_device(size=[640, 4097]), "devices[0].size"),
        (_device(size=["a", 360]), "devices[0].size[0]"),
        (_device(size=5), "devices[0].size"),
        (_device(faults=[]), "devices[0].faults"),
        (_device(faults={"covered": 2}), "devices[0].faults.covered"),
        (_device(scene={"kind": "moon"}), "devices[0].scene.kind"),
        (_device(scene={"weather": "hail"}), "devices[0].scene.weather"),
        (_device(scene={"phase": "dawn"}), "devices[0].scene.phase"),
        (_device(scene={"colour": 1}), "devices[0].scene.colour"),
        (_device(channels=[{"key": "c"}]), "devices[0].channels"),
        (_device(kind="recorder", channels=[{"key": "a"}]), "devices[0].channels[0].key"),
        (
            _device(kind="recorder", channels=[{"key": "c", "faults": {"off": True}}]),
            "devices[0].channels[0].faults.off",
        ),
        (
            _device(kind="recorder", channels=[{"key": "c", "scene": {"kind": "x"}}]),
            "devices[0].channels[0].scene.kind",
        ),
        (_device(parent="b"), "devices[0].parent"),
        (_device(parent="a"), "devices[0].parent"),
    ],
)
def test_an_unsound_plan_is_refused_with_its_field(text: str, field: str) -> None:
    with pytest.raises(PlanError) as caught:
        load_plan(text)
    assert caught.value.field == field


@pytest.mark.parametrize("changes", [{"port": 0}, {"port": 65_535}, {"size": [160, 4096]}, {"host": "127.8.0.1"}])
def test_limits_belong_to_what_is_allowed(changes: dict[str, Any]) -> None:
    assert load_plan(_device(**changes)).devices[0].key == "a"


def test_keys_are_unique_across_devices_and_channels() -> None:
    with pytest.raises(PlanError, match="must be unique"):
        check_plan(CityPlan((DevicePlan("a"), DevicePlan("a"))))


def test_two_that_hang_on_each_other_are_refused() -> None:
    with pytest.raises(PlanError, match="hangs on itself"):
        check_plan(CityPlan((DevicePlan("a", parent="b"), DevicePlan("b", parent="a"))))
