"""What a camera's model may learn by itself, and what a person's "this is a fault" takes out of it again."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from monitor.vision.bank import State, encode
from monitor.vision.features import describe
from monitor.vision.judge import NO_REFERENCE, Judgement
from monitor.vision.label import Label
from monitor.vision.model import CameraModel
from monitor.vision.picture import Picture
from monitor.vision.tone import phase_of

# A picture is learned when what is measured against the model stays below this score (.54 of a limit), and what one
# picture shows by itself below this (.82: a plain night comes near to "dark"). Over six real scenes those are 89 %
# of the normal pictures, and 13 of 33 faults that passed for normal (small covers).
_BY_MODEL_BELOW, _ALONE_BELOW = 0.35, 0.45
_BY_MODEL = (Label.MOVED, Label.BLUR, Label.OBSTRUCTED)
# States leave when they are this much more like the picture than all others are (share of the edges). Measured with
# pictures of a fault in the bank: leaves 1.00 of them out, cloth 60 %; .96, leaf 30 %; .85, view moved; .61, blur; .45,
# smooth 30 %; of the good states .00 to .05. At most half of a bank leaves: a person means some pictures, not most.
_APART, _MOST = 0.06, 0.5


def learnable(judged: Judgement) -> bool:
    """Whether a picture may be learned without anybody's word: normal by a margin, and not while the phase switches.

    What cannot be checked for want of a reference is learned: how else would there be one.
    """
    checkable = judged.checkable or judged.reason == NO_REFERENCE
    if judged.label is not Label.NORMAL or judged.switched or not checkable:
        return False
    by_model = max(judged.scores[label] for label in _BY_MODEL)
    return by_model < _BY_MODEL_BELOW and max(judged.scores.values()) < _ALONE_BELOW


def forget(model: CameraModel, picture: Picture) -> CameraModel:
    """A person says that this picture shows a fault: states that were learned from such pictures leave the bank.

    Those are the ones that stand out by their likeness to it. Where none does (too dark, noisy, a cast: faults that
    structure does not tell; a bank of one), the same model is given back. Statistics stay: they forget by themselves.
    """
    features = describe(picture)
    phase = phase_of(features)
    bank = model.of(phase)
    shown = encode(features, phase)
    alike = [_likeness(shown, state) for state in bank]
    ordered = sorted(alike, reverse=True)
    gaps = [above - below for above, below in pairwise(ordered)]
    leaving = int(np.argmax(gaps)) + 1 if gaps else 0
    if not gaps or gaps[leaving - 1] < _APART or leaving > _MOST * len(bank):
        return model
    gone = {id(state) for state, own in zip(bank, alike, strict=True) if own >= ordered[leaving - 1]}
    return replace(model, states=tuple(state for state in model.states if id(state) not in gone))


def _likeness(one: State, other: State) -> float:
    """The share of the edges of both that agree: 1 all, 0 by chance."""
    edges = int(np.count_nonzero(one.codes)) + int(np.count_nonzero(other.codes))
    return 2 * float((one.field * other.field.conj()).real.sum()) / max(1, edges)
