"""Has the view moved: correlation of the edge directions with those of the reference, as a whole and in tiles.

The spectrum is whitened by half (the square root of its amplitude): sharper peaks than plain correlation, less noise
than pure phase. A peak away from the centre that beats the centre is a shift. Rotation and zoom move each part another
way: tiles find them.
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
# Tiles: 3 x 4 of 12 x 16 cells, searched within half of their size.
_TILE_ROWS, _TILE_COLUMNS = 3, 4
_TILE_HEIGHT, _TILE_WIDTH = CELL_ROWS // _TILE_ROWS, CELL_COLUMNS // _TILE_COLUMNS
_TILE_REACH_ROWS, _TILE_REACH_COLUMNS = 6, 8
_TILE_PEAK, _TILE_RATIO = 4.5, 1.15
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
    here = np.zeros((1, _PAD_ROWS, _PAD_COLUMNS), np.complex64)
    there = here.copy()
    here[0, :CELL_ROWS, :CELL_COLUMNS] = field
    there[0, :CELL_ROWS, :CELL_COLUMNS] = reference
    surface = _correlate(here, there, _REACH_ROWS, _REACH_COLUMNS)
    noise, centre, peak, where = (value[0] for value in _peaks(surface))
    row, column = divmod(int(where), surface.shape[2])
    down, right = _refine(surface[0], row, column)
    ratio = float(peak / max(centre, 0.1 * peak, _EPSILON))
    return Shift(right - _REACH_COLUMNS, down - _REACH_ROWS, ratio, float(peak / noise))


def moved_tiles(field: Field, reference: Field) -> tuple[int, int]:
    """How many tiles fit the reference clearly better elsewhere, and how many fit it best where they were."""
    margin_rows, margin_columns = _TILE_REACH_ROWS, _TILE_REACH_COLUMNS
    padded = np.pad(field, ((margin_rows, margin_rows), (margin_columns, margin_columns)))
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (_TILE_HEIGHT + 2 * margin_rows, _TILE_WIDTH + 2 * margin_columns)
    )
    here = windows[::_TILE_HEIGHT, ::_TILE_WIDTH].reshape(-1, *windows.shape[2:])
    there = np.zeros_like(here)
    tiles = reference.reshape(_TILE_ROWS, _TILE_HEIGHT, _TILE_COLUMNS, _TILE_WIDTH).swapaxes(1, 2)
    inner = np.s_[:, margin_rows : margin_rows + _TILE_HEIGHT, margin_columns : margin_columns + _TILE_WIDTH]
    there[inner] = tiles.reshape(-1, _TILE_HEIGHT, _TILE_WIDTH)
    noise, centre, peak, _ = _peaks(_correlate(here, there, margin_rows, margin_columns))
    away = (peak > _TILE_RATIO * centre) & (peak > _TILE_PEAK * noise)
    return int(away.sum()), int((centre > peak).sum())


def _correlate(here: Field, there: Field, rows: int, columns: int) -> Surface:
    """Correlation surfaces around the centre: `rows` and `columns` to each side."""
    cross = np.fft.fft2(here) * np.conj(np.fft.fft2(there))
    cross /= np.sqrt(np.abs(cross)) + _EPSILON
    surface = np.fft.ifft2(cross).real.astype(np.float32)
    down, right = np.arange(-rows, rows + 1), np.arange(-columns, columns + 1)
    return np.asarray(surface[:, down[:, None], right[None, :]])


def _peaks(surface: Surface) -> tuple[Surface, Surface, Surface, NDArray[np.intp]]:
    """Per surface: its noise, the peak within one cell of the centre, the highest peak elsewhere, and where that is."""
    row, column = surface.shape[1] // 2, surface.shape[2] // 2
    centre = np.s_[:, row - 1 : row + 2, column - 1 : column + 2]
    noise = np.sqrt((surface**2).mean((1, 2))) + _EPSILON
    at_centre = surface[centre].max((1, 2))
    elsewhere = surface.copy()
    elsewhere[centre] = -np.inf
    flat = elsewhere.reshape(len(surface), -1)
    where = flat.argmax(1)
    return noise, at_centre, flat[np.arange(len(flat)), where], where


def _refine(surface: Surface, row: int, column: int) -> tuple[float, float]:
    """A peak to a fraction of a cell, by a parabola through its neighbours."""
    return _vertex(surface[:, column], row), _vertex(surface[row], column)


def _vertex(line: Surface, at: int) -> float:
    if not 0 < at < len(line) - 1:
        return float(at)
    before, peak, after = (float(value) for value in line[at - 1 : at + 2])
    bend = before - 2 * peak + after
    return at + (0.5 * (before - after) / bend if bend < 0 else 0.0)
