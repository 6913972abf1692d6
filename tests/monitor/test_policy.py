"""Specification of the policy: production's figures, and how rules lie over each other."""

from __future__ import annotations

import pytest

from monitor.policy import BRIDGED_INTERVALS, FAILING, RECOVERING, STALE_INTERVALS, Policy, Threshold, resolve
from monitor.wire import Aspect


def test_production_looks_each_minute_and_at_a_picture_each_ten() -> None:
    policy = Policy()

    assert (policy.heartbeat_s, policy.picture_s, policy.facts_s) == (60, 600, 86_400)
    assert (policy.second_look_s, policy.settle_s) == (30, 60)
    assert (policy.deadline_s, policy.burst, policy.refill_s, policy.clock_limit_s) == (10, 4, 5, 60)


def test_without_rules_the_defaults_hold() -> None:
    assert resolve([]) == Policy()


def test_a_later_rule_lies_over_an_earlier_one_field_by_field() -> None:
    rules: list[dict[str, int | None]] = [{"heartbeat_s": 30, "settle_s": 0}, {"heartbeat_s": 15, "settle_s": None}]

    assert resolve(rules) == Policy(heartbeat_s=15, settle_s=0)


def test_what_is_no_field_of_a_policy_is_passed_over() -> None:
    assert resolve([{"id": 9, "burst": 2}], Policy(burst=8)) == Policy(burst=2)


@pytest.mark.parametrize("thresholds", [FAILING, RECOVERING])
def test_every_aspect_has_a_threshold_that_can_be_reached(thresholds: dict[Aspect, Threshold]) -> None:
    assert set(thresholds) == set(Aspect)
    assert all(1 <= item.n <= item.m for item in thresholds.values())


def test_a_refused_login_is_definite_and_a_picture_may_be_a_passer_by() -> None:
    assert FAILING[Aspect.ACCESS] == Threshold(1, 1)
    assert FAILING[Aspect.PICTURE] == Threshold(3, 4)
    assert FAILING[Aspect.LINK] == Threshold(2, 3)


def test_a_silence_is_over_before_a_picture_is_stale() -> None:
    assert (BRIDGED_INTERVALS, STALE_INTERVALS) == (2.5, 3)
