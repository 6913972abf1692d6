"""A picture against the learned view of its camera: moved, out of focus, covered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from monitor.vision.features import BLOCKS, Features
from monitor.vision.label import Label
from monitor.vision.model import CameraModel, best_agreement, weight
from monitor.vision.tone import Phase

# Blocks with fewer of their cells on an edge say nothing.
_BLOCK_WEIGHT = 0.3
# The view is checkable when this share of the blocks is reliable.
_ENOUGH = 0.25
_COVER_LIMIT = 0.3


@dataclass(frozen=True, slots=True)
class Seen:
    """What the comparison with the model gave."""

    faults: Mapping[Label, float] = field(default_factory=dict)
    enough: bool = False
    covered_share: float = 0.0
    shift: tuple[float, float] | None = None
    blocks: tuple[int, ...] = ()


def unseen() -> Seen:
    """No comparison was made."""
    return Seen()


def compare(features: Features, model: CameraModel, phase: Phase) -> Seen:
    """Compare a picture with the states of its phase."""
    states = model.of(phase)
    if not states:
        return Seen()
    agreement, _ = best_agreement(states, features.field)
    stats = model.stats[phase]
    reliable = (weight(states) >= _BLOCK_WEIGHT) & (stats.mean > 0.3)
    enough = bool(reliable.sum() >= _ENOUGH * BLOCKS)
    lost = reliable & (agreement < 0.4 * stats.mean)
    share = float(lost.sum() / max(1, reliable.sum()))
    blocks = tuple(int(index) for index in np.flatnonzero(lost)) if enough else ()
    return Seen({Label.OBSTRUCTED: share / _COVER_LIMIT if enough else 0.0}, enough, round(share, 3), None, blocks)
