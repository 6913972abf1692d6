"""Vegetation: each camera is measured once a day against its reference; the date to prune by follows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from devices.models import Device
from monitor import trends
from monitor.keeping import keep
from monitor.models import DeviceState, Picture, ViewWeek
from tests import factories
from tests.monitor.vision.drawing import Shot, jpeg, take, view
from tests.monitor.visits import START

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate(START)
REFERENCE = jpeg(take(view()))
NOW_PICTURE = jpeg(take(view(), Shot(frame=5)))
SHA = "cd" * 32


def camera(last: bytes = NOW_PICTURE, *, label: str = "normal", phase: str = "day", age_s: int = 60) -> Device:
    """A camera with a day reference and a last picture."""
    device = factories.device()
    Picture.objects.create(
        device=device, role=Picture.Role.REFERENCE, phase="day", taken_at=START, sha256=SHA, width=640, height=360,
        file=keep("reference", device.pk, SHA, REFERENCE),
    )  # fmt: skip
    DeviceState.objects.create(
        device=device,
        picture_at=START - timedelta(seconds=age_s),
        picture_file=keep("last", device.pk, "ef" * 32, last),
        picture={"phase": phase, "label": label},
    )
    return device


def weeks(device: Device, *losses: float, last: date = TODAY) -> None:
    """The weeks up to a day, one a loss."""
    for back, lost in enumerate(reversed(losses)):
        week = trends.monday(last) - timedelta(weeks=back)
        ViewWeek.objects.create(device=device, week=week, measured_on=week, pictures=5, lost=lost)


def test_a_camera_is_measured_once_a_day() -> None:
    device = camera()

    assert (trends.measure(START), trends.measure(START + timedelta(hours=1))) == (1, 0)

    found = ViewWeek.objects.get(device=device)
    assert (found.week, found.measured_on, found.pictures) == (trends.monday(TODAY), TODAY, 1)
    assert found.lost == pytest.approx(0.0, abs=0.05)


def test_the_days_of_a_week_become_their_mean() -> None:
    device = camera()
    ViewWeek.objects.create(
        device=device, week=trends.monday(TODAY), measured_on=TODAY - timedelta(days=1), pictures=3, lost=0.4
    )

    trends.measure(START)

    found = ViewWeek.objects.get(device=device)
    assert (found.pictures, found.measured_on) == (4, TODAY)
    assert found.lost == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("given", [{"label": "blur"}, {"phase": "night"}, {"age_s": 7200}])
def test_what_is_at_fault_dark_or_old_is_not_measured(given: dict[str, Any]) -> None:
    camera(**given)

    assert trends.measure(START) == 0


def test_without_a_reference_in_force_nothing_is_measured() -> None:
    camera()
    Picture.objects.update(retired_at=START)

    assert trends.measure(START) == 0


def test_a_picture_that_gives_no_value_is_tried_again_the_next_day() -> None:
    device = camera(b"no picture")

    assert trends.measure(START) == 1
    assert trends.measure(START) == 0
    assert ViewWeek.objects.get(device=device).pictures == 0
    DeviceState.objects.update(picture_at=START + timedelta(days=1))
    assert trends.measure(START + timedelta(days=1)) == 1


def test_half_a_year_is_kept() -> None:
    device = factories.device()
    weeks(device, *[0.1] * 30)

    trends.measure(START)

    assert ViewWeek.objects.filter(device=device).count() == trends.WEEKS_KEPT + 1  # the running one besides


def test_a_rising_loss_names_the_day_to_prune_by() -> None:
    device = factories.device()
    weeks(device, 0.10, 0.13, 0.16, 0.19)

    assert trends.prune_before(device, TODAY) == trends.monday(TODAY) + timedelta(days=14)


@pytest.mark.parametrize("losses", [(), (0.1, 0.1, 0.1, 0.1), (0.01, 0.02, 0.03, 0.04)])
def test_what_does_not_grow_or_takes_long_names_none(losses: tuple[float, ...]) -> None:
    device = factories.device()
    weeks(device, *losses)

    assert trends.prune_before(device, TODAY) is None


def test_a_limit_that_was_passed_is_today() -> None:
    device = factories.device()
    weeks(device, 0.2, 0.3, 0.4, 0.5)

    assert trends.prune_before(device, TODAY) == TODAY


def test_weeks_without_a_value_do_not_count() -> None:
    device = factories.device()
    weeks(device, 0.10, 0.13, 0.16, 0.19)
    ViewWeek.objects.filter(week=trends.monday(TODAY)).update(pictures=0)

    assert trends.prune_before(device, TODAY) is None


def test_the_time_zone_of_the_platform_names_the_day() -> None:
    late = datetime(2026, 3, 1, 17, 0, tzinfo=START.tzinfo)  # after midnight in Qingdao
    camera()
    DeviceState.objects.update(picture_at=late)

    trends.measure(late)

    assert ViewWeek.objects.get().measured_on == date(2026, 3, 2)
