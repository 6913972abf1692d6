"""The judgement on one picture: which fault it shows, how sure, where, and why it could not be told.

Order: black, white, frozen, corrupt, dark, stripes, noise need no model; then view moved, low contrast, blur, cover;
then colour cast. The first that is beyond its limit gives the label; the scores of all are kept.

The trail of the last picture tells what is frozen, and which blocks were lost before: those that stay lost make a cover
of a smaller share than one picture alone would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from monitor.vision import artefacts, still, tone, view
from monitor.vision.features import describe
from monitor.vision.label import Label
from monitor.vision.model import JUDGES_FROM, CameraModel
from monitor.vision.picture import Picture
from monitor.vision.tone import PHASES, Phase, phase_of

# A model of fewer pictures is provisional: it judges with a wider margin and says so.
PROVISIONAL_BELOW = 20
# A score is the measure over its limit, folded into 0..1: one half is the limit itself.
LIMIT_SCORE = 0.5

NO_REFERENCE = "no reference of this phase"
# The edges are those of the other phase: the view is free and where it was. Blur and fog cannot be told.
OTHER_PHASE = "compared with the other phase"
FEW_BLOCKS = "few reliable blocks"
SWITCHING = "day and night are changing"

_WITHOUT_MODEL = (
    Label.BLACK, Label.WHITE, Label.FROZEN, Label.CORRUPT, Label.DARK, Label.STRIPES, Label.NOISE,
)  # fmt: skip
_WITH_MODEL = (Label.MOVED, Label.LOWCONTRAST, Label.BLUR, Label.OBSTRUCTED)
ORDER: tuple[Label, ...] = (*_WITHOUT_MODEL, *_WITH_MODEL, Label.CAST)
# Which verdicts lean on the model, and with which the blocks in question are of interest.
_BY_MODEL = frozenset({*_WITH_MODEL, Label.NORMAL})
_COVERABLE = frozenset({Label.OBSTRUCTED, Label.NORMAL})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one picture shows.

    `score` 0..1: of a fault how far beyond its limit, of a normal picture how far the nearest fault is (1: far).
    `shift` is how far the view turned, as shares of width and height: +x the camera now looks further to the right
    (what it saw lies further left in the picture), +y further down. `blocks` are row * 16 + column of a 16 x 12 grid.
    `switched`: the trail is of a picture of the other phase, day against night. While a camera switches its filter
    pictures are not what they will be: `held` keeps back what the model says of this one, the label does not.
    `trail` is to be given to the next judgement of this camera; it is opaque and at most 1 kB.
    """

    label: Label
    score: float
    checkable: bool
    reason: str
    covered_share: float
    shift: tuple[float, float] | None
    blocks: tuple[int, ...]
    phase: Phase
    width: int
    height: int
    scores: Mapping[str, float] = field(default_factory=dict)
    trail: bytes = b""
    switched: bool = False


def judge(picture: Picture, model: CameraModel | None = None, trail: bytes = b"") -> Judgement:
    """Judge a picture, against the camera's model where there is one, and against the trail of the last picture."""
    features = describe(picture)
    phase = phase_of(features)
    states = model.of(phase) if model and model.judges(phase) else ()
    measures = tone.faults(features, states)
    measures |= artefacts.faults(picture, features, states)
    print_now = still.fingerprint(picture, features, phase)
    measures[Label.FROZEN] = still.sameness(print_now, trail)
    seen = view.compare(features, model, phase, still.lost_before(print_now, trail)) if model else view.unseen()
    scores = {label: fold(measure) for label, measure in {**measures, **seen.faults}.items()}
    found = next((label for label in ORDER if scores.get(label, 0.0) >= LIMIT_SCORE), Label.NORMAL)
    reason = _reason(model, phase, seen) if model and found in _BY_MODEL else ""
    return Judgement(
        label=found,
        score=scores[found] if found is not Label.NORMAL else round(1 - max(scores.values()), 4),
        checkable=found is not Label.NORMAL or reason not in {NO_REFERENCE, FEW_BLOCKS},
        reason=reason,
        covered_share=seen.covered_share if found in _COVERABLE else 0.0,
        shift=seen.shift if found is Label.MOVED else None,
        blocks=seen.blocks if found in _COVERABLE else (),
        phase=phase,
        width=picture.width,
        height=picture.height,
        scores={label.value: scores.get(label, 0.0) for label in ORDER},
        trail=still.with_lost(print_now, seen.edges_lost),
        switched=still.switched(print_now, trail),
    )


def _reason(model: CameraModel, phase: Phase, seen: view.Seen) -> str:
    if not any(map(model.judges, PHASES)) and model.count:
        return f"learning, {max(stats.count for stats in model.stats.values())} of {JUDGES_FROM}"
    if not model.judges(phase):
        return OTHER_PHASE if seen.enough else NO_REFERENCE
    if not seen.enough:
        return FEW_BLOCKS
    if model.count < PROVISIONAL_BELOW:
        return f"provisional, {model.count} of {PROVISIONAL_BELOW}"
    return ""


def held(judged: Judgement) -> Judgement:
    """While a camera changes between day and infrared its view is strange for a moment: the next picture tells."""
    if not judged.switched or judged.label not in _WITH_MODEL:
        return judged
    return replace(
        judged,
        label=Label.NORMAL,
        checkable=False,
        reason=SWITCHING,
        covered_share=0.0,
        blocks=(),
        shift=None,
    )


def fold(measure: float) -> float:
    """A measure in units of its limit (1 is the limit) as a score 0..1: the limit gives one half."""
    measure = max(0.0, measure)
    return round(measure / (1.0 + measure), 4)
