"""What is measured on one picture: direction of edges, sharpness, tone and colour, on a grid of 16 x 12 blocks.

Structure is the direction of edges modulo 180 degrees, as the doubled angle, normalised by the local contrast: blind to
exposure, colour and the inversion of contrast under infrared light (Saglam & Temizel, AVSS 2009; domain notes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monitor.vision.picture import Picture

COLUMNS, ROWS = 16, 12
BLOCKS = COLUMNS * ROWS
# Every picture is brought to one size: 24 x 18 px a block for sharpness, half of it for structure.
FINE_WIDTH, FINE_HEIGHT = 384, 216
# Structure is kept in cells of 3 x 3 px: 4 x 3 cells a block.
CELL_COLUMNS, CELL_ROWS = 64, 36
_CELL = 3
# Squared gradient (grey levels per px, squared) below which a direction is noise.
_NOISE_FLOOR = 6.0
# Detail (grey levels, squared) that quantisation alone leaves.
_FINE_FLOOR, _COARSE_FLOOR = np.float32(0.02), np.float32(0.2)
_NOISE_SHARE, _QUIETEST = np.float32(0.9), 0.05
_TILE, _QUIET = 16, 0.1
# The mean of |mask| of white noise of standard deviation 1 is 6 / sqrt(pi / 2).
_MASK_TO_NOISE = float(np.sqrt(np.pi / 2)) / 6

Plane = NDArray[np.float32]
Field = NDArray[np.complex64]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Measurements on one picture. Luma in grey levels 0..255, chroma in signed levels around 0."""

    luma: Plane  # FINE_HEIGHT x FINE_WIDTH
    rgb_blocks: Plane  # ROWS x COLUMNS x 3, block means
    field: Field  # CELL_ROWS x CELL_COLUMNS, doubled edge direction, length 0..1
    sharpness: Plane  # ROWS x COLUMNS, log ratio of fine to coarse detail
    detail: Plane  # ROWS x COLUMNS, coarse detail in grey levels
    noise: float  # of the quietest tenth of the picture, grey levels at the small picture's scale


def describe(picture: Picture) -> Features:
    """Measure a picture."""
    image = Image.fromarray(picture.rgb).resize((FINE_WIDTH, FINE_HEIGHT), Image.Resampling.BOX)
    rgb = np.asarray(image, dtype=np.float32)
    luma = np.ascontiguousarray(rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32))
    half = halve(luma)
    sharpness, detail = _sharpness(luma, half)
    return Features(luma, block_mean(rgb), edge_field(half), sharpness, detail, _noise(picture.rgb))


def halve(plane: Plane) -> Plane:
    """Mean of each 2 x 2."""
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) * np.float32(0.25)


def block_mean(plane: Plane) -> Plane:
    """Mean over each block of a plane (rows x columns, or rows x columns x channels)."""
    height, width = plane.shape[:2]
    # One axis at a time: several times faster than both at once.
    rows = plane.reshape(ROWS, height // ROWS, *plane.shape[1:]).mean(1)
    return np.asarray(rows.reshape(ROWS, COLUMNS, width // COLUMNS, *plane.shape[2:]).mean(2), dtype=np.float32)


def box(plane: Plane, radius: int) -> Plane:
    """Mean over a square of 2 * radius + 1 px, edges repeated."""
    height, width = plane.shape
    size = 2 * radius + 1
    padded = np.pad(plane, radius, mode="edge")
    rows = padded[:height].copy()
    for offset in range(1, size):
        rows += padded[offset : offset + height]
    total = rows[:, :width].copy()
    for offset in range(1, size):
        total += rows[:, offset : offset + width]
    return np.asarray(total / (size * size), dtype=np.float32)


def edge_field(luma: Plane) -> Field:
    """Doubled direction of edges per cell, length 0 (none) to 1 (one clear direction, strong for its surroundings)."""
    padded = np.pad(luma, 1, mode="edge")
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    gradient = across + 1j * down
    rows = (gradient * gradient).reshape(CELL_ROWS, _CELL, -1).mean(1)
    doubled = rows.reshape(CELL_ROWS, CELL_COLUMNS, _CELL).mean(2)
    strength = np.abs(doubled).astype(np.float32)
    around = box(strength, 4)
    return np.asarray(doubled / (strength + 0.5 * around + _NOISE_FLOOR), dtype=np.complex64)


def _sharpness(luma: Plane, half: Plane) -> tuple[Plane, Plane]:
    """Log ratio of fine to coarse detail per block, and the coarse detail (grey levels, root mean square).

    Lack of focus takes fine detail and leaves coarse; fog, haze and exposure take both alike.
    """
    fine = block_mean((luma - box(luma, 1)) ** 2)
    coarse = block_mean((box(half, 2) - box(half, 6)) ** 2)
    # The quietest blocks tell the noise of the sensor, which lack of focus does not take.
    fine = np.maximum(fine - _NOISE_SHARE * np.quantile(fine, _QUIETEST), 0)
    ratio = 0.5 * np.log((fine + _FINE_FLOOR) / (coarse + _COARSE_FLOOR))
    return ratio.astype(np.float32), np.sqrt(coarse)


def _noise(rgb: NDArray[np.uint8]) -> float:
    """Noise of the quietest tenth of the picture (Immerkaer's mask, CVIU 1996, per tile), in grey levels."""
    green = rgb[:, :, 1].astype(np.float32)
    if min(green.shape) < 2 + _TILE:
        return 0.0
    twice = green[:, :-2] - 2 * green[:, 1:-1] + green[:, 2:]
    mask = np.abs(twice[:-2] - 2 * twice[1:-1] + twice[2:])
    rows, columns = mask.shape[0] // _TILE, mask.shape[1] // _TILE
    tiles = mask[: rows * _TILE, : columns * _TILE].reshape(rows, _TILE, -1).mean(1)
    tiles = tiles.reshape(rows, columns, _TILE).mean(2)
    return float(np.quantile(tiles, _QUIET)) * _MASK_TO_NOISE
