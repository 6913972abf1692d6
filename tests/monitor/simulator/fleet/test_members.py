"""A fleet is a pure function of a few numbers: whoever knows them can tell every device."""

from __future__ import annotations

from collections import Counter

import pytest

from monitor.simulator.fleet.members import NOBODY, Fleet, FleetError


def test_a_compound_has_every_kind_of_device() -> None:
    kinds = Counter(member.kind for member in Fleet(50))
    assert kinds == {"camera": 37, "channel": 8, "switch": 2, "recorder": 1, "speaker": 1, "access_control": 1}


def test_a_small_fleet_has_every_kind_too() -> None:
    assert {member.kind for member in Fleet(20)} == {
        "camera", "channel", "switch", "recorder", "speaker", "access_control",
    }  # fmt: skip


def test_a_switch_carries_twenty_four_devices() -> None:
    fleet = Fleet(200)
    switches = [member.index for member in fleet if member.kind == "switch"]
    assert [sum(1 for _ in fleet.below(switch)) for switch in switches] == [24] * 8
    assert all(member.parent in switches for member in fleet if member.kind in ("camera", "recorder", "speaker"))


def test_a_channel_hangs_on_its_recorder_and_has_its_address_and_login() -> None:
    fleet = Fleet(100)
    for member in fleet:
        if member.kind == "channel":
            recorder = fleet.member(member.parent)
            assert recorder.kind == "recorder"
            assert (member.host, member.port, member.password) == (recorder.host, recorder.port, recorder.password)
            assert member.index == recorder.index + member.channel


def test_no_two_endpoints_share_an_address_and_no_two_devices_a_serial() -> None:
    fleet = Fleet(3_000, hosts="127.1.0.0/25,127.9.0.1", port=9_000)
    ends = [(fleet.member(index).host, fleet.member(index).port) for index in fleet.endpoints()]
    assert len(set(ends)) == len(ends) == 2_520
    assert {host for host, _ in ends} == {*(f"127.1.0.{number}" for number in range(128)), "127.9.0.1"}
    assert len({member.serial for member in fleet}) == len(fleet)


def test_the_login_is_one_for_each_compound() -> None:
    assert len({member.password for member in Fleet(200)}) == 4


def test_a_fleet_of_cameras_only_hangs_on_nothing() -> None:
    assert {(member.kind, member.parent) for member in Fleet(60, mix="cameras")} == {("camera", NOBODY)}


def test_its_values_tell_the_whole_fleet() -> None:
    fleet = Fleet(77, hosts="127.4.0.0/26", port=8_100, seed=3)
    assert list(Fleet(**fleet.values)) == list(fleet)


def test_another_seed_has_other_passwords() -> None:
    assert Fleet(5, seed=2).member(4).password != Fleet(5).member(4).password


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"devices": 0}, "devices"),
        ({"devices": 5, "hosts": "192.0.2.0/24"}, "hosts"),
        ({"devices": 5, "hosts": "127.0.0.1/8"}, "hosts"),
        ({"devices": 5, "hosts": "here"}, "hosts"),
        ({"devices": 5, "port": 0}, "port"),
        ({"devices": 50_000, "hosts": "127.0.0.1", "port": 30_000}, "port"),
        ({"devices": 5, "mix": "village"}, "mix"),
        ({"devices": 5, "block": 0}, "block"),
    ],
)
def test_a_fleet_that_cannot_be_names_its_field(values: dict[str, int | str], field: str) -> None:
    with pytest.raises(FleetError) as caught:
        Fleet(**values)  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize("index", [-1, 5])
def test_it_has_no_device_beyond_its_number(index: int) -> None:
    with pytest.raises(FleetError, match="index"):
        Fleet(5).member(index)
