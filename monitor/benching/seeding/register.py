"""The register of a fleet: its places, contracts, addresses and devices, all of them marked as demo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from devices.models import Compound, CompoundGroup, Contract, District, Kind, Organisation, Zone
from devices.models.kinds import CAMERAS
from devices.secrets import encrypt
from monitor.benching.seeding import places
from monitor.benching.seeding.pouring import keys, pour
from monitor.simulator.fleet.members import NOBODY, Fleet, Member

POLICE = "市公安局（演示城市）"
CONTRACTORS = ("海信网络科技", "中移铁通青岛分公司", "浪潮智慧城市", "青岛智维安防", "华平电子", "金盾视讯")
CONTRACT_RAN, CONTRACT_RUNS = timedelta(days=200), timedelta(days=3 * 365)
# Every so manieth tree has a switch that nobody can ask.
UNASKED = 10
# Gaps in the coverage: one in so many compounds lacks a point.
GAP = 8
_KINDS = {
    "recorder": Kind.RECORDER,
    "speaker": Kind.LOUDSPEAKER,
    "access_control": Kind.ACCESS_CONTROL,
    "switch": Kind.SWITCH,
}
# GB/T 28181, digits 11 to 13.
_TYPES = {Kind.RECORDER: "118", Kind.LOUDSPEAKER: "137", Kind.ACCESS_CONTROL: "124", Kind.SWITCH: "139"}
_IP_CAMERA = "132"


class Taken(Exception):
    """The database is not to be seeded: what is in the way, and what to do."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One device of the fleet in the register."""

    member: Member
    device_id: int
    compound_id: int
    kind: Kind
    name: str
    asked: bool

    @property
    def sees(self) -> bool:
        """Whether it has a lens."""
        return self.kind in CAMERAS


@dataclass(frozen=True, slots=True)
class Ground:
    """What devices stand on: the zone, and compounds with their contracts, by number."""

    zone: Zone
    compounds: Sequence[Compound]
    contracts: Mapping[int, Contract]


def refuse(zone: str, *, force: bool) -> None:
    """Raise `Taken` where something real, or an earlier fleet, is in the way."""
    if Organisation.objects.filter(name=POLICE).exists():
        raise Taken("a fleet is there already: take it away with `manage.py remove_demo` first")
    if Zone.objects.filter(name=zone, demo=False).exists():
        raise Taken(f"zone {zone} is a real one: choose another name with --zone")
    real = Compound.objects.filter(demo=False).count()
    if real and not force:
        raise Taken(f"this database has {real} real compounds: use an empty one, or --force to add a fleet to it")


def make(fleet: Fleet, compounds: int, zone: str, now: datetime) -> list[Placed]:
    """Make everything, and give the devices in the order of the fleet."""
    ground = _ground(compounds, zone, now)
    placed = _placed(fleet, ground)
    logins = _credentials(fleet, placed, now)
    endpoints = _endpoints(placed, ground.zone, logins)
    slots = _slots(placed, ground)
    pour(
        "devices_device",
        ("id", "compound_id", "slot_id", "kind", "name", "code", "parent_id", "endpoint_id", "channel", "life",
         "ownership", "contract_id", "serial", "pause_reason"),
        _device_rows(placed, ground, endpoints, slots),
    )  # fmt: skip
    return placed


def _ground(number: int, zone_name: str, now: datetime) -> Ground:
    zone, _made = Zone.objects.get_or_create(name=zone_name, defaults={"label": "演示城市", "demo": True})
    police = Organisation.objects.create(name=POLICE, kind=Organisation.Kind.POLICE, demo=True)
    contractors = Organisation.objects.bulk_create(
        Organisation(name=f"{name}（演示城市）", kind=Organisation.Kind.CONTRACTOR, demo=True) for name in CONTRACTORS
    )
    districts = {
        code: District.objects.get_or_create(code=code, defaults={"name": code, "demo": True})[0]
        for code in places.DISTRICTS
    }
    contracts = {
        code: _contract(place, code, contractors[n % len(contractors)], police, now.date() - CONTRACT_RAN)
        for n, (code, place) in enumerate(districts.items())
    }
    compounds = Compound.objects.bulk_create(_compounds(number, districts))
    by_code = {district.pk: contracts[code] for code, district in districts.items()}
    return Ground(zone, compounds, {item.pk: by_code[item.district_id] for item in compounds})


def _contract(district: District, code: str, contractor: Organisation, client: Organisation, starts: date) -> Contract:
    return Contract.objects.create(
        number=f"YS-{code}",
        name=f"{district.name}小区感知前端维保项目",
        contractor=contractor,
        client=client,
        starts=starts,
        ends=starts + CONTRACT_RUNS,
        demo=True,
    )


def _compounds(number: int, districts: Mapping[str, District]) -> Iterator[Compound]:
    groups: dict[tuple[str, int], CompoundGroup] = {}
    for n in range(number):
        code = places.district_of(n)
        group = code, n // len(districts) // places.GROUP_OF
        if group not in groups:
            name = f"第{group[1] + 1}片区"
            groups[group] = CompoundGroup.objects.create(district=districts[code], name=name, demo=True)
        yield Compound(
            district=districts[code],
            group=groups[group],
            name=places.name_of(n),
            type=places.type_of(n),
            address=f"{districts[code].name}{places.name_of(n)}",
            demo=True,
        )


def _placed(fleet: Fleet, ground: Ground) -> list[Placed]:
    """Whole trees of the fleet, spread over the compounds: what hangs together stands together."""
    members = list(fleet)
    ids = keys("devices_device", len(members))
    trees = members[-1].index // fleet.tree + 1
    if trees < len(ground.compounds):
        raise Taken(f"--compounds: a compound has at least {fleet.tree} devices, so at most {trees}")
    where = [ground.compounds[tree * len(ground.compounds) // trees] for tree in range(trees)]
    by_compound: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        by_compound[where[member.index // fleet.tree].pk].append(member)
    placed = []
    for compound_id, group in by_compound.items():
        kinds = [_kind(member) for member in group]
        for member, kind, name in zip(group, kinds, places.numbered(kinds), strict=True):
            placed.append(Placed(member, ids[member.index], compound_id, kind, name, _is_asked(member, fleet)))
    return sorted(placed, key=lambda item: item.member.index)


def _kind(member: Member) -> Kind:
    camera = Kind(places.CAMERA_KINDS[member.index % len(places.CAMERA_KINDS)])
    return _KINDS.get(member.kind, camera)


def _is_asked(member: Member, fleet: Fleet) -> bool:
    """Whether the register has an address for it."""
    tree, place = divmod(member.index, fleet.tree)
    return not (member.kind == "switch" and place and tree % UNASKED == 0)


def _credentials(fleet: Fleet, placed: Sequence[Placed], now: datetime) -> dict[int, int]:
    """One login for each block of the fleet, by its number."""
    blocks = sorted({item.member.block for item in placed})
    ids = keys("devices_credential", len(blocks))
    columns = ("id", "label", "username", "password", "changed_at", "demo")
    username = placed[0].member.username
    rows = [
        (pk, f"演示城市 {block + 1}", username, encrypt(fleet.password(block)), now, True)
        for pk, block in zip(ids, blocks, strict=True)
    ]
    pour("devices_credential", columns, rows)
    return dict(zip(blocks, ids, strict=True))


def _endpoints(placed: Sequence[Placed], zone: Zone, logins: Mapping[int, int]) -> dict[int, int]:
    """Endpoints by the index of the device that has the address."""
    own = [item for item in placed if item.asked and not item.member.channel]
    ids = keys("devices_endpoint", len(own))
    rows = [
        (pk, zone.pk, "http", item.member.host, item.member.port, _login(item.member, logins), False)
        for pk, item in zip(ids, own, strict=True)
    ]
    columns = ("id", "zone_id", "scheme", "host", "port", "credential_id", "basic_in_clear")
    pour("devices_endpoint", columns, rows)
    return {item.member.index: pk for pk, item in zip(ids, own, strict=True)}


def _login(member: Member, logins: Mapping[int, int]) -> int | None:
    return logins[member.block] if member.auth != "none" else None


def _slots(placed: Sequence[Placed], ground: Ground) -> dict[int, int]:
    """A slot for each point, by the index of its device; and a few that nobody has filled."""
    seeing = [item for item in placed if item.sees]
    ids = keys("devices_slot", len(seeing))
    rows = [
        (pk, item.compound_id, item.kind, item.name, places.POSITIONS[item.kind][1], True)
        for pk, item in zip(ids, seeing, strict=True)
    ]
    lacking = [item.pk for item in ground.compounds[::GAP]]
    rows += [
        (pk, compound_id, Kind.ENTRANCE, "出入口（未建）", places.POSITIONS["entrance"][1], True)
        for pk, compound_id in zip(keys("devices_slot", len(lacking)), lacking, strict=True)
    ]
    pour("devices_slot", ("id", "compound_id", "kind", "position", "sees", "mandatory"), rows)
    return {item.member.index: pk for pk, item in zip(ids, seeing, strict=True)}


def _device_rows(
    placed: Sequence[Placed], ground: Ground, endpoints: Mapping[int, int], slots: Mapping[int, int]
) -> Iterator[tuple[object, ...]]:
    codes = {item.pk: item.district.code for item in ground.compounds}
    ids = {item.member.index: item.device_id for item in placed}
    for item in placed:
        member = item.member
        reached_by = member.parent if member.channel else member.index
        type_code = _TYPES.get(item.kind, _IP_CAMERA)
        yield (
            item.device_id,
            item.compound_id,
            slots.get(member.index),
            item.kind,
            item.name,
            f"{codes[item.compound_id]}0001{type_code}0{member.index:06d}",
            ids[member.parent] if member.parent != NOBODY else None,
            endpoints.get(reached_by),
            member.channel,
            "in_use",
            "police",
            ground.contracts[item.compound_id].pk,
            "" if member.channel else member.serial,
            "",
        )
