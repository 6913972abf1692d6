"""Blocks of a picture as the outline around them, and a turned view as an arrow, for an SVG of 16 x 12 units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

COLUMNS, ROWS = 16, 12

# A gap of so many cells in a covered patch is closed in its outline.
SMALL_HOLE = 3

# Shades between "counts in full" and "has no say", and how dense the last one is: the picture is still seen through it.
VEILS, DENSEST = 4, 0.8

Corner = tuple[int, int]
Cell = tuple[int, int]


def outline(blocks: Iterable[int]) -> str:
    """The path around blocks (row * 16 + column): one closed loop around each patch and each large hole in one."""
    cells = {divmod(block, COLUMNS) for block in blocks if 0 <= block < COLUMNS * ROWS}
    steps = _border(cells | _small_holes(cells))
    return "".join(_drawn(loop) for loop in _loops(steps))


@dataclass(frozen=True, slots=True)
class Veil:
    """A stretch of blocks in one row that are equally unreliable; `opacity` 0..1 of what is laid over them."""

    x: int
    y: int
    width: int
    opacity: float


def veils(reliability: Sequence[float]) -> list[Veil]:
    """What hides the blocks of a picture that have little say: the less reliable (0..1, row by row), the denser."""
    found = []
    for row in range(ROWS):
        steps = [round((1 - value) * VEILS) for value in reliability[row * COLUMNS : (row + 1) * COLUMNS]]
        column = 0
        for step, run in groupby(steps):
            width = len(list(run))
            if step:
                found.append(Veil(column, row, width, round(DENSEST * step / VEILS, 2)))
            column += width
    return found


def _small_holes(cells: set[Cell]) -> set[Cell]:
    """Enclosed gaps of a few cells: a loop around each would hide the picture that the outline is to explain."""
    free = {(row, column) for row in range(-1, ROWS + 1) for column in range(-1, COLUMNS + 1)} - cells
    holes: set[Cell] = set()
    while free:
        gap = _patch(min(free), free)
        free -= gap
        holes |= gap if len(gap) <= SMALL_HOLE else set()
    return holes


def _patch(start: Cell, among: set[Cell]) -> set[Cell]:
    """The cells that hang together with one, side by side."""
    found, edge = {start}, [start]
    while edge:
        row, column = edge.pop()
        for cell in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if cell in among and cell not in found:
                found.add(cell)
                edge.append(cell)
    return found


def arrow(shift: tuple[float, float] | None) -> str:
    """The way the scene moved in the picture: against the turn of the camera (`shift`: shares of width and height)."""
    if shift is None:
        return ""
    across, down = -shift[0] * COLUMNS, -shift[1] * ROWS
    length = (across**2 + down**2) ** 0.5
    if length == 0:
        return ""
    reach = min(max(length, 2.0), 6.0) / length / 2
    middle = (COLUMNS / 2, ROWS / 2)
    tail = (middle[0] - across * reach, middle[1] - down * reach)
    tip = (middle[0] + across * reach, middle[1] + down * reach)
    return f"M{_point(tail)}L{_point(tip)}{_head(tip, (across / length, down / length))}"


def _head(tip: tuple[float, float], way: tuple[float, float]) -> str:
    back = (tip[0] - way[0], tip[1] - way[1])
    one, other = (back[0] - way[1] * 0.8, back[1] + way[0] * 0.8), (back[0] + way[1] * 0.8, back[1] - way[0] * 0.8)
    return f"M{_point(one)}L{_point(tip)}L{_point(other)}"


def _point(at: tuple[float, float]) -> str:
    return f"{at[0]:.2f} {at[1]:.2f}"


def _border(cells: set[Cell]) -> dict[Corner, list[Corner]]:
    """Sides of cells that no other cell shares, walked clockwise: from each corner to the next ones."""
    steps: dict[Corner, list[Corner]] = {}
    for row, column in sorted(cells):
        sides = (
            ((row - 1, column), (column, row), (column + 1, row)),
            ((row, column + 1), (column + 1, row), (column + 1, row + 1)),
            ((row + 1, column), (column + 1, row + 1), (column, row + 1)),
            ((row, column - 1), (column, row + 1), (column, row)),
        )
        for neighbour, start, end in sides:
            if neighbour not in cells:
                steps.setdefault(start, []).append(end)
    return steps


def _loops(steps: dict[Corner, list[Corner]]) -> list[list[Corner]]:
    loops = []
    while steps:
        start = at = min(steps)
        loop = [start]
        while True:
            ends = steps[at]
            at = ends.pop()
            if not ends:
                del steps[loop[-1]]
            if at == start:
                break
            loop.append(at)
        loops.append(loop)
    return loops


def _drawn(loop: list[Corner]) -> str:
    """A loop as a path, without the corners that lie on a straight line."""
    corners = [
        at
        for before, at, after in zip([loop[-1], *loop], loop, [*loop[1:], loop[0]], strict=False)
        if not (before[0] == at[0] == after[0] or before[1] == at[1] == after[1])
    ]
    return "M" + "L".join(f"{x} {y}" for x, y in corners) + "Z"
