"""The entrance of a compound. The dice of a seed decide geometry and colours."""

from __future__ import annotations

import numpy as np

from monitor.simulator.stage import Prop, Stage
from monitor.simulator.texture import Board, Rng, Sheet, even, pick, scaled, vary
from monitor.simulator.things import BIKE_COLOURS, BIN_COLOURS, CAR_COLOURS
from monitor.simulator.walls import glow, wall_style

ASPHALT, WHITE, YELLOW = (104, 105, 106), (214, 214, 208), (206, 170, 60)
AWAY_Z = 95.0


def gate(stage: Stage) -> None:
    """The entrance of a compound: pillars with a beam, a booth, a barrier, walls to both sides, houses behind."""
    rng = stage.rng
    stage.lamp_reach_m, stage.ambient = 17.0, 0.24
    z, middle, half = even(rng, 13.0, 17.0), even(rng, -2.5, 2.5), even(rng, 3.2, 4.4)
    brick = vary(rng, pick(rng, ((150, 84, 66), (176, 166, 150), (196, 190, 178), (124, 104, 92))), 14)
    props = _gate_props(rng, z, middle, half)
    paving = vary(rng, (164, 152, 140), 18)

    def draw(sheet: Sheet) -> None:
        sheet.area(-40, 40, 0, z - 6.0, ASPHALT)
        sheet.area(-40, 40, z - 6.0, z, paving)
        sheet.tiles((-16, 16, z - 6.0, z), 0.5, scaled(paving, 0.78))
        sheet.area(-40, 40, z - 6.15, z - 5.9, (186, 184, 178))
        sheet.polygon(
            [
                (middle - half - 1.5, z - 6.2),
                (middle + half + 1.5, z - 6.2),
                (middle + half, z - 3),
                (middle + half, AWAY_Z),
                (middle - half, AWAY_Z),
                (middle - half, z - 3),
            ],
            (100, 101, 102),
        )
        _gate_marks(sheet, z, middle, half)
        stage.prop_shadows(sheet, props)
        stage.house_shadow(sheet, (middle - half - 0.9, middle + half + 0.9), (z, z + 0.9), 5.0)

    stage.ground(draw, vary(rng, (104, 116, 78), 10), near=2.5, far=AWAY_Z, half_width=40.0)
    _houses_behind(stage, z)
    stage.stand(prop for prop in props if prop.z > z)
    _gate_wall(stage, z, middle, half, brick)
    _gate_frame(stage, z, middle, half, brick)
    stage.stand(prop for prop in props if prop.z <= z)
    for depth in (5.2, 4.3, 3.3):
        stage.walker((middle - 9, z - depth), (middle + 9, z - depth + even(rng, -0.3, 0.3)))
    stage.walker((middle + even(rng, -2, 2), z - 3.0), (middle + even(rng, -2, 2), z + 24.0))
    stage.walker((-14.0, z - 2.6), (14.0, z - 2.6), kind="rider", away=2.0)
    stage.walker((middle + half / 2, z + 6.0), (middle + half / 2, z + 40.0), kind="car", away=3.0)


def _gate_marks(sheet: Sheet, z: float, middle: float, half: float) -> None:
    for index, x in enumerate(np.arange(middle - half, middle + half, 0.5)):
        sheet.area(float(x), float(x) + 0.5, z - 2.3, z - 1.95, (40, 40, 40) if index % 2 else YELLOW)
    sheet.area(middle + 0.2, middle + half, z - 3.4, z - 3.15, WHITE)
    for line in np.arange(3.0, z - 6, 3.0):
        sheet.area(-40, 40, float(line), float(line) + 0.12, WHITE if line > 5 else YELLOW)  # noqa: PLR2004


def _gate_props(rng: Rng, z: float, middle: float, half: float) -> list[Prop]:
    props = [
        Prop("tree", side * even(rng, 8, 13) + middle, z + even(rng, 2, 9), even(rng, 5, 8)) for side in (-1, 1, -1, 1)
    ]
    props += [Prop("tree", even(rng, -26, 26), z + even(rng, 12, 30), even(rng, 6, 9)) for _ in range(5)]
    for index in range(int(rng.integers(3, 7))):
        props.append(Prop("bike", middle + half + 2.4 + index * 0.8, z - 0.9, 1.0, colour=pick(rng, BIKE_COLOURS)))
    for index in range(int(rng.integers(1, 4))):
        props.append(Prop("bin", middle - half - 4.5 - index * 0.8, z - 0.8, 1.1, colour=pick(rng, BIN_COLOURS)))
    props += [
        Prop("car", middle + side * (half + 1.6), z + even(rng, 5, 20), turn=0.0, colour=pick(rng, CAR_COLOURS))
        for side in (-1, 1)
    ]
    return props


def _houses_behind(stage: Stage, z: float) -> None:
    rng = stage.rng
    x = -46.0
    while x < 46.0:  # noqa: PLR2004 - as wide as anybody can see
        width = even(rng, 16.0, 26.0)
        height = 2.9 * int(rng.integers(5, 9)) + 0.8
        stage.wall(wall_style(rng), (x, height, z + even(rng, 32, 46)), (width, 0.0), height, scale=13.0)
        x += width + even(rng, 2.0, 6.0)


def _gate_wall(stage: Stage, z: float, middle: float, half: float, brick: tuple[int, int, int]) -> None:
    rng, height = stage.rng, even(stage.rng, 1.9, 2.6)
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
    top = even(rng, 3.9, 4.7)
    for side in (-1, 1):
        stage.box((middle + side * (half + 0.45), 0.0, z), (0.9, top, 0.9), stone)
        stage.box((middle + side * (half + 0.45), top, z), (1.1, 0.2, 1.1), scaled(stone, 0.85))
    beam = Board(2 * half + 1.8, 1.05, 50.0, scaled(brick, 0.9))
    beam.grain(rng, 0.7)
    beam.signs(rng, (half - 1.6, 0.2), 0.6, 5, (214, 176, 76))
    stage.box((middle, top - 0.1, z + 0.05), (2 * half + 1.8, 1.05, 0.8), scaled(brick, 0.9))
    stage.panel(beam.image, (middle - half - 0.9, top + 0.95, z - 0.37), (2 * half + 1.8, 0.0), 1.05)
    hand = 1.0 if rng.random() < 0.5 else -1.0  # noqa: PLR2004 - heads or tails
    _booth(stage, middle + hand * (half - 0.7), z - 0.2)
    _barrier(stage, middle + hand * (half - 1.7), -hand, 2 * half - 2.4, z - 0.6)


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
