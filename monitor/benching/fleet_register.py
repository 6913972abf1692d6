"""A register that matches a fleet: every device in its place, with its kind, its parent, its login and its view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from devices.models import Compound, Credential, Device, District, Endpoint, Kind, Life, Zone
from monitor.benching.register import ROWS_AT_ONCE, keep_views
from monitor.benching.scratch import ZONE
from monitor.models import PolicyRule
from monitor.policy import Policy
from monitor.simulator.fleet.members import NOBODY, Fleet, Member

KINDS: Mapping[str, Kind] = {
    "camera": Kind.ENTRANCE,
    "channel": Kind.ENTRANCE,
    "recorder": Kind.RECORDER,
    "speaker": Kind.LOUDSPEAKER,
    "access_control": Kind.ACCESS_CONTROL,
    "switch": Kind.SWITCH,
}
# A policy takes no shorter ones.
SHORTEST_HEARTBEAT_S, SHORTEST_FACTS_S, SHORTEST_DEADLINE_S = 5, 60, 2


def enter(fleet: Fleet, models: Mapping[int, bytes], speed: float) -> list[int]:
    """Enter a fleet, its intervals divided by `speed`; the id of the device of each index.

    `models` is the learned view of each scene; a device sees the scene of its index, modulo their number.
    """
    zone = Zone.objects.create(name=ZONE, label="soak", demo=True)
    _hasten(zone, speed)
    members = list(fleet)
    ends = _endpoints(zone, members)
    devices = _devices(members, ends)
    scenes = {
        device.pk: member.index % len(models) for device, member in zip(devices, members, strict=True) if device.sees
    }
    keep_views(scenes, models)
    return [device.pk for device in devices]


def _hasten(zone: Zone, speed: float) -> None:
    """Divide the intervals of the zone; what is already as short as a policy allows stays."""
    if speed == 1:
        return
    usual = Policy()
    PolicyRule.objects.create(
        zone=zone,
        heartbeat_s=max(SHORTEST_HEARTBEAT_S, round(usual.heartbeat_s / speed)),
        picture_s=round(usual.picture_s / speed),
        facts_s=max(SHORTEST_FACTS_S, round(usual.facts_s / speed)),
        # As many tokens come in between as usual, though their interval has a least one.
        second_look_s=round(usual.second_look_s * refill_s(speed) / usual.refill_s),
        settle_s=round(usual.settle_s / speed),
        deadline_s=max(SHORTEST_DEADLINE_S, round(usual.deadline_s / speed)),
        burst=burst(speed),
        refill_s=refill_s(speed),
        demo=True,
    )


def burst(speed: float) -> int:
    """Requests that a device bears at once. A usual visit lasts until one more is borne, a hurried one does not."""
    return Policy().burst + (speed != 1)


def refill_s(speed: float) -> int:
    """Seconds until a device bears one more request."""
    return max(1, round(Policy().refill_s / speed))


def _endpoints(zone: Zone, members: Sequence[Member]) -> dict[tuple[str, int], Endpoint]:
    logins: dict[str, Credential] = {}
    rows: dict[tuple[str, int], Endpoint] = {}
    for member in members:
        login = logins.get(member.password) or Credential.objects.create(
            label=f"block {member.block}", username=member.username, password=member.password
        )
        logins[member.password] = login
        rows.setdefault(
            (member.host, member.port),
            Endpoint(
                zone=zone,
                host=member.host,
                port=member.port,
                credential=None if member.auth == "none" and member.kind != "channel" else login,
            ),
        )
    Endpoint.objects.bulk_create(rows.values(), ROWS_AT_ONCE)
    return rows


def _devices(members: Sequence[Member], ends: Mapping[tuple[str, int], Endpoint]) -> list[Device]:
    district = District.objects.create(code="000000", name="soak", demo=True)
    made: dict[int, Device] = {}
    for block, group in groupby(members, key=lambda member: member.block):
        place = Compound.objects.create(district=district, name=f"soak {block}", type=Compound.Type.OPEN, demo=True)
        for generation in _generations(list(group)):
            rows = [_device(member, place, ends, made) for member in generation]
            made |= zip((member.index for member in generation), Device.objects.bulk_create(rows), strict=True)
    return [made[member.index] for member in members]


def _generations(members: Sequence[Member]) -> Iterator[list[Member]]:
    """Those that others hang on first."""
    rest, known = list(members), {NOBODY}
    while rest:
        ready = [member for member in rest if member.parent in known]
        rest = [member for member in rest if member.parent not in known]
        known |= {member.index for member in ready}
        yield ready


def _device(
    member: Member, place: Compound, ends: Mapping[tuple[str, int], Endpoint], made: Mapping[int, Device]
) -> Device:
    return Device(
        compound=place,
        kind=KINDS[member.kind],
        name=f"{member.kind} {member.index}",
        endpoint=ends[member.host, member.port],
        channel=member.channel,
        parent=made[member.parent] if member.parent != NOBODY else None,
        serial=member.serial if member.kind in ("camera", "recorder") else "",
        life=Life.IN_USE,
    )
