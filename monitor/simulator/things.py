"""What stands and moves in a scene: boxes, cars, bicycles, people, trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from monitor.simulator.canvas import Colour, Face
from monitor.simulator.lens import Array
from monitor.simulator.texture import Rng, scaled, vary

Shade = Callable[[Array], float]
CAR_COLOURS = (
    (225, 228, 230),
    (38, 40, 44),
    (150, 154, 158),
    (120, 28, 30),
    (34, 52, 92),
    (86, 88, 90),
    (190, 176, 150),
)
COATS = ((40, 44, 58), (110, 36, 40), (70, 84, 60), (150, 140, 120), (34, 34, 36), (52, 80, 120), (132, 120, 84))
BIKE_COLOURS = ((150, 40, 40), (60, 80, 120), (200, 200, 196), (50, 52, 56))
BIN_COLOURS = ((40, 96, 60), (50, 80, 130), (110, 112, 114), (140, 44, 40))
# The side of a car, bonnet first: metres along it and metres up.
_SALOON = (
    (2.2, 0.35),
    (2.15, 0.78),
    (1.1, 0.92),
    (0.45, 1.42),
    (-0.95, 1.44),
    (-1.6, 1.0),
    (-2.15, 0.92),
    (-2.2, 0.35),
)
_VAN = ((2.2, 0.35), (2.15, 0.95), (1.6, 1.1), (1.0, 1.75), (-1.9, 1.8), (-2.1, 1.3), (-2.2, 0.95), (-2.2, 0.35))
_SALOON_GLASS = ((1.0, 0.95), (0.42, 1.36), (-0.9, 1.38), (-1.45, 1.0))
_VAN_GLASS = ((1.5, 1.12), (0.98, 1.66), (-1.8, 1.7), (-1.9, 1.2))
_GLASS: Colour = (36, 42, 50)
HALF_WIDTH_M = 0.88


def box(
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
    colour: Colour,
    shade: Shade,
    turn: float = 0.0,
) -> list[Face]:
    """A box standing on `centre` (x, y of its foot, z); size is width, height, depth; `turn` in radians."""
    width, height, depth = size
    foot = [(-width / 2, -depth / 2), (width / 2, -depth / 2), (width / 2, depth / 2), (-width / 2, depth / 2)]
    faces: list[Face] = []
    for level, way in ((height, 1.0), (0.0, -1.0)):
        normal = np.array([0.0, way, 0.0])
        faces.append(
            Face(_placed([(x, level, z) for x, z in foot], centre, turn), scaled(colour, shade(normal)), normal)
        )
    for index in range(4):
        (x0, z0), (x1, z1) = foot[index], foot[(index + 1) % 4]
        corners = _placed([(x0, 0, z0), (x1, 0, z1), (x1, height, z1), (x0, height, z0)], centre, turn)
        normal = _turned(np.array([[z1 - z0, 0.0, x0 - x1]]), turn)[0]
        normal /= np.linalg.norm(normal)
        faces.append(Face(corners, scaled(colour, shade(normal)), normal))
    return faces


def _turned(points: Array, turn: float) -> Array:
    cos, sin = np.cos(turn), np.sin(turn)
    return np.column_stack(
        [points[:, 0] * cos + points[:, 2] * sin, points[:, 1], points[:, 2] * cos - points[:, 0] * sin]
    )


def _placed(points: Sequence[tuple[float, float, float]], centre: tuple[float, float, float], turn: float) -> Array:
    return np.asarray(_turned(np.array(points, dtype=float), turn) + np.array(centre))


def car(x: float, z: float, turn: float, colour: Colour, shade: Shade, *, van: bool = False) -> list[Face]:
    """A car on the ground whose bonnet points along `turn` (0: away from the camera)."""
    profile, glass = (_VAN, _VAN_GLASS) if van else (_SALOON, _SALOON_GLASS)
    faces: list[Face] = []

    def add(points: Sequence[tuple[float, float, float]], paint: Colour, normal: tuple[float, float, float]) -> None:
        way = _turned(np.array([normal], dtype=float), turn)[0]
        way /= np.linalg.norm(way)
        faces.append(Face(_placed(points, (x, 0.0, z), turn), scaled(paint, shade(way)), way))

    for side in (-1.0, 1.0):
        half = side * HALF_WIDTH_M
        add([(half, y, along) for along, y in profile], colour, (side, 0.0, 0.0))
        add([(half * 1.004, y, along) for along, y in glass], _GLASS, (side, 0.3, 0.0))
        for along in (1.35, -1.35):
            add(
                [(half * 1.01, 0.33 + 0.33 * np.sin(a), along + 0.33 * np.cos(a)) for a in np.arange(0, 6.2, 0.6)],
                (24, 24, 26),
                (side, 0.0, 0.0),
            )
    for (a0, y0), (a1, y1) in pairwise(profile):
        is_glass = y0 != y1 and max(y0, y1) > 1.3 and abs(a0 - a1) < 1.0  # noqa: PLR2004 - the slanted panes
        add(
            [(-HALF_WIDTH_M, y0, a0), (HALF_WIDTH_M, y0, a0), (HALF_WIDTH_M, y1, a1), (-HALF_WIDTH_M, y1, a1)],
            _GLASS if is_glass else colour,
            (0.0, a0 - a1, y1 - y0),
        )
    _lamps(add)
    return faces


def _lamps(add: Callable[[Sequence[tuple[float, float, float]], Colour, tuple[float, float, float]], None]) -> None:
    for side in (-0.6, 0.6):
        for along, paint, way in ((2.3, (235, 235, 220), 1.0), (-2.3, (150, 30, 30), -1.0)):
            add(
                [
                    (side - 0.2, 0.6, along),
                    (side + 0.2, 0.6, along),
                    (side + 0.2, 0.76, along),
                    (side - 0.2, 0.76, along),
                ],
                paint,
                (0.0, 0.0, way),
            )
    for along, way in ((2.3, 1.0), (-2.3, -1.0)):
        add(
            [(-0.25, 0.42, along), (0.25, 0.42, along), (0.25, 0.54, along), (-0.25, 0.54, along)],
            (40, 70, 150),
            (0.0, 0.0, way),
        )


# -- sprites: upright pictures with alpha

PERSON_PX = (120, 288)
PERSON_M = 1.7
TREE_PX = (360, 420)
BIKE_PX = (264, 168)
BIKE_M = 1.1
RIDER_PX = (264, 300)
RIDER_M = 1.75
LEAVES = 90  # of each bunch


def person(coat: Colour, step: float) -> Image.Image:
    """A person; `step` (radians) is where in the stride."""
    image = Image.new("RGBA", PERSON_PX)
    pen = ImageDraw.Draw(image)
    swing = float(np.sin(step)) * 22
    legs = scaled((48, 50, 60), 1.0)
    for side in (-1, 1):
        foot = 60 + side * swing
        pen.line((60 + side * 7, 150, foot, 274), fill=(*legs, 255), width=22)
        pen.ellipse((foot - 13, 268, foot + 17, 286), fill=(26, 26, 28, 255))
        pen.line(
            (60 + side * 24, 72, 60 + side * 27 - side * swing * 0.7, 158), fill=(*scaled(coat, 0.85), 255), width=15
        )
    pen.rounded_rectangle((32, 56, 88, 166), 20, fill=(*coat, 255))
    pen.rounded_rectangle((32, 56, 52, 166), 12, fill=(*scaled(coat, 1.18), 255))
    pen.rectangle((53, 44, 67, 60), fill=(176, 140, 118, 255))
    pen.ellipse((42, 4, 78, 52), fill=(190, 152, 128, 255))
    pen.pieslice((40, 1, 80, 50), 160, 380, fill=(30, 26, 24, 255))
    return image


def bicycle(colour: Colour) -> Image.Image:
    """An electric bicycle seen from the side."""
    image = Image.new("RGBA", BIKE_PX)
    pen = ImageDraw.Draw(image)
    for x in (50, 214):
        pen.ellipse((x - 40, 86, x + 40, 166), outline=(24, 24, 26, 255), width=9)
        pen.ellipse((x - 9, 117, x + 9, 135), fill=(130, 130, 132, 255))
    pen.polygon([(70, 122), (96, 74), (176, 96), (206, 52), (222, 60), (196, 126), (120, 138)], fill=(*colour, 255))
    pen.line((206, 54, 214, 126), fill=(70, 72, 74, 255), width=9)
    pen.line((190, 30, 216, 44), fill=(40, 40, 42, 255), width=9)
    pen.rounded_rectangle((62, 60, 134, 80), 8, fill=(34, 32, 32, 255))
    pen.rectangle((28, 46, 70, 78), fill=(60, 62, 66, 255))
    return image


def rider(colour: Colour, coat: Colour) -> Image.Image:
    """A person on an electric bicycle."""
    image = Image.new("RGBA", RIDER_PX)
    bike = bicycle(colour)
    image.paste(bike, (0, RIDER_PX[1] - BIKE_PX[1]), bike)
    pen = ImageDraw.Draw(image)
    pen.line((110, 190, 150, 214, 140, 262), fill=(44, 46, 56, 255), width=22, joint="curve")
    pen.rounded_rectangle((78, 84, 128, 200), 20, fill=(*coat, 255))
    pen.line((112, 110, 160, 150, 198, 162), fill=(*scaled(coat, 0.85), 255), width=14, joint="curve")
    pen.ellipse((86, 34, 126, 84), fill=(186, 150, 126, 255))
    pen.pieslice((82, 28, 130, 84), 170, 370, fill=(210, 206, 60, 255))
    return image


def tree(rng: Rng, *, night: bool) -> Image.Image:
    """A tree of many blobs of leaves, lighter where the sun is; brighter by night, as leaves are in infrared."""
    image = Image.new("RGBA", TREE_PX)
    pen = ImageDraw.Draw(image)
    height = TREE_PX[1]
    bark: Colour = (74, 60, 48)
    pen.polygon([(168, height), (192, height), (186, 150), (176, 150)], fill=(*bark, 255))
    pen.polygon([(182, height), (192, height), (186, 150), (182, 150)], fill=(*scaled(bark, 0.7), 255))
    for _ in range(7):
        x, y = rng.uniform(70, 290), rng.uniform(80, 220)
        pen.line((180, rng.uniform(210, 300), x, y), fill=(*bark, 255), width=6)
    tone = vary(rng, (58, 84, 44) if not night else (128, 140, 118), 14)
    bunches = [(rng.uniform(70, 290), rng.uniform(70, 220), rng.uniform(38, 66)) for _ in range(16)]
    for x, y, reach in sorted(bunches, key=lambda bunch: bunch[1]):
        _leaves(pen, rng, (float(x), float(y), float(reach)), tone)
    return image


def _leaves(pen: ImageDraw.ImageDraw, rng: Rng, bunch: tuple[float, float, float], tone: Colour) -> None:
    x, y, reach = bunch
    angles, shares = rng.uniform(0, 2 * np.pi, LEAVES), np.sqrt(rng.uniform(0, 1, LEAVES))
    sizes, tints = rng.uniform(2.2, 5.6, LEAVES), rng.uniform(0.7, 1.3, LEAVES)
    right, down = shares * np.cos(angles), shares * 0.85 * np.sin(angles)
    lifts = tints * (1.1 - 0.45 * down - 0.15 * right)
    for cx, cy, size, lift in zip(
        *((x + reach * right).tolist(), (y + reach * down).tolist(), sizes.tolist(), lifts.tolist()), strict=True
    ):
        pen.ellipse((cx - size, cy - size * 0.8, cx + size, cy + size * 0.8), fill=(*scaled(tone, lift), 255))
