"""Specification of the figures: which seconds count, cut percentages, the month and today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from devices.models import Compound, Device, User
from monitor.availability import Hour
from monitor.overview import rates
from monitor.overview.rates import Rate, Sums, figures
from tests import factories
from tests.monitor.overview.seeing import NOW

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [(359_996, 360_000, "99.90"), (360, 360, "100.00"), (0, 360, "0.00"), (0, 359, ""), (7_199, 7_200, "95.00")],
)
def test_a_percentage_is_cut_and_empty_without_a_whole(part: float, whole: float, percent: str) -> None:
    assert Rate(part, whole).percent == percent


def test_hours_are_cut_to_tenths_and_long_ones_set_in_groups() -> None:
    assert (Rate(7_199, 7_200).part_h, Rate(7_199, 7_200).whole_h) == ("1.9", "2.0")
    assert (Rate(0, 35_999_999).whole_h, Rate(0, 36_000_000).whole_h) == ("9999.9", "10\u202f000.0")


def test_rates_share_one_denominator_without_blind_and_excluded_time() -> None:
    sums = Sums(online_s=80, offline_s=20, usable_s=60, blind_s=25, excluded_s=999)

    assert sums.online == Rate(80, 100)
    assert sums.usable == Rate(60, 100)
    assert sums.coverage == Rate(100, 125)


def test_sums_add_up() -> None:
    assert Sums(online_s=1, blind_s=2) + Sums(online_s=3, usable_s=4) == Sums(online_s=4, usable_s=4, blind_s=2)


def test_a_day_and_a_month_begin_at_midnight_in_beijing() -> None:
    late = datetime(2026, 2, 28, 17, 0, tzinfo=UTC)  # one in the morning of the first of March in Beijing

    assert rates.day_start(late) == datetime(2026, 2, 28, 16, 0, tzinfo=UTC)
    assert rates.month_start(NOW) == datetime(2026, 2, 28, 16, 0, tzinfo=UTC)


@pytest.fixture
def officer(compound: Compound) -> User:
    return factories.officer(compound.district)


def test_the_month_counts_from_its_first_hour_on_and_today_from_midnight(camera: Device, officer: User) -> None:
    factories.hour(camera, rates.month_start(NOW) - HOUR)
    factories.hour(camera, rates.month_start(NOW), usable_s=1800)
    factories.hour(camera, rates.day_start(NOW), blind_s=600, online_s=3000)

    found = figures(officer, Device.objects.all(), NOW)

    assert found.month.usable == Rate(5400, 6600)
    assert found.today.blind_s == 600
    assert found.today.online_s == 3000


def test_the_running_hour_counts_with_them(camera: Device, officer: User) -> None:
    state = factories.state(camera, looked_at=NOW)
    state.write_hour(Hour(NOW.replace(minute=0), online_s=600, usable_s=300, blind_s=100))
    state.save()

    found = figures(officer, Device.objects.all(), NOW)

    assert found.month.usable == found.today.usable == Rate(300, 600)
    assert found.today.blind_s == 100


def test_a_running_hour_of_yesterday_counts_no_more(camera: Device) -> None:
    state = factories.state(camera, looked_at=rates.day_start(NOW) - timedelta(seconds=1))
    state.write_hour(Hour(NOW - timedelta(days=1), online_s=600))
    state.save()

    assert rates.running_hours(Device.objects.all(), rates.day_start(NOW)) == Sums()


def test_other_peoples_devices_do_not_count(camera: Device, officer: User) -> None:
    factories.hour(factories.device(), rates.day_start(NOW))

    assert figures(officer, Device.objects.visible_to(officer), NOW).month == Sums()


def test_closed_hours_are_asked_for_once(camera: Device, officer: User, django_assert_num_queries: object) -> None:
    figures(officer, Device.objects.all(), NOW)

    with django_assert_num_queries(1):  # type: ignore[operator]
        figures(officer, Device.objects.all(), NOW)


def test_without_hours_everything_is_nothing(camera: Device) -> None:
    assert rates.closed_hours(Device.objects.all(), NOW) == Sums()
