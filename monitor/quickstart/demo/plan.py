"""The demo as literal data: three compounds, their devices and what is wrong with ten of them, the people.

Names of places are real streets of Qingdao; the compounds, organisations and people are made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from devices.models import Compound, Kind, Organisation, Role

DISTRICT_CODE, DISTRICT_NAME = "370203", "市北区"
GROUP_NAME = "合肥路—延吉路片区"
ZONE_NAME, ZONE_LABEL = "demo", "演示网域"
POLICE, CONTRACTOR, OWNER = "市北分局科信大队", "海安维保", "合肥路片区业主联合会"
CONTRACT_NUMBER, CONTRACT_NAME = "SBWB-2026-017", "市北区小区感知前端维保服务"
RESPONSE_LIMIT_H, REPAIR_LIMIT_H = 1, 24
USERNAME = "viewkeeper"
HALF_COVERED = 0.6
EIGHT_HOURS_S = 8 * 3600.0

# Demo's intervals (issue: heartbeat 15 s, picture 20 s, second look 8 s, settle 15 s). A recorder with four channels
# needs about three requests a channel in one visit: eight at once and one more each second fit well into ten seconds.
POLICY: Mapping[str, int] = {
    "heartbeat_s": 15,
    "picture_s": 20,
    "facts_s": 300,
    "second_look_s": 8,
    "settle_s": 15,
    "deadline_s": 10,
    "burst": 8,
    "refill_s": 1,
}


@dataclass(frozen=True, slots=True)
class Place:
    """A compound of the demo; `key` begins the keys of its devices."""

    key: str
    name: str
    type: Compound.Type
    address: str


@dataclass(frozen=True, slots=True)
class Thing:
    """A device of the demo. `scene` is what its lens sees ("" without one), `sees` what would be missed without it.

    `parent` is the key of what it hangs on; a thing that hangs on a recorder is one of its channels.
    """

    key: str
    kind: Kind
    name: str
    sees: str = ""
    scene: str = ""
    parent: str = ""
    auth: str = "digest"
    faults: Mapping[str, bool | float | str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """The compound it is in."""
        return PLACES[self.key.partition("-")[0]]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in; `compound` is the key of the one place they are narrowed to."""

    username: str
    name: str
    role: Role
    organisation: str
    email: str
    district: bool = False
    compound: str = ""
    wants_mail: bool = False


ORGANISATIONS: Mapping[str, Organisation.Kind] = {
    POLICE: Organisation.Kind.POLICE,
    CONTRACTOR: Organisation.Kind.CONTRACTOR,
    OWNER: Organisation.Kind.OWNER,
}

PLACES: Mapping[str, Place] = {
    place.key: place
    for place in (
        Place("hf", "合肥路小区", Compound.Type.OPEN, "市北区合肥路 686 号"),
        Place("yj", "延吉路花园", Compound.Type.CLOSED, "市北区延吉路 117 号"),
        Place("rm", "人民路208号楼", Compound.Type.SINGLE, "市北区人民路 208 号"),
    )
}

PEOPLE: tuple[Person, ...] = (
    Person("demo-admin", "周建平", Role.ADMIN, POLICE, "zhou@police.example"),
    Person("demo-police", "王敏", Role.OFFICER, POLICE, "wang@police.example", district=True, wants_mail=True),
    Person("demo-manager", "陈国强", Role.MANAGER, CONTRACTOR, "chen@haian.example", wants_mail=True),
    Person("demo-technician", "李建国", Role.TECHNICIAN, CONTRACTOR, "li@haian.example", compound="hf"),
)

_GATE, _STREET, _FACADE, _LANE = "gate", "street", "facade", "fire_lane"

# In the order of the register: what others hang on comes before what hangs on it.
THINGS: tuple[Thing, ...] = (
    # -- 合肥路小区, open: a dead switch with five cameras, and four single faults
    Thing("hf-sw", Kind.SWITCH, "南区汇聚交换机", faults={"off": True}),
    Thing(
        "hf-01", Kind.ENTRANCE, "北门出入口", "北门车行、人行出入口", _GATE,
        faults={"covered": HALF_COVERED, "covered_from": "bottom"},
    ),
    Thing("hf-02", Kind.ENTRANCE, "东门出入口", "东门人行出入口、快递柜", _GATE, auth="digest_sha256"),
    Thing("hf-03", Kind.ENTRANCE, "南门出入口", "南门车行、人行出入口", _GATE, "hf-sw"),
    Thing("hf-04", Kind.KEY_ROAD, "主干道南段", "南门至中心广场的主干道", _STREET, "hf-sw", "wsse_only"),
    Thing("hf-05", Kind.KEY_ROAD, "中心广场", "广场、健身器材和儿童滑梯", _STREET, "hf-sw"),
    Thing("hf-06", Kind.FACADE, "8号楼南立面", "8号楼南立面一至七层", _FACADE, "hf-sw"),
    Thing("hf-07", Kind.FIRE_LANE, "8号楼前消防车通道", "8号楼前消防车通道、登高面", _LANE, "hf-sw", "digest_only"),
    Thing("hf-08", Kind.KEY_ROAD, "主干道北段", "北门至3号楼的主干道", _STREET, faults={"turned": 0.25}),
    Thing("hf-09", Kind.FACADE, "3号楼南立面", "3号楼南立面一至六层", _FACADE, faults={"blurred": 0.01}),
    Thing("hf-10", Kind.FIRE_LANE, "3号楼前消防车通道", "3号楼前消防车通道", _LANE),
    Thing("hf-11", Kind.KEY_ROAD, "便民市场路口", "市场路口、西侧开放边界", _STREET, faults={"off": True}),
    Thing("hf-12", Kind.CAMERA, "非机动车棚", "车棚出入口、充电位", _LANE, auth="digest_only"),
    Thing("hf-13", Kind.FACADE, "12号楼南立面", "12号楼南立面一至七层", _FACADE),
    Thing("hf-spk", Kind.LOUDSPEAKER, "3号楼消防车通道扩音器"),
    # -- 延吉路花园, closed: a healthy switch, for the visitor to unplug
    Thing("yj-sw", Kind.SWITCH, "物业机房交换机"),
    Thing("yj-01", Kind.ENTRANCE, "大门车行出入口", "大门车行进出道闸", _GATE, faults={"frozen": True}),
    Thing("yj-02", Kind.ENTRANCE, "大门人行出入口", "大门人行通道、门卫室", _GATE, faults={"wrong_password": True}),
    Thing("yj-03", Kind.ENTRANCE, "西门出入口", "西门人行出入口", _GATE, "yj-sw"),
    Thing("yj-04", Kind.KEY_ROAD, "环路东段", "环路东段、2号楼路口", _STREET, "yj-sw", "digest_sha256"),
    Thing("yj-05", Kind.KEY_ROAD, "环路西段", "环路西段、垃圾分类点", _STREET, "yj-sw"),
    Thing("yj-06", Kind.FACADE, "2号楼北立面", "2号楼北立面一至十一层", _FACADE, "yj-sw", "wsse_only"),
    Thing("yj-07", Kind.FIRE_LANE, "2号楼前消防车通道", "2号楼前消防车通道", _LANE, "yj-sw"),
    Thing(
        "yj-08", Kind.FIRE_LANE, "5号楼前消防车通道", "5号楼前消防车通道、登高面", _LANE,
        faults={"clock_offset_s": EIGHT_HOURS_S},
    ),
    Thing("yj-09", Kind.KEY_ROAD, "中心花园", "花园步道、凉亭", _STREET, faults={"html_picture": True}),
    Thing("yj-10", Kind.ENTRANCE, "地下车库入口", "地下车库出入口坡道", _GATE, faults={"drip": 1.0}),
    Thing("yj-11", Kind.FACADE, "5号楼南立面", "5号楼南立面一至十一层", _FACADE),
    Thing("yj-acc", Kind.ACCESS_CONTROL, "大门门禁"),
    Thing("yj-spk", Kind.LOUDSPEAKER, "2号楼消防车通道扩音器"),
    # -- 人民路208号楼, a single building: a recorder whose four cameras have no address of their own
    Thing("rm-nvr", Kind.RECORDER, "弱电间硬盘录像机"),
    Thing("rm-01", Kind.ENTRANCE, "临街正门", "正门、门前人行道", _GATE),
    Thing("rm-02", Kind.FIRE_LANE, "楼前消防车通道", "楼前消防车通道", _LANE, auth="digest_only"),
    Thing("rm-03", Kind.ENTRANCE, "一层大厅", "大厅、电梯口", "hall", "rm-nvr"),
    Thing("rm-04", Kind.ENTRANCE, "后门", "后门门禁、楼梯口", "access_door", "rm-nvr"),
    Thing("rm-05", Kind.FACADE, "北立面", "北立面一至十八层", _FACADE, "rm-nvr"),
    Thing("rm-06", Kind.KEY_ROAD, "后院通道", "后院通道、配电室门前", _STREET, "rm-nvr"),
)  # fmt: skip
_BY_KEY = {thing.key: thing for thing in THINGS}


def thing(key: str) -> Thing:
    """The device of a key; raises KeyError."""
    return _BY_KEY[key]


def channels(recorder: Thing) -> list[Thing]:
    """What hangs on a recorder, in the order of its channels; empty for anything else."""
    return [item for item in THINGS if item.parent == recorder.key] if recorder.kind is Kind.RECORDER else []


def channel_of(item: Thing) -> int:
    """1, 2, … for a channel of a recorder, 0 for a device with an address of its own."""
    owner = _BY_KEY.get(item.parent)
    return channels(owner).index(item) + 1 if owner and owner.kind is Kind.RECORDER else 0


def addressed() -> Iterator[Thing]:
    """The devices with an address of their own."""
    return (item for item in THINGS if not channel_of(item))


# GB/T 28181, rule A: centre, industry 01 (community), type, network 7 (here: none real), serial.
_TYPE_CODES = {Kind.RECORDER: 118, Kind.LOUDSPEAKER: 137, Kind.ACCESS_CONTROL: 124, Kind.SWITCH: 139}
_CAMERA_CODE = 132
SERIAL_BASE = 990_000


def code_of(item: Thing) -> str:
    """The 20-digit device code, by which a device of the demo is known again in the register."""
    return f"{DISTRICT_CODE}0001{_TYPE_CODES.get(item.kind, _CAMERA_CODE)}7{SERIAL_BASE + THINGS.index(item):06}"


def serial_of(item: Thing) -> str:
    """The serial number that the virtual device tells."""
    return f"VK26{THINGS.index(item):06}"
