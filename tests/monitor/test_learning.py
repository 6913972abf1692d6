"""What a camera learns by itself, and what it does not."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest

from devices.models import Device
from monitor import vision
from monitor.health import State, Track
from monitor.learning import AT_FIRST, ENOUGH, LATER, may_learn
from monitor.models import LearnedView
from tests import factories
from tests.monitor.vision.drawing import Shot, jpeg, take, view
from tests.monitor.visits import GOOD, START, bad, minute, note, visit

ONE, TWO = (
    vision.learn([vision.decode(jpeg(take(view(), Shot(frame=frame)))) for frame in range(count)]).dumps()
    for count in (1, 2)
)


@pytest.mark.parametrize(
    ("learned", "age", "expected"),
    [
        (None, None, True),
        (5, AT_FIRST, True),
        (5, AT_FIRST - timedelta(seconds=1), False),
        (ENOUGH, AT_FIRST, False),
        (ENOUGH, LATER, True),
    ],
)
def test_a_camera_learns_quickly_at_first_and_then_slowly(
    learned: int | None, age: timedelta | None, expected: bool
) -> None:
    assert may_learn(learned, START - age if age else None, Track(state=State.OK), START) is expected


@pytest.mark.parametrize("state", State)
def test_nothing_is_learned_where_something_is_suspected(state: State) -> None:
    assert may_learn(None, None, Track(state=state), START) is (state in (State.OK, State.UNKNOWN))


@pytest.fixture
def camera() -> Device:
    return factories.device()


def view_of(device: Device) -> LearnedView | None:
    return LearnedView.objects.filter(device=device).first()


@pytest.mark.django_db
def test_the_first_model_is_kept_with_its_count(camera: Device) -> None:
    visit(camera, START, picture=GOOD, shot=note(learned=ONE))

    kept = view_of(camera)
    assert kept is not None
    assert (bytes(kept.signature), kept.learned, kept.updated_at) == (ONE, 1, START)


@pytest.mark.django_db
def test_a_model_that_was_learned_from_the_kept_one_takes_its_place(camera: Device) -> None:
    visit(camera, START, picture=GOOD, shot=note(learned=ONE))

    visit(camera, minute(50), picture=GOOD, shot=note(learned=TWO, basis=sha256(ONE).digest()))

    kept = view_of(camera)
    assert kept is not None
    assert (bytes(kept.signature), kept.learned, kept.updated_at) == (TWO, 2, minute(50))


@pytest.mark.django_db
def test_what_a_person_did_meanwhile_counts_more(camera: Device) -> None:
    """The model was replaced, or taken away, while a visit learned from the old one."""
    LearnedView.objects.create(device=camera, signature=TWO, learned=2, updated_at=START)
    visit(camera, minute(1), picture=GOOD, shot=note(learned=ONE, basis=sha256(b"the old one").digest()))
    visit(camera, minute(2), picture=GOOD, shot=note(learned=ONE))
    kept = view_of(camera)
    assert kept is not None
    assert bytes(kept.signature) == TWO

    kept.delete()
    visit(camera, minute(3), picture=GOOD, shot=note(learned=ONE, basis=sha256(TWO).digest()))
    assert view_of(camera) is None


@pytest.mark.django_db
def test_a_picture_under_suspicion_is_not_learned(camera: Device) -> None:
    visit(camera, START, picture=bad("blur"), shot=note())
    visit(camera, minute(1), picture=GOOD, shot=note(learned=ONE))  # one good look does not end a suspicion

    assert view_of(camera) is None


@pytest.mark.django_db
def test_a_model_that_cannot_be_read_is_not_kept(camera: Device, caplog: pytest.LogCaptureFixture) -> None:
    visit(camera, START, picture=GOOD, shot=note(learned=b"VKM rubbish"))

    assert view_of(camera) is None
    assert f"device {camera.pk}" in caplog.text
