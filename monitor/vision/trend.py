"""What grows into a view: the share of its structure lost against the reference, week by week, and where it leads.

The camera's model follows slow changes, so it is the reference, the view as it was accepted, that tells what has grown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from monitor.vision.features import describe
from monitor.vision.model import learn
from monitor.vision.picture import Picture
from monitor.vision.planes import BLOCKS
from monitor.vision.tone import phase_of
from monitor.vision.view import COVER_LIMIT, ENOUGH, lost_blocks, reference_of

# Fewer weeks than this tell nothing: with four, a rise from week to week comes by chance once in 24 times.
LEAST_WEEKS = 4
# The one-sided 5 % of the normal distribution, for the test of Mann and Kendall.
_RISING = 1.645


def structure_lost(reference: Picture, now: Picture) -> float | None:
    """The share of the reference's blocks that say something whose edges are not seen any more, 0..1.

    None where the two are not of one phase (day or night), or too little of the view has edges to go by.
    """
    model, features = learn([reference]), describe(now)
    phase = phase_of(features)
    if phase not in model.phases:
        return None
    known = reference_of(model, phase)
    told = int(np.count_nonzero(known.told))
    if told < ENOUGH * BLOCKS:
        return None
    return int(np.count_nonzero(lost_blocks(features, known))) / told


def days_left(weeks: Sequence[tuple[float, float]], limit: float = COVER_LIMIT) -> float | None:
    """In how many days after the last week the loss reaches the limit if it goes on so; None where it does not rise.

    `weeks` are pairs of a day, counted from any beginning, and the mean loss of that week (0..1), in order. Whether it
    rises at all is told by the test of Mann (1945) and Kendall, how fast by the median of the slopes of all pairs
    (Theil 1950, Sen 1968): one odd week, snow say, moves neither far. 0 where the limit is reached already.
    """
    if len(weeks) < LEAST_WEEKS or not _is_rising([loss for _, loss in weeks]):
        return None
    slopes = [(later - earlier) / (end - start) for (start, earlier), (end, later) in combinations(weeks, 2)]
    slope = float(np.median(slopes))
    level = float(np.median([loss - slope * day for day, loss in weeks]))
    if slope <= 0:
        return None
    return max(0.0, (limit - level) / slope - weeks[-1][0])


def _is_rising(losses: Sequence[float]) -> bool:
    """Whether later values are greater than earlier ones more often than chance has it (ties corrected)."""
    count = len(losses)
    rises = sum((later > earlier) - (later < earlier) for earlier, later in combinations(losses, 2))
    ties = [losses.count(value) for value in set(losses)]
    variance = sum(n * (n - 1) * (2 * n + 5) * sign for n, sign in [(count, 1), *((tie, -1) for tie in ties)]) / 18
    return variance > 0 and (rises - 1) / math.sqrt(variance) >= _RISING
