"""The demo's virtual city: the simulator's plan with the ten faults, and where its devices listen."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from devices.models import Kind
from monitor.quickstart.demo.plan import (
    DISTRICT_CODE,
    THINGS,
    USERNAME,
    Thing,
    addressed,
    channels,
    serial_of,
)
from monitor.quickstart.layout import write_private
from monitor.simulator.plan import ChannelPlan, CityPlan, DevicePlan, PlanError, SceneSpec
from monitor.simulator.plan_json import dump_plan, load_plan

PASSWORD_BYTES = 9
# Seeds begin somewhere; scenes of neighbouring seeds are as different as any.
FIRST_SEED = 20
_KINDS: Mapping[Kind, str] = {
    Kind.RECORDER: "recorder",
    Kind.SWITCH: "switch",
    Kind.LOUDSPEAKER: "speaker",
    Kind.ACCESS_CONTROL: "access_control",
}


class CityFileError(ValueError):
    """The file with the city's ports cannot be used; the message says why."""


def write_plan(path: Path) -> CityPlan:
    """Write the simulator's plan, readable by its owner alone; the passwords of an earlier plan are kept."""
    known = passwords(path)
    plan = CityPlan(tuple(_device(item, known) for item in addressed()))
    write_private(path, dump_plan(plan))
    return plan


def passwords(path: Path) -> dict[str, str]:
    """The passwords of a plan by the keys of its devices; none where there is no readable plan yet."""
    try:
        return {device.key: device.password for device in load_plan(path.read_text(encoding="utf-8")).devices}
    except (OSError, PlanError, UnicodeDecodeError):
        return {}


def read_ports(path: Path) -> dict[str, int]:
    """The ports of a running city by key, from the file that the simulator wrote; raises `CityFileError`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        ports = {str(key): int(port) for key, port in data["ports"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CityFileError(f"{path}: {type(error).__name__}, this is no list of the city's ports") from error
    missing = [item.key for item in addressed() if item.key not in ports]
    if missing:
        raise CityFileError(f"{path}: no port for {', '.join(missing)}")
    return ports


def scene_of(item: Thing) -> SceneSpec:
    """What the lens of a thing looks at."""
    label = f"{DISTRICT_CODE} {item.key.upper()}"
    return SceneSpec(kind=item.scene or "street", seed=FIRST_SEED + THINGS.index(item), label=label)


def _device(item: Thing, known: Mapping[str, str]) -> DevicePlan:
    on_recorder = tuple(ChannelPlan(key=below.key, scene=scene_of(below)) for below in channels(item))
    return DevicePlan(
        key=item.key,
        kind=_KINDS.get(item.kind, "camera"),
        username=USERNAME,
        password=known.get(item.key) or secrets.token_urlsafe(PASSWORD_BYTES),
        scene=scene_of(item),
        parent=item.parent,
        channels=on_recorder,
        faults=dict(item.faults),
        serial=serial_of(item),
        auth=item.auth,
    )
