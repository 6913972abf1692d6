"""Arithmetic on small planes of float32: means over squares and blocks, quantiles.

Every picture of every camera passes through here, so each function takes as few passes over its plane as it can.
"""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Blocks of the grid that a picture is described on.
COLUMNS, ROWS = 16, 12
BLOCKS = COLUMNS * ROWS

# Sizes that have no small ratio to the wanted one are left to Pillow.
_LARGEST_RATIO = 8

Plane = NDArray[np.float32]

# What Cb and Cr, 128 taken off, add to red, green and blue beside the luma (ITU-T T.871).
CHROMA_TO_RGB: Plane = np.array([[0.0, -0.344136, 1.772], [1.402, -0.714136, 0.0]], dtype=np.float32)


def to_rgb(chroma: Plane) -> Plane:
    """What Cb and Cr (last axis) add to red, green and blue."""
    # As one product: numpy would take one for each row.
    return np.asarray(chroma.reshape(-1, 2) @ CHROMA_TO_RGB).reshape(*chroma.shape[:-1], 3)


def shrink(plane: NDArray[Any], height: int, width: int) -> Plane | None:
    """What Pillow's BOX filter makes of a plane, in half the time, for simple ratios (5 to 4, 5 to 3); else None."""
    given_height, given_width = plane.shape
    if not (_is_simple(given_height, height) and _is_simple(given_width, width)):
        return None
    in_rows = gcd(given_height, height)
    rows = np.empty((in_rows, height // in_rows, given_width), np.float32)
    _shrink_groups(plane.reshape(in_rows, -1, given_width), rows)
    in_columns = gcd(given_width, width)
    found = np.empty((height, in_columns, width // in_columns), np.float32)
    _shrink_groups(rows.reshape(height, in_columns, -1).swapaxes(1, 2), found.swapaxes(1, 2))
    return found.reshape(height, width)


def _is_simple(size: int, wanted: int) -> bool:
    return size >= wanted and size // gcd(size, wanted) <= _LARGEST_RATIO


def _shrink_groups(given: NDArray[Any], wanted: Plane) -> None:
    """Shrink along the middle axis: each wanted value is the mean of those whose middles lie within it."""
    ratio = given.shape[1] / wanted.shape[1]
    for at in range(wanted.shape[1]):
        first, end = int(at * ratio + 0.5), int((at + 1) * ratio + 0.5)
        total = wanted[:, at]
        total[...] = given[:, first]
        for further in range(first + 1, end):
            total += given[:, further]
        if end - first > 1:
            total *= np.float32(1 / (end - first))


def halve(plane: Plane) -> Plane:
    """Mean of each 2 x 2."""
    pairs = plane[::2] + plane[1::2]
    total = pairs[:, ::2] + pairs[:, 1::2]
    total *= np.float32(0.25)
    return total


def edged(plane: Plane, margin: int) -> Plane:
    """The plane with its edges repeated outwards, `margin` px on each side."""
    height, width = plane.shape
    found = np.empty((height + 2 * margin, width + 2 * margin), plane.dtype)
    middle = found[margin : margin + height]
    middle[:, margin : margin + width] = plane
    middle[:, :margin], middle[:, margin + width :] = plane[:, :1], plane[:, -1:]
    found[:margin], found[margin + height :] = middle[0], middle[-1]
    return found


def box(plane: Plane, radius: int) -> Plane:
    """Mean over a square of 2 * radius + 1 px, edges repeated."""
    size = 2 * radius + 1
    total = _running_sum(_running_sum(edged(plane, radius), size).T, size).T
    return total * np.float32(1 / (size * size))


def near_and_far(plane: Plane, step: int) -> tuple[Plane, Plane]:
    """Means over squares of 5 and of 13 px, edges repeated, around the px of every `step`-th row from the second on."""
    padded = edged(plane, 6)
    # The margin is that of the larger square: four px more than the smaller one needs.
    near = _running_sum(_running_sum(padded[4:-4, 4:-4], 5)[1::step].T, 5).T
    far = _running_sum(_running_sum(padded, 13)[1::step].T, 13).T
    return near * np.float32(1 / 5**2), far * np.float32(1 / 13**2)


def _running_sum(plane: Plane, size: int) -> Plane:
    """Sums of `size` successive rows, built from sums of 1, 2, 4, … rows: five additions for 13 rows, not twelve."""
    count, at, width, total = len(plane) - size + 1, 0, 1, None
    while width <= size:
        if size & width:
            part = plane[at : at + count]
            total = part if total is None else total + part
            at += width
        width *= 2
        if width <= size:
            plane = plane[: -(width // 2)] + plane[width // 2 :]
    assert total is not None, "a sum is of one row at least"  # noqa: S101 (for the type checker)
    return total


def block_mean(plane: Plane) -> Plane:
    """Mean over each block of the grid, whatever the size of the blocks."""
    height, width = plane.shape[0] // ROWS, plane.shape[1] // COLUMNS
    # One axis at a time: several times faster than both at once.
    rows = np.add.reduce(plane.reshape(ROWS, height, -1), axis=1)
    total = np.add.reduce(rows.reshape(ROWS, COLUMNS, width), axis=2)
    return np.asarray(total * np.float32(1 / (height * width)))


def mean(values: NDArray[Any]) -> float:
    """The mean of all values; np.mean takes several times as long over a plane of blocks."""
    return float(np.add.reduce(values, axis=None)) / values.size


def quantile(values: NDArray[Any], share: float) -> float:
    """The value that this share of the values lies below, between two neighbours by proportion (as np.quantile)."""
    return quantile_of_sorted(np.sort(values, axis=None), share)


def quantile_of_sorted(values: NDArray[Any], share: float) -> float:
    """The same of values in rising order."""
    at = share * (len(values) - 1)
    low = int(at)
    first = float(values[low])
    return first + (at - low) * (float(values[min(low + 1, len(values) - 1)]) - first)


def median(values: NDArray[Any]) -> float:
    """The middle value."""
    return quantile(values, 0.5)
