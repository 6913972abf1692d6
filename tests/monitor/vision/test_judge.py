"""What one picture is judged to show: every label, its boundary, and what is not said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from monitor.causes import CAUSES
from monitor.vision import CameraModel, Judgement, Label, Picture, decode, extend, judge, learn
from monitor.vision.judge import fold
from tests.monitor.vision.drawing import Pixels, Shot, blurred, covered, jpeg, shifted, snap, take, view

VIEW = view()


def night_shot(frame: int) -> Shot:
    return Shot(light=0.6, infrared=True, frame=frame)


@pytest.fixture(scope="module")
def model() -> CameraModel:
    return learn([snap(VIEW, Shot(frame=1)), snap(VIEW, night_shot(2))])


@pytest.fixture(scope="module", params=["day", "night"])
def shot(request: pytest.FixtureRequest) -> Shot:
    return Shot(frame=50) if request.param == "day" else night_shot(50)


def test_every_label_but_normal_is_a_cause() -> None:
    words = "normal obstructed moved blur dark black white frozen corrupt noise stripes cast lowcontrast"
    assert " ".join(label.value for label in Label) == words
    assert {label.value for label in Label} - {"normal"} <= set(CAUSES)


# -- normal


def test_the_learned_view_is_normal_by_day_and_by_night(model: CameraModel, shot: Shot) -> None:
    found = judge(snap(VIEW, shot), model)
    assert (found.label, found.checkable, found.phase) == (Label.NORMAL, True, "night" if shot.infrared else "day")
    assert found.reason == "provisional, 2 of 20"
    assert found.covered_share < 0.1
    assert found.score > 0.5


@pytest.mark.parametrize("light", [0.55, 0.8, 1.2])
def test_other_light_is_normal(model: CameraModel, light: float) -> None:
    assert judge(snap(VIEW, Shot(light=light, frame=3)), model).label is Label.NORMAL


def test_twenty_pictures_are_no_longer_provisional() -> None:
    model = learn([snap(VIEW, Shot(frame=frame)) for frame in range(19)])
    picture = snap(VIEW, Shot(frame=60))
    assert judge(picture, model).reason == "provisional, 19 of 20"
    assert judge(picture, extend(model, picture)).reason == ""


def test_a_judgement_is_the_same_each_time_and_cannot_be_changed(model: CameraModel) -> None:
    picture = snap(covered(VIEW, 0.5))
    found = judge(picture, model)
    assert found == judge(picture, model)
    with pytest.raises(FrozenInstanceError):
        found.score = 0.0  # type: ignore[misc]


def test_size_and_scores_come_with_it(model: CameraModel) -> None:
    found = judge(snap(VIEW), model)
    assert (found.width, found.height) == (640, 360)
    assert set(found.scores) == {label.value for label in Label} - {"normal"}
    assert all(0 <= score <= 1 for score in found.scores.values())


# -- without a model


@pytest.mark.parametrize("spoil", [lambda v: covered(v, 0.7), lambda v: shifted(v, 0.2), lambda v: blurred(v, 0.01)])
def test_without_a_model_the_view_is_not_judged(spoil: Callable[[Pixels], Pixels]) -> None:
    found = judge(snap(spoil(VIEW)))
    assert (found.label, found.reason, found.covered_share, found.blocks) == (Label.NORMAL, "", 0.0, ())


def pixels_of(values: NDArray[np.floating[Any]]) -> Pixels:
    return np.asarray(np.clip(values, 0, 255), dtype=np.float32)


def flat(level: float, spread: float = 0.0) -> Pixels:
    noise = np.random.default_rng(3).normal(0, spread, (360, 640, 1)) if spread else 0.0
    return pixels_of(np.full((360, 640, 3), level) + noise)


def slate() -> Pixels:
    pixels = flat(60)
    pixels[170:190, 270:370:3] = 220
    return pixels


def torn() -> Pixels:
    rng = np.random.default_rng(4)
    return np.stack([np.roll(row, int(rng.normal(0, 12)), axis=0) for row in VIEW])


def barred(contrast: float = 90) -> Pixels:
    return pixels_of(VIEW + contrast * np.sin(np.arange(360) / 360 * 2 * np.pi * 5)[:, None, None])


def interfered(strength: float = 25) -> Pixels:
    rows, columns = np.mgrid[:360, :640]
    return pixels_of(VIEW + strength * np.sin(rows * 1.3 + columns * 0.35)[:, :, None])


def dropped() -> Pixels:
    pixels = VIEW.copy()
    pixels[np.random.default_rng(6).choice(360, 60, replace=False)] = 250
    return pixels


def damaged() -> Pixels:
    pixels = VIEW.copy()
    pixels[160:] = np.clip(np.add(pixels[160:], (60, -50, 20)), 0, 255)
    return pixels


def tinted(strength: float = 1.0) -> Pixels:
    gains = np.array((1 + 0.5 * strength, 1 - 0.4 * strength, 1 + 0.3 * strength))
    return pixels_of(VIEW * gains + np.array((25, -10, 25)))


ALONE = {
    Label.BLACK: [flat(0), flat(10), flat(12, 3), slate()],
    Label.WHITE: [flat(255), VIEW * 0.2 + 225],
    Label.DARK: [VIEW * 0.12, VIEW * 0.2],
    Label.NOISE: [take(VIEW, Shot(noise=40)), flat(128, 60)],
    Label.STRIPES: [torn(), barred(), interfered(), dropped()],
    Label.CORRUPT: [damaged()],
    Label.LOWCONTRAST: [VIEW * 0.1 + 130],
    Label.CAST: [tinted()],
}


@pytest.mark.parametrize(
    ("label", "number"), [(label, number) for label, pictures in ALONE.items() for number in range(len(pictures))]
)
def test_faults_that_need_no_model(label: Label, number: int) -> None:
    found = judge(decode(jpeg(ALONE[label][number])))
    assert (found.label, found.checkable) == (label, True)
    assert found.score >= 0.5


def test_a_black_picture_has_no_scene_and_a_dark_one_has() -> None:
    assert judge(decode(jpeg(VIEW * 0.05 + 2))).label is Label.DARK
    assert judge(decode(jpeg(VIEW * 0.005 + 2))).label is Label.BLACK
    assert judge(decode(jpeg(VIEW * 0.005 + 16))).label is Label.BLACK
    assert judge(decode(jpeg(flat(22)))).label is Label.BLACK
    assert judge(decode(jpeg(flat(24, 4)))).label is Label.DARK


def test_the_brightest_hundredth_decides_what_is_too_dark() -> None:
    night = VIEW * 0.2
    lamps = night.copy()
    lamps[100:110, 100:500] = 240
    assert judge(decode(jpeg(night))).label is Label.DARK
    assert judge(decode(jpeg(lamps))).label is not Label.DARK


def test_a_camera_with_dark_nights_is_not_called_dark() -> None:
    dim = learn([snap(VIEW, Shot(light=0.28, frame=1))])
    assert judge(snap(VIEW, Shot(light=0.28, frame=2)), dim).label is Label.NORMAL
    assert judge(snap(VIEW, Shot(light=0.1, frame=2)), dim).label is Label.DARK


@pytest.mark.parametrize("size", [(640, 360), (1280, 720)])
def test_noise_is_found_below_a_black_bar(size: tuple[int, int]) -> None:
    noisy = take(view(size=size), Shot(noise=14))
    noisy[: size[1] // 12] = 0
    assert judge(decode(jpeg(noisy))).label is Label.NOISE


def test_a_noisy_camera_is_judged_by_its_own_noise() -> None:
    shot = Shot(noise=12, frame=1)
    assert judge(snap(VIEW, shot)).label is Label.NOISE
    assert judge(snap(VIEW, shot), learn([snap(VIEW, Shot(noise=12, frame=2))])).label is Label.NORMAL


def test_a_snow_scene_of_middling_whites_is_not_burnt_out() -> None:
    assert judge(decode(jpeg(VIEW * 0.35 + 150))).label is not Label.WHITE


# -- against the model


@pytest.fixture(scope="module")
def well_known() -> CameraModel:
    return learn([snap(VIEW, Shot(frame=frame, light=light)) for frame, light in enumerate((1.0, 0.8, 0.9) * 2)])


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_a_cover_is_found_with_its_share_and_blocks(model: CameraModel, shot: Shot, share: float) -> None:
    found = judge(snap(covered(VIEW, share), shot), model)
    assert found.label is Label.OBSTRUCTED
    assert found.covered_share == pytest.approx(share, abs=0.15)
    rows = {index // 16 for index in found.blocks}
    assert max(rows) == 11
    assert min(rows) >= 11 - round(12 * share) - 1


def test_a_small_cover_is_told_when_it_stays_where_it_was(model: CameraModel, shot: Shot) -> None:
    hidden = covered(VIEW, 0.17)
    first = judge(snap(hidden, shot), model)
    assert first.label is Label.NORMAL
    again = snap(hidden, replace(shot, frame=51))
    assert judge(again, model, first.trail).label is Label.OBSTRUCTED
    elsewhere = VIEW.copy()
    elsewhere[:60] = (120, 80, 60)
    assert judge(snap(elsewhere, replace(shot, frame=52)), model, first.trail).label is Label.NORMAL


def test_what_was_lost_in_the_other_phase_says_nothing(model: CameraModel) -> None:
    hidden = covered(VIEW, 0.17)
    by_day, by_night = snap(hidden, Shot(frame=50)), snap(hidden, night_shot(51))
    assert judge(by_night, model, judge(by_day, model).trail).label is Label.NORMAL


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_spray_that_edges_show_through_is_a_cover(well_known: CameraModel, share: float) -> None:
    across = np.linspace(0, 1, VIEW.shape[1], dtype=np.float32)[None, :, None]
    sprayed = np.clip((across - (1 - share)) * 20, 0, 1)
    found = judge(snap(VIEW * (1 - sprayed) + (70 + 0.08 * (VIEW - 128)) * sprayed, Shot(frame=7)), well_known)
    assert found.label is Label.OBSTRUCTED
    # By its edges alone it would be three fifths of that.
    assert found.covered_share == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("light", [0.7, 0.5, 0.4])
def test_shade_over_half_of_the_view_is_no_cover(well_known: CameraModel, light: float) -> None:
    rows = VIEW.shape[0] // 2
    shady = np.concatenate([VIEW[:rows], light * VIEW[rows:]])
    first = judge(snap(shady, Shot(frame=7)), well_known)
    assert first.label is Label.NORMAL
    assert judge(snap(shady, Shot(frame=8)), well_known, first.trail).label is Label.NORMAL


def test_a_full_cover_of_a_known_view_is_told_even_in_an_unknown_phase() -> None:
    only_day = learn([snap(VIEW, Shot(frame=1))])
    found = judge(decode(jpeg(flat(110, 3))), only_day)
    assert (found.label, found.phase, found.checkable) == (Label.OBSTRUCTED, "night", True)


def test_an_unknown_phase_is_free_when_its_edges_are_those_of_the_other() -> None:
    found = judge(snap(VIEW, night_shot(4)), learn([snap(VIEW)]))
    assert (found.label, found.checkable, found.reason) == (Label.NORMAL, True, "compared with the other phase")
    assert found.blocks == ()


def test_an_unknown_phase_is_not_checkable_when_they_are_not() -> None:
    found = judge(snap(covered(VIEW, 0.3), night_shot(4)), learn([snap(VIEW)]))
    assert (found.label, found.checkable, found.reason) == (Label.NORMAL, False, "no reference of this phase")


def test_a_fault_that_needs_no_model_is_told_in_an_unknown_phase() -> None:
    found = judge(decode(jpeg(flat(0))), learn([snap(VIEW)]))
    assert (found.label, found.checkable, found.reason) == (Label.BLACK, True, "")


def test_a_view_without_edges_is_not_checkable() -> None:
    wall = np.repeat(np.linspace(90, 160, 640, dtype=np.float32)[None, :, None], 360, axis=0) * np.array(
        (1, 0.8, 0.7), np.float32
    )
    found = judge(snap(wall, Shot(frame=2)), learn([snap(wall, Shot(frame=1))]))
    assert (found.label, found.checkable, found.reason) == (Label.NORMAL, False, "few reliable blocks")


@pytest.mark.parametrize(("right", "down"), [(0.04, 0), (-0.1, 0), (0.25, 0), (0.05, 0.08), (0, -0.1)])
def test_a_turned_camera_is_told_with_the_way_it_turned(
    model: CameraModel, shot: Shot, right: float, down: float
) -> None:
    found = judge(snap(shifted(VIEW, -right, -down), shot), model)
    assert found.label is Label.MOVED
    assert found.shift == pytest.approx((right, down), abs=0.015)
    assert found.blocks == ()


@pytest.mark.parametrize("right", [0.0, 0.004])
def test_a_shake_is_no_move(model: CameraModel, right: float) -> None:
    found = judge(snap(shifted(VIEW, right), Shot(frame=9)), model)
    assert (found.label, found.shift) == (Label.NORMAL, None)


def test_rotation_and_zoom_are_moves(model: CameraModel) -> None:
    image = Image.fromarray(VIEW.astype(np.uint8))
    rotated = np.asarray(image.rotate(5, Image.Resampling.BICUBIC), dtype=np.float32)
    zoomed = np.asarray(image.crop((50, 28, 590, 332)).resize(image.size), dtype=np.float32)
    assert judge(snap(rotated), model).label is Label.MOVED
    assert judge(snap(zoomed), model).label is Label.MOVED


def test_another_view_is_a_move_without_a_shift(model: CameraModel) -> None:
    found = judge(snap(view(77)), model)
    assert (found.label, found.shift) == (Label.MOVED, None)


@pytest.mark.parametrize("radius", [0.005, 0.01])
def test_lack_of_focus_is_found(model: CameraModel, shot: Shot, radius: float) -> None:
    assert judge(snap(blurred(VIEW, radius), shot), model).label is Label.BLUR


def test_a_little_softness_is_normal(model: CameraModel) -> None:
    assert judge(snap(blurred(VIEW, 0.0008), Shot(frame=8)), model).label is Label.NORMAL


def test_fog_is_low_contrast_and_not_a_cover(model: CameraModel) -> None:
    assert judge(snap(VIEW * 0.25 + 120, Shot(frame=8)), model).label is Label.LOWCONTRAST
    assert judge(snap(VIEW * 0.7 + 50, Shot(frame=8)), model).label is Label.NORMAL


def test_a_cast_is_measured_from_the_accepted_colours(model: CameraModel) -> None:
    assert judge(snap(tinted(0.4)), model).label is Label.CAST
    assert judge(snap(pixels_of(VIEW * np.array((1.06, 1.0, 0.94)))), model).label is Label.NORMAL


# -- frozen


def frozen(before: Picture, now: Picture) -> Judgement:
    return judge(now, None, judge(before).trail)


def test_the_same_bytes_are_frozen() -> None:
    picture = snap(VIEW)
    assert frozen(picture, picture).label is Label.FROZEN


def test_the_same_frame_under_a_running_clock_is_frozen(shot: Shot) -> None:
    later = replace(shot, clock="2026-11-03 09:10:07")
    found = frozen(snap(VIEW, shot), snap(VIEW, later))
    assert found.label is Label.FROZEN


@pytest.mark.parametrize("noise", [0.7, 2.0, 5.0])
def test_a_scene_at_rest_is_not_frozen(noise: float) -> None:
    found = frozen(snap(VIEW, Shot(noise=noise, frame=1)), snap(VIEW, Shot(noise=noise, frame=2)))
    assert found.label is not Label.FROZEN
    assert found.scores["frozen"] < 0.2


def test_black_again_is_black_and_not_frozen() -> None:
    black = decode(jpeg(flat(0)))
    assert frozen(black, black).label is Label.BLACK


def test_two_burnt_out_skies_say_nothing_about_frozen() -> None:
    before, now = flat(252), flat(252)
    before[:5], now[:5] = 0, 40
    assert frozen(decode(jpeg(before)), decode(jpeg(now))).scores["frozen"] == 0.0


@pytest.mark.parametrize("trail", [b"", b"rubbish", b"VKT1", b"VKT2" + b"\0" * 784, b"VKT2" + b"\0" * 809])
def test_a_trail_that_is_not_ours_says_nothing(trail: bytes) -> None:
    found = judge(snap(VIEW), None, trail)
    assert (found.scores["frozen"], found.switched) == (0.0, False)


def test_a_switch_between_day_and_night_is_told_and_changes_no_label(model: CameraModel) -> None:
    by_day, by_night = snap(VIEW, Shot(frame=3)), snap(VIEW, night_shot(4))
    for before, now in ((by_day, by_night), (by_night, by_day)):
        found = judge(now, model, judge(before).trail)
        assert (found.switched, found.label) == (True, Label.NORMAL)
    assert not judge(by_day, model, judge(snap(VIEW, Shot(frame=5))).trail).switched
    hidden = snap(covered(VIEW, 0.6), Shot(frame=6))
    assert judge(hidden, model, judge(by_night).trail).label is Label.OBSTRUCTED


def test_a_trail_is_at_most_a_kilobyte() -> None:
    assert 100 < len(judge(snap(VIEW)).trail) <= 1024


# -- scores and odd sizes


def test_the_limit_folds_to_one_half() -> None:
    assert [fold(measure) for measure in (-1.0, 0.0, 1.0, 3.0)] == [0.0, 0.0, 0.5, 0.75]


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (17, 19)])
def test_pictures_of_any_size_are_judged(model: CameraModel, size: tuple[int, int]) -> None:
    found = judge(decode(jpeg(view(size=size))), model)
    assert (found.width, found.height) == size
