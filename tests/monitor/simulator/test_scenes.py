"""Pictures are reproducible, differ where cameras differ, stay where a camera stays, and show the faults asked for."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from monitor.simulator import scenes
from monitor.simulator.disturb import DISTURBANCES, cover_mask
from monitor.simulator.faults import FAULTS
from monitor.simulator.lens import Lens
from monitor.simulator.light import Light, light_of, weather_of
from monitor.simulator.plan import PHASES, SCENE_KINDS, WEATHERS, SceneSpec
from monitor.simulator.scenes import Layer, LayerCache, build_layer, render

SIZE = (320, 180)
NOON = datetime(2026, 3, 3, 12, 3)
NIGHT = datetime(2026, 3, 3, 22, 3)
HALL = SceneSpec("hall", 3, "H3")
DAY = Light(False, "clear", 1.0, 12.125)

Grey = NDArray[np.float64]


def grey(image: Image.Image) -> Grey:
    return np.asarray(image.convert("L")).astype(float)


def edges(image: Image.Image) -> Grey:
    """The directions of edges in blocks, blind to brightness: how alike two of them are says whether places agree."""
    soft = grey(image.filter(ImageFilter.GaussianBlur(1.5)))
    down, across = np.gradient(soft)
    strength = np.hypot(down, across) + 4.0
    return np.stack([(across**2 - down**2) / strength**2, 2 * across * down / strength**2])


def likeness(one: Image.Image, other: Image.Image) -> float:
    a, b = edges(one), edges(other)
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def scene(kind: str, seed: int = 5, **more: str) -> SceneSpec:
    return SceneSpec(kind, seed, "", **more)


# -- pictures of one camera


def test_the_same_arguments_give_the_same_bytes() -> None:
    one, two = (scenes.jpeg(HALL, NOON, SIZE, frame=7) for _ in range(2))
    assert one == two
    assert Image.open(io.BytesIO(one)).size == SIZE


def test_each_frame_has_its_own_noise_and_the_clock_runs() -> None:
    assert render(HALL, NOON, SIZE, frame=1).tobytes() != render(HALL, NOON, SIZE, frame=2).tobytes()
    later = render(HALL, NOON + timedelta(seconds=1), SIZE, frame=1)
    corner = (0, 0, 160, 14)
    assert later.crop(corner).tobytes() != render(HALL, NOON, SIZE, frame=1).crop(corner).tobytes()


def test_the_clock_in_the_picture_is_that_of_the_camera() -> None:
    right, wrong = render(HALL, NOON, SIZE), render(HALL, NOON, SIZE, clock=NOON + timedelta(hours=8))
    changed = np.argwhere(grey(right) != grey(wrong))
    assert 0 < changed[:, 0].max() < 20  # nothing but the line of the clock


def test_the_name_is_written_at_the_bottom_right() -> None:
    named, nameless = render(HALL, NOON, SIZE), render(SceneSpec("hall", 3), NOON, SIZE)
    changed = np.argwhere(grey(named) != grey(nameless))
    assert (changed.min(axis=0) > (150, 200)).all()


def test_an_instant_counts_whatever_its_zone() -> None:
    assert (
        render(HALL, NOON, SIZE).tobytes()
        == render(HALL, NOON.replace(tzinfo=UTC) - timedelta(hours=8), SIZE, clock=NOON).tobytes()
    )


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_day_and_night_show_the_same_place(kind: str) -> None:
    day, night = render(scene(kind), NOON, SIZE), render(scene(kind), NIGHT, SIZE)
    other = render(scene(kind, 9), NOON, SIZE)
    assert likeness(day, night) > 2 * max(likeness(day, other), 0.05)


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_night_is_grey_and_day_is_coloured(kind: str) -> None:
    spread = [
        float(np.ptp(np.asarray(render(scene(kind), at, SIZE).resize((16, 9))).astype(int), axis=2).mean())
        for at in (NOON, NIGHT)
    ]
    assert spread[0] > 4
    assert spread[1] < 3


@pytest.mark.parametrize("kind", SCENE_KINDS)
@pytest.mark.parametrize("at", [NOON, NIGHT])
def test_every_part_of_a_picture_can_be_seen(kind: str, at: datetime) -> None:
    image = grey(render(scene(kind), at, SIZE))
    assert 45 < image.mean() < 150
    blocks = image[:176].reshape(11, 16, 20, 16)
    assert np.mean(blocks.std(axis=(1, 3)) > 2.0) > 0.8


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_seeds_give_different_cameras(kind: str) -> None:
    pictures = [render(scene(kind, seed), NOON, SIZE) for seed in (1, 2)]
    assert likeness(*pictures) < 0.6


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_what_moves_is_small(kind: str) -> None:
    still = grey(build_layer(scene(kind), SIZE, DAY).image)
    shares = []
    for minute in range(0, 14, 2):
        now = grey(render(scene(kind, weather="clear"), NOON.replace(minute=minute), SIZE))
        blocks = np.abs(now - still)[20:160].reshape(14, 10, 32, 10).mean(axis=(1, 3))
        shares.append(float(np.mean(blocks > 16)))
    assert max(shares) < 0.12  # of the blocks, all that moves together, with what a block's edge adds


@pytest.mark.parametrize("kind", ["street", "gate", "hall", "fire_lane", "access_door"])
def test_somebody_moves(kind: str) -> None:
    layer = build_layer(scene(kind), SIZE, DAY)
    assert layer.stage.movers
    places = {mover.where(second) for mover in layer.stage.movers for second in range(0, 600, 20)}
    assert None in places
    assert len(places) > 10


def test_somebody_goes_from_start_to_end_and_is_away_for_a_while() -> None:
    mover = build_layer(scene("hall"), SIZE, DAY).stage.movers[0]
    length = np.hypot(mover.end[0] - mover.start[0], mover.end[1] - mover.start[1])
    start = -mover.phase * length * (1 + mover.away) / mover.speed
    assert mover.where(start + 1e-6) == pytest.approx(mover.start, abs=1e-3)
    assert mover.where(start + length / mover.speed * 0.999999) == pytest.approx(mover.end, abs=1e-3)
    assert mover.where(start + length / mover.speed * 1.01) is None


@pytest.mark.parametrize("weather", WEATHERS)
@pytest.mark.parametrize("phase", PHASES)
def test_weather_and_phase_can_be_told(weather: str, phase: str) -> None:
    image = render(scene("gate", weather=weather, phase=phase), NOON, SIZE)
    assert 45 < grey(image).mean() < 160


def test_rain_takes_contrast_from_what_is_far() -> None:
    far = (60, 0, 260, 50)
    clear, rain = (
        grey(render(scene("gate", weather=weather), NOON, SIZE).crop(far)).std() for weather in ("clear", "rain")
    )
    assert rain < clear


# -- light


@pytest.mark.parametrize(
    ("hour", "minute", "night"), [(6, 29, True), (6, 30, False), (17, 29, False), (17, 30, True), (0, 0, True)]
)
def test_the_infrared_lamp_follows_beijing_time(hour: int, minute: int, night: bool) -> None:
    assert light_of(HALL, NOON.replace(hour=hour, minute=minute)).night is night


def test_dusk_is_darker_than_noon_and_a_told_phase_has_no_dusk() -> None:
    dusk = NOON.replace(hour=17, minute=20)
    assert light_of(HALL, dusk).level < light_of(HALL, NOON).level == 1.0
    assert light_of(scene("hall", phase="day"), dusk).level == 1.0


def test_the_light_lasts_a_quarter_of_an_hour() -> None:
    lights = [light_of(HALL, NOON.replace(minute=minute)) for minute in (0, 14, 15)]
    assert lights[0] == lights[1] != lights[2]


def test_each_day_has_its_weather_and_all_kinds_occur() -> None:
    days = [NOON + timedelta(days=day) for day in range(60)]
    assert {weather_of(day) for day in days} == set(WEATHERS)
    assert weather_of(NOON) == weather_of(NIGHT)


def test_the_sun_is_highest_at_noon_and_never_below_the_ground() -> None:
    heights = [float(light_of(HALL, NOON.replace(hour=hour)).sun(0.0)[1]) for hour in range(24)]
    assert max(heights) == heights[12]
    assert min(heights) > 0.1


# -- faults of the picture


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("side", FAULTS["covered_from"].choices)
def test_a_cover_takes_the_share_it_is_told(share: float, side: str) -> None:
    for kind in FAULTS["covered_with"].choices:
        mask = np.asarray(cover_mask(SIZE, share, side, kind, np.random.default_rng(1)))
        assert np.mean(mask > 127) == pytest.approx(share, abs=0.02)


def test_a_full_cover_hides_everything_and_none_hides_nothing() -> None:
    rng = np.random.default_rng(1)
    assert np.asarray(cover_mask(SIZE, 1.0, "left", "bag", rng)).min() == 255
    assert np.asarray(cover_mask(SIZE, 0.0, "left", "bag", rng)).max() == 0


@pytest.mark.parametrize(
    ("side", "covered", "free"),
    [
        ("left", (10, 90), (310, 90)),
        ("right", (310, 90), (10, 90)),
        ("top", (160, 4), (160, 176)),
        ("bottom", (160, 176), (160, 4)),
        ("centre", (160, 90), (4, 4)),
    ],
)
def test_a_cover_comes_from_its_side(side: str, covered: tuple[int, int], free: tuple[int, int]) -> None:
    mask = cover_mask(SIZE, 0.4, side, "cloth", np.random.default_rng(1))
    assert (mask.getpixel(covered), mask.getpixel(free)) == (255, 0)


def test_a_cover_stays_where_it_is_from_frame_to_frame() -> None:
    one, two = (grey(render(HALL, NOON, SIZE, faults={"covered": 1.0}, frame=frame)) for frame in (1, 2))
    assert 0 < np.abs(one - two).mean() < 4


@pytest.mark.parametrize("turn", [0.25, -0.25])
def test_a_turned_camera_sees_the_same_place_further_on(turn: float) -> None:
    before, after = (render(HALL, NOON, SIZE, faults=faults) for faults in ({}, {"turned": turn}))
    step = round(SIZE[0] * abs(turn))
    left, right = (step, 20, 320, 160), (0, 20, 320 - step, 160)
    same = likeness(before.crop(left if turn > 0 else right), after.crop(right if turn > 0 else left))
    assert same > 0.8 > likeness(before, after)


def test_blur_takes_the_detail_but_not_from_the_clock() -> None:
    sharp, blurred = (render(HALL, NOON, SIZE, faults=faults) for faults in ({}, {"blurred": 0.02}))

    def detail(image: Image.Image, top: int, bottom: int, right: int) -> float:
        return float(np.abs(np.diff(grey(image)[top:bottom, :right], axis=1)).max())

    assert detail(blurred, 60, 150, 320) < detail(sharp, 60, 150, 320) / 2
    assert detail(blurred, 0, 14, 120) > 150


@pytest.mark.parametrize(
    ("fault", "low", "high"), [("black", 0, 12), ("white", 240, 255), ("dark", 0, 20), ("fog", 140, 200)]
)
def test_brightness_faults(fault: str, low: float, high: float) -> None:
    image = grey(render(HALL, NOON, SIZE, faults={fault: FAULTS[fault].default}))[20:150]
    assert low <= image.mean() <= high


def test_a_cover_is_grey_by_night() -> None:
    covered = np.asarray(render(HALL, NIGHT, SIZE, faults={"covered": 1.0, "covered_with": "leaf"}).resize((8, 4)))
    assert np.ptp(covered.astype(int), axis=2).max() < 6


def test_fog_takes_the_contrast() -> None:
    clear, foggy = (grey(render(HALL, NOON, SIZE, faults=faults))[20:150].std() for faults in ({}, {"fog": 0.85}))
    assert foggy < clear / 3


def test_snow_differs_from_frame_to_frame() -> None:
    one, two = (grey(render(HALL, NOON, SIZE, faults={"noise": 0.6}, frame=frame)) for frame in (1, 2))
    assert np.abs(one - two)[20:150].mean() > 40


def test_stripes_run_across_the_picture() -> None:
    image = grey(render(HALL, NOON, SIZE, faults={"stripes": 0.6}))[20:150]
    plain = grey(render(HALL, NOON, SIZE))[20:150]
    assert image.mean(axis=1).std() > plain.mean(axis=1).std() + 20


def test_a_cast_changes_the_colours() -> None:
    red, green, _blue = (np.asarray(band).mean() for band in render(HALL, NOON, SIZE, faults={"cast": 0.7}).split())
    assert red > 1.5 * green


def test_every_disturbance_is_a_fault_of_the_vocabulary() -> None:
    assert set(DISTURBANCES) <= set(FAULTS)


# -- layers


def layer(side: int) -> Layer:
    return Layer(Image.new("RGB", (side, side)), build_layer(scene("hall"), SIZE, DAY).stage)


def test_a_layer_is_built_once_while_the_light_lasts() -> None:
    cache, built = LayerCache(10_000), []

    def build() -> Layer:
        built.append(1)
        return layer(10)

    first = cache.get(("a",), DAY, build)
    assert cache.get(("a",), DAY, build) is first
    assert cache.get(("a",), replace(DAY, hour=13.0), build) is not first
    assert (len(built), cache.bytes) == (2, 300)


def test_the_layer_longest_unused_goes_first() -> None:
    cache = LayerCache(600)
    first = cache.get(("a",), DAY, lambda: layer(10))
    cache.get(("b",), DAY, lambda: layer(10))
    cache.get(("a",), DAY, lambda: layer(10))
    cache.get(("c",), DAY, lambda: layer(10))
    assert cache.bytes == 600
    assert cache.get(("a",), DAY, lambda: layer(10)) is first


def test_a_layer_larger_than_all_room_is_still_served() -> None:
    cache = LayerCache(10)
    assert cache.get(("a",), DAY, lambda: layer(10)).image.size == (10, 10)
    cache.get(("b",), DAY, lambda: layer(10))
    assert cache.bytes == 300


# -- the lens


def test_a_point_straight_ahead_is_in_the_middle() -> None:
    lens = Lens((100, 60), 1.0, 2.0, 0.0)
    x, y, depth = lens.project(np.array([[0.0, 2.0, 10.0]]))[0]
    assert (x, y, depth) == pytest.approx((50, 30, 10))


def test_right_is_right_up_is_up_and_the_view_shifts_the_other_way() -> None:
    lens, shifted = Lens((100, 60), 1.0, 2.0, 0.0), Lens((100, 60), 1.0, 2.0, 0.0, shift=0.1)
    point = np.array([[1.0, 3.0, 10.0]])
    assert lens.project(point)[0, :2] == pytest.approx((60, 20))
    assert shifted.project(point)[0, :2] == pytest.approx((50, 20))


def test_a_camera_that_looks_down_sees_the_horizon_higher() -> None:
    assert Lens((100, 60), 1.0, 2.0, 10.0).project(np.array([[0.0, 2.0, 1_000.0]]))[0, 1] < 30


def test_a_polygon_is_cut_where_it_passes_the_camera() -> None:
    lens = Lens((100, 60), 1.0, 2.0, 0.0)
    cut = lens.clip(np.array([[-1.0, 0.0, -5.0], [1.0, 0.0, -5.0], [1.0, 0.0, 5.0], [-1.0, 0.0, 5.0]]))
    assert len(cut) == 4
    assert cut[:, 2].min() == pytest.approx(0.15)
    assert len(lens.clip(np.array([[0.0, 0.0, -5.0], [1.0, 0.0, -5.0], [1.0, 0.0, -4.0]]))) == 0
