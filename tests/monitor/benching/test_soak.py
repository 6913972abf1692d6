"""Specification of the soak: verdicts are checked against the script, and lateness by the phase of each device."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from monitor.benching.sampling import Tier
from monitor.benching.soaking import failures
from monitor.pace import REAL, Clock
from monitor.schedule import SPREAD

DAY = datetime(2026, 6, 1, tzinfo=UTC)
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
    assert report["heartbeat"]["visits"] > 30
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


def _due(endpoint_id: int, every_s: int) -> datetime:
    return DAY + timedelta(seconds=(endpoint_id * SPREAD - int(DAY.timestamp())) % every_s)


def test_lateness_counts_from_the_last_instant_of_the_phase() -> None:
    tier = Tier(60)
    for number, late_s in enumerate((2.0, 5.0)):
        at = _due(7, 60) + timedelta(seconds=60 * number + late_s)
        tier.see(1, 7, at.timestamp(), REAL)

    assert tier.lags == pytest.approx([2.0, 5.0])
    assert tier.intervals() == pytest.approx([63.0])


def test_turns_that_were_missed_are_lateness_too() -> None:
    tier = Tier(60)
    for number in (0, 1, 4):
        tier.see(1, 7, (_due(7, 60) + timedelta(seconds=60 * number + 1)).timestamp(), REAL)

    assert tier.lags == pytest.approx([1.0, 1.0, 121.0])


def test_a_visit_seen_twice_counts_once() -> None:
    tier = Tier(60)
    for _look in range(2):
        tier.see(1, 7, _due(7, 60).timestamp(), REAL)

    assert len(tier.lags) == 1


def test_under_overload_lateness_is_told_by_the_stretched_clock() -> None:
    clock = Clock(since=DAY, shown=DAY, stretch=2.0)
    tier = Tier(60)

    tier.see(1, 7, (DAY + (_due(7, 60) - DAY) * 2 + timedelta(seconds=4)).timestamp(), clock)

    assert tier.lags == pytest.approx([4.0])


def test_the_spread_of_intervals_is_that_of_the_devices_means() -> None:
    tier = Tier(60)
    for device_id, every_s in ((1, 60), (2, 66)):
        for number in range(4):
            tier.see(device_id, device_id, DAY.timestamp() + number * every_s, REAL)

    told = tier.told()
    assert told["max_over_min"] == pytest.approx(1.1)
    assert told["stretch"] == pytest.approx(63 / 60)
