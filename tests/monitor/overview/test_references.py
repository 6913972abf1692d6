"""Specification of what the police do to a view: accept it, teach its camera; on record, whole or not at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from devices.models import Device, User
from monitor import vision
from monitor.keeping import media
from monitor.models import DeviceState, LearnedView, Picture
from monitor.overview.acts import VIEW_ACTS, Act, acts_on
from monitor.overview.proposals import press
from monitor.overview.references import Doubtful, Needless, NotAcceptable, Outdated, Unconfirmed, Unlearned
from monitor.policies import Policies
from monitor.policy import STALE_INTERVALS
from tests import factories
from tests.monitor.overview.seeing import NOW
from tests.monitor.vision.drawing import Pixels, Shot, jpeg, take, view


@pytest.fixture
def state(camera: Device) -> DeviceState:
    """A camera with a last picture by day."""
    return factories.last_picture(factories.state(camera, picture_at=NOW))


def accept(camera: Device, who: User, now: datetime, version: str = "", *, confirmed: bool = False) -> Picture:
    """Accept the last view and give the reference that it became."""
    assert press(Act.ACCEPT, camera, who, now, version, confirmed=confirmed) is None
    return Picture.objects.filter(device=camera, role="reference", retired_at=None).latest("pk")


def signature(camera: Device) -> bytes:
    return bytes(LearnedView.objects.get(device=camera).signature)


def test_the_last_picture_becomes_the_reference_of_its_phase(camera: Device, state: DeviceState, officer: User) -> None:
    accept(camera, officer, NOW)

    [found] = Picture.objects.filter(device=camera, role="reference", retired_at=None)
    assert (found.phase, found.sha256, found.taken_at) == ("day", state.picture["sha256"], NOW)
    assert (found.accepted_by, found.accepted_at) == (officer, NOW)
    assert (found.width, found.height) == (480, 270)


def test_the_reference_is_a_copy_that_outlives_the_last_picture(
    camera: Device, state: DeviceState, officer: User
) -> None:
    data = media(state.picture_file).read_bytes()

    kept = accept(camera, officer, NOW)

    media(state.picture_file).unlink()
    assert media(kept.file).read_bytes() == data


def test_the_old_reference_of_the_phase_retires_and_the_other_stays(
    camera: Device, state: DeviceState, officer: User
) -> None:
    day, night = factories.picture(camera, phase="day"), factories.picture(camera, phase="night")

    accept(camera, officer, NOW)

    day.refresh_from_db()
    night.refresh_from_db()
    assert (day.retired_at, night.retired_at) == (NOW, None)


def test_the_first_accepted_view_begins_the_model(camera: Device, state: DeviceState, officer: User) -> None:
    accept(camera, officer, NOW)

    view = LearnedView.objects.get(device=camera)
    assert (view.learned, view.updated_at) == (1, NOW)
    assert vision.CameraModel.loads(bytes(view.signature)).count == 1


def test_a_further_view_extends_the_model(camera: Device, state: DeviceState, officer: User) -> None:
    accept(camera, officer, NOW)
    factories.last_picture(state, factories.jpeg(5))

    accept(camera, officer, NOW + timedelta(minutes=1))

    assert LearnedView.objects.get(device=camera).learned == 2


def test_a_model_of_another_version_is_begun_anew(camera: Device, state: DeviceState, officer: User) -> None:
    factories.learned(camera, b"from another time", count=40)

    accept(camera, officer, NOW)

    assert LearnedView.objects.get(device=camera).learned == 1


def test_who_accepted_is_kept_on_record(camera: Device, state: DeviceState, officer: User) -> None:
    accept(camera, officer, NOW)

    [done] = acts_on(camera, NOW - timedelta(days=1000))
    assert (done.who, done.act, done.about) == (str(officer), Act.ACCEPT, "day")


def test_the_picture_that_was_shown_is_accepted(camera: Device, state: DeviceState, officer: User) -> None:
    assert accept(camera, officer, NOW, version=state.picture["sha256"][:16]).phase == "day"


def test_another_picture_that_came_meanwhile_is_not(camera: Device, state: DeviceState, officer: User) -> None:
    with pytest.raises(NotAcceptable):
        accept(camera, officer, NOW, version="0000")


def broken_in(what: str, state: DeviceState) -> None:
    if what == "file gone":
        media(state.picture_file).unlink()
    elif what == "no JPEG":
        media(state.picture_file).write_bytes(b"<html>")
    elif what == "never taken":
        DeviceState.objects.update(picture_file="")
    else:
        DeviceState.objects.all().delete()


@pytest.mark.parametrize("what", ["file gone", "no JPEG", "never taken", "never looked at"])
def test_without_a_picture_nothing_changes(camera: Device, state: DeviceState, officer: User, what: str) -> None:
    old = factories.picture(camera)
    broken_in(what, state)

    with pytest.raises(NotAcceptable):
        accept(camera, officer, NOW)

    old.refresh_from_db()
    assert old.retired_at is None
    assert not LearnedView.objects.exists()
    assert acts_on(camera, NOW - timedelta(days=1000)) == []


# -- what the platform doubts


@pytest.fixture
def covered(camera: Device, state: DeviceState, officer: User) -> DeviceState:
    """A camera that knows two views, and then is covered."""
    accept(camera, officer, NOW)
    factories.last_picture(state, factories.jpeg(7))
    accept(camera, officer, NOW)
    return factories.last_picture(state, factories.jpeg(5), label="obstructed")


def test_a_covered_view_is_not_accepted_unless_confirmed(camera: Device, covered: DeviceState, officer: User) -> None:
    before = signature(camera)

    with pytest.raises(Doubtful):
        accept(camera, officer, NOW)

    assert signature(camera) == before


def test_an_open_picture_incident_is_a_doubt_too(camera: Device, state: DeviceState, officer: User) -> None:
    factories.incident(camera, "moved")

    with pytest.raises(Doubtful):
        accept(camera, officer, NOW)


def test_faults_that_the_picture_does_not_show_are_no_doubt(camera: Device, state: DeviceState, officer: User) -> None:
    factories.incident(camera, "time_zone")
    factories.incident(camera, "moved", ended_at=NOW)

    assert accept(camera, officer, NOW).phase == "day"


def test_a_confirmed_view_begins_the_model_anew(camera: Device, covered: DeviceState, officer: User) -> None:
    accept(camera, officer, NOW, confirmed=True)

    picture = vision.decode(media(covered.picture_file).read_bytes())
    assert signature(camera) == vision.learn([picture]).dumps()
    assert LearnedView.objects.get(device=camera).learned == 1


def test_the_other_phase_keeps_its_reference_in_a_new_model(
    camera: Device, covered: DeviceState, officer: User
) -> None:
    kept = factories.picture(camera, phase="night")

    accept(camera, officer, NOW, confirmed=True)

    pictures = [vision.decode(media(name).read_bytes()) for name in (covered.picture_file, kept.file)]
    assert signature(camera) == vision.learn(pictures).dumps()


def test_a_reference_that_is_gone_keeps_no_camera_from_learning(
    camera: Device, covered: DeviceState, officer: User
) -> None:
    media(factories.picture(camera, phase="night").file).unlink()

    accept(camera, officer, NOW, confirmed=True)

    assert LearnedView.objects.get(device=camera).learned == 1


def test_a_picture_stands_for_three_intervals(camera: Device, state: DeviceState, officer: User) -> None:
    limit = timedelta(seconds=STALE_INTERVALS * Policies().of_device(camera).picture_s)

    with pytest.raises(Outdated):
        accept(camera, officer, NOW + limit + timedelta(seconds=1), confirmed=True)

    assert accept(camera, officer, NOW + limit).accepted_at == NOW + limit


# -- teaching


def covered_scene() -> Pixels:
    """The scene with another one in front of its lower half."""
    scene = view().copy()
    scene[len(scene) // 2 :] = view(5)[len(scene) // 2 :]
    return scene


def teach(act: Act, camera: Device, who: User, version: str = "", *, confirmed: bool = False) -> None:
    assert press(act, camera, who, NOW, version, confirmed=confirmed) is None


def test_a_picture_that_is_fine_is_learned_and_no_reference_changes(
    camera: Device, covered: DeviceState, officer: User
) -> None:
    model = vision.CameraModel.loads(signature(camera))
    incident = factories.incident(camera, "obstructed")

    teach(Act.FINE, camera, officer)

    picture = vision.decode(media(covered.picture_file).read_bytes())
    assert signature(camera) == vision.extend(model, picture).dumps()
    assert LearnedView.objects.get(device=camera).learned == 3
    assert Picture.objects.filter(retired_at=None).count() == 1
    incident.refresh_from_db()
    assert incident.is_open
    assert acts_on(camera, NOW - timedelta(days=1000))[0].act is Act.FINE


def test_a_picture_that_is_judged_normal_needs_no_such_word(camera: Device, state: DeviceState, officer: User) -> None:
    accept(camera, officer, NOW)
    before = signature(camera)

    with pytest.raises(Needless):
        teach(Act.FINE, camera, officer)

    assert signature(camera) == before


@pytest.mark.parametrize("act", [Act.FINE, Act.FAULT])
@pytest.mark.parametrize("known", ["nothing", "another version", "the other phase", "too little"])
def test_of_an_unknown_phase_nothing_is_taught(
    camera: Device, state: DeviceState, officer: User, act: Act, known: str
) -> None:
    if known == "the other phase":
        accept(camera, officer, NOW)
        factories.last_picture(state, phase="night")
    elif known == "another version":
        factories.learned(camera, b"from another time", count=40)
    elif known == "too little":
        model = vision.learn([vision.decode(factories.jpeg())], accepted=False)
        factories.learned(camera, model.dumps(), model.count)
    if act is Act.FINE:
        factories.last_picture(state, label="obstructed", phase=state.picture["phase"])

    with pytest.raises(Unlearned):
        teach(act, camera, officer)


def test_what_was_learned_from_pictures_like_a_fault_is_forgotten(
    camera: Device, state: DeviceState, officer: User
) -> None:
    scene, cover = view(), covered_scene()
    normal = [vision.decode(jpeg(take(scene, Shot(frame=number)))) for number in range(3)]
    model = vision.learn([*normal, vision.decode(jpeg(take(cover)))])
    factories.learned(camera, model.dumps(), model.count)
    factories.last_picture(state, jpeg(take(cover, Shot(frame=9))))

    teach(Act.FAULT, camera, officer)

    assert len(vision.CameraModel.loads(signature(camera)).states) == len(model.states) - 1
    assert acts_on(camera, NOW - timedelta(days=1000))[0].act is Act.FAULT


def test_where_nothing_was_learned_from_the_like_the_model_stays(
    camera: Device, state: DeviceState, officer: User
) -> None:
    accept(camera, officer, NOW)
    before = signature(camera)

    press(Act.FAULT, camera, officer, NOW + timedelta(minutes=1))

    assert signature(camera) == before
    assert LearnedView.objects.get().updated_at == NOW


@pytest.mark.parametrize("note", [{"label": "obstructed"}, {"checkable": False}])
def test_only_what_is_judged_normal_can_be_called_a_fault(
    camera: Device, state: DeviceState, officer: User, note: dict[str, Any]
) -> None:
    accept(camera, officer, NOW)
    factories.last_picture(state, **note)

    with pytest.raises(Needless):
        teach(Act.FAULT, camera, officer)


def test_learning_anew_begins_with_the_references_in_force(camera: Device, covered: DeviceState, officer: User) -> None:
    factories.picture(camera, phase="night", data=factories.jpeg(8))

    teach(Act.ANEW, camera, officer, confirmed=True)

    kept = Picture.objects.filter(device=camera, retired_at=None).order_by("phase")
    assert kept.count() == 2
    assert signature(camera) == vision.learn([vision.decode(media(item.file).read_bytes()) for item in kept]).dumps()
    assert acts_on(camera, NOW - timedelta(days=1000))[0].act is Act.ANEW


def test_learning_anew_wants_a_confirmation(camera: Device, covered: DeviceState, officer: User) -> None:
    before = signature(camera)

    with pytest.raises(Unconfirmed):
        teach(Act.ANEW, camera, officer)

    assert signature(camera) == before


def test_without_a_reference_it_begins_with_nothing(camera: Device, state: DeviceState, officer: User) -> None:
    factories.learned(camera, b"", count=4)

    teach(Act.ANEW, camera, officer, confirmed=True)

    assert not LearnedView.objects.exists()


def test_what_was_learned_stays_where_no_reference_can_be_read(
    camera: Device, covered: DeviceState, officer: User
) -> None:
    before = signature(camera)
    for kept in Picture.objects.filter(retired_at=None):
        media(kept.file).unlink()

    with pytest.raises(NotAcceptable):
        teach(Act.ANEW, camera, officer, confirmed=True)

    assert signature(camera) == before


@pytest.mark.parametrize("act", VIEW_ACTS)
def test_another_picture_than_the_one_shown_teaches_nothing(
    camera: Device, covered: DeviceState, officer: User, act: Act
) -> None:
    before = signature(camera)

    with pytest.raises(NotAcceptable):
        press(act, camera, officer, NOW, "0000", confirmed=True)

    assert signature(camera) == before
