"""Scenes at a house's door and behind it: the hall with its lifts, and the door with access control."""

from __future__ import annotations

import numpy as np

from monitor.simulator.stage import Prop, Stage
from monitor.simulator.texture import Board, Rng, Sheet, pick, scaled, vary
from monitor.simulator.things import BIKE_COLOURS
from monitor.simulator.walls import glow

STEEL = (158, 162, 166)
WALL_SCALE = 70.0


def hall(stage: Stage) -> None:
    """The ground floor of a house: lifts at the end, letter boxes and a door at the sides."""
    stage.indoors = True
    stage.lamp_reach_m, stage.ambient = 13.0, 0.22
    rng = stage.rng
    half, end, height = float(rng.uniform(2.9, 3.9)), float(rng.uniform(11.0, 13.5)), 3.1
    stone = vary(rng, pick(rng, ((188, 178, 162), (170, 172, 174), (196, 188, 178), (150, 136, 120))), 12)
    floor = vary(rng, pick(rng, ((168, 158, 146), (186, 182, 176), (140, 134, 128))), 12)

    def draw(sheet: Sheet) -> None:
        for z in np.arange(2.0, end, 2.6):
            sheet.area(-half * 0.5, half * 0.5, float(z), float(z) + 0.9, scaled(floor, 1.12))
        sheet.tiles((-half, half, 0.0, end), 0.8, scaled(floor, 0.7))
        for side in (-1, 1):
            sheet.area(side * half, side * (half - 0.3), 0.0, end, scaled(floor, 0.55))

    stage.ground(draw, floor, near=1.2, far=end, half_width=half, grain=0.5)
    stage.panel(_lift_wall(rng, 2 * half, height, stone).image, (-half, height, end), (2 * half, 0.0), height)
    stage.panel(_side_wall(rng, end, height, stone).image, (-half, height, 0.6), (0.0, end - 0.6), height)
    stage.panel(_side_wall(rng, end, height, stone).image, (half, height, end), (0.0, 0.6 - end), height)
    _ceiling(stage, half, end, height)
    for side in (-1, 1):
        stage.box((side * (half - 0.5), 0.0, end - 0.6), (0.5, 0.5, 0.5), (150, 90, 70))
        stage.stand([Prop("tree", side * (half - 0.5), end - 0.6, 1.5)])
    for z in (8.0, 9.2, 10.0):
        stage.walker((-half + 0.6, z), (half - 0.6, z + 0.4), away=2.0)


def _ceiling(stage: Stage, half: float, end: float, height: float) -> None:
    board = Board(2 * half, end, 30.0, (206, 206, 200))
    board.tiles(0.6, 0.6, (176, 176, 172))
    board.grain(stage.rng, 0.4)
    lamp = glow(0.75) if stage.light.night else (250, 250, 244)
    for z in np.arange(1.4, end - 0.6, 2.4):
        board.rect(half - 0.6, float(z), 1.2, 0.6, lamp)
    stage.canvas.plane(
        board.image, np.array([-half, height, 0.3]), np.array([2 * half, 0.0, 0.0]), np.array([0.0, 0.0, end - 0.3])
    )


def _lift_wall(rng: Rng, width: float, height: float, stone: tuple[int, int, int]) -> Board:
    board = Board(width, height, WALL_SCALE, stone)
    board.tiles(0.6, 0.6, scaled(stone, 0.8))
    board.grain(rng, 0.7)
    for left in (width * 0.2 - 0.3, width * 0.8 - 0.9):
        board.rect(left - 0.12, 0.7, 1.44, 2.4, scaled(stone, 0.55))
        board.rect(left, 0.82, 1.2, 2.28, STEEL)
        board.rect(left + 0.59, 0.82, 0.03, 2.28, (70, 72, 74))
        board.rect(left + 0.12, 0.82, 0.08, 2.28, scaled(STEEL, 1.2))
        board.rect(left + 0.35, 0.5, 0.5, 0.16, (30, 20, 20))
        board.rect(left + 1.42, 1.6, 0.14, 0.3, scaled(STEEL, 0.8))
    board.rect(width / 2 - 0.5, 0.9, 1.0, 0.7, (224, 220, 206))
    board.signs(rng, (width / 2 - 0.42, 1.0), 0.13, 5, (160, 40, 40))
    board.signs(rng, (width / 2 - 0.42, 1.25), 0.1, 6, (60, 60, 64))
    return board


def _side_wall(rng: Rng, length: float, height: float, stone: tuple[int, int, int]) -> Board:
    board = Board(length - 0.6, height, WALL_SCALE, scaled(stone, 1.06))
    board.tiles(0.8, 0.5, scaled(stone, 0.82))
    board.grain(rng, 0.7)
    board.rect(0, height - 0.15, length, 0.15, scaled(stone, 0.5))
    start = float(rng.uniform(2.5, 4.0))
    if rng.random() < 0.6:  # noqa: PLR2004 - letter boxes here
        for row in range(5):
            for column in range(8):
                board.rect(start + column * 0.34, 0.9 + row * 0.26, 0.31, 0.23, vary(rng, STEEL, 8))
                board.rect(start + column * 0.34 + 0.05, 0.96 + row * 0.26, 0.2, 0.03, (60, 62, 64))
    else:
        board.rect(start, 0.9, 1.9, 1.2, (60, 62, 66))
        for column in range(3):
            board.rect(start + 0.08 + column * 0.6, 0.98, 0.54, 1.04, vary(rng, (206, 190, 160), 40))
    _side_door(board, start + float(rng.uniform(3.6, 5.0)), rng)
    return board


def _side_door(board: Board, left: float, rng: Rng) -> None:
    paint = vary(rng, (110, 78, 56), 18)
    board.rect(left - 0.1, 0.9, 1.2, 2.2, scaled(paint, 0.6))
    board.rect(left, 1.0, 1.0, 2.1, paint)
    board.rect(left + 0.12, 1.15, 0.76, 0.7, scaled(paint, 1.2))
    board.rect(left + 0.82, 2.05, 0.1, 0.16, (200, 200, 196))
    board.rect(left + 0.2, 0.62, 0.6, 0.2, (20, 120, 70))


def access_door(stage: Stage) -> None:
    """The door of a house with its intercom, seen from a post in front of it."""
    stage.lamp_reach_m = 9.5
    rng = stage.rng
    z, middle = float(rng.uniform(7.6, 9.0)), float(rng.uniform(-1.4, 1.4))
    paving = vary(rng, (160, 154, 146), 18)
    props = [
        Prop("bike", middle + float(rng.uniform(3.0, 3.6)) + index * 0.7, z - 0.5, 1.0, colour=pick(rng, BIKE_COLOURS))
        for index in range(int(rng.integers(2, 5)))
    ]
    props += [Prop("tree", middle - float(rng.uniform(3.4, 4.6)), z - 0.6, float(rng.uniform(1.6, 2.4)))]

    def draw(sheet: Sheet) -> None:
        sheet.tiles((-20, 20, 0, z), 0.4, scaled(paving, 0.74))
        sheet.area(middle - 1.5, middle + 1.5, z - 3.6, z - 0.4, scaled(paving, 0.84))
        sheet.tiles((middle - 1.5, middle + 1.5, z - 3.6, z - 0.4), 0.3, scaled(paving, 0.6))
        sheet.area(-20, middle - 1.7, z - 1.0, z, (96, 106, 74))
        sheet.area(-20, middle - 1.7, z - 1.1, z - 1.0, (176, 174, 168))
        stage.prop_shadows(sheet, props)
        stage.house_shadow(sheet, (-20.0, 20.0), (z, z + 9), 14.0)

    stage.ground(draw, paving, near=1.6, far=z, half_width=20.0)
    board = _door_wall(stage, 20.0, 6.5, middle + 10.0)
    stage.panel(board.image, (-10.0, 6.5, z), (20.0, 0.0), 6.5)
    stage.box((middle, 0.0, z - 0.6), (3.0, 0.16, 1.2), scaled(paving, 0.95))
    stage.box((middle, 0.16, z - 0.3), (2.6, 0.15, 0.6), scaled(paving, 1.02))
    stage.box((middle, 2.95, z - 0.7), (3.4, 0.22, 1.5), (120, 124, 128))
    stage.stand(props)
    stage.walker((-9.0, z - 1.3), (9.0, z - 1.2), away=2.0)
    stage.walker((middle, z - 1.25), (middle - 7.0, z - 1.5), away=3.0)


def _door_wall(stage: Stage, width: float, height: float, middle: float) -> Board:
    rng = stage.rng
    stone = vary(rng, pick(rng, ((182, 168, 150), (160, 110, 92), (190, 190, 186), (146, 150, 148))), 14)
    board = Board(width, height, 64.0, stone)
    board.tiles(0.3, 0.15, scaled(stone, 0.8), brick=True)
    board.grain(rng)
    board.rect(0, height - 0.6, width, 0.6, scaled(stone, 0.6))
    for offset in (-6.4, -3.6, 3.4, 6.2):
        _barred_window(board, middle + offset, height - 2.6, rng)
        _barred_window(board, middle + offset, height - 5.6, rng)
    board.rect(middle + 2.6, 0, 0.12, height, (208, 208, 202))
    _door(stage, board, middle, height - 0.31, rng)
    return board


def _barred_window(board: Board, left: float, top: float, rng: Rng) -> None:
    board.rect(left - 0.06, top - 0.06, 1.52, 1.42, (214, 216, 214))
    board.rect(left, top, 1.4, 1.3, vary(rng, (60, 72, 84), 16))
    board.rect(left, top, 1.4, 0.4, vary(rng, (96, 108, 118), 16))
    for x in np.arange(left, left + 1.4, 0.14):
        board.rect(float(x), top, 0.025, 1.3, (196, 198, 198))
    board.rect(left, top + 0.64, 1.4, 0.03, (196, 198, 198))


def _door(stage: Stage, board: Board, middle: float, foot: float, rng: Rng) -> None:
    frame = vary(rng, pick(rng, ((70, 74, 78), (120, 40, 36), (60, 84, 70))), 10)
    top = foot - 2.35
    board.rect(middle - 1.1, top - 0.1, 2.2, 2.45, frame)
    for left in (middle - 0.98, middle + 0.04):
        board.rect(left, top + 0.05, 0.94, 1.3, (54, 66, 76))
        board.rect(left + 0.1, top + 0.1, 0.2, 1.2, (92, 106, 116))
        board.rect(left, top + 1.45, 0.94, 0.8, scaled(frame, 1.25))
        board.rect(left + 0.2, top + 0.4, 0.4, 0.5, vary(rng, (220, 214, 196), 20))
    board.rect(middle - 0.16, top + 1.0, 0.06, 0.7, (210, 212, 212))
    board.rect(middle + 0.1, top + 1.0, 0.06, 0.7, (210, 212, 212))
    board.rect(middle + 1.3, top + 0.75, 0.26, 0.5, (40, 42, 46))
    board.rect(middle + 1.34, top + 0.8, 0.18, 0.14, glow(0.5) if stage.light.night else (90, 140, 170))
    board.rect(middle - 2.2, top + 0.3, 0.85, 1.1, (200, 204, 206))
    board.signs(rng, (middle - 2.1, top + 0.4), 0.12, 4, (170, 50, 46))
    board.signs(rng, (middle - 2.1, top + 0.65), 0.09, 5, (60, 64, 70))
    board.rect(middle - 0.5, top - 0.5, 1.0, 0.34, (36, 70, 140))
    board.signs(rng, (middle - 0.4, top - 0.45), 0.22, 3, (230, 230, 226))
