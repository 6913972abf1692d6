"""Specification of the last 30 days: what an hour stands for, in colour and in height."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devices.models import Device
from monitor.models import DeviceHour
from monitor.overview.month import HEIGHT, css_of, merged, month
from monitor.overview.rates import Rate
from monitor.overview.strips import WIDTH, Bar
from tests import factories
from tests.monitor.overview.seeing import NOW

HOUR = timedelta(hours=1)
TOP = NOW.replace(minute=0)


def row(**seconds: float) -> DeviceHour:
    nothing = dict.fromkeys(("online_s", "offline_s", "usable_s", "clock_ok_s", "blind_s", "excluded_s"), 0.0)
    return DeviceHour(start=TOP - HOUR, **{**nothing, **seconds})


@pytest.mark.parametrize(
    ("seconds", "css"),
    [
        ({"online_s": 3600, "usable_s": 3600}, "ok"),
        ({"online_s": 3540, "usable_s": 3540, "offline_s": 60}, "off"),
        ({"online_s": 3541, "usable_s": 3541, "offline_s": 59}, "ok"),
        ({"online_s": 3600, "usable_s": 3540}, "pic"),
        ({"online_s": 3600, "usable_s": 3541}, "ok"),
        ({"online_s": 3540, "usable_s": 3540, "blind_s": 60}, "unk"),
        ({"online_s": 3541, "usable_s": 3541, "blind_s": 59}, "ok"),
        ({"excluded_s": 60}, "mnt"),
        ({"excluded_s": 59}, "ok"),
        ({"offline_s": 60, "blind_s": 3540}, "off"),
    ],
)
def test_an_hour_stands_for_the_gravest_minute_in_it(seconds: dict[str, float], css: str) -> None:
    assert css_of(row(**seconds), []) == css


@pytest.mark.parametrize(
    ("cause", "begins", "ends", "css"),
    [
        ("login_refused", -1.0, -0.5, "login"),
        ("obstructed", -1.5, None, "pic"),
        ("login_refused", -2.0, -1.0, "pic"),
        ("login_refused", 0.0, 0.1, "pic"),
    ],
)
def test_an_hour_without_a_usable_picture_takes_the_colour_of_its_fault(
    camera: Device, cause: str, begins: float, ends: float | None, css: str
) -> None:
    factories.incident(
        camera, cause, started_at=TOP + begins * HOUR, ended_at=TOP + ends * HOUR if ends is not None else None
    )
    factories.hour(camera, TOP - HOUR, usable_s=0)

    [bar] = month(camera, NOW).bars

    assert bar.css == css


def test_neighbouring_hours_of_a_kind_are_one_bar(camera: Device) -> None:
    for hours in (3, 2):
        factories.hour(camera, TOP - hours * HOUR)
    factories.hour(camera, TOP - HOUR, online_s=0, usable_s=0, offline_s=3600)

    found = month(camera, NOW)

    assert [(bar.css, bar.height, bar.y) for bar in found.bars] == [("ok", 3, HEIGHT - 3), ("off", HEIGHT, 0)]
    assert found.bars[0].width == pytest.approx(4, abs=0.1)
    assert found.hours == 3


def test_a_gap_between_hours_stays_empty() -> None:
    bars = [Bar("ok", 0, 37, 2, 3), Bar("ok", 10, 37, 2, 3)]

    assert merged(bars) == tuple(bars)


def test_the_last_full_hour_stands_at_the_right(camera: Device) -> None:
    factories.hour(camera, TOP - HOUR)

    [bar] = month(camera, NOW).bars

    assert bar.x + bar.width == pytest.approx(WIDTH, abs=1)


def test_rates_come_from_the_hours_shown(camera: Device) -> None:
    factories.hour(camera, TOP - HOUR, usable_s=1800)
    factories.hour(camera, TOP - timedelta(days=30), usable_s=0)
    factories.hour(camera, TOP - timedelta(days=30) - HOUR)

    assert month(camera, NOW).sums.usable == Rate(1800, 7200)


def test_the_axis_names_a_day_now_and_then(camera: Device) -> None:
    assert [f"{day:%d}" for day in month(camera, NOW).axis] == ["08", "14", "20", "26", "04"]
