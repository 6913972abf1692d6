"""Faults of the signal that show in one picture alone: noise, stripes, damage."""

from __future__ import annotations

from monitor.vision.features import Features
from monitor.vision.label import Label
from monitor.vision.picture import Picture

# The noise of the quietest tenth of the picture (grey levels, at about 480 px of width).
_NOISE_LIMIT = 1.7


def faults(picture: Picture, features: Features) -> dict[Label, float]:
    """How far a picture is noisy, in units of the limit."""
    return {Label.NOISE: features.noise / _NOISE_LIMIT}
