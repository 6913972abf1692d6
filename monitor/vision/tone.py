"""Tone and colour of a picture: day or night, black, white, dark, low contrast, colour cast.

Each measure is in units of its limit: 1 and more is a fault.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

import numpy as np

from monitor.vision.features import Features
from monitor.vision.label import Label
from monitor.vision.planes import Plane, mean, median, quantile, quantile_of_sorted, to_rgb

Phase = Literal["day", "night"]
PHASES: tuple[Phase, Phase] = ("day", "night")

# Under infrared light a picture is grey: the most colourful twentieth of its blocks stays below this chroma (levels).
_GREY_CHROMA = 5.0
_COLOURFUL_BLOCKS = 10
# Or it is grey but for a tint: the chroma that does not follow from the luma stays below this (normal from 3).
_TINT_REST = 1.0
# A mean luma below this is night, whatever the colours.
_DARK_LUMA = 48.0
# Only for the words: a day of a lower mean luma is dusk (days of six scenes begin at 80), and a mean chroma this near
# to grey has no colour (levels).
_DUSK_LUMA = 75.0
_GREY, _GREY_WITHIN = (128.0, 128.0), 2.0

# 95 % of a black picture lie below this level (sensor pedestals are at 10 and 16), and its blocks hardly differ: a
# scene under too little light still shows. Below the last level nothing shows.
_BLACK_LEVEL, _BLACK_SPAN, _NOTHING_LEVEL = 18.0, 3.5, 9.0
# A slate ("NO VIDEO", blue screen) is of one colour, exactly, but for its text.
_SLATE_SHARE, _SLATE_TOLERANCE = 0.9, 0.75
# Real night pictures have lamps: of a picture that is too dark even the brightest hundredth is below this level.
_DARK_TOP = 78.0
# Where the accepted night is that dark, too dark is this share of it.
_DARK_OF_REFERENCE = 0.55
# Colour cast: mean chroma this far from the nearest accepted state (levels; other light moves it by up to 10, casts by
# 17 and more); without one, this mean and this at the brightest fifth of the blocks, which is rarely so colourful.
_CAST_LIMIT, _CAST_MEAN, _CAST_BRIGHT = 14.0, 25.0, 30.0
_BRIGHT_SHARE = 0.8
# Without a reference, a picture whose tones span less than this (5th to 95th percentile, levels) has no contrast.
_FLAT_SPAN = 36.0
# Burnt out: this share of the pixels at the top of the scale, and a mean that snow does not reach with them.
_BURNT_LEVEL, _BURNT_SHARE, _BURNT_MEAN = 248.0, 0.22, 185.0


@dataclass(frozen=True, slots=True)
class Tone:
    """The tone of a picture, each a byte: mean luma, its 95th percentile, mean Cb and Cr, noise in sixteenths."""

    mean: int
    top: int
    cb: int
    cr: int
    noise: int


class Kind(StrEnum):
    """A normal state in words."""

    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"
    INFRARED = "infrared"


def kind_of(phase: Phase, tone: Tone) -> Kind:
    """What kind of normal state this is, by its tone alone.

    A camera without colour is "infrared" by day as well; a day as dim as dusk (a garage, a storm) is "dusk"; a street
    lit by lamps as brightly as by day is "day", and one so dim that no colour is left is "infrared".
    """
    if phase == "day":
        return Kind.DUSK if tone.mean < _DUSK_LUMA else Kind.DAY
    # Bright enough for a day, it is night for want of colour: grey, or of one tint.
    is_grey = math.dist((tone.cb, tone.cr), _GREY) <= _GREY_WITHIN
    return Kind.INFRARED if is_grey or tone.mean >= _DARK_LUMA else Kind.NIGHT


class HasTone(Protocol):
    """A state of the bank, as far as it is of interest here."""

    @property
    def tone(self) -> Tone: ...


def phase_of(features: Features) -> Phase:
    """Day or night by the picture, not by the clock: night is grey (infrared) or dark."""
    is_night = (
        mean(features.luma_blocks) < _DARK_LUMA
        or _of_colourful(_colourfulness(features)) < _GREY_CHROMA
        or _is_tinted(features)
    )
    return "night" if is_night else "day"


def _colourfulness(features: Features) -> Plane:
    """By how much the strongest of red, green and blue is beyond the weakest, per block."""
    away = to_rgb(features.chroma_blocks)
    return np.asarray(away.max(2) - away.min(2))


def _is_tinted(features: Features) -> bool:
    """Whether a picture is grey but for one tint: its chroma follows from its luma (infrared pictures, often pink)."""
    level = features.luma_blocks.reshape(-1, 1) - np.float32(mean(features.luma_blocks))
    chroma = features.chroma_blocks.reshape(-1, 2)
    chroma = chroma - np.add.reduce(chroma, axis=0) * np.float32(1 / len(chroma))
    slope = np.add.reduce(chroma * level, axis=0) / max(float(np.add.reduce(level * level, axis=None)), 1.0)
    rest = chroma - level * slope
    rest *= rest
    return _of_colourful(np.sqrt(rest[:, 0] + rest[:, 1])) < _TINT_REST


def _of_colourful(plane: Plane) -> float:
    """The value that the most colourful twentieth of the blocks reaches."""
    return float(np.partition(plane.reshape(-1), -_COLOURFUL_BLOCKS)[-_COLOURFUL_BLOCKS])


def _luma_and_chroma(features: Features) -> tuple[Plane, Plane, Plane]:
    return features.luma_blocks, features.chroma_blocks[:, :, 0], features.chroma_blocks[:, :, 1]


def tone_of(features: Features) -> Tone:
    """The tone of a picture."""
    luma, cb, cr = (mean(plane) for plane in _luma_and_chroma(features))
    return Tone(
        _byte(luma),
        _byte(quantile_of_sorted(features.tones, 0.95)),
        _byte(128 + cb),
        _byte(128 + cr),
        _byte(features.noise * 16),
    )


def faults(features: Features, states: Sequence[HasTone]) -> dict[Label, float]:
    """How far a picture is black, white, dark, of one colour or flat; `states` are the accepted ones of its phase."""
    tones = features.tones
    low, middle, top, highest = (quantile_of_sorted(tones, share) for share in (0.05, 0.5, 0.95, 0.99))
    slate = (_below(tones, middle + _SLATE_TOLERANCE) - _below(tones, middle - _SLATE_TOLERANCE)) / _SLATE_SHARE
    unlit = min(_BLACK_LEVEL / max(top, 1.0), _BLACK_SPAN / max(_span(features), 0.1))
    unlit = max(unlit, _NOTHING_LEVEL / max(top, 1.0))
    return {
        Label.BLACK: max(unlit, slate if middle < _BURNT_LEVEL else 0.0),
        Label.WHITE: _white(tones),
        Label.DARK: _dark_limit(states) / max(highest, 1.0),
        Label.CAST: _cast(features, states),
        Label.LOWCONTRAST: 0.0 if states else _FLAT_SPAN / max(top - low, 1.0),
    }


def _cast(features: Features, states: Sequence[HasTone]) -> float:
    luma, cb, cr = _luma_and_chroma(features)
    if states:
        at = mean(cb) + 128, mean(cr) + 128
        return min(math.dist(at, (state.tone.cb, state.tone.cr)) for state in states) / _CAST_LIMIT
    bright = luma >= quantile(luma, _BRIGHT_SHARE)
    at_bright = math.hypot(median(cb[bright]), median(cr[bright]))
    return min(math.hypot(mean(cb), mean(cr)) / _CAST_MEAN, at_bright / _CAST_BRIGHT)


def _span(features: Features) -> float:
    """The span of the luma over the blocks (5th to 95th percentile), where noise is averaged out."""
    blocks = np.sort(features.luma_blocks, axis=None)
    return quantile_of_sorted(blocks, 0.95) - quantile_of_sorted(blocks, 0.05)


def _dark_limit(states: Sequence[HasTone]) -> float:
    accepted = min((state.tone.top for state in states), default=255)
    return min(_DARK_TOP, max(_DARK_OF_REFERENCE * accepted, _BLACK_LEVEL))


def _white(tones: Plane) -> float:
    return min((1 - _below(tones, _BURNT_LEVEL)) / _BURNT_SHARE, mean(tones) / _BURNT_MEAN)


def _below(tones: Plane, level: float) -> float:
    """The share of the sorted tones below a level."""
    return int(np.searchsorted(tones, np.float32(level))) / len(tones)


def _byte(value: float) -> int:
    return max(0, min(255, round(value)))
