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
from monitor.vision.planes import COLUMNS, ROWS, Plane, block_mean, box, edged, halve, near_and_far, quantile, shrink

# Every picture is brought to one size: 24 x 18 px a block for sharpness, half of it for structure.
FINE_WIDTH, FINE_HEIGHT = 384, 216
# Structure is kept in cells of 3 x 3 px: 4 x 3 cells a block.
CELL_COLUMNS, CELL_ROWS = 64, 36
_CELL = 3
# Squared gradient (grey levels per px, squared) below which a direction is noise.
_NOISE_FLOOR = np.float32(6.0)
# Detail (grey levels, squared) that quantisation alone leaves.
_FINE_FLOOR, _COARSE_FLOOR = np.float32(0.02), np.float32(0.2)
_NOISE_SHARE, _QUIETEST = 0.9, 0.05
_TILE, _QUIET = 16, 0.1
# The mean of |mask| of white noise of standard deviation 1 is 6 / sqrt(pi / 2).
_MASK_TO_NOISE = float(np.sqrt(np.pi / 2)) / 6
# The tones are those of every fourth pixel and row, in steps of 1/64 level (sorting integers is four times as quick).
_TONE_SAMPLE, _TONE_STEPS = 4, np.float32(64.0)

_BLOCK_ROW, _NO_CHROMA = np.float32(ROWS / FINE_HEIGHT), np.float32(128.0)

Field = NDArray[np.complex64]
Grey = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Measurements on one picture. Luma in grey levels 0..255, chroma in signed levels around 0."""

    luma: Plane  # FINE_HEIGHT x FINE_WIDTH
    half: Plane  # the luma at half of that size
    tones: Plane  # a sample of the luma in rising order
    luma_blocks: Plane  # ROWS x COLUMNS, block means
    chroma_blocks: Plane  # ROWS x COLUMNS x 2, block means of Cb and Cr
    strips: NDArray[np.uint8]  # rows of the small picture x COLUMNS x 3: of each row the mean within a column of blocks
    even_strips: Plane  # the same, brought to FINE_HEIGHT rows
    small: Grey  # luma, rows x columns of the small picture
    field: Field  # CELL_ROWS x CELL_COLUMNS, doubled edge direction, length 0..1
    sharpness: Plane  # ROWS x COLUMNS, log ratio of fine to coarse detail
    detail: Plane  # ROWS x COLUMNS, coarse detail in grey levels
    noise: float  # of the quietest tenth of the picture, grey levels at the small picture's scale


def describe(picture: Picture) -> Features:
    """Measure a picture."""
    coded = picture.luma
    luma = _luma(coded)
    half = halve(luma)
    sharpness, detail = _sharpness(fine_detail(luma), coarse_detail(half))
    strips = _strips(picture.image)
    even = np.asarray(strips.resize((COLUMNS, FINE_HEIGHT), Image.Resampling.BOX), dtype=np.float32)
    small = coded.astype(np.int16)
    return Features(
        luma=luma,
        half=half,
        tones=_tones(luma),
        luma_blocks=block_mean(half),
        chroma_blocks=np.add.reduce(even.reshape(ROWS, -1, COLUMNS, 3), axis=1)[:, :, 1:] * _BLOCK_ROW - _NO_CHROMA,
        strips=np.asarray(strips),
        even_strips=even,
        small=small,
        field=edge_field(half),
        sharpness=sharpness,
        detail=detail,
        noise=_noise(small),
    )


def edge_field(luma: Plane) -> Field:
    """Doubled direction of edges per cell, length 0 (none) to 1 (one clear direction, strong for its surroundings)."""
    padded = edged(luma, 1)
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    # The square of the gradient as a complex number: its real and its imaginary part.
    both = across * down
    across *= across
    down *= down
    across -= down
    real, imaginary = _cell_sum(across), _cell_sum(both)
    real *= np.float32(1 / _CELL**2)
    imaginary *= np.float32(2 / _CELL**2)
    strength = np.sqrt(real * real + imaginary * imaginary)
    scale = strength + np.float32(0.5) * box(strength, 4)
    scale += _NOISE_FLOOR
    field = np.empty(real.shape, np.complex64)
    field.real, field.imag = real / scale, imaginary / scale
    return field


def _cell_sum(plane: Plane) -> Plane:
    rows = plane[::_CELL] + plane[1::_CELL]
    rows += plane[2::_CELL]
    return np.asarray(rows[:, ::_CELL] + rows[:, 1::_CELL] + rows[:, 2::_CELL])


def _luma(coded: NDArray[np.uint8]) -> Plane:
    """The luma (ITU-R 601) at the common size; means are unrounded, so that flat areas keep no steps of their own."""
    luma = shrink(coded, FINE_HEIGHT, FINE_WIDTH)
    if luma is not None:
        return luma
    exact = Image.fromarray(coded.astype(np.float32))
    return np.asarray(exact.resize((FINE_WIDTH, FINE_HEIGHT), Image.Resampling.BOX))


def _tones(luma: Plane) -> Plane:
    sample = luma[::_TONE_SAMPLE, ::_TONE_SAMPLE] * _TONE_STEPS
    steps = np.sort((sample + np.float32(0.5)).astype(np.uint16), axis=None, kind="stable")
    return np.asarray(steps.astype(np.float32) / _TONE_STEPS)


def _strips(image: Image.Image) -> Image.Image:
    """The mean of each row within each column of blocks."""
    if image.width % COLUMNS:
        return image.resize((COLUMNS, image.height), Image.Resampling.BOX)
    # The same means where the columns are of whole pixels, nearly twice as quick.
    return image.reduce((image.width // COLUMNS, 1))


def _sharpness(fine: Plane, coarse: Plane) -> tuple[Plane, Plane]:
    """Log ratio of fine to coarse detail per block, and the coarse detail (grey levels, root mean square).

    Lack of focus takes fine detail and leaves coarse; fog, haze and exposure take both alike.
    """
    # The quietest blocks tell the noise of the sensor, which lack of focus does not take: much of it by night.
    fine = np.maximum(fine - np.float32(_NOISE_SHARE * quantile(fine, _QUIETEST)), 0)
    ratio = np.float32(0.5) * np.log((fine + _FINE_FLOOR) / (coarse + _COARSE_FLOOR))
    return ratio, np.sqrt(coarse)


def fine_detail(luma: Plane) -> Plane:
    """Per block the mean square of what differs from the mean of its 3 x 3 px, in every third row; edges repeated."""
    sums = np.empty((len(luma) // 3, luma.shape[1] + 2), np.float32)
    middle = sums[:, 1:-1]
    np.add(luma[::3], luma[1::3], out=middle)
    middle += luma[2::3]
    sums[:, 0], sums[:, -1] = sums[:, 1], sums[:, -2]
    off = sums[:, :-2] + sums[:, 2:]
    off += middle
    off *= np.float32(-1 / 9)
    off += luma[1::3]
    off *= off
    return block_mean(off)


def coarse_detail(half: Plane) -> Plane:
    """Per block the mean square of what differs between the means of 5 x 5 and of 13 x 13 px, in every third row."""
    off, far = near_and_far(half, 3)
    off -= far
    off *= off
    return block_mean(off)


def _noise(small: Grey) -> float:
    """Noise of the quietest tenth of the picture (Immerkaer's mask, CVIU 1996, per tile), in grey levels.

    In every second row of tiles: they are enough to tell.
    """
    height, width = small.shape
    if min(height, width) < 2 + _TILE:
        return 0.0
    step, columns = min(2 * _TILE, height), (width - 2) // _TILE
    bands = small[: height // step * step].reshape(-1, step, width)[:, : _TILE + 2]
    down = bands[:, :-2] + bands[:, 2:]
    down -= 2 * bands[:, 1:-1]
    mask = down[:, :, :-2] + down[:, :, 2:]
    mask -= 2 * down[:, :, 1:-1]
    np.abs(mask, out=mask)
    # A tile's column adds up to 16 * 2040 at most, which 16 bits hold.
    sums = np.add.reduce(mask[:, :, : columns * _TILE], axis=1, dtype=np.int16)
    tiles = np.add.reduce(sums.reshape(-1, _TILE), axis=1, dtype=np.int32)
    return quantile(tiles, _QUIET) / _TILE**2 * _MASK_TO_NOISE
