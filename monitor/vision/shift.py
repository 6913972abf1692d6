"""Has the view moved: correlation of the edge directions with those of the reference.

The spectrum is whitened by half (the square root of its amplitude): sharper peaks than plain correlation, less noise
than pure phase. A peak away from the centre that beats the centre is a shift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.vision.features import CELL_COLUMNS, CELL_ROWS, Field

# Room for shifts of up to 37 % of the width and 38 % of the height.
_PAD_ROWS, _PAD_COLUMNS = 64, 96
_REACH_ROWS, _REACH_COLUMNS = 14, 24
# A peak must stand this far above the root mean square of the searched area (normal: 3 to 9, shifted: 8 to 28).
_PEAK = 7.0
_EPSILON = np.float32(1e-6)

Surface = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shift:
    """The strongest shift of the content, in cells (right and down positive), against no shift at all.

    `ratio` is its peak over the peak at the centre, `peak` its height over the noise of the correlation.
    """

    right: float
    down: float
    ratio: float
    peak: float

    @property
    def shares(self) -> tuple[float, float]:
        """How far the view turned, as shares of width and height: content that went left means that it looks right."""
        return round(-self.right / CELL_COLUMNS, 4), round(-self.down / CELL_ROWS, 4)

    @property
    def strength(self) -> float:
        """In units of the limit: 1 and more is a moved view."""
        return min(self.ratio, self.peak / _PEAK)


def find_shift(field: Field, reference: Field) -> Shift:
    """The shift of the whole picture against the reference."""
    surface = _correlate(field, reference)
    noise = float(np.sqrt((surface**2).mean()) + _EPSILON)
    # No shift at all is a peak within one cell of the centre.
    centre = np.s_[_REACH_ROWS - 1 : _REACH_ROWS + 2, _REACH_COLUMNS - 1 : _REACH_COLUMNS + 2]
    elsewhere = surface.copy()
    elsewhere[centre] = -np.inf
    row, column = divmod(int(elsewhere.argmax()), surface.shape[1])
    peak = float(surface[row, column])
    down, right = _refine(surface, row, column)
    ratio = peak / max(float(surface[centre].max()), 0.1 * peak, float(_EPSILON))
    return Shift(right - _REACH_COLUMNS, down - _REACH_ROWS, ratio, peak / noise)


def _correlate(here: Field, there: Field) -> Surface:
    """The correlation of two fields around the centre, as far to each side as is searched."""
    padded = _PAD_ROWS, _PAD_COLUMNS
    cross = np.fft.fft2(here, padded) * np.conj(np.fft.fft2(there, padded))
    cross /= np.sqrt(np.abs(cross)) + _EPSILON
    surface = np.fft.ifft2(cross).real.astype(np.float32)
    down = np.arange(-_REACH_ROWS, _REACH_ROWS + 1)
    right = np.arange(-_REACH_COLUMNS, _REACH_COLUMNS + 1)
    return np.asarray(surface[down[:, None], right[None, :]])


def _refine(surface: Surface, row: int, column: int) -> tuple[float, float]:
    """A peak to a fraction of a cell, by a parabola through its neighbours."""
    return _vertex(surface[:, column], row), _vertex(surface[row], column)


def _vertex(line: Surface, at: int) -> float:
    if not 0 < at < len(line) - 1:
        return float(at)
    before, peak, after = (float(value) for value in line[at - 1 : at + 2])
    bend = before - 2 * peak + after
    return at + (0.5 * (before - after) / bend if bend < 0 else 0.0)
