"""A picture against the learned view of its camera: moved, out of focus, covered.

Each block knows how its edges agree with the bank when all is well (mean and spread), so each gives evidence: the log
likelihood that this agreement comes from something else in front, against that it is normal; lost contrast adds to it.
Evidence is smoothed over neighbours, for covers are connected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.vision.bank import Bank, bank_of, best_agreement, directions
from monitor.vision.features import Features, Field
from monitor.vision.label import Label
from monitor.vision.model import CameraModel
from monitor.vision.planes import BLOCKS, Plane, box, median, quantile, quantile_of_sorted
from monitor.vision.shift import find_shift
from monitor.vision.stats import CHANCE_SPREAD, LEAST_SPREAD, Stats, within
from monitor.vision.tone import PHASES, Phase

# A block says something when it is this reliable.
SAYS_SOMETHING = 0.05
_EVIDENCE_CAP = 4.0
# Spray before the lens lets edges through and takes contrast, .5 to 1 of it (log ratio): what is lost by `_DIM_FROM`
# more than in the best quarter of the view is evidence, up to `_DIM_MOST`. Laid covers of 30 % and more are confirmed
# in .983 of the episodes with it, .975 without. Shade and lamps do the same to a few blocks: up to .16 of a normal view
# seems lost, so what is lost for want of contrast alone is no cover by staying.
_KEPT_AT, _DIM_FROM, _DIM_GAIN, _DIM_MOST = 0.75, 0.6, 2.0, 1.0
# Contrast is compared with this much added (grey levels), so that flat blocks have none to lose.
_DETAIL_FLOOR = 0.5
# The view is checkable when this share of the blocks is reliable; a cover of nearly all of them is told with fewer.
ENOUGH, _ENOUGH_FOR_FULL = 0.25, 0.06

# Limits, from six real scenes.
COVER_LIMIT = 0.25
_FULL_COVER = 0.8
# What had lost its edges in the last picture, and is still lost, is no passer-by: less of it is a cover. By edges alone
# laid covers of 15-30 % are confirmed in .32 of the episodes without this, in .77 with .12, .87 with .08, .92 with .05;
# over six real series the last gives a false episode, the others none.
_LASTING_LIMIT = 0.08
# Of 337 normal pictures five were beyond .40, three of them in one scene by little; blur of .5 % of the width is lost
# nowhere by .45.
_BLUR_LIMIT = 0.45
# The best shift's peak over the centre's: below this the view is where it was. Water that mirrors, and rises, moves
# parts of a view that stays; what is left beside a cover stays in place.
_STILL_THERE = 0.7
# Another view, a rotated or a zoomed one among them: hardly a block agrees, and yet the picture is as detailed as ever
# (median log ratio).
_ELSEWHERE_SHARE, _ELSEWHERE_DETAIL = 0.45, -0.65
# Fog: coarse detail (log ratio) and the span of the tones (5th to 95th percentile, levels) are both this low.
_HAZE_DETAIL, _HAZE_SPAN = 0.6, 80.0
# Blur and fog are told where the view is not covered, if that is at least this share of it.
_LEFT_LEAST = 0.15
# From this cover on the place is searched for shifts; below it the view is where it was.
_SEARCH_FROM = 0.1
# Fewer pictures than this learned: wider margins, since the spread of the normal is not known yet.
_SURE_FROM, _WIDEST = 6, 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """What the comparison with the model gave.

    `blocks` are those that seem covered; of these `edges_lost` do not show their edges, the others too little contrast.
    """

    faults: Mapping[Label, float] = field(default_factory=dict)
    enough: bool = False
    covered_share: float = 0.0
    shift: tuple[float, float] | None = None
    blocks: tuple[int, ...] = ()
    edges_lost: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The normal view of one phase: what to expect of each block, and how reliable that is (0..1)."""

    bank: Bank
    stats: Stats
    reliability: Plane
    told: NDArray[np.bool_]  # the blocks that say something

    @property
    def field(self) -> Field:
        """The mean of the states: edges that stay keep their length, others fade."""
        return np.asarray(directions(self.bank.codes).mean(0))


def unseen() -> Seen:
    """No comparison was made."""
    return Seen()


def compare(features: Features, model: CameraModel, phase: Phase, before: NDArray[np.bool_] | None = None) -> Seen:
    """Compare a picture with the accepted ones of its phase; of an unknown phase only a full cover is told.

    That the view is free is told there, too (`enough`): edges that agree by night with those of the day are no chance.
    `before` are the blocks whose edges were lost in the last picture.
    """
    judging = [one for one in PHASES if model.judges(one)]
    if not judging:
        return Seen()
    known = phase in judging
    reference = reference_of(model, phase if known else judging[0])
    margin = 1 + _WIDEST * max(0.0, 1 - reference.stats.count / _SURE_FROM)
    told = reference.told
    count = np.count_nonzero(told)
    enough = bool(count >= ENOUGH * BLOCKS)
    evidence = _evidence(features, reference)
    edges_lost = _lost(evidence, reference)
    if not known or not enough:
        return _full_cover_only(edges_lost, told, enough, known)
    contrast = np.log((features.detail + _DETAIL_FLOOR) / (reference.stats.detail + _DETAIL_FLOOR))
    lost = _lost(evidence + _dimmed(contrast, told), reference)
    share = np.count_nonzero(lost) / count
    shift, moved = _moved(features, reference, share, margin, contrast)
    blur, haze = _blur_and_haze(features, reference, lost, contrast)
    blur /= _BLUR_LIMIT * margin
    lasting = np.count_nonzero(lost & before) / count if before is not None else 0.0
    faults = {
        Label.MOVED: moved,
        Label.BLUR: blur,
        Label.LOWCONTRAST: haze if haze > blur else 0.0,
        Label.OBSTRUCTED: max(share / COVER_LIMIT, lasting / _LASTING_LIMIT) / margin,
    }
    return Seen(faults, enough, round(share, 4), shift, _indices(lost), _indices(edges_lost))


def reference_of(model: CameraModel, phase: Phase) -> Reference:
    """What is known of one phase."""
    bank, stats = bank_of(model.of(phase)), model.stats[phase]
    reliability = stats.reliability(bank)
    return Reference(bank, stats, reliability, reliability > SAYS_SOMETHING)


def lost_blocks(features: Features, reference: Reference) -> NDArray[np.bool_]:
    """The blocks whose normal edges are not seen, by the evidence of the block and its neighbours."""
    return _lost(_evidence(features, reference), reference)


def _evidence(features: Features, reference: Reference) -> Plane:
    """Per block the log likelihood that its edges agree as they do by chance, against that they do as normally."""
    agreement = best_agreement(reference.bank, features.field)
    mean, spread = reference.stats.mean, np.maximum(reference.stats.spread, LEAST_SPREAD)
    normal = ((np.minimum(agreement, mean) - mean) / spread) ** 2
    chance = (np.maximum(agreement, 0) / CHANCE_SPREAD) ** 2
    return np.asarray(0.5 * (normal - chance) + np.log(spread / CHANCE_SPREAD))


def _dimmed(contrast: Plane, told: NDArray[np.bool_]) -> Plane:
    """Evidence from contrast that is lost where the rest of the view keeps it."""
    kept = quantile(contrast[told], _KEPT_AT)
    return within(_DIM_GAIN * (kept - contrast - _DIM_FROM), 0.0, _DIM_MOST)


def _lost(evidence: Plane, reference: Reference) -> NDArray[np.bool_]:
    weighed = within(evidence, -_EVIDENCE_CAP, _EVIDENCE_CAP) * reference.reliability
    return np.asarray((box(weighed, 1) > 0) & reference.told)


def _full_cover_only(lost: NDArray[np.bool_], told: NDArray[np.bool_], enough: bool, known: bool) -> Seen:
    count = np.count_nonzero(told)
    share = np.count_nonzero(lost) / count if count else 0.0
    enough = enough and (known or share < _SEARCH_FROM)
    if count < _ENOUGH_FOR_FULL * BLOCKS or share < _FULL_COVER:
        return Seen(enough=enough)
    # What covers all of the view is often flat: that is no fog.
    faults = {Label.OBSTRUCTED: share / _FULL_COVER, Label.LOWCONTRAST: 0.0}
    blocks = _indices(lost)
    return Seen(faults, enough, round(share, 4), None, blocks, blocks)


def _moved(
    features: Features, reference: Reference, share: float, margin: float, contrast: Plane
) -> tuple[tuple[float, float] | None, float]:
    """The shift, where it is one of the whole picture, and how far the view moved in units of the limit."""
    if share < _SEARCH_FROM:
        return None, 0.0
    shift = find_shift(features.field, reference.field)
    if shift.strength >= 1:
        return shift.shares, shift.strength
    if shift.ratio < _STILL_THERE:
        return None, shift.strength
    elsewhere = share / _ELSEWHERE_SHARE if median(contrast[reference.told]) > _ELSEWHERE_DETAIL else 0.0
    return None, max(shift.strength, elsewhere / margin)


def _blur_and_haze(
    features: Features, reference: Reference, lost: NDArray[np.bool_], contrast: Plane
) -> tuple[float, float]:
    """Where the view is not covered: fine detail lost (log ratio), and contrast lost as a whole in units of its limit.

    Lack of focus takes fine detail alone, fog takes all of it, and the span of the tones with it.
    """
    left = reference.told & ~lost
    if np.count_nonzero(left) < _LEFT_LEAST * np.count_nonzero(reference.told):
        return 0.0, 0.0
    blur = -median((features.sharpness - reference.stats.sharpness)[left])
    span = quantile_of_sorted(features.tones, 0.95) - quantile_of_sorted(features.tones, 0.05)
    haze = min(-median(contrast[left]) / _HAZE_DETAIL, _HAZE_SPAN / max(span, 1.0))
    return blur, haze


def _indices(blocks: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(index) for index in np.flatnonzero(blocks))
