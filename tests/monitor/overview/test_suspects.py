"""Specification of suspicions: how far they have come, and when they are decided."""

from __future__ import annotations

import pytest

from devices.models import Device
from monitor.health import State, Track
from monitor.overview.suspects import SHOWN, suspect, suspects
from monitor.wire import Aspect
from tests import factories
from tests.monitor.overview.seeing import NOW, watched


def suspicious(device: Device, ring: int = 0b1, seen: int = 1, aspect: Aspect = Aspect.PICTURE) -> Device:
    cause = "obstructed" if aspect is Aspect.PICTURE else "no_answer"
    track = Track(State.SUSPECT, ring=ring, seen=seen, since=NOW, at=NOW, cause=cause)
    factories.state(device, {Aspect.LINK: Track(State.OK), aspect: track})
    return device


@pytest.mark.parametrize(
    ("ring", "readings", "seen", "left"), [(0b1, 1, 1, 60), (0b11, 2, 2, 30), (0b101, 3, 2, 30), (0b10000, 5, 0, 90)]
)
def test_a_suspicion_says_how_often_it_was_seen_and_when_it_is_decided(
    camera: Device, ring: int, readings: int, seen: int, left: int
) -> None:
    track = Track(State.SUSPECT, ring=ring, seen=readings, cause="obstructed")

    found = suspect(camera, Aspect.PICTURE, track, second_look_s=30)

    assert (found.seen, found.needed, found.left_s) == (seen, 3, left)


def test_suspects_of_every_aspect_are_found(camera: Device) -> None:
    suspicious(camera, aspect=Aspect.LINK)

    [found] = suspects(Device.objects.all())

    assert (found.device, found.cause, found.needed, found.left_s) == (camera, "no_answer", 2, 30)


def test_what_is_well_or_confirmed_is_no_suspect(camera: Device) -> None:
    factories.broken(camera, "obstructed")

    assert suspects(Device.objects.all()) == []


def test_a_paused_device_is_not_waited_for(camera: Device) -> None:
    suspicious(camera)
    Device.objects.update(pause_reason="works")

    assert suspects(Device.objects.all()) == []


def test_a_first_page_names_a_few(camera: Device) -> None:
    for _ in range(SHOWN + 1):
        suspicious(watched(camera.compound))

    assert len(suspects(Device.objects.all())) == SHOWN
