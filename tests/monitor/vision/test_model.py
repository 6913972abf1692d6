"""The camera model: learning, what travels, and what it refuses to read."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from monitor.vision import JUDGES_FROM, CameraModel, Kind, Label, Picture, extend, judge, learn
from monitor.vision.model import MAX_STATES
from monitor.vision.planes import BLOCKS, COLUMNS, ROWS
from monitor.vision.signature import MAX_BYTES
from tests.monitor.vision.drawing import Shot, covered, shifted, snap, view

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
        lambda data: data[:3] + b"\x03" + data[4:],
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
    data[17] = 7
    data[13:17] = struct.pack("<I", zlib.crc32(bytes(data[17:])))
    with pytest.raises(ValueError, match="damaged"):
        CameraModel.loads(bytes(data))


# What version 1 wrote for `learn([day(1)])`, deflated.
OLD = (
    "eNodkm1MU2cUx//30ipFYYXhS0TIRYpRGHNOKPi6i1IFpTplFxQkgWkVJkWZXNQM9YIUCkaEVspLiy3UVhCYBeXOsaAsM4rZnMxlSx0uYWYfSCZ7"
    "SZbt05Kdcj8893l+53/Oc55zTu4ePcMwAD44O2JF032pesGjrtK7NVwEjzormBd8BuJka9YBIOIrvbcmNoFnVktI86MZytWWUi4XK7VPk5knq7Zn"
    "sVj4cSYsiJUlhIwfVDOHL/xEbmCB0EniGu2fgHZGbck2ThvpSrYEzDwHDzAFSVCw97pHJcAM9hTqEe/ioZCUEVBgV2IVD1fYBCmLsECeeXvzI8QQ"
    "j0WoT1G+aRr80BTeYF5mseklq4mnA6lY8ll2ZYXS8kqPBLB6N6AoI05BtC9DJxs1z8ugQlQEBzY79C9KZwbM3+wTVbK0EKowP4XOyIDWD4ZDmYMt"
    "5UhRFlbFEc9UANPEo8IXfgiVll5n5sBEIzPZhaCyVI6Lli4wc7fI4UQRGKS1+colqLXvRxXTY3EXjKZjFqFYo4JqDOojmGSWW6cou6wyVVpQAdQq"
    "+HNn1SVzWGYM+xGUZGgjx+bPqVVaLjjal5kkT6m8/glYEf5gpTqneOmLKAQrzvnATotUxt7giZgmjRpcyPOgymAFFR+Ip46UY1rlixtdkbkIGDIH"
    "+LcSx3LUn6BTn5TelbCGKf/Fr2B51F5Ts3v4CCASxtGaTA6rsFgBCbW8Ut79c0xOVjL1LqJbtmjo3sek52GbvFx5QO8jDi4qKvthizFuLMClrGDw"
    "G3woZJkoPzVTFRmZO1sbGC0X+Pix7xKrGEbCAkn16xRTsJ3HUYkDzzH50ngEJEYGM1PNKN1UBHDsDEc5L246yBtpRF61fU6tnAGWyGQKnYCqKKiI"
    "pkglZUpQUbM2j4AL+mEWwVw4ldaHP6j1SheVQlxfKA8bP3pRHAIsncA33Jxs5mE5hRzI00WzTIkG+F3STvAI+Z7RtBsDs7TocAsUkcCV/3xUnzel"
    "97YgafTLNYBGYrNbx3ApG8TZ/DI1EDQxJ0sa6Z+HLbn+38iV5mu6lDgJZF/88/R8nUEQDQYxxZAi6kQxJUVnEAVDiiCY6C8oBUGgo0FnMAiCThAM"
    "JkEn6kxKYoIo0p7MYsAhoDeQSTmvDwQ0kZy4gT6TTklrQEQanYEMSlM8gbbAWRQDGQRCzqsD2xSDoDMoKR1SC6Jy3kDxKTODQDa6gOKlkJmY8Prf"
    "187rXe1yR2P3yJ1bsndk3H7ZsrWrp8fU7awNtzj7HHeuuT1Pxx5YB76+0+Oy2QbdXYc8Z2/fuNF7ter2s/P9vY3Nw3LzPedI11XvF2m95e52r8fR"
    "2+8b9o039HUOtQ9ccXkuuQYHWzuu2rttjjZvz0077L7b3kFHl6nP7fLYbjVZO2F32cxep73X7l77qWvM2p/UY6qzdZ63X1/bf07uHBjusw65ehwj"
    "N91dHZ2u3U5n43see7/L27thfZqnfn15tHNj2dIYzbLlR3POHU9flfaWxFdEb0o7lN6Rur9Qn5qxY2Mh/25yfV/OTktF5TtHN1y6X1OakHhCe/Ci"
    "s7XeXL01s3/vsWRzxYr9prMDzc8u7TA3bdu18XGrXqysaHE6EvLy9iSasus6zujF2qyGvv221IuWfMfFvNN1Jy9vKWlw1+2rbdzWcLq++kihELfz"
    "5N68Y1xl0/HTecWekrjczbp1J4z78go8rX05pbm6/tj4iDOVWeuOdJttJ0f+B9Y958U="
)


def test_a_signature_of_the_first_version_still_loads_and_judges() -> None:
    data = zlib.decompress(base64.b64decode(OLD))
    assert data.startswith(b"VKM\x01")
    old = CameraModel.loads(data)
    assert (old.count, old.stats["day"].accepted) == (1, 1)
    assert (old.judges("day"), old.judges("night")) == (True, False)
    assert judge(day(8), old).label is Label.NORMAL
    assert judge(snap(covered(VIEW, 0.6), Shot(frame=8)), old).label is Label.OBSTRUCTED
    assert CameraModel.loads(old.dumps()).dumps() == old.dumps()


def test_nothing_of_an_old_signature_is_believed_when_it_is_cut_short() -> None:
    for length in (3, 4, 11, 12):
        with pytest.raises(ValueError, match="camera model"):
            CameraModel.loads(zlib.decompress(base64.b64decode(OLD))[:length])


# -- from when on it judges


def test_a_picture_that_a_person_accepted_is_judged_by_at_once() -> None:
    model = learn([day(1)])
    assert (model.judges("day"), model.judges("night")) == (True, False)
    assert extend(learn([day(1)], accepted=False), day(2)).judges("day")


def test_what_was_learned_without_a_word_judges_from_five_pictures_on() -> None:
    model = learn([])
    hidden = snap(covered(VIEW, 0.7), Shot(frame=40))
    for frame in range(JUDGES_FROM):
        assert not CameraModel.loads(model.dumps()).judges("day")
        assert judge(hidden, model).label is Label.NORMAL
        model = extend(model, day(frame), accepted=False)
    assert CameraModel.loads(model.dumps()).judges("day")
    assert judge(hidden, model).label is Label.OBSTRUCTED
    assert judge(day(9), model).reason == "provisional, 5 of 20"


def test_a_model_that_does_not_judge_yet_says_how_far_it_is() -> None:
    found = judge(day(9), learn([day(1), day(2), night(3)], accepted=False))
    assert (found.label, found.checkable, found.reason) == (Label.NORMAL, True, "learning, 2 of 5")


def test_a_phase_that_is_still_learned_is_not_checkable_beside_one_that_judges() -> None:
    model = extend(learn([day(1)]), night(2), accepted=False)
    found = judge(snap(covered(VIEW, 0.3), Shot(frame=3, light=0.6, infrared=True)), model)
    assert (found.checkable, found.reason) == (False, "no reference of this phase")


# -- what a page draws


def test_reliability_is_high_where_edges_stay_and_nothing_in_an_unknown_phase() -> None:
    half = VIEW.copy()
    half[:, :320] = (120, 100, 80)
    found = learn([snap(half, Shot(frame=frame)) for frame in range(4)]).reliability("day")
    assert found.shape == (ROWS, COLUMNS)
    assert found[1:, :7].max() == 0
    assert found[:, 9:].mean() > 0.9
    assert learn([day(1)]).reliability("night").max() == 0


def test_normal_states_are_known_in_words() -> None:
    dusk = snap(VIEW, Shot(light=0.45, frame=3))
    lamps = snap(VIEW * np.array((1.2, 0.9, 0.6), np.float32), Shot(light=0.25, frame=4))
    assert learn([day(1), day(2, 0.9), dusk, lamps, night(5)]).kinds == {
        Kind.DAY: 2,
        Kind.DUSK: 1,
        Kind.NIGHT: 1,
        Kind.INFRARED: 1,
    }
    assert learn([]).kinds == {}


def test_statistics_are_per_block(model: CameraModel) -> None:
    assert model.stats["day"].mean.size == BLOCKS
