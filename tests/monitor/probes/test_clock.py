"""When a device's clock is right, off, in the wrong zone, or reset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.probes import clock
from monitor.probes.reply import DeviceTime
from monitor.wire import Verdict

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
HOUR = 3600


def _shown(offset_s: float, local_ahead_s: float | None = None) -> DeviceTime:
    utc = NOW + timedelta(seconds=offset_s)
    local = None if local_ahead_s is None else utc + timedelta(seconds=local_ahead_s)
    return DeviceTime(utc, local, "raw")


@pytest.mark.parametrize(
    ("offset_s", "cause"),
    [
        (0, ""),
        (60, ""),
        (-60, ""),
        (61, "clock_off"),
        (-61, "clock_off"),
        (400, "clock_off"),
        (HOUR, "time_zone"),
        (HOUR + 60, "time_zone"),
        (HOUR + 61, "clock_off"),
        (-8 * HOUR, "time_zone"),
        (8 * HOUR - 60, "time_zone"),
        (26 * HOUR, "time_zone"),
        (27 * HOUR, "clock_off"),
        (-27 * HOUR, "clock_off"),
        (HOUR / 2, "clock_off"),
        (72 * HOUR, "clock_off"),
    ],
)
def test_offsets(offset_s: float, cause: str) -> None:
    finding = clock.judge(_shown(offset_s), NOW)
    assert finding.cause == cause
    assert finding.detail["offset_s"] == offset_s
    assert finding.verdict is (Verdict.FAULTY if cause else Verdict.OK)


def test_the_hours_of_a_wrong_zone_are_told() -> None:
    assert clock.judge(_shown(-8 * HOUR + 3), NOW).detail["hours"] == -8


@pytest.mark.parametrize(
    ("shown", "cause"),
    [
        (datetime(1970, 1, 1, 0, 5, tzinfo=UTC), "clock_dead"),
        (datetime(2014, 12, 31, 23, 59, tzinfo=UTC), "clock_dead"),
        (datetime(2015, 3, 1, tzinfo=UTC), "clock_off"),
        (datetime(2020, 1, 1, 0, 5, tzinfo=UTC), "clock_dead"),
        (datetime(2019, 12, 31, 16, 5, tzinfo=UTC), "clock_dead"),
        (datetime(2020, 1, 3, tzinfo=UTC), "clock_off"),
        (datetime(2027, 1, 1, tzinfo=UTC), "clock_off"),
        (datetime(2036, 1, 1, tzinfo=UTC), "clock_off"),
    ],
)
def test_resets(shown: datetime, cause: str) -> None:
    assert clock.judge(DeviceTime(shown, None, "raw"), NOW).cause == cause


def test_a_date_that_no_calendar_has_is_a_dead_clock() -> None:
    finding = clock.judge(DeviceTime(None, None, "0000-00-00T00:00:00"), NOW)
    assert (finding.cause, finding.detail["device_time"]) == ("clock_dead", "0000-00-00T00:00:00")


def test_no_date_at_all_is_unknown() -> None:
    assert clock.judge(DeviceTime(None, None), NOW).cause == "no_reply"


def test_only_local_time_is_read_in_the_platforms_zone() -> None:
    wall = NOW + timedelta(hours=8, seconds=5)
    finding = clock.judge(DeviceTime(None, wall, "raw"), NOW)
    assert (finding.verdict, finding.detail["offset_s"]) == (Verdict.OK, 5)
    assert clock.judge(DeviceTime(None, wall, "raw"), NOW, local_zone_s=0).cause == "time_zone"


def test_local_time_in_the_field_for_utc_is_a_right_clock() -> None:
    finding = clock.judge(_shown(8 * HOUR + 3, 0), NOW)
    assert (finding.verdict, finding.detail["offset_s"]) == (Verdict.OK, 3)


@pytest.mark.parametrize("local_ahead_s", [None, 8 * HOUR, 3])
def test_eight_hours_ahead_is_a_wrong_zone_otherwise(local_ahead_s: float | None) -> None:
    assert clock.judge(_shown(8 * HOUR, local_ahead_s), NOW).cause == "time_zone"


def test_equal_fields_in_another_zone_are_judged_by_utc() -> None:
    assert clock.judge(_shown(7 * HOUR, 0), NOW).cause == "time_zone"
    assert clock.judge(_shown(0, 0), NOW, local_zone_s=0).verdict is Verdict.OK


def test_the_device_s_time_is_ours_and_its_offset() -> None:
    ahead = clock.device_now(3600) - datetime.now(UTC)
    assert timedelta(minutes=59) < ahead < timedelta(minutes=61)


def test_a_time_beyond_the_calendar_is_not_signed_with() -> None:
    assert abs(clock.device_now(-1e12) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("offset_s", "local_ahead_s", "habit"),
    [
        (0, 8 * HOUR, "utc"),
        (0, None, "utc"),
        (0, 0, "utc"),  # a device whose zone is UTC
        (400, 8 * HOUR, "utc"),  # off, but the two fields differ as they should
        (8 * HOUR, 0, "local_in_utc"),
        (8 * HOUR + 400, 0, ""),  # off and the same: nobody can tell
        (400, None, ""),
    ],
)
def test_the_habit_of_a_clock(offset_s: float, local_ahead_s: float | None, habit: str) -> None:
    assert clock.habit(_shown(offset_s, local_ahead_s), NOW) == habit


def test_a_clock_that_shows_local_time_only() -> None:
    assert clock.habit(DeviceTime(None, NOW), NOW) == "local_only"
    assert clock.habit(DeviceTime(None, None), NOW) == ""
