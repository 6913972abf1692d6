"""The camera model: learning, what travels, and what it refuses to read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from monitor.vision import CameraModel, Picture, extend, judge, learn
from monitor.vision.model import MAX_BYTES, MAX_STATES
from monitor.vision.planes import BLOCKS
from tests.monitor.vision.drawing import Shot, shifted, snap, view

VIEW = view()


def day(frame: int = 0, light: float = 1.0) -> Picture:
    return snap(VIEW, Shot(frame=frame, light=light))


def night(frame: int = 0) -> Picture:
    return snap(VIEW, Shot(frame=frame, light=0.6, infrared=True))


@pytest.fixture(scope="module")
def model() -> CameraModel:
    return learn([day(1), day(2, 0.8), night(3)])


def test_day_and_night_are_learned_apart(model: CameraModel) -> None:
    assert (model.phases, model.count) == (frozenset({"day", "night"}), 3)
    assert [state.phase for state in model.states] == ["day", "day", "night"]
    assert {phase: stats.count for phase, stats in model.stats.items()} == {"day": 2, "night": 1}


def test_nothing_learned_is_an_empty_model_that_travels() -> None:
    empty = learn([])
    assert (empty.count, empty.phases, empty.states) == (0, frozenset(), ())
    assert CameraModel.loads(empty.dumps()).count == 0
    assert judge(day(), empty).reason == "no reference of this phase"


def test_a_model_judges_the_same_after_its_journey(model: CameraModel) -> None:
    back = CameraModel.loads(model.dumps())
    assert (back.phases, back.count) == (model.phases, model.count)
    for one, other in zip(model.states, back.states, strict=True):
        assert np.array_equal(one.codes, other.codes)
        assert (one.phase, one.tone) == (other.phase, other.tone)
    for phase in model.phases:
        learned, read = model.stats[phase], back.stats[phase]
        assert np.abs(learned.mean - read.mean).max() < 0.04
        assert np.abs(learned.spread - read.spread).max() < 0.02
        assert np.abs(np.clip(learned.sharpness, -4.25, 0.85) - read.sharpness).max() < 0.02
        assert np.abs(learned.detail - read.detail).max() < 0.1
    assert back.dumps() == CameraModel.loads(back.dumps()).dumps()
    assert judge(day(9), back).label is judge(day(9), model).label


def test_learning_the_same_gives_the_same_bytes() -> None:
    pictures = [day(1), night(2)]
    assert learn(pictures).dumps() == learn(pictures).dumps()


def test_a_full_model_keeps_to_its_size() -> None:
    many = [day(frame, 0.6 + 0.04 * frame) for frame in range(7)] + [night(frame) for frame in range(6)]
    full = learn(many)
    assert len(full.states) == MAX_STATES
    assert (len(full.of("day")), len(full.of("night"))) == (4, 4)
    assert full.count == 13
    assert len(full.dumps()) <= MAX_BYTES


def test_one_phase_alone_may_have_the_whole_bank() -> None:
    assert len(learn([day(frame) for frame in range(MAX_STATES + 2)]).states) == MAX_STATES


def test_the_bank_takes_the_states_that_differ() -> None:
    pictures = [day(frame) for frame in range(MAX_STATES)] + [snap(view(5)), snap(view(6))]
    learned = learn(pictures)
    strangers = [learn([picture]).states[0].codes for picture in pictures[-2:]]
    for stranger in strangers:
        assert any(np.array_equal(state.codes, stranger) for state in learned.states)


def test_one_more_picture_is_counted_and_the_old_model_stays(model: CameraModel) -> None:
    more = extend(model, day(7))
    assert (more.count, model.count) == (4, 3)
    assert len(more.states) == 4
    assert len(more.dumps()) > len(model.dumps())


def test_a_first_night_makes_the_night_known() -> None:
    learned = extend(learn([day(1)]), night(2))
    assert learned.phases == {"day", "night"}
    assert judge(night(5), learned).checkable


def test_a_full_bank_gives_room_to_a_new_phase_up_to_half() -> None:
    model = learn([day(frame) for frame in range(MAX_STATES)])
    for frame in range(6):
        model = extend(model, night(frame))
    assert (len(model.of("day")), len(model.of("night"))) == (4, 4)
    assert model.count == MAX_STATES + 6
    assert len(model.dumps()) <= MAX_BYTES


def test_a_state_like_another_leaves_the_full_bank_first() -> None:
    model = learn([day(frame) for frame in range(MAX_STATES - 1)] + [snap(view(5))])
    stranger = learn([snap(view(5))]).states[0].codes
    for frame in range(20, 24):
        model = extend(model, day(frame))
    assert any(np.array_equal(state.codes, stranger) for state in model.states)


def test_blocks_learn_how_reliable_they_are() -> None:
    steady = learn([day(frame) for frame in range(6)]).stats["day"]
    half_new = VIEW.copy()
    changing = []
    for frame in range(6):
        half_new[:, :320] = view(20 + frame)[:, :320]
        changing.append(snap(half_new, Shot(frame=frame)))
    unsteady = learn(changing).stats["day"]
    assert unsteady.mean[:, :7].mean() < 0.5 * steady.mean[:, :7].mean()
    assert unsteady.mean[:, 9:].mean() > 0.9 * steady.mean[:, 9:].mean()


def test_a_slowly_learned_picture_moves_the_statistics_a_little() -> None:
    model = learn([day(frame) for frame in range(5)])
    before = model.stats["day"].mean
    after = extend(model, snap(shifted(VIEW, 0.2))).stats["day"].mean
    assert after.mean() < before.mean()
    assert after.mean() > 0.7 * before.mean()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:0],
        lambda data: data[:12],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"XXX" + data[3:],
        lambda data: data[:3] + b"\x02" + data[4:],
        lambda data: data[:4] + b"\x09" + data[5:],
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
        lambda data: b"rubbish" * len(data),
    ],
)
def test_another_version_and_rubbish_are_no_model(model: CameraModel, spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="camera model"):
        CameraModel.loads(spoil(model.dumps()))


def test_an_unknown_phase_in_a_sealed_state_is_damage(model: CameraModel) -> None:
    data = bytearray(model.dumps())
    data[13] = 7
    data[9:13] = struct.pack("<I", zlib.crc32(bytes(data[13:])))
    with pytest.raises(ValueError, match="damaged"):
        CameraModel.loads(bytes(data))


def test_statistics_are_per_block(model: CameraModel) -> None:
    assert model.stats["day"].mean.size == BLOCKS
