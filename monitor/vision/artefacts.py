"""Faults of the signal that show in one picture alone: noise, stripes (hum, interference, tearing, drop-outs), damage.

Each measure is in units of its limit: 1 and more is a fault. Limits lie between normal real scenes and faults; the
measured ranges stand beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.vision.features import FINE_HEIGHT, FINE_WIDTH, Features, Grey
from monitor.vision.label import Label
from monitor.vision.picture import Picture
from monitor.vision.planes import Plane, box, median, to_rgb
from monitor.vision.tone import HasTone

# Some faults are first looked for in a part of the picture: where that gives less than this, all of it stays below 1.
_UNSUSPICIOUS = 0.75
# Noise of the quietest tenth of the picture in grey levels: normal up to 1.3, faults from 2.1. An accepted picture of
# the same phase that is itself noisy raises the limit to this multiple of its noise.
_NOISE_LIMIT, _NOISE_OF_REFERENCE = 1.7, 1.8
# Drop-outs: percentage of rows unlike both neighbours over most of the width: normal up to 1, faults from 12.
_LINES_LIMIT, _LINE_CONTRAST = 7.0, 6.0
# Tearing: correlation of the horizontal gradient with the next row's: normal from .38, faults up to .19; white noise
# lacks the vertical one too (faults of tearing keep it above .55). Every eleventh row tells them apart as well.
_TEAR_LIMIT, _TEAR_VERTICAL, _TEAR_SAMPLE = 0.28, 0.5, 11
# Interference: log height of a spectral peak that stands in nearly all tiles: normal up to 1.1, faults from 3.1.
_PEAK_LIMIT, _SPECTRUM_TILE, _LOWEST_FREQUENCY, _SPECTRUM_FLOOR = 1.9, 64, 4.0, np.float32(3.0)
# Three of the eighteen tiles (3 x 6), in different rows and columns: no normal picture of six scenes is suspicious in
# them (4 % are in two), and every fault is, by .97 of the limit at least.
_SAMPLED_ROWS, _SAMPLED_COLUMNS = np.array([0, 1, 2]), np.array([1, 3, 5])
# Hum: one frequency of the row means takes this share (normal .3, rarely .48; faults from .45), in step over the whole
# width to within this (normal from .02, faults up to .01), and this far above the others (normal 14, faults from 16).
_HUM_SHARE, _HUM_OUT_OF_STEP, _HUM_ABOVE = 0.40, 0.018, 13.0
_HUM_FIRST, _HUM_LAST = 5, 70
# Damage: steps at the rows of coded units beyond the steps at other rows (grey levels): normal up to 2, faults from 8.
_STEP_BEYOND, _STEP_LEAST = 5.0, 14.0
_STRIPS, _STEP_SAMPLE = 8, 4
# Straight edges of a scene have steps of many heights: their evenness is up to 2, that of damage mostly above 4.
_STEP_EVEN, _STEP_SPREAD = 2.5, 4.0
# In a picture decoded at reduced scale real edges are as sharp as damage: more is asked of it.
_LEAST_UNIT, _SMALL_UNIT, _SMALL_UNIT_FACTOR = 2, 6, 3.0


def faults(picture: Picture, features: Features, states: Sequence[HasTone]) -> dict[Label, float]:
    """How far a picture is noisy, striped or damaged; `states` are the accepted ones of its phase."""
    accepted = max((state.tone.noise / 16 for state in states), default=0.0)
    pairs = _pairs(features.strips)
    lines = _lines(pairs[:, :, 0])
    stripes = max(lines, _tear(features.small), _interference(features.luma), _hum(features.even_strips))
    return {
        Label.NOISE: features.noise / max(_NOISE_LIMIT, _NOISE_OF_REFERENCE * accepted),
        Label.STRIPES: stripes,
        Label.CORRUPT: _damage(picture, pairs) if lines < 1 else 0.0,
    }


def _pairs(strips: NDArray[Any]) -> Plane:
    """The means of the rows in eight strips from those in sixteen: rows x strips (x channels)."""
    return np.asarray((strips[:, ::2].astype(np.float32) + strips[:, 1::2]) * np.float32(0.5))


def _lines(luma: Plane) -> float:
    """Rows that differ from both neighbours, one way, over three quarters of the width."""
    bend = luma[1:-1] - 0.5 * (luma[:-2] + luma[2:])
    if bend.size == 0:
        return 0.0
    middle = np.sort(bend, axis=1)
    bright, dark = middle[:, _STRIPS // 4], -middle[:, -1 - _STRIPS // 4]
    return np.count_nonzero(np.maximum(bright, dark) > _LINE_CONTRAST) / len(bend) * 100 / _LINES_LIMIT


def _tear(small: Grey) -> float:
    """Rows displaced against each other, judged by some of the rows, and by all of them where that is not clear."""
    sampled = _torn(small[:-1:_TEAR_SAMPLE], small[1::_TEAR_SAMPLE])
    return sampled if sampled < _UNSUSPICIOUS else _torn(small[:-1], small[1:])


def _torn(upper: Grey, lower: Grey) -> float:
    """How far vertical edges do not continue from the upper of two rows to the lower one, over pairs of rows."""
    above, below = upper.astype(np.float32), lower.astype(np.float32)
    down = below - above
    above, below = above[:, 1:] - above[:, :-1], below[:, 1:] - below[:, :-1]
    energy_across, energy_down = 0.5 * (_dot(above, above) + _dot(below, below)), _dot(down, down)
    if min(energy_across, energy_down) < max(down.size, 1):
        return 0.0
    vertical = _dot(down[:, 1:], down[:, :-1]) / energy_down
    return min(_TEAR_LIMIT / max(_dot(above, below) / energy_across, 0.05), vertical / _TEAR_VERTICAL)


def _dot(one: Plane, other: Plane) -> float:
    """The sum of the products, on this thread: BLAS would wake another for it."""
    return float(np.einsum("ij,ij->", one, other))


def _interference(luma: Plane) -> float:
    """A fine regular pattern that lies over nearly all of the picture, the sky as well as the ground.

    Judged by the mean over some tiles; where that shows a peak, by the quieter ones of all tiles.
    """
    size = _SPECTRUM_TILE
    rows, columns = FINE_HEIGHT // size, FINE_WIDTH // size
    top = (FINE_HEIGHT - rows * size) // 2
    tiles = luma[top : top + rows * size].reshape(rows, size, columns, size).swapaxes(1, 2)
    spectra = _spectra(tiles[_SAMPLED_ROWS, _SAMPLED_COLUMNS])
    sampled = _peak(np.add.reduce(spectra, axis=0) * np.float32(1 / len(spectra)))
    if sampled < _UNSUSPICIOUS:
        return sampled
    spectra = np.sort(_spectra(tiles.reshape(-1, size, size)), axis=0)
    return _peak(spectra[len(spectra) // 6 : len(spectra) // 2].mean(0))


def _spectra(tiles: Plane) -> Plane:
    """The log amplitudes of tiles, frequency 0 in the middle row: the sign of the window changes from row to row."""
    level = np.add.reduce(tiles.reshape(len(tiles), -1), axis=1) * np.float32(1 / _SPECTRUM_TILE**2)
    windowed = tiles - level[:, None, None]
    windowed *= _WINDOW
    # By hand: np.abs guards against overflow, which grey levels cannot cause, and takes four times as long.
    magnitude = np.sqrt(_powers(np.fft.rfft2(windowed)))
    magnitude += _SPECTRUM_FLOOR
    return np.log(magnitude, out=magnitude)


def _peak(spectrum: Plane) -> float:
    """How far the highest peak stands above what is around it, in units of the limit."""
    above = spectrum - box(spectrum, 3)
    return float(above.ravel().take(_HIGH_FREQUENCIES).max()) / _PEAK_LIMIT


def _hum(rows: Plane) -> float:
    """Soft horizontal bars: one frequency of the row means, in step from the left edge to the right."""
    luma = rows[:, :, 0]
    # Bars that are in step are most of the mean, too: without one frequency there, there are none.
    mean = np.add.reduce(luma, axis=1, keepdims=True) * np.float32(1 / luma.shape[1])
    if float(_shares(_powers(_waves(mean.T))[0]).max()) < _HUM_SHARE * _UNSUSPICIOUS:
        return 0.0
    waves = _waves(_pairs(luma).T)
    height = np.abs(waves)
    share, total = _shares(_powers(waves).sum(0)), height.sum(0)
    step = (np.abs(waves.sum(0)) / (total + np.float32(1e-6)))[_HUM_FIRST:_HUM_LAST]
    best = int((share * step * step).argmax())
    above = float(np.sort(height[:, _HUM_FIRST + best])[1]) / max(median(total[4:]) / _STRIPS, 1.0)
    return min(float(share[best]) / _HUM_SHARE, _HUM_OUT_OF_STEP / max(1 - float(step[best]), 1e-3), above / _HUM_ABOVE)


def _waves(strips: Plane) -> NDArray[np.complex64]:
    """The lower frequencies of the row means (strips x rows), less their level and slope."""
    level = strips - np.add.reduce(strips, axis=1, keepdims=True) * np.float32(1 / FINE_HEIGHT)
    slope = np.add.reduce(level * _RAMP, axis=1, keepdims=True) / _RAMP_ENERGY
    return np.asarray(np.fft.rfft((level - _RAMP * slope) * _HUM_WINDOW, n=2 * FINE_HEIGHT)[..., : _HUM_LAST + 10])


def _powers(waves: NDArray[Any]) -> Plane:
    return np.asarray(waves.real**2 + waves.imag**2)


def _shares(power: Plane) -> Plane:
    """The share of all power that each frequency between the first and the last has with its two neighbours."""
    three = power[_HUM_FIRST - 1 : _HUM_LAST - 1] + power[_HUM_FIRST:_HUM_LAST]
    return np.asarray((three + power[_HUM_FIRST + 1 : _HUM_LAST + 1]) / max(float(power[2:].sum()), 1.0))


def _damage(picture: Picture, means: Plane) -> float:
    """Steps of level or colour over the whole width at the rows where coded units meet, and there alone."""
    unit, (height, width) = picture.unit_rows, (picture.image.height, picture.image.width)
    if unit < _LEAST_UNIT or height < 4 * unit or width < _STRIPS * _STEP_SAMPLE:
        return 0.0
    factor = _SMALL_UNIT_FACTOR if unit < _SMALL_UNIT else 1.0
    # The means of strips are at hand, and rule out most pictures; the medians ask for the step all along each strip.
    steps = means[unit::unit] - means[unit - 1 : -1 : unit]
    met = np.abs(steps[:, :, :1] + to_rgb(steps[:, :, 1:])).max(2)
    likely = _STEP_LEAST * factor / 2
    if _beside(met) < likely:
        return 0.0
    rgb = picture.rgb[:, ::_STEP_SAMPLE].astype(np.int16)
    lower = (np.flatnonzero(met.max(1) >= likely) + 1) * unit
    if _beside(np.abs(_medians(rgb[lower] - rgb[lower - 1])).max(2)) < _STEP_LEAST * factor:
        return 0.0
    steps = _medians(np.diff(rgb, axis=0))
    heights = np.abs(steps).max(2)
    at_units = np.zeros(len(heights), dtype=bool)
    at_units[unit - 1 :: unit] = True
    beside, elsewhere = _beside(heights[at_units]), _beside(heights[~at_units])
    measure = min((beside - elsewhere) / _STEP_BEYOND, beside / _STEP_LEAST) / factor
    return min(measure, _evenness(steps[at_units]) / _STEP_EVEN)


def _beside(heights: Plane) -> float:
    """The step that seven of eight strips have in some row: damage may begin a row later in one."""
    return float(np.sort(heights.max(0))[1])


def _medians(rows: NDArray[np.int16]) -> Plane:
    """The median of each strip of rows: rows x strips x channels."""
    width = rows.shape[1] // _STRIPS
    strips = rows[:, : width * _STRIPS].reshape(len(rows), _STRIPS, width, 3).swapaxes(2, 3)
    ordered = np.partition(strips, ((width - 1) // 2, width // 2))
    return (ordered[..., (width - 1) // 2] + ordered[..., width // 2]) * np.float32(0.5)


def _evenness(steps: Plane) -> float:
    """How alike the largest step is from strip to strip: lost data shifts the level of all that follows by the same.

    Steps over two rows of units, by the larger; their mean over their spread, the outermost strips left out.
    """
    first, second = steps[:-1], steps[1:]
    both = np.sort(np.where(np.abs(first) > np.abs(second), first, second), axis=1)[:, 1:-1]
    mean = np.abs(both.mean(1))
    return float(np.where(mean > _STEP_LEAST / 2, mean / (both.std(1) + _STEP_SPREAD), 0).max(initial=0))


def _high_frequencies() -> NDArray[np.intp]:
    """Where the high frequencies lie in a flat spectrum."""
    half = _SPECTRUM_TILE // 2
    down, across = np.mgrid[-half:half, : half + 1]
    high = np.hypot(down, across) >= _LOWEST_FREQUENCY
    # Purely horizontal lines of scenes (facades, steps) lie on the axis, as do the block edges of the coding.
    high[:, 0] = False
    high[half, :] = False
    return np.flatnonzero(high)


_HANNING = np.hanning(_SPECTRUM_TILE)
_WINDOW = np.outer(_HANNING * (-1.0) ** np.arange(_SPECTRUM_TILE), _HANNING).astype(np.float32)
_HIGH_FREQUENCIES = _high_frequencies()
_RAMP = np.linspace(-1, 1, FINE_HEIGHT, dtype=np.float32)
_RAMP_ENERGY = np.float32((_RAMP**2).sum())
_HUM_WINDOW = np.hanning(FINE_HEIGHT).astype(np.float32)
