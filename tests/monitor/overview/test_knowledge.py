"""Specification of what is told about a camera's learning: how much, of which kinds, how reliable each block is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devices.models import Device
from monitor import vision
from monitor.models import LearnedView
from monitor.overview.knowledge import Knowledge, knowledge
from tests import factories
from tests.monitor.overview.seeing import NOW
from tests.monitor.vision.drawing import Shot, jpeg, take, view


def model_of(*shots: Shot, accepted: bool = True) -> vision.CameraModel:
    return vision.learn([vision.decode(jpeg(take(view(), shot))) for shot in shots], accepted=accepted)


def kept(camera: Device, model: vision.CameraModel) -> None:
    factories.learned(camera, model.dumps(), model.count)


def test_nothing_is_known_before_anything_was_learned() -> None:
    known = knowledge(None)

    assert (known.learned, known.begins, known.provisional, known.kinds) == (0, False, False, ())


def test_the_kinds_of_normal_views_are_named_and_the_phases_that_are_missing(camera: Device) -> None:
    kept(camera, model_of(Shot(frame=1), Shot(light=0.45)))

    known = knowledge(LearnedView.objects.get())

    assert (known.kinds, known.missing) == (["day", "dusk"], ["night"])


def test_each_block_of_a_known_phase_has_its_reliability(camera: Device) -> None:
    kept(camera, model_of(Shot(), Shot(infrared=True, light=0.6)))

    known = knowledge(LearnedView.objects.get())

    assert set(known.reliability) == {"day", "night"}
    for blocks in known.reliability.values():
        assert len(blocks) == 192
        assert 0.0 <= min(blocks) < max(blocks) <= 1.0


@pytest.mark.parametrize(("pictures", "begins"), [(vision.JUDGES_FROM - 1, True), (vision.JUDGES_FROM, False)])
def test_what_nobody_vouched_for_judges_only_from_some_pictures_on(camera: Device, pictures: int, begins: bool) -> None:
    kept(camera, model_of(*(Shot(frame=number) for number in range(pictures)), accepted=False))

    known = knowledge(LearnedView.objects.get())

    assert (known.begins, known.provisional, set(known.reliability)) == (
        begins,
        not begins,
        set() if begins else {"day"},
    )


@pytest.mark.parametrize(("learned", "provisional"), [(1, True), (19, True), (20, False), (300, False)])
def test_below_twenty_pictures_it_is_provisional(learned: int, provisional: bool) -> None:
    assert Knowledge(learned, reliability={"day": [1.0] * 192}).provisional is provisional


def test_when_it_learned_last_is_told(camera: Device) -> None:
    kept(camera, model_of(Shot()))
    LearnedView.objects.update(updated_at=NOW - timedelta(days=1))

    assert knowledge(LearnedView.objects.get()).at == NOW - timedelta(days=1)


def test_what_cannot_be_read_is_as_good_as_nothing(camera: Device) -> None:
    assert knowledge(factories.learned(camera, b"from another time", count=40)) == Knowledge()
