"""A script tells every fault of every device at every time, from itself alone."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from monitor.simulator.faults import FAULTS
from monitor.simulator.fleet.conditions import Conditions
from monitor.simulator.fleet.members import NOBODY, Fleet
from monitor.simulator.fleet.script import Rules, Script, ScriptError, load, parse
from monitor.simulator.fleet.scripts import BUILT_IN

FLEET = Fleet(60)
CAMERA, SPEAKER, RECORDER, CHANNEL = 12, 1, 3, 5


def script(*rules: dict[str, Any], fleet: Fleet = FLEET, seed: int = 1) -> Script:
    return Script(fleet, parse({"seed": seed, "rules": list(rules)}))


def taken(found: Script, seconds: float = 0.0) -> set[int]:
    return {index for index in range(len(found.fleet)) if found.own_faults_at(index, seconds)}


def test_the_same_seed_takes_the_same_devices_and_another_one_others() -> None:
    fleet = Fleet(2_000)
    rule = {"name": "off", "fraction": 0.1, "faults": {"off": True}}
    assert taken(script(rule, fleet=fleet)) == taken(script(rule, fleet=fleet))
    assert taken(script(rule, fleet=fleet)) != taken(script(rule, fleet=fleet, seed=2))


def test_a_fraction_is_of_the_devices_of_the_kinds() -> None:
    fleet = Fleet(20_000)
    found = taken(script({"fraction": 0.25, "kinds": ["switch"], "faults": {"off": True}}, fleet=fleet))
    assert {fleet.kind(index) for index in found} == {"switch"}
    assert 0.2 < len(found) / sum(fleet.kind(index) == "switch" for index in range(len(fleet))) < 0.3


def test_rules_of_one_die_never_take_the_same_device() -> None:
    halves = script(
        {"name": "a", "fraction": 0.5, "faults": {"busy": True}},
        {"name": "b", "fraction": 0.5, "faults": {"off": True}},
    )
    ends = [index for index in FLEET.endpoints() if FLEET.kind(index) != "switch"]
    assert all(len(halves.own_faults_at(index, 0)) == 1 for index in ends)


def test_rules_of_another_die_may_meet() -> None:
    both = script(
        {"fraction": 1, "faults": {"busy": True}}, {"fraction": 1, "faults": {"slow_s": 1.0}, "die": "second"}
    )
    assert both.faults_at(CAMERA, 0) == {"busy": True, "slow_s": 1.0}


def test_devices_may_be_named() -> None:
    found = script({"devices": [CAMERA, CHANNEL], "faults": {"html_picture": True}})
    assert taken(found) == {CAMERA, CHANNEL}


def test_a_rule_holds_from_its_begin_until_its_end() -> None:
    found = script({"devices": [CAMERA], "faults": {"off": True}, "begin_s": 10, "end_s": 20})
    assert [bool(found.faults_at(CAMERA, second)) for second in (0, 9.9, 10, 19.9, 20)] == [
        False, False, True, True, False,
    ]  # fmt: skip
    assert [found.next_change(CAMERA, second) for second in (0, 10, 20)] == [10, 20, math.inf]


def test_a_rule_may_hold_every_other_period_at_a_phase_of_each_device() -> None:
    found = script({"fraction": 1, "faults": {"off": True}, "every_s": 60})
    by_second = [bool(found.own_faults_at(CAMERA, second)) for second in range(240)]
    assert sum(by_second) == 120
    assert by_second[:120] == by_second[120:]
    cameras = [index for index in range(60) if FLEET.kind(index) == "camera"]
    assert 5 < sum(bool(found.own_faults_at(index, 0)) for index in cameras) < len(cameras) - 5


def test_the_next_change_is_where_the_faults_change() -> None:
    found = script({"devices": [CAMERA], "faults": {"off": True}, "every_s": 7, "begin_s": 3, "end_s": 100})
    now, seen = 0.0, []
    while (now := found.next_change(CAMERA, now)) < math.inf:
        before, after = found.faults_at(CAMERA, now - 1e-6), found.faults_at(CAMERA, now + 1e-6)
        seen.append(now)
        assert before != after or now in (3, 100)
    assert len(seen) > 12


def test_what_hangs_on_a_switch_that_is_off_is_off() -> None:
    found = script({"devices": [0], "faults": {"off": True}}, {"devices": [CAMERA], "faults": {"busy": True}})
    assert found.faults_at(CAMERA, 0) == {"busy": True, "off": True}
    assert found.own_faults_at(CAMERA, 0) == {"busy": True}
    assert found.faults_at(CHANNEL, 0) == {"off": True}
    assert (found.cut_off_by(CHANNEL, 0), found.cut_off_by(0, 0), found.cut_off_by(30, 0)) == (0, NOBODY, NOBODY)


def test_a_rule_may_follow_another_one_with_the_same_devices() -> None:
    found = script(
        {"name": "gone", "fraction": 0.5, "faults": {"off": True}, "end_s": 60},
        {"name": "back", "follows": "gone", "faults": {"clock_dead": 1970}, "begin_s": 60},
    )
    assert taken(found, 0) == taken(found, 60) != set()
    assert all(found.own_faults_at(index, 60) == {"clock_dead": 1970} for index in taken(found, 60))


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_what_comes_with_the_fleet_survives_being_written_down(name: str) -> None:
    rules = load(name)
    assert parse(json.loads(json.dumps(rules.values))) == rules


def test_the_bench_has_five_percent_refusing_five_deaf_and_one_dripping() -> None:
    fleet = Fleet(20_000, mix="cameras")
    found = Script(fleet, load("bench"))
    names = Counter(name for index in range(len(fleet)) for name in found.faults_at(index, 0))
    assert {name: round(count / len(fleet), 2) for name, count in names.items()} == {
        "off": 0.05, "deaf": 0.05, "drip": 0.01, "drip_all": 0.01,
    }  # fmt: skip


def test_one_script_has_every_fault_of_the_vocabulary() -> None:
    assert {name for rule in load("each").rules for name in rule.faults} == set(FAULTS)


def test_a_script_comes_from_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"name": "mine", "rules": [{"devices": [1], "faults": {"off": true}}]}', encoding="utf-8")
    assert (load(str(path)).name, len(load(str(path)).rules)) == ("mine", 1)


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_file_that_is_no_script_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "mine.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ScriptError) as caught:
        load(str(path))
    assert caught.value.field == "script"


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"fraction": 0.1, "faults": {"eaten": True}}, "rules[0].faults.eaten"),
        ({"fraction": 0.1, "faults": {"drip": -1}}, "rules[0].faults.drip"),
        ({"fraction": 0.1}, "rules[0].faults"),
        ({"fraction": 2, "faults": {"off": True}}, "rules[0].fraction"),
        ({"fraction": 0.1, "faults": {"off": True}, "begin_s": "soon"}, "rules[0].begin_s"),
        ({"fraction": 0.1, "faults": {"off": True}, "kinds": ["kettle"]}, "rules[0].kinds"),
        ({"fraction": 0.1, "faults": {"off": True}, "kinds": "camera"}, "rules[0].kinds"),
        ({"fraction": 0.1, "faults": {"off": True}, "kinds": ["channel"]}, "rules[0].faults.off"),
        ({"fraction": 0.1, "faults": {"off": True}, "colour": 1}, "rules[0].colour"),
        ({"devices": [600], "faults": {"off": True}}, "rules[0].devices"),
        ({"devices": ["a"], "faults": {"off": True}}, "rules[0].devices"),
        ({"devices": [CHANNEL], "faults": {"off": True}}, "rules[0].faults.off"),
        ({"faults": {"off": True}}, "rules[0]"),
        ({"follows": "nobody", "faults": {"off": True}}, "rules[0].follows"),
        ("off", "rules[0]"),
    ],
)
def test_a_rule_that_makes_no_sense_names_its_place(rule: Any, field: str) -> None:
    with pytest.raises(ScriptError) as caught:
        script(rule)
    assert caught.value.field == field


@pytest.mark.parametrize("data", [{"rules": "off"}, {"seed": "x"}, {"speed": 2}, []])
def test_a_script_that_makes_no_sense_is_refused(data: object) -> None:
    with pytest.raises(ScriptError):
        parse(data)


def test_fractions_above_one_are_refused() -> None:
    rule = {"fraction": 0.6, "faults": {"off": True}}
    with pytest.raises(ScriptError, match=r"add up to 1\.2"):
        script(rule, rule)


def test_a_script_without_rules_is_calm() -> None:
    assert taken(Script(FLEET, Rules())) == set()


def test_what_a_script_calls_slow_is_so_by_its_own_clock_and_what_a_person_sets_by_ours() -> None:
    conditions = Conditions(script({"devices": [CAMERA], "faults": {"slow_s": 2.0}}), began=0.0, speed=10.0)
    assert conditions.own(CAMERA, 0) == {"slow_s": 0.2}

    conditions.change(CAMERA, {"slow_s": 3.0})
    assert conditions.own(CAMERA, 0) == {"slow_s": 3.0}
