"""What is learned without a word, and what a person's word takes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitor.vision import CameraModel, Judgement, Label, Picture, extend, forget, judge, learn, learnable
from monitor.vision.judge import NO_REFERENCE
from tests.monitor.vision.drawing import Pixels, Shot, blurred, covered, shifted, snap, view

VIEW = view()


def day(frame: int, pixels: Pixels = VIEW) -> Picture:
    return snap(pixels, Shot(frame=frame))


@pytest.fixture(scope="module")
def model() -> CameraModel:
    return learn([day(frame) for frame in range(4)])


@pytest.fixture(scope="module")
def judged(model: CameraModel) -> Judgement:
    return judge(day(9), model)


def test_a_normal_picture_is_learned(judged: Judgement) -> None:
    assert learnable(judged)


def test_a_first_picture_and_a_first_night_are_learned(model: CameraModel) -> None:
    night = snap(VIEW, Shot(light=0.6, infrared=True))
    assert learnable(judge(day(9)))
    found = judge(night, model)
    assert (found.checkable, learnable(found)) == (True, True)
    assert learnable(replace(found, checkable=False, reason=NO_REFERENCE))
    assert not learnable(replace(found, scores={**found.scores, "dark": 0.46}))
    assert learnable(replace(found, scores={**found.scores, "dark": 0.44}))


def test_what_is_faulty_doubtful_or_switching_is_not_learned(judged: Judgement) -> None:
    assert not learnable(replace(judged, label=Label.BLUR))
    assert not learnable(replace(judged, checkable=False, reason="few reliable blocks"))
    assert not learnable(replace(judged, switched=True))
    assert not learnable(replace(judged, scores={**judged.scores, "obstructed": 0.4}))
    assert learnable(replace(judged, scores={**judged.scores, "obstructed": 0.34}))


TEXTURED = covered(VIEW, 0.6)
TEXTURED[144:] = view(31)[144:]


@pytest.mark.parametrize("spoiled", [covered(VIEW, 0.6), TEXTURED, shifted(VIEW, 0.2), blurred(VIEW, 0.01)])
def test_what_was_learned_wrongly_leaves_and_the_rest_stays(model: CameraModel, spoiled: Pixels) -> None:
    wrong = extend(extend(model, day(20, spoiled)), day(21, spoiled))
    taught = forget(wrong, day(22, spoiled))
    assert [id(state) for state in taught.states] == [id(state) for state in model.states]
    assert taught.stats == wrong.stats


def test_a_fault_that_was_taken_for_normal_is_told_again(model: CameraModel) -> None:
    spoiled = TEXTURED
    wrong = extend(model, day(20, spoiled))
    assert judge(day(22, spoiled), wrong).label is Label.NORMAL
    assert judge(day(22, spoiled), forget(wrong, day(23, spoiled))).label is not Label.NORMAL


def test_where_nothing_stands_out_the_model_stays(model: CameraModel) -> None:
    assert forget(model, day(30)) is model
    assert forget(model, snap(view(50))) is model


def test_most_of_a_bank_never_leaves(model: CameraModel) -> None:
    mixed = extend(model, day(20, shifted(VIEW, 0.2)))
    assert forget(mixed, day(30)) is mixed


def test_a_bank_of_one_and_an_empty_model_stay() -> None:
    one = learn([day(1)])
    assert forget(one, day(2)) is one
    empty = CameraModel()
    assert forget(empty, day(2)) is empty


def test_the_other_phase_is_not_touched() -> None:
    nights = [snap(VIEW, Shot(light=0.6, infrared=True, frame=frame)) for frame in range(3)]
    wrong = extend(learn([*nights, day(1), day(2)]), day(3, shifted(VIEW, 0.2)))
    taught = forget(wrong, day(4, shifted(VIEW, 0.2)))
    assert (len(taught.of("night")), len(taught.of("day"))) == (3, 2)
    assert np.array_equal(taught.of("night")[0].codes, wrong.of("night")[0].codes)
