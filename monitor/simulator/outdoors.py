"""Scenes under the sky: a street, a gate, a facade, a fire lane. The dice of a seed decide geometry and colours."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from monitor.simulator.stage import Prop, Stage
from monitor.simulator.texture import Board, Rng, Sheet, scaled, vary
from monitor.simulator.things import CAR_COLOURS
from monitor.simulator.walls import WallStyle, glow, wall_style

ASPHALT, CONCRETE = (104, 105, 106), (160, 157, 150)
WHITE, YELLOW = (214, 214, 208), (206, 170, 60)
BIKE_COLOURS = ((150, 40, 40), (60, 80, 120), (200, 200, 196), (50, 52, 56))
BIN_COLOURS = ((40, 96, 60), (50, 80, 130), (110, 112, 114), (140, 44, 40))
AWAY_Z = 95.0


def pick(rng: Rng, colours: tuple[tuple[int, int, int], ...]) -> tuple[int, int, int]:
    """One of some colours."""
    return colours[int(rng.integers(len(colours)))]


def _even(rng: Rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


# -- street


def street(stage: Stage) -> None:
    """A key road with pavements, trees, parked cars and houses on both sides."""
    rng = stage.rng
    stage.lamp_reach_m, stage.ambient = 15.0, 0.22
    middle, half = _even(rng, 2.0, 5.0) * (1 if rng.random() < 0.5 else -1), _even(rng, 3.2, 4.6)  # noqa: PLR2004
    pavement = _even(rng, 2.2, 3.4)
    left, right = middle - half - pavement, middle + half + pavement
    props = _street_props(stage, middle, half)
    paving = vary(rng, (158, 150, 142), 16)
    zebra_z = _even(rng, 11.0, 26.0)
    houses = _house_row(rng, left - _even(rng, 1.0, 4.0), -1.0) + _house_row(rng, right + _even(rng, 1.0, 4.0), 1.0)

    def draw(sheet: Sheet) -> None:
        for x0, x1 in ((left, middle - half), (middle + half, right)):
            sheet.area(x0, x1, 0, AWAY_Z, paving)
            sheet.tiles((x0, x1, 0, AWAY_Z), 0.4, scaled(paving, 0.78))
        for edge in (middle - half, middle + half):
            sheet.area(edge - 0.14, edge + 0.14, 0, AWAY_Z, (178, 176, 170))
        _road_marks(sheet, middle, half, zebra_z)
        stage.prop_shadows(sheet, props)
        for side, x, z0, z1, height, _style in houses:
            stage.house_shadow(sheet, *sorted((x, x + side * 9)), z0, z1, height)

    stage.ground(lambda sheet: (_soil(sheet, rng), draw(sheet))[1], ASPHALT, near=3.0, far=AWAY_Z, half_width=34.0)
    stage.wall(wall_style(rng), (-40.0, 17.0, AWAY_Z - 5), (80.0, 0.0), 17.0, scale=8.0)
    for side, x, z0, z1, height, style in sorted(houses, key=lambda house: -house[3]):
        _house(stage, side, x, z0, z1, height, style)
    stage.stand(props)
    _street_life(stage, middle, half, pavement)


def _soil(sheet: Sheet, _rng: Rng) -> None:
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
        sheet.polygon([(middle + half / 2 + 0.5 * np.cos(a), z + 0.5 * np.sin(a)) for a in np.arange(0, 6.3, 0.5)],
                      (58, 58, 60))


def _street_props(stage: Stage, middle: float, half: float) -> list[Prop]:
    rng, props = stage.rng, []
    gap = _even(rng, 7.0, 11.0)
    for side in (-1, 1):
        for z in np.arange(13.0 + _even(rng, 0, 5), 75.0, gap):
            props.append(Prop("tree", middle + side * (half + 0.8), float(z), _even(rng, 5.5, 8.0)))
        for z in np.arange(14.0 + _even(rng, 0, 3), 60.0, 6.2):
            if rng.random() < 0.45:  # noqa: PLR2004 - share of the parking places that are taken
                kind = "van" if rng.random() < 0.3 else "car"  # noqa: PLR2004
                props.append(Prop(kind, middle + side * (half - 1.15), float(z), turn=0.0 if side > 0 else np.pi,
                                  colour=pick(rng, CAR_COLOURS)))
    for z in (20.0, 45.0):
        props.append(Prop("lamp", middle - half - 0.5, z + _even(rng, -2, 2), 7.5))
    for _ in range(int(rng.integers(2, 6))):
        props.append(Prop("bike", middle + half + _even(rng, 1.2, 2.2), _even(rng, 11, 26), 1.0,
                          colour=pick(rng, BIKE_COLOURS)))
    return props


House = tuple[float, float, float, float, float, WallStyle]


def _house_row(rng: Rng, x: float, side: float) -> list[House]:
    """Houses along a street: side, x of the front, from and to in z, height, style."""
    houses: list[House] = []
    z = _even(rng, 2.0, 7.0)
    while z < AWAY_Z - 20:
        length = _even(rng, 14.0, 24.0)
        houses.append((side, x + side * _even(rng, 0.0, 1.5), z, z + length, 2.9 * int(rng.integers(3, 7)) + 0.6,
                       wall_style(rng)))
        z += length + _even(rng, 3.0, 7.0)
    return houses


def _house(stage: Stage, side: float, x: float, z0: float, z1: float, height: float, style: WallStyle) -> None:
    """The two walls of a house that can be seen: its front along the street and the one towards the camera."""
    depth = 10.0
    front = min(x, x + side * depth)
    stage.box((front + depth / 2, height, (z0 + z1) / 2), (depth + 0.8, 0.5, z1 - z0 + 0.8), scaled(style.band, 0.8))
    stage.wall(style, (front, height, z0), (depth, 0.0), height, scale=12.0)
    if side < 0:
        stage.wall(style, (x, height, z0), (0.0, z1 - z0), height, scale=22.0 if z0 < 15 else 12.0)  # noqa: PLR2004
    else:
        stage.wall(style, (x, height, z1), (0.0, z0 - z1), height, scale=22.0 if z0 < 15 else 12.0)  # noqa: PLR2004


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


# -- gate


def gate(stage: Stage) -> None:
    """The entrance of a compound: pillars with a beam, a booth, a barrier, walls to both sides, houses behind."""
    rng = stage.rng
    stage.lamp_reach_m, stage.ambient = 17.0, 0.24
    z, middle, half = _even(rng, 13.0, 17.0), _even(rng, -2.5, 2.5), _even(rng, 3.2, 4.4)
    brick = vary(rng, pick(rng, ((150, 84, 66), (176, 166, 150), (196, 190, 178), (124, 104, 92))), 14)
    props = _gate_props(rng, z, middle, half)
    paving = vary(rng, (164, 152, 140), 18)

    def draw(sheet: Sheet) -> None:
        sheet.area(-40, 40, 0, z - 6.0, ASPHALT)
        sheet.area(-40, 40, z - 6.0, z, paving)
        sheet.tiles((-16, 16, z - 6.0, z), 0.5, scaled(paving, 0.78))
        sheet.area(-40, 40, z - 6.15, z - 5.9, (186, 184, 178))
        sheet.polygon([(middle - half - 1.5, z - 6.2), (middle + half + 1.5, z - 6.2), (middle + half, z - 3),
                       (middle + half, AWAY_Z), (middle - half, AWAY_Z), (middle - half, z - 3)], (100, 101, 102))
        _gate_marks(sheet, z, middle, half)
        stage.prop_shadows(sheet, props)
        stage.house_shadow(sheet, middle - half - 0.9, middle + half + 0.9, z, z + 0.9, 5.0)

    stage.ground(draw, vary(rng, (104, 116, 78), 10), near=2.5, far=AWAY_Z, half_width=40.0)
    _houses_behind(stage, z)
    stage.stand(prop for prop in props if prop.z > z)
    _gate_wall(stage, z, middle, half, brick)
    _gate_frame(stage, z, middle, half, brick)
    stage.stand(prop for prop in props if prop.z <= z)
    for depth in (5.2, 4.3, 3.3):
        stage.walker((middle - 9, z - depth), (middle + 9, z - depth + _even(rng, -0.3, 0.3)))
    stage.walker((middle + _even(rng, -2, 2), z - 3.0), (middle + _even(rng, -2, 2), z + 24.0))
    stage.walker((-14.0, z - 2.6), (14.0, z - 2.6), kind="rider", away=2.0)
    stage.walker((middle + half / 2, z + 6.0), (middle + half / 2, z + 40.0), kind="car", away=3.0)


def _gate_marks(sheet: Sheet, z: float, middle: float, half: float) -> None:
    for index, x in enumerate(np.arange(middle - half, middle + half, 0.5)):
        sheet.area(float(x), float(x) + 0.5, z - 2.3, z - 1.95, (40, 40, 40) if index % 2 else YELLOW)
    sheet.area(middle + 0.2, middle + half, z - 3.4, z - 3.15, WHITE)
    for line in np.arange(3.0, z - 6, 3.0):
        sheet.area(-40, 40, float(line), float(line) + 0.12, WHITE if line > 5 else YELLOW)  # noqa: PLR2004


def _gate_props(rng: Rng, z: float, middle: float, half: float) -> list[Prop]:
    props = [Prop("tree", side * _even(rng, 8, 13) + middle, z + _even(rng, 2, 9), _even(rng, 5, 8))
             for side in (-1, 1, -1, 1)]
    props += [Prop("tree", _even(rng, -26, 26), z + _even(rng, 12, 30), _even(rng, 6, 9)) for _ in range(5)]
    for index in range(int(rng.integers(3, 7))):
        props.append(Prop("bike", middle + half + 2.4 + index * 0.8, z - 0.9, 1.0, colour=pick(rng, BIKE_COLOURS)))
    for index in range(int(rng.integers(1, 4))):
        props.append(Prop("bin", middle - half - 4.5 - index * 0.8, z - 0.8, 1.1, colour=pick(rng, BIN_COLOURS)))
    props += [Prop("car", middle + side * (half + 1.6), z + _even(rng, 5, 20), turn=0.0, colour=pick(rng, CAR_COLOURS))
              for side in (-1, 1)]
    return props


def _houses_behind(stage: Stage, z: float) -> None:
    rng = stage.rng
    x = -46.0
    while x < 46.0:  # noqa: PLR2004 - as wide as anybody can see
        width = _even(rng, 16.0, 26.0)
        height = 2.9 * int(rng.integers(5, 9)) + 0.8
        stage.wall(wall_style(rng), (x, height, z + _even(rng, 32, 46)), (width, 0.0), height, scale=13.0)
        x += width + _even(rng, 2.0, 6.0)


def _gate_wall(stage: Stage, z: float, middle: float, half: float, brick: tuple[int, int, int]) -> None:
    rng, height = stage.rng, _even(stage.rng, 1.9, 2.6)
    for side in (-1, 1):
        board = Board(32.0, height, 40.0, brick)
        board.tiles(0.5, 0.16, scaled(brick, 0.74), brick=True)
        board.grain(rng)
        board.rect(0, 0, 32.0, 0.14, scaled(brick, 1.25))
        for x in np.arange(0.8, 31.0, 3.2):
            board.rect(float(x), 0.34, 2.2, height * 0.45, (60, 66, 60))
            for bar in np.arange(float(x), x + 2.2, 0.16):
                board.rect(float(bar), 0.34, 0.05, height * 0.45, (30, 32, 34))
        start = middle + half if side > 0 else middle - half - 32.0
        stage.panel(board.image, (start, height, z + 0.2), (32.0, 0.0), height)


def _gate_frame(stage: Stage, z: float, middle: float, half: float, brick: tuple[int, int, int]) -> None:
    rng, stone = stage.rng, scaled(brick, 1.12)
    top = _even(rng, 3.9, 4.7)
    for side in (-1, 1):
        stage.box((middle + side * (half + 0.45), 0.0, z), (0.9, top, 0.9), stone)
        stage.box((middle + side * (half + 0.45), top, z), (1.1, 0.2, 1.1), scaled(stone, 0.85))
    beam = Board(2 * half + 1.8, 1.05, 50.0, scaled(brick, 0.9))
    beam.grain(rng, 0.7)
    beam.signs(rng, half - 1.6, 0.2, 0.6, 5, (214, 176, 76))
    stage.box((middle, top - 0.1, z + 0.05), (2 * half + 1.8, 1.05, 0.8), scaled(brick, 0.9))
    stage.panel(beam.image, (middle - half - 0.9, top + 0.95, z - 0.37), (2 * half + 1.8, 0.0), 1.05)
    side = 1.0 if rng.random() < 0.5 else -1.0  # noqa: PLR2004 - heads or tails
    _booth(stage, middle + side * (half - 0.7), z - 0.2)
    _barrier(stage, middle + side * (half - 1.7), -side, 2 * half - 2.4, z - 0.6)


def _booth(stage: Stage, x: float, z: float) -> None:
    paint = vary(stage.rng, (208, 210, 208), 14)
    stage.box((x, 0.0, z), (1.3, 2.4, 1.3), paint)
    front = Board(1.3, 2.4, 80.0, paint)
    front.rect(0.12, 0.35, 1.06, 0.95, (52, 64, 74))
    front.rect(0.62, 0.35, 0.05, 0.95, paint)
    front.rect(0.2, 0.42, 0.3, 0.3, (110, 126, 136))
    front.rect(0, 1.45, 1.3, 0.18, (40, 80, 150))
    stage.panel(front.image, (x - 0.65, 2.4, z - 0.66), (1.3, 0.0), 2.4)
    stage.box((x, 2.4, z), (1.7, 0.16, 1.7), (70, 80, 96))
    if stage.light.night:
        stage.box((x, 2.05, z - 0.68), (0.9, 0.12, 0.02), glow(0.9))


def _barrier(stage: Stage, x: float, way: float, length: float, z: float) -> None:
    stage.box((x, 0.0, z), (0.4, 1.15, 0.4), (226, 140, 40))
    for index, along in enumerate(np.arange(0.0, length, 0.55)):
        paint = (200, 40, 36) if index % 2 else (230, 230, 226)
        stage.box((x + way * (float(along) + 0.27), 0.92, z - 0.05), (0.55, 0.13, 0.06), paint)


# -- facade


def facade(stage: Stage) -> None:
    """A high wall seen from below, watched for what falls from it."""
    rng = stage.rng
    stage.lamp_reach_m, stage.ambient = 24.0, 0.3
    z, height = _even(rng, 17.0, 22.0), 2.9 * int(rng.integers(9, 12)) + 1.0
    style = wall_style(rng)
    edge = _even(rng, 7.0, 15.0) * (1 if rng.random() < 0.5 else -1)  # noqa: PLR2004 - heads or tails
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
    stage.stand([Prop("tree", x + _even(rng, -1, 1), _even(rng, 10.5, 13.0), _even(rng, 6.2, 8.2))
                 for x in (-8.0, 0.5, 8.5)])


# -- fire lane


def fire_lane(stage: Stage) -> None:
    """A narrow lane between houses that must stay free for fire engines."""
    rng = stage.rng
    stage.lamp_reach_m, stage.ambient = 12.0, 0.2
    left, right, end = -_even(rng, 3.6, 5.4), _even(rng, 3.6, 5.4), _even(rng, 42.0, 60.0)
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
        _write(sheet, word, -1.7, 8.6, 3.4, 2.6)
        for side, x in ((-1, left), (1, right)):
            sheet.area(*sorted((x, x - side * 0.8)), 0, end, (112, 116, 96))
        stage.prop_shadows(sheet, props)
        for (x0, x1), height in zip(((left - 9, left), (right, right + 9)), heights, strict=True):
            stage.house_shadow(sheet, x0, x1, 1.0, end, height)

    stage.ground(draw, ground, near=2.2, far=end + 20, half_width=30.0)
    stage.wall(wall_style(rng), (-34.0, 19.0, end + 14), (68.0, 0.0), 19.0, scale=12.0)
    stage.stand([Prop("tree", _even(rng, -5, 5), end + _even(rng, 3, 9), _even(rng, 6, 8)) for _ in range(3)])
    style = wall_style(rng)
    stage.wall(style, (left, heights[0], 1.0), (0.0, end - 1.0), heights[0], scale=26.0)
    stage.wall(style if rng.random() < 0.5 else wall_style(rng), (right, heights[1], end),  # noqa: PLR2004
               (0.0, 1.0 - end), heights[1], scale=26.0)
    stage.stand(props)
    for x in (-1.2, 1.0):
        stage.walker((x, 9.0), (x + 0.4, end))
        stage.walker((x + 0.5, 10.0), (x, end))
    stage.walker((0.2, 12.0), (-0.3, end), kind="rider", away=2.0)


def _lane_props(rng: Rng, left: float, right: float) -> list[Prop]:
    props = [Prop("bike", right - _even(rng, 0.5, 1.0), z + _even(rng, -0.4, 0.4), 1.0, colour=pick(rng, BIKE_COLOURS))
             for z in np.arange(9.0, 9.0 + 1.1 * int(rng.integers(3, 8)), 1.1)]
    start = _even(rng, 8.0, 14.0)
    props += [Prop("bin", left + 0.7, start + index * 0.8, 1.1, colour=BIN_COLOURS[index])
              for index in range(int(rng.integers(2, 5)))]
    props += [Prop("lamp", left + 0.4, _even(rng, 16, 22), 5.0), Prop("bin", right - 0.5, 20.0, 0.8, colour=(180, 36, 32))]
    props += [Prop("tree", right - 0.6, _even(rng, 22, 36), _even(rng, 4.5, 6.0))]
    return props


def _lettering(word: str) -> Image.Image:
    """A word as a mask, upside down: rows of the ground go away from the camera."""
    image = Image.new("L", (40 * len(word), 90))
    ImageDraw.Draw(image).text((6, 0), word, fill=255, font_size=72)
    return image.crop(image.getbbox()).transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def _write(sheet: Sheet, word: Image.Image, x: float, z: float, width: float, length: float) -> None:
    if sheet.near <= z < sheet.far:
        mask = word.resize((round(width * sheet.scale), round(length * sheet.scale)))
        left, top = (round(edge) for edge in sheet.at(x, z))
        sheet.image.paste(YELLOW, (left, top), mask)
