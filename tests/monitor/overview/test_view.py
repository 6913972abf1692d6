"""Specification of the view of a device: pictures side by side, the map of reliability, the acts that make sense."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from devices.models import Contract, Device, User
from monitor import vision
from monitor.models import DeviceState
from monitor.overview.acts import Act
from monitor.overview.device import device_page
from monitor.overview.view import View
from monitor.overview.voices import Voice
from monitor.vision.judge import SWITCHING
from tests import factories
from tests.monitor.overview.seeing import NOW
from tests.monitor.vision.drawing import Shot, jpeg, take, view


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def state(camera: Device) -> DeviceState:
    """A camera that knows its day, with a last picture by day and both references."""
    model = vision.learn([vision.decode(jpeg(take(view(), Shot())))])
    factories.learned(camera, model.dumps(), model.count)
    for phase in ("day", "night"):
        factories.picture(camera, phase=phase)
    return factories.last_picture(factories.state(camera, looked_at=NOW, picture_at=NOW))


def seen(user: User, camera: Device) -> View:
    return device_page(user, camera, NOW).view


@pytest.mark.parametrize("phase", ["day", "night"])
def test_the_reference_of_the_same_phase_stands_beside_and_the_other_can_be_reached(
    camera: Device, state: DeviceState, officer: User, phase: str
) -> None:
    factories.last_picture(state, phase=phase)

    found = seen(officer, camera)

    assert found.reference is not None
    assert found.reference.phase == phase
    assert [shot.phase for shot in found.others] == [{"day": "night", "night": "day"}[phase]]
    assert found.accepted


def test_without_a_picture_one_reference_stands_alone_and_the_other_can_be_reached(
    camera: Device, officer: User
) -> None:
    for phase in ("day", "night"):
        factories.picture(camera, phase=phase)

    found = seen(officer, camera)

    assert [shot.phase for shot in found.others] == ["night"]


def test_a_reference_of_the_contractor_is_told_apart(camera: Device, contract: Contract) -> None:
    factories.picture(camera, by_contractor=True)

    found = seen(factories.manager(contract.contractor), camera)

    assert (found.accepted, [shot.binding for shot in found.references]) == (False, [False])


@pytest.mark.parametrize(
    ("note", "acts"),
    [
        ({}, [Act.ACCEPT, Act.FAULT, Act.ANEW]),
        ({"label": "obstructed"}, [Act.ACCEPT, Act.FINE, Act.ANEW]),
        ({"phase": "night"}, [Act.ACCEPT, Act.ANEW]),
        ({"checkable": False}, [Act.ACCEPT, Act.ANEW]),
    ],
)
def test_only_acts_that_make_sense_with_the_picture_are_offered(
    camera: Device, state: DeviceState, officer: User, note: dict[str, Any], acts: list[Act]
) -> None:
    factories.last_picture(state, **note)

    assert seen(officer, camera).acts == acts


def test_a_camera_that_has_learned_nothing_can_only_be_given_a_reference(camera: Device, officer: User) -> None:
    factories.last_picture(factories.state(camera, looked_at=NOW, picture_at=NOW))

    found = seen(officer, camera)

    assert found.acts == [Act.ACCEPT]
    assert found.reliability is None


def test_a_stale_picture_offers_nothing(camera: Device, state: DeviceState, officer: User) -> None:
    DeviceState.objects.update(picture_at=NOW - timedelta(days=1))

    found = seen(officer, camera)

    assert (found.acts, found.checkable) == ((), True)


def test_whoever_only_watches_is_offered_nothing(camera: Device, state: DeviceState) -> None:
    found = seen(factories.member("viewer", compound=camera.compound), camera)

    assert (found.voice, found.acts) == (Voice.NONE, ())


def test_what_waits_is_not_proposed_again_and_still_decided(
    camera: Device, state: DeviceState, officer: User, contract: Contract
) -> None:
    manager = factories.manager(contract.contractor)
    factories.proposal(camera, manager)

    assert seen(manager, camera).acts == [Act.FAULT, Act.ANEW]
    assert seen(manager, camera).proposing
    assert seen(officer, camera).acts == [Act.ACCEPT, Act.FAULT, Act.ANEW]
    assert seen(officer, camera).on_picture == [Act.ACCEPT, Act.FAULT]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("few reliable blocks", "The picture was taken, but cannot be judged: too little of this view"),
        (
            "no reference of this phase",
            "The picture was taken, but cannot be compared: no reference view of this phase",
        ),
        (SWITCHING, "Day and night are changing and the picture with them"),
        ("something newer", "The picture cannot be judged."),
    ],
)
def test_what_cannot_be_judged_says_why(
    camera: Device, state: DeviceState, officer: User, reason: str, told: str
) -> None:
    factories.last_picture(state, checkable=False, reason=reason)

    found = seen(officer, camera)

    assert not found.checkable
    assert found.verdict.startswith(told)


def test_the_map_lies_over_the_reference_of_the_phase_shown(camera: Device, state: DeviceState, officer: User) -> None:
    found = seen(officer, camera)

    assert found.reliability is not None
    assert found.reliability.reference == found.reference
    blocks = found.knowledge.reliability["day"]
    counting = [number for number, value in enumerate(blocks) if value > 0.05]
    assert (found.reliability.count, found.reliability.total) == (len(counting), 192)
    thirds = [sum(64 * third <= number < 64 * (third + 1) for number in counting) for third in range(3)]
    assert found.reliability.bands == tuple(100 * number // 64 for number in thirds)


def test_of_a_phase_that_is_not_learned_there_is_no_map(camera: Device, state: DeviceState, officer: User) -> None:
    factories.last_picture(state, phase="night")

    assert seen(officer, camera).reliability is None
