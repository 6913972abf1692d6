"""Specification of raw readings: which are kept, and what of them."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from devices.models import Device
from monitor.models import RawReading
from monitor.rawlog import write_raw
from monitor.wire import Finding, Reading, Request, Verdict
from tests import factories
from tests.monitor.visits import BLANK, OFF, START, bad, minute, note, reading

pytestmark = pytest.mark.django_db
ASKED = Request("GetSystemDateAndTime", "http://10.0.0.1/onvif/device_service", 12.34, "200")


@pytest.fixture
def camera() -> Device:
    return factories.device()


def unknown(cause: str) -> Finding:
    return Finding(Verdict.UNKNOWN, cause)


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({}, 0),
        ({"link": OFF}, 1),
        ({"clock": bad("clock_off", offset_s=90)}, 1),
        ({"shot": note()}, 1),
        ({"clock": unknown("no_reply")}, 1),
        ({"access": unknown("login_doubtful")}, 1),
        ({"recording": unknown("not_offered")}, 0),
        ({"clock": unknown("needs_login")}, 0),
        ({"access": unknown("login_held")}, 0),
        ({"link": BLANK}, 0),
    ],
)
def test_what_is_not_ok_is_kept_and_what_shows_a_picture(camera: Device, more: dict[str, Any], kept: int) -> None:
    assert write_raw([reading(camera, START, "", **more)], looked=False) == kept
    assert RawReading.objects.count() == kept


def test_whatever_a_person_asked_for_is_kept(camera: Device) -> None:
    write_raw([reading(camera, START, "", requests=(ASKED,))], looked=True)

    row = RawReading.objects.get()
    assert (row.looked, row.findings, row.requests) == (
        True,
        {"link": ["ok"]},
        [["GetSystemDateAndTime", "http://10.0.0.1/onvif/device_service", 12.3, "200"]],
    )


def test_a_row_says_what_was_read_of_which_device_and_when(camera: Device) -> None:
    off = bad("clock_off", offset_s=-3600.5)
    write_raw([reading(camera, minute(1.5), "", clock=off)], looked=False)

    row = RawReading.objects.get()
    assert (row.device_id, row.at, row.took_ms, row.looked) == (camera.pk, minute(1.5), 20.0, False)
    assert row.findings == {"link": ["ok"], "clock": ["faulty", "clock_off", {"offset_s": -3600.5}]}


def test_a_good_picture_is_kept_small(camera: Device) -> None:
    write_raw([reading(camera, START, "", shot=note(blocks=(1, 2, 3), trail=b"x"), requests=(ASKED,))], looked=False)

    row = RawReading.objects.get()
    assert row.requests == []
    assert row.picture == {
        "label": "normal",
        "score": 0.91234,
        "checkable": True,
        "phase": "day",
        "width": 1920,
        "height": 1080,
        "size": 150_000,
        "sha256": "ab" * 8,
    }


def test_what_a_device_says_is_text_and_nothing_else(camera: Device) -> None:
    odd = 'a\\b\tc\nd"e\\N\\.\N{SNOWMAN}\\u0041'
    write_raw([reading(camera, START, "", bad("no_answer", said=odd))], looked=False)

    assert RawReading.objects.get().findings["link"][2] == {"said": odd}


def test_a_batch_is_one_statement(camera: Device, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    batch: list[Reading] = [reading(camera, minute(number), "", OFF) for number in range(20)]
    with django_assert_num_queries(1):
        write_raw(batch, looked=False)

    assert RawReading.objects.count() == 20
