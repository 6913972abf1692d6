"""Specification of the last raw readings on a device's page."""

from __future__ import annotations

from datetime import timedelta

from devices.models import Device
from monitor.overview.readings import SHOWN, last_readings
from monitor.rawlog import write_raw
from monitor.wire import Request
from tests import factories
from tests.monitor.overview.seeing import NOW
from tests.monitor.visits import bad, note, reading

ASKED = Request("GetSnapshot", "http://10.0.0.1/snap.jpg?user=admin&password=hunter2", 41.7, "200")


def test_a_reading_says_what_each_aspect_showed_and_what_was_asked(camera: Device) -> None:
    found = {"clock": bad("clock_off"), "picture": bad("obstructed")}
    write_raw([reading(camera, NOW, "", requests=(ASKED,), shot=note(), **found)], looked=True)

    [read] = last_readings(camera)
    assert (read.at, read.css, read.looked) == (NOW, "pic", True)
    assert set(read.found) == {"Link: normal", "Clock: Clock off", "Picture: Obstructed"}
    assert read.requests[0].startswith("GetSnapshot · http://10.0.0.1/snap.jpg")
    assert "hunter2" not in read.requests[0]


def test_what_came_of_a_request_is_said_in_words(camera: Device) -> None:
    mute = Request("GetSystemDateAndTime", "http://10.0.0.1/onvif/device_service", 4000.0, "silent")
    write_raw([reading(camera, NOW, "", bad("silent"), requests=(mute,))], looked=False)

    [read] = last_readings(camera)
    assert read.requests == ["GetSystemDateAndTime · http://10.0.0.1/onvif/device_service · 4000 ms · Silent"]


def test_a_good_one_is_quiet(camera: Device) -> None:
    write_raw([reading(camera, NOW, "", shot=note())], looked=False)

    assert [read.css for read in last_readings(camera)] == ["ok"]


def test_only_the_newest_of_this_device_are_shown(camera: Device) -> None:
    many = [reading(camera, NOW - timedelta(minutes=n), "", shot=note()) for n in range(SHOWN + 5)]
    write_raw([*many, reading(factories.device(camera.compound), NOW, "", shot=note())], looked=False)

    assert [read.at for read in last_readings(camera)] == [NOW - timedelta(minutes=n) for n in range(SHOWN)]
