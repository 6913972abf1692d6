"""Specification of what is told about a camera's learning: how much, of which kinds, how reliable each block is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devices.models import Device
from monitor import vision
from monitor.models import LearnedView
from monitor.overview.knowledge import Knowledge, forget, knowledge
from tests import factories
from tests.monitor.overview.seeing import NOW
from tests.monitor.vision.drawing import Shot, jpeg, take, view


def model_of(*shots: Shot) -> vision.CameraModel:
    return vision.learn([vision.decode(jpeg(take(view(), shot))) for shot in shots])


def test_nothing_is_known_before_anything_was_learned() -> None:
    known = knowledge(None)

    assert (known.learned, known.provisional, known.known, known.missing) == (0, False, [], [])


def test_each_kind_of_view_is_counted(camera: Device) -> None:
    model = model_of(Shot(frame=1), Shot(frame=2))
    factories.learned(camera, model.dumps(), model.count)

    known = knowledge(LearnedView.objects.get())

    assert (known.known, known.missing) == ([("day", 2)], ["night"])


def test_each_block_of_a_known_phase_has_its_reliability(camera: Device) -> None:
    model = model_of(Shot(), Shot(infrared=True, light=0.6))
    factories.learned(camera, model.dumps(), model.count)

    known = knowledge(LearnedView.objects.get())

    assert set(known.reliability) == {"day", "night"}
    for blocks in known.reliability.values():
        assert len(blocks) == 192
        assert 0.0 <= min(blocks) < max(blocks) <= 1.0


@pytest.mark.parametrize(("learned", "provisional"), [(0, False), (1, True), (19, True), (20, False), (300, False)])
def test_below_twenty_pictures_it_is_provisional(learned: int, provisional: bool) -> None:
    assert Knowledge(learned).provisional is provisional


def test_of_another_version_only_the_number_is_told(camera: Device) -> None:
    view = factories.learned(camera, b"from another time", count=40)
    LearnedView.objects.update(updated_at=NOW - timedelta(days=1))
    view.refresh_from_db()

    assert knowledge(view) == Knowledge(40, NOW - timedelta(days=1))


def test_forgetting_is_left_to_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    model, picture = model_of(Shot()), vision.decode(factories.jpeg())
    asked = []
    monkeypatch.setattr(vision, "forget", lambda *given: asked.append(given) or model, raising=False)

    assert forget(model, picture) is model
    assert asked == [(model, picture)]
