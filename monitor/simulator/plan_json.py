"""The plan of a city as JSON: written for a file, read back with an error that names the field."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, TypeVar

from monitor.simulator.plan import ChannelPlan, CityPlan, DevicePlan, PlanError, SceneSpec, check_plan

T = TypeVar("T")


def dump_plan(plan: CityPlan) -> str:
    """The plan as JSON text; passwords are in it, so keep the file to its owner."""
    return json.dumps(asdict(plan), indent=1)


def load_plan(text: str) -> CityPlan:
    """The plan of a JSON text; raises `PlanError` naming the first field that makes no sense."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise PlanError("plan", f"not JSON: {error}") from None
    values = _object("plan", data, CityPlan)
    plan = CityPlan(_many("devices", values.get("devices"), _device))
    check_plan(plan)
    return plan


def _device(where: str, data: object) -> DevicePlan:
    values = _object(where, data, DevicePlan)
    if "channels" in values:
        values["channels"] = _many(f"{where}.channels", values["channels"], _channel)
    if "size" in values:
        values["size"] = _many(f"{where}.size", values["size"], _whole)
    return DevicePlan(**_scene_inside(where, values))


def _channel(where: str, data: object) -> ChannelPlan:
    return ChannelPlan(**_scene_inside(where, _object(where, data, ChannelPlan)))


def _scene_inside(where: str, values: dict[str, Any]) -> dict[str, Any]:
    if "scene" in values:
        values["scene"] = SceneSpec(**_object(f"{where}.scene", values["scene"], SceneSpec))
    return values


# Annotations are texts (`from __future__ import annotations`): the ones that a plain JSON value can be checked by.
_PLAIN_TYPES = {"str": str, "int": int}


def _object(where: str, data: object, shape: type[Any]) -> dict[str, Any]:
    """A copy of a JSON object after a check of its names and of its plain values."""
    if not isinstance(data, dict):
        raise PlanError(where, "must be an object")
    known = {item.name: str(item.type) for item in fields(shape)}
    for name, value in data.items():
        if name not in known:
            raise PlanError(f"{where}.{name}", "unknown field")
        _check_type(f"{where}.{name}", value, known[name])
    if "key" in known and "key" not in data:
        raise PlanError(f"{where}.key", "must be there")
    return dict(data)


def _check_type(where: str, value: object, annotation: str) -> None:
    wanted = _PLAIN_TYPES.get(annotation)
    if wanted is not None and type(value) is not wanted:
        raise PlanError(where, "must be a text" if wanted is str else "must be a whole number")
    if annotation.startswith("Mapping") and not isinstance(value, dict):
        raise PlanError(where, "must be an object")


def _whole(where: str, data: object) -> int:
    if type(data) is not int:
        raise PlanError(where, "must be a whole number")
    return data


def _many(where: str, data: object, read: Callable[[str, object], T]) -> tuple[T, ...]:
    if not isinstance(data, list):
        raise PlanError(where, "must be a list")
    return tuple(read(f"{where}[{index}]", item) for index, item in enumerate(data))
