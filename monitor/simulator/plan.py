"""What a virtual city consists of: typed plans, and what makes a plan sound."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.simulator.faults import CHANNEL_SCOPES, FaultError, FaultValue, FieldError, parse_faults

SCENE_KINDS = ("street", "gate", "facade", "fire_lane", "hall", "access_door")
DEVICE_KINDS = ("camera", "recorder", "speaker", "access_control", "switch")
WEATHERS = ("clear", "overcast", "rain")
PHASES = ("day", "night")
AUTH_MODES = ("digest", "digest_sha256", "digest_only", "wsse_only", "basic", "none")
LARGEST_PORT = 65_535
SIDES = 2  # width and height
LARGEST_SIDE_PX = 4_096
SMALLEST_SIDE_PX = 160


class PlanError(FieldError):
    """A plan that makes no sense; `field` says where, such as `devices[3].faults.covered`."""


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """What a camera looks at: a kind of scene, drawn differently for each seed.

    `label` is what the camera writes into its picture. `weather` and `phase` are chosen by the date and the time of
    day when empty.
    """

    kind: str = "street"
    seed: int = 0
    label: str = ""
    weather: str = ""
    phase: str = ""


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """A camera behind a recorder: it has a picture, but no address of its own."""

    key: str
    scene: SceneSpec = SceneSpec()
    faults: Mapping[str, FaultValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """One virtual device. `port` 0 takes any free port; `parent` is the key of the switch or recorder it hangs on.

    `auth` is one of `AUTH_MODES`; `size` the width and height of its pictures in pixels; `host` a loopback address.
    """

    key: str
    kind: str = "camera"
    username: str = "admin"
    password: str = field(default="", repr=False)
    scene: SceneSpec = SceneSpec()
    parent: str = ""
    channels: tuple[ChannelPlan, ...] = ()
    port: int = 0
    faults: Mapping[str, FaultValue] = field(default_factory=dict)
    size: tuple[int, ...] = (1280, 720)
    manufacturer: str = "Viewkeeper"
    model: str = "VC-2"
    firmware: str = "1.4.2"
    serial: str = ""
    auth: str = "digest"
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class CityPlan:
    """All devices that one process serves."""

    devices: tuple[DevicePlan, ...]


def check_plan(plan: CityPlan) -> None:
    """Raise `PlanError` unless keys are unique and each parent exists, without a ring of parents."""
    seen: set[str] = set()
    for where, key in _all_keys(plan):
        if not key or key in seen:
            raise PlanError(where, "must be there" if not key else "must be unique")
        seen.add(key)
    parents = {device.key: device.parent for device in plan.devices}
    for index, device in enumerate(plan.devices):
        _check_device(f"devices[{index}]", device)
        _check_ancestors(f"devices[{index}].parent", device.key, parents)


def _all_keys(plan: CityPlan) -> Iterator[tuple[str, str]]:
    for i, device in enumerate(plan.devices):
        yield f"devices[{i}].key", device.key
        for j, channel in enumerate(device.channels):
            yield f"devices[{i}].channels[{j}].key", channel.key


def _check_ancestors(where: str, key: str, parents: Mapping[str, str]) -> None:
    seen = {key}
    while key := parents[key]:
        if key not in parents:
            raise PlanError(where, "is not the key of a device")
        if key in seen:
            raise PlanError(where, "hangs on itself")
        seen.add(key)


def _check_device(where: str, device: DevicePlan) -> None:
    _one_of(f"{where}.kind", device.kind, DEVICE_KINDS)
    _one_of(f"{where}.auth", device.auth, AUTH_MODES)
    _check_scene(f"{where}.scene", device.scene)
    _check_faults(f"{where}.faults", device.faults, is_channel=False)
    _check_numbers(where, device)
    if device.channels and device.kind != "recorder":
        raise PlanError(f"{where}.channels", "only a recorder has channels")
    for index, channel in enumerate(device.channels):
        _check_scene(f"{where}.channels[{index}].scene", channel.scene)
        _check_faults(f"{where}.channels[{index}].faults", channel.faults, is_channel=True)


def _check_numbers(where: str, device: DevicePlan) -> None:
    if not 0 <= device.port <= LARGEST_PORT:
        raise PlanError(f"{where}.port", f"must be between 0 and {LARGEST_PORT}")
    if len(device.size) != SIDES or not all(SMALLEST_SIDE_PX <= side <= LARGEST_SIDE_PX for side in device.size):
        raise PlanError(f"{where}.size", f"must be two numbers from {SMALLEST_SIDE_PX} to {LARGEST_SIDE_PX}")
    if not _is_loopback(device.host):
        raise PlanError(f"{where}.host", "must be a loopback address")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_scene(where: str, scene: SceneSpec) -> None:
    _one_of(f"{where}.kind", scene.kind, SCENE_KINDS)
    _one_of(f"{where}.weather", scene.weather, ("", *WEATHERS))
    _one_of(f"{where}.phase", scene.phase, ("", *PHASES))


def _check_faults(where: str, faults: Mapping[str, FaultValue], *, is_channel: bool) -> None:
    try:
        if is_channel:
            parse_faults(faults, CHANNEL_SCOPES)
        else:
            parse_faults(faults)
    except FaultError as error:
        raise PlanError(f"{where}.{error.field}", error.message) from None


def _one_of(where: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise PlanError(where, f"must be one of {', '.join(repr(choice) for choice in choices)}")
