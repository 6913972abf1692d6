"""The demo as it is planned."""

from __future__ import annotations

import re
import stat
from collections import Counter
from pathlib import Path

import pytest

from devices.models import Kind
from devices.models.kinds import CAMERAS, INFRASTRUCTURE
from monitor.quickstart.demo.city import CityFileError, passwords, read_ports, write_plan
from monitor.quickstart.demo.plan import THINGS, addressed, channel_of, channels, code_of, thing
from monitor.simulator.plan import check_plan
from monitor.simulator.plan_json import load_plan


def test_thirty_points_and_what_they_hang_on() -> None:
    kinds = Counter(item.kind for item in THINGS)
    assert sum(count for kind, count in kinds.items() if kind in CAMERAS) == 30
    assert kinds[Kind.SWITCH] == 2 and kinds[Kind.RECORDER] == 1
    assert kinds[Kind.LOUDSPEAKER] == 2 and kinds[Kind.ACCESS_CONTROL] == 1
    assert all(kinds[kind] for kind in (Kind.ENTRANCE, Kind.KEY_ROAD, Kind.FACADE, Kind.FIRE_LANE))


def test_points_have_a_scene_and_say_what_they_see_and_others_do_not() -> None:
    assert all(bool(item.scene) == bool(item.sees) == (item.kind in CAMERAS) for item in THINGS)


def test_the_recorder_has_four_channels_without_an_address() -> None:
    recorder = thing("rm-nvr")
    assert [channel_of(item) for item in channels(recorder)] == [1, 2, 3, 4]
    assert not [item for item in addressed() if item in channels(recorder)]
    assert channels(thing("yj-sw")) == [] and channel_of(thing("yj-03")) == 0


def test_parents_come_first_in_the_same_place_and_carry_others() -> None:
    for number, item in enumerate(THINGS):
        if item.parent:
            parent = thing(item.parent)
            assert THINGS.index(parent) < number
            assert parent.kind in INFRASTRUCTURE and parent.place == item.place


def test_ten_faults_each_of_another_kind_and_five_cameras_on_the_dead_switch() -> None:
    faults = {item.key: dict(item.faults) for item in THINGS if item.faults}
    assert len(faults) == 10
    assert sorted(next(iter(fault)) for fault in faults.values()) == sorted(
        ["off", "off", "covered", "turned", "blurred", "frozen", "wrong_password", "clock_offset_s", "html_picture",
         "drip"]
    )  # fmt: skip
    below = [item for item in THINGS if item.parent == "hf-sw"]
    assert "off" in faults["hf-sw"] and len(below) == 5 and not any(item.faults for item in below)


def test_names_and_codes_are_unique_and_codes_are_of_twenty_digits() -> None:
    assert len({(item.place.key, item.name) for item in THINGS}) == len({code_of(item) for item in THINGS}) == 36
    assert all(re.fullmatch(r"3702030001(132|118|137|124|139)7\d{6}", code_of(item)) for item in THINGS)


def test_the_plan_is_sound_private_and_has_a_password_for_each_device(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    written = write_plan(path)
    check_plan(written)
    assert load_plan(path.read_text()) == written
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    known = passwords(path)
    assert len(set(known.values())) == len(known) == 32 and min(map(len, known.values())) >= 12


def test_passwords_stay_when_the_plan_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    first = write_plan(path)
    assert write_plan(path) == first
    path.write_text("{}")
    assert passwords(path) == {} and write_plan(path) != first


def test_the_simulator_is_told_who_hangs_on_whom_and_what_is_wrong(tmp_path: Path) -> None:
    made = {device.key: device for device in write_plan(tmp_path / "plan.json").devices}
    assert made["hf-03"].parent == "hf-sw" and made["hf-01"].faults["covered"] == 0.6
    assert [channel.key for channel in made["rm-nvr"].channels] == ["rm-03", "rm-04", "rm-05", "rm-06"]
    assert made["yj-acc"].kind == "access_control" and made["hf-spk"].kind == "speaker"
    assert len({device.scene.seed for device in made.values()}) == len(made)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"ports": 5}', '{"ports": {"hf-01": "x"}}', '{"ports": {"hf-01": 1}}']
)
def test_a_file_without_all_ports_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    path.write_text(text)
    with pytest.raises(CityFileError, match=r"city\.json"):
        read_ports(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CityFileError):
        read_ports(tmp_path / "none.json")
