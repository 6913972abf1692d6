"""What is normal for each block of one phase, and how far a block can be relied upon for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.vision.bank import Bank
from monitor.vision.planes import Plane

# What a block agrees by chance when something else is in front: mean 0, and this spread (measured).
CHANCE_SPREAD = np.float32(0.22)
# The spread of the agreement is never taken to be smaller than this.
LEAST_SPREAD = np.float32(0.1)
# A block is reliable when its normal agreement stands this far from chance (in common spreads), and has edges in this
# share of its cells.
_APART_LEAST, _APART_FULL = 0.8, 1.3
_LEAST_EDGES = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Stats:
    """Per block (ROWS x COLUMNS) over the normal pictures of one phase.

    `count` pictures went in, a person vouched for `accepted` of them.
    """

    count: int
    mean: Plane
    spread: Plane
    sharpness: Plane
    detail: Plane
    accepted: int = 0

    def reliability(self, bank: Bank) -> Plane:
        """How far each block can be relied upon, 0..1; `bank` are the states of the phase."""
        apart = self.mean / np.hypot(np.maximum(self.spread, LEAST_SPREAD), CHANCE_SPREAD)
        found = within((apart - _APART_LEAST) / (_APART_FULL - _APART_LEAST), 0.0, 1.0)
        found *= bank.weight >= _LEAST_EDGES
        return found


def within(plane: NDArray[Any], low: float, high: float) -> Plane:
    """The plane, nowhere below or above these."""
    return np.asarray(np.minimum(np.maximum(plane, np.float32(low)), np.float32(high)), dtype=np.float32)
