"""Names for a city of a thousand compounds: believable, each only once in its district."""

from __future__ import annotations

from collections.abc import Sequence

DISTRICTS = ("370202", "370203", "370211", "370212", "370213", "370214", "370215", "370281", "370283", "370285")
_ROADS = (
    "闽江", "镇江", "大名", "合肥", "延吉", "人民", "宁夏", "福州", "南京", "江西", "台东", "威海", "昌乐", "登州",
    "辽阳", "敦化", "吴兴", "洮南", "哈尔滨", "瑞昌", "四流", "永平", "兴城", "重庆", "振华", "书院", "夏庄", "长城",
    "正阳", "兴阳", "黑龙江", "鹤山", "蓝鳌", "烟青", "扬州", "常州", "青岛", "红旗", "长江", "香江",
)  # fmt: skip
_ENDS = ("路小区", "花园", "新村", "家园", "东里", "西里", "路大院", "苑", "佳苑", "路公寓")
# Half of the old compounds are open ones.
TYPES = ("open", "closed", "open", "single")
GROUP_OF = 4  # compounds designed together
POSITIONS = {
    "entrance": ("出入口", "进出的行人和车辆"),
    "key_road": ("主路", "道路上的行人和车辆"),
    "facade": ("楼体外立面", "高空抛物"),
    "fire_lane": ("消防车通道", "通道是否被占用"),
    "camera": ("公共区域", "公共区域的活动"),
    "loudspeaker": ("扩音器", ""),
    "access_control": ("单元门禁", ""),
    "recorder": ("硬盘录像机", ""),
    "switch": ("交换机", ""),
}
# What cameras are there for, in the order in which they are hung.
CAMERA_KINDS = ("entrance", "key_road", "facade", "entrance", "fire_lane", "facade", "key_road", "camera")


def district_of(compound: int) -> str:
    """The code of the district that a compound lies in."""
    return DISTRICTS[compound % len(DISTRICTS)]


def name_of(compound: int) -> str:
    """The name of a compound; from the four hundredth of a district on they are numbered."""
    number = compound // len(DISTRICTS)
    again, number = divmod(number, len(_ROADS) * len(_ENDS))
    name = _ROADS[(number * 7 + compound % len(DISTRICTS)) % len(_ROADS)] + _ENDS[number // len(_ROADS)]
    return f"{name}{again + 1}区" if again else name


def type_of(compound: int) -> str:
    """The type of a compound."""
    return TYPES[compound // len(DISTRICTS) % len(TYPES)]


def device_name(kind: str, number: int) -> str:
    """The name of the so-manieth device of its kind in a compound."""
    return f"{POSITIONS[kind][0]}{number:02d}"


def numbered(kinds: Sequence[str]) -> list[str]:
    """Names of devices of these kinds in one compound."""
    seen: dict[str, int] = {}
    names = []
    for kind in kinds:
        seen[kind] = seen.get(kind, 0) + 1
        names.append(device_name(kind, seen[kind]))
    return names
