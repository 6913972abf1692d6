"""Scenes under the sky: a street, a facade, a fire lane. The dice of a seed decide geometry and colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from monitor.simulator.stage import Prop, Stage
from monitor.simulator.texture import Rng, Sheet, Span, even, pick, scaled, vary
from monitor.simulator.things import BIKE_COLOURS, BIN_COLOURS, CAR_COLOURS
from monitor.simulator.walls import WallStyle, wall_style

ASPHALT, CONCRETE = (104, 105, 106), (160, 157, 150)
WHITE, YELLOW = (214, 214, 208), (206, 170, 60)
AWAY_Z = 95.0


# -- street


def street(stage: Stage) -> None:
    """A key road with pavements, trees, parked cars and houses on both sides."""
    rng = stage.rng
    stage.lamp_reach_m, stage.ambient = 15.0, 0.22
    middle, half = even(rng, 2.0, 5.0) * (1 if rng.random() < 0.5 else -1), even(rng, 3.2, 4.6)  # noqa: PLR2004
    pavement = even(rng, 2.2, 3.4)
    left, right = middle - half - pavement, middle + half + pavement
    props = _street_props(stage, middle, half)
    paving = vary(rng, (158, 150, 142), 16)
    zebra_z = even(rng, 11.0, 26.0)
    houses = _house_row(rng, left - even(rng, 1.0, 4.0), -1.0) + _house_row(rng, right + even(rng, 1.0, 4.0), 1.0)

    def draw(sheet: Sheet) -> None:
        _patches(sheet)
        for x0, x1 in ((left, middle - half), (middle + half, right)):
            sheet.area(x0, x1, 0, AWAY_Z, paving)
            sheet.tiles((x0, x1, 0, AWAY_Z), 0.4, scaled(paving, 0.78))
        for edge in (middle - half, middle + half):
            sheet.area(edge - 0.14, edge + 0.14, 0, AWAY_Z, (178, 176, 170))
        _road_marks(sheet, middle, half, zebra_z)
        stage.prop_shadows(sheet, props)
        for house in houses:
            stage.house_shadow(sheet, house.across, house.away, house.height)

    stage.ground(draw, ASPHALT, near=3.0, far=AWAY_Z, half_width=34.0)
    stage.wall(wall_style(rng), (-40.0, 17.0, AWAY_Z - 5), (80.0, 0.0), 17.0, scale=8.0)
    for house in sorted(houses, key=lambda house: -house.away[1]):
        _house(stage, house)
    stage.stand(props)
    _street_life(stage, middle, half, pavement)


def _patches(sheet: Sheet) -> None:
    """Nothing grows on asphalt: stains of tyres and mended patches."""
    for z in np.arange(6, AWAY_Z, 9.0):
        sheet.area(-1.5 + z % 4, 0.4 + z % 4, float(z), float(z) + 2.2, (72, 74, 76))


def _road_marks(sheet: Sheet, middle: float, half: float, zebra_z: float) -> None:
    for z in np.arange(2.0, AWAY_Z, 6.0):
        sheet.area(middle - 0.07, middle + 0.07, float(z), float(z) + 3.2, WHITE)
    for side in (-1, 1):
        edge = middle + side * (half - 0.45)
        sheet.area(edge - 0.06, edge + 0.06, 0, AWAY_Z, YELLOW)
    for x in np.arange(middle - half + 0.5, middle + half - 0.5, 0.9):
        sheet.area(float(x), float(x) + 0.45, zebra_z, zebra_z + 3.4, WHITE)
    for z in (9.0, 33.0):
        sheet.polygon(
            [(middle + half / 2 + 0.5 * np.cos(a), z + 0.5 * np.sin(a)) for a in np.arange(0, 6.3, 0.5)], (58, 58, 60)
        )


def _street_props(stage: Stage, middle: float, half: float) -> list[Prop]:
    rng, props = stage.rng, []
    gap = even(rng, 7.0, 11.0)
    for side in (-1, 1):
        for z in np.arange(13.0 + even(rng, 0, 5), 75.0, gap):
            props.append(Prop("tree", middle + side * (half + 0.8), float(z), even(rng, 5.5, 8.0)))
        for z in np.arange(14.0 + even(rng, 0, 3), 60.0, 6.2):
            if rng.random() < 0.45:  # noqa: PLR2004 - share of the parking places that are taken
                kind = "van" if rng.random() < 0.3 else "car"  # noqa: PLR2004
                props.append(
                    Prop(
                        kind,
                        middle + side * (half - 1.15),
                        float(z),
                        turn=0.0 if side > 0 else np.pi,
                        colour=pick(rng, CAR_COLOURS),
                    )
                )
    for z in (20.0, 45.0):
        props.append(Prop("lamp", middle - half - 0.5, z + even(rng, -2, 2), 7.5))
    for _ in range(int(rng.integers(2, 6))):
        props.append(
            Prop("bike", middle + half + even(rng, 1.2, 2.2), even(rng, 11, 26), 1.0, colour=pick(rng, BIKE_COLOURS))
        )
    return props


HOUSE_DEPTH_M = 10.0
NEAR_HOUSE_M = 15.0  # houses that begin nearer need a finer texture


@dataclass(frozen=True, slots=True)
class House:
    """A house along a street: on which side (-1 left, 1 right), where its front is, from where to where it goes."""

    side: float
    front: float
    away: Span
    height: float
    style: WallStyle

    @property
    def across(self) -> Span:
        """From where to where it goes across the street."""
        back = self.front + self.side * HOUSE_DEPTH_M
        return min(self.front, back), max(self.front, back)


def _house_row(rng: Rng, x: float, side: float) -> list[House]:
    """The houses of one side of a street."""
    houses: list[House] = []
    z = even(rng, 2.0, 7.0)
    while z < AWAY_Z - 20:
        length = even(rng, 14.0, 24.0)
        height = 2.9 * int(rng.integers(3, 7)) + 0.6
        houses.append(House(side, x + side * even(rng, 0.0, 1.5), (z, z + length), height, wall_style(rng)))
        z += length + even(rng, 3.0, 7.0)
    return houses


def _house(stage: Stage, house: House) -> None:
    """The walls of a house that can be seen: the one towards the camera and its front along the street."""
    (left, _right), (z0, z1), height, style = house.across, house.away, house.height, house.style
    roof = (HOUSE_DEPTH_M + 0.8, 0.5, z1 - z0 + 0.8)
    stage.box((left + HOUSE_DEPTH_M / 2, height, (z0 + z1) / 2), roof, scaled(style.band, 0.8))
    stage.wall(style, (left, height, z0), (HOUSE_DEPTH_M, 0.0), height, scale=12.0)
    scale = 18.0 if z0 < NEAR_HOUSE_M else 12.0
    if house.side < 0:
        stage.wall(style, (house.front, height, z0), (0.0, z1 - z0), height, scale=scale)
    else:
        stage.wall(style, (house.front, height, z1), (0.0, z0 - z1), height, scale=scale)


def _street_life(stage: Stage, middle: float, half: float, pavement: float) -> None:
    for side in (-1, 1):
        lane = middle + side * half / 2
        for _ in range(2):
            ends = (lane, 20.0), (lane, 80.0)
            stage.walker(*(ends if side > 0 else ends[::-1]), kind="car", away=2.0, fixed=True)
        walk = middle + side * (half + pavement * 0.65)
        for _ in range(3):
            stage.walker((walk, 10.0), (walk + 0.2, 60.0))
    stage.walker((middle - half + 0.6, 12.0), (middle - half + 0.6, 60.0), kind="rider")


# -- facade


def facade(stage: Stage) -> None:
    """A high wall seen from below, watched for what falls from it."""
    rng = stage.rng
    stage.lamp_reach_m, stage.ambient = 24.0, 0.3
    z, height = even(rng, 17.0, 22.0), 2.9 * int(rng.integers(9, 12)) + 1.0
    style = wall_style(rng)
    edge = even(rng, 7.0, 15.0) * (1 if rng.random() < 0.5 else -1)  # noqa: PLR2004 - heads or tails
    stage.wall(wall_style(rng), (-60.0, 46.0, z + 34), (120.0, 0.0), 46.0, scale=9.0)
    if edge > 0:
        stage.wall(style, (edge, height, z), (0.0, 16.0), height, scale=14.0)
        stage.wall(style, (edge - 46.0, height, z), (46.0, 0.0), height, scale=30.0)
    else:
        stage.wall(style, (edge, height, z + 16.0), (0.0, -16.0), height, scale=14.0)
        stage.wall(style, (edge, height, z), (46.0, 0.0), height, scale=30.0)
    start = edge - 46.0 if edge > 0 else edge
    stage.box((start + 23.0, height, z - 0.25), (46.6, 0.9, 0.5), scaled(style.band, 0.75))
    for x in (edge * 0.35, edge * 0.35 - np.sign(edge) * 9):
        stage.box((float(x), 0.0, z - 0.12), (0.16, height, 0.16), (205, 205, 200))
    stage.stand(
        [Prop("tree", x + even(rng, -1, 1), even(rng, 10.5, 13.0), even(rng, 6.2, 8.2)) for x in (-8.0, 0.5, 8.5)]
    )


# -- fire lane


def fire_lane(stage: Stage) -> None:
    """A narrow lane between houses that must stay free for fire engines."""
    rng = stage.rng
    stage.lamp_reach_m, stage.ambient = 12.0, 0.2
    left, right, end = -even(rng, 3.6, 5.4), even(rng, 3.6, 5.4), even(rng, 42.0, 60.0)
    props = _lane_props(rng, left, right)
    ground = vary(rng, CONCRETE, 12)
    heights = [2.9 * int(rng.integers(4, 7)) + 0.5 for _ in range(2)]
    word = _lettering("FIRE LANE")

    def draw(sheet: Sheet) -> None:
        for z in np.arange(0.0, end, 4.5):
            sheet.line([(left, float(z)), (right, float(z))], 0.05, scaled(ground, 0.7))
        sheet.line([(0.1, 0), (0.1, end)], 0.05, scaled(ground, 0.72))
        for x in (-2.0, 2.0):
            sheet.area(x - 0.09, x + 0.09, 0, end, YELLOW)
        for z in np.arange(16.0, end, 10.0):
            sheet.line([(-2.0, float(z)), (2.0, float(z) + 5)], 0.13, YELLOW)
            sheet.line([(2.0, float(z)), (-2.0, float(z) + 5)], 0.13, YELLOW)
        _write(sheet, word, (-1.7, 8.6), (3.4, 2.6))
        for side, x in ((-1, left), (1, right)):
            sheet.area(x, x - side * 0.8, 0, end, (112, 116, 96))
        stage.prop_shadows(sheet, props)
        for across, height in zip(((left - 9, left), (right, right + 9)), heights, strict=True):
            stage.house_shadow(sheet, across, (1.0, end), height)

    stage.ground(draw, ground, near=2.2, far=end + 20, half_width=30.0)
    stage.wall(wall_style(rng), (-34.0, 19.0, end + 14), (68.0, 0.0), 19.0, scale=12.0)
    stage.stand([Prop("tree", even(rng, -5, 5), end + even(rng, 3, 9), even(rng, 6, 8)) for _ in range(3)])
    style = wall_style(rng)
    stage.wall(style, (left, heights[0], 1.0), (0.0, end - 1.0), heights[0], scale=26.0)
    other = style if rng.random() < 0.5 else wall_style(rng)  # noqa: PLR2004 - heads or tails
    stage.wall(other, (right, heights[1], end), (0.0, 1.0 - end), heights[1], scale=26.0)
    stage.stand(props)
    for x in (-1.2, 1.0):
        stage.walker((x, 9.0), (x + 0.4, end))
        stage.walker((x + 0.5, 10.0), (x, end))
    stage.walker((0.2, 12.0), (-0.3, end), kind="rider", away=2.0)


def _lane_props(rng: Rng, left: float, right: float) -> list[Prop]:
    props = [
        Prop("bike", right - even(rng, 0.5, 1.0), z + even(rng, -0.4, 0.4), 1.0, colour=pick(rng, BIKE_COLOURS))
        for z in np.arange(9.0, 9.0 + 1.1 * int(rng.integers(3, 8)), 1.1)
    ]
    start = even(rng, 8.0, 14.0)
    props += [
        Prop("bin", left + 0.7, start + index * 0.8, 1.1, colour=BIN_COLOURS[index])
        for index in range(int(rng.integers(2, 5)))
    ]
    props += [
        Prop("lamp", left + 0.4, even(rng, 16, 22), 5.0),
        Prop("bin", right - 0.5, 20.0, 0.8, colour=(180, 36, 32)),
    ]
    props += [Prop("tree", right - 0.6, even(rng, 22, 36), even(rng, 4.5, 6.0))]
    return props


def _lettering(word: str) -> Image.Image:
    """A word as a mask, upside down: rows of the ground go away from the camera."""
    image = Image.new("L", (40 * len(word), 90))
    ImageDraw.Draw(image).text((6, 0), word, fill=255, font_size=72)
    return image.crop(image.getbbox()).transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def _write(sheet: Sheet, word: Image.Image, place: tuple[float, float], size: tuple[float, float]) -> None:
    mask = word.resize((round(size[0] * sheet.scale), round(size[1] * sheet.scale)))
    left, top = (round(edge) for edge in sheet.at(*place))
    sheet.image.paste(YELLOW, (left, top), mask)
