"""Specification of the words: lengths, shares, clocks and causes as one says them."""

from __future__ import annotations

from datetime import datetime

import pytest
import time_machine

from monitor import words
from tests.monitor.visits import START

HOUR, DAY = 3600, 86_400


@pytest.fixture(autouse=True)
def english() -> object:
    from django.utils import translation

    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (12.9, "12 s"),
        (59, "59 s"),
        (60, "1 min"),
        (119, "1 min"),
        (HOUR - 1, "59 min"),
        (HOUR, "1 h"),
        (HOUR + 59, "1 h"),
        (HOUR + 60, "1 h 1 min"),
        (DAY - 1, "23 h 59 min"),
        (DAY, "1 day"),
        (DAY + HOUR - 1, "1 day"),
        (DAY + HOUR, "1 day 1 h"),
        (2 * DAY, "2 days"),
        (31 * DAY + 5 * HOUR + 59, "31 days 5 h"),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units_and_cut(seconds: float, told: str) -> None:
    assert words.duration(seconds) == told


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (-0.1, "less than a tenth"),
        (0.0, "less than a tenth"),
        (0.049, "less than a tenth"),
        (0.05, "one tenth"),
        (0.44, "four tenths"),
        (0.45, "half"),
        (0.6, "six tenths"),
        (0.949, "nine tenths"),
        (0.95, "all"),
        (1.7, "all"),
    ],
)
def test_a_share_is_told_in_tenths(part: float, told: str) -> None:
    assert words.share(part) == told


@pytest.mark.parametrize(("seconds", "told"), [(28_800, "8 h fast"), (0, "0 s fast"), (-90, "1 min slow")])
def test_a_clock_is_fast_or_slow(seconds: float, told: str) -> None:
    assert words.offset(seconds) == told


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-03-01T08:00:00+00:00", "16:00"),
        ("2026-02-28T16:00:00+00:00", "00:00"),
        ("2026-02-28T15:59:00+00:00", "02-28 23:59"),
        ("2026-03-01T16:00:00+00:00", "03-02 00:00"),
        ("2025-07-01T00:00:00+00:00", "07-01 08:00"),
    ],
)
def test_a_time_is_beijing_time_with_the_day_when_it_is_not_today(at: str, told: str) -> None:
    assert words.clock(datetime.fromisoformat(at), START) == told


def test_without_a_now_it_is_now() -> None:
    with time_machine.travel(START):
        assert words.clock(START) == "16:00"


def test_a_cause_has_a_title_a_sentence_and_a_next_step() -> None:
    assert words.title("obstructed") == "Obstructed"
    assert words.sentence("obstructed", {"share": 0.61}) == "About six tenths of the picture is covered."
    assert words.next_step("obstructed") == "Clear what is in front of the lens, then look again."


def test_what_a_device_adds_in_its_own_words_is_told_after_the_sentence() -> None:
    refused = words.sentence("login_refused", {"attempts_left": 4})
    locked = words.sentence("locked_out", {"wait_s": 1740})

    assert refused.endswith("so that the device does not lock. By its own words it leaves 4 more attempts.")
    assert locked.endswith("By its own words the lock lasts 29 min.")
    assert words.sentence("login_refused", {"attempts_left": None}) == words.sentence("login_refused", {})


def test_a_next_step_names_the_maker_s_menu_where_it_is_known() -> None:
    assert "Hikvision: Configuration > Network" in words.next_step("onvif_off", {"vendor": "hikvision"})
    assert words.next_step("onvif_off", {"vendor": "other"}) == words.next_step("onvif_off")


def test_measured_values_are_put_into_words() -> None:
    told = words.sentence("time_zone", {"offset_s": -28_800})

    assert told == "The clock is 8 h slow, exactly whole hours: the time zone is set wrong."


@pytest.mark.parametrize("detail", [{}, {"share": None}, {"share": "much"}])
def test_a_sentence_that_lacks_its_facts_is_the_title(detail: dict[str, object]) -> None:
    assert words.sentence("obstructed", detail) == "Obstructed"


def test_what_is_unknown_says_why() -> None:
    assert words.title("platform_silent") == words.sentence("platform_silent", {}) == "The platform did not look."
    assert words.unknown("link_down") == "Cannot be known while the link is down."
    assert words.next_step("platform_silent") == ""


def test_a_cause_that_nobody_knows_is_unknown() -> None:
    assert words.title("from_the_future") == words.unknown("") == "Unknown"


def test_a_wrong_time_zone_is_told_in_whole_hours() -> None:
    told = words.sentence("time_zone", {"hours": 8, "offset_s": 28_799.2})

    assert "8 h fast" in told
