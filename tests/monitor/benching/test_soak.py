"""Specification of the soak: verdicts are checked against the script, and lateness by the turns of each device."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from devices.models import Zone
from monitor.benching import fleet_register
from monitor.benching.sampling import Tier
from monitor.benching.soaking import failures
from monitor.policies import Policies

CLEAN: dict[str, Any] = {
    "options": {"speed": 1.0},
    "verdicts": {"mismatches": []},
    "wronged": [],
    "kills": {},
    "violations": {"total": {}},
    "heartbeat": {"lag_p99_share": 0.09, "max_over_min": None},
    "picture": {"lag_p99_share": None},
    "rss_mb": {"most": 1400.0, "growth": 1.01},
    "core_seconds_per_second": {"all": 1.0},
}


@pytest.mark.slow
@pytest.mark.servers
def test_a_calm_city_is_held_to_be_what_it_is() -> None:
    out = io.StringIO()

    call_command("soak", minutes=0.5, devices=30, speed=12.0, script="calm", probes=1, stdout=out)

    report = json.loads(out.getvalue())
    assert report["failures"] == []
    assert report["verdicts"]["checked"] > 30
    assert report["heartbeat"]["turns"] > 30
    assert report["violations"]["total"] == {}


@pytest.mark.parametrize(
    ("asked", "message"), [({"minutes": 31}, "at most 30"), ({"minutes": 1, "kills": True}, "servers of its own")]
)
def test_a_soak_that_cannot_be_is_refused(asked: dict[str, float], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("soak", **asked)


def test_nothing_wrong_is_no_failure() -> None:
    assert failures(CLEAN) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"verdicts": {"mismatches": ["camera 1: link is ok, expected port_closed"]}}, "1 verdicts are wrong"),
        ({"wronged": [{"device": "camera 1"}]}, "called faulty"),
        ({"kills": {"late": 2, "missed": 0}}, "after 2 kills"),
        ({"kills": {"late": 0, "missed": 1}}, "1 kills missed their point"),
        ({"heartbeat": {"lag_p99_share": 0.25, "max_over_min": 1.0}}, "(99 of 100): 0.25, at most 0.1"),
        ({"rss_mb": {"most": 1400.0, "growth": 1.2}}, "1.20, at most 1.1"),
        ({"violations": {"total": {"bucket": 3}}}, "bucket 3 times"),
    ],
)
def test_whatever_is_wrong_is_told(found: dict[str, object], said: str) -> None:
    (line,) = failures({**CLEAN, **found})

    assert said in line


def test_where_time_is_hurried_limits_in_seconds_mean_nothing() -> None:
    late = {"options": {"speed": 12.0}, "heartbeat": {"lag_p99_share": 0.25, "max_over_min": 1.0}}

    assert failures({**CLEAN, **late}) == []


def test_lateness_counts_from_the_instant_that_was_due() -> None:
    tier = Tier(60)
    for now, due, at in ((90, 100, 40), (105, 160, 102), (165, 220, 165)):
        tier.see(1, due, at, now)

    assert tier.lags == [2, 5]
    assert tier.intervals() == {1: 63}


def test_a_visit_for_something_else_is_no_turn() -> None:
    tier = Tier(60)
    for now, due, at in ((90, 100, 40), (95, 100, 93), (105, 160, 101), (130, 160, 128), (162, 220, 161)):
        tier.see(1, due, at, now)

    assert tier.lags == [1, 1]


def test_what_was_claimed_and_not_visited_is_late_until_it_is() -> None:
    tier = Tier(60)
    for now, due, at in ((90, 100, 40), (105, 160, 40), (165, 220, 40)):
        tier.see(1, due, at, now)
    assert tier.overdue(170) == [70, 10]

    tier.see(1, 220, 180, 185)
    assert (tier.lags, tier.overdue(185), tier.turns[1].visits) == ([80, 20], [], [180])
    assert tier.overdue(230) == [10]


def test_a_turn_that_is_taken_along_a_little_early_is_in_time() -> None:
    tier = Tier(60)
    for now, due, at in ((90, 100, 40), (98, 158, 96), (165, 220, 159)):
        tier.see(1, due, at, now)

    assert tier.lags == [0, 1]
    assert tier.turns[1].visits == [96, 159]


def test_an_instant_that_is_put_off_before_it_comes_is_no_turn() -> None:
    tier = Tier(60)
    for now, due, at in ((90, 100, 40), (95, 130, 40), (135, 190, 131)):
        tier.see(1, due, at, now)

    assert tier.lags == [1]


def test_the_spread_of_intervals_is_that_of_the_devices_means() -> None:
    tier = Tier(60)
    for device_id, every_s in ((1, 60), (2, 66)):
        for number in range(5):
            tier.see(device_id, number * every_s, (number - 1) * every_s, number * every_s - 1)

    told = tier.told(0)
    assert told["max_over_min"] == pytest.approx(1.1)
    assert told["slowest"] == {"1": [60, 60, 60], "2": [66, 66, 66]}
    assert told["stretch"] == pytest.approx(63 / 60)


@pytest.mark.parametrize(
    ("speed", "wanted"), [(1, (60, 600, 30, 10, 4, 5)), (5, (12, 120, 6, 2, 5, 1)), (10, (6, 60, 6, 2, 5, 1))]
)
def test_a_hurried_city_bears_as_many_requests_a_look_as_a_usual_one(
    db: None, speed: int, wanted: tuple[int, ...]
) -> None:
    zone = Zone.objects.create(name="hurried", label="hurried", demo=True)
    fleet_register._hasten(zone, speed)

    terms = Policies().of(zone.pk, 0, "entrance", 0)
    named = (terms.heartbeat_s, terms.picture_s, terms.second_look_s, terms.deadline_s, terms.burst, terms.refill_s)
    assert named == wanted
