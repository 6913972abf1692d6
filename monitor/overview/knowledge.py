"""What a camera has learned, as pages tell it: the one place that asks `vision` about a model's inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor import vision
from monitor.models import LearnedView
from monitor.vision.judge import PROVISIONAL_BELOW
from monitor.vision.tone import PHASES, Phase


@dataclass(frozen=True, slots=True)
class Knowledge:
    """How many pictures were learned and when the last; which kinds of normal views are known, and which phases not.

    `reliability` says of each phase that is judged how reliable its blocks are (row by row, 0..1): a phase that is
    not in it is not compared yet. `judges_from` and `sure_from` are the numbers of pictures that this takes.
    """

    learned: int = 0
    at: datetime | None = None
    kinds: Sequence[str] = ()
    missing: Sequence[str] = ()
    reliability: Mapping[str, Sequence[float]] = field(default_factory=dict)
    judges_from: int = vision.JUDGES_FROM
    sure_from: int = PROVISIONAL_BELOW

    @property
    def begins(self) -> bool:
        """Whether it has learned something, and not enough to compare anything with."""
        return self.learned > 0 and not self.reliability

    @property
    def provisional(self) -> bool:
        """Whether it judges with a wider margin, since it has seen little."""
        return bool(self.reliability) and self.learned < self.sure_from


def knowledge(view: LearnedView | None) -> Knowledge:
    """What a kept signature knows; one that this version cannot read is as good as none, and is learned anew."""
    model = model_of(bytes(view.signature)) if view else None
    if view is None or model is None:
        return Knowledge()
    return Knowledge(
        learned=view.learned,
        at=view.updated_at,
        kinds=[str(kind) for kind in model.kinds],
        missing=[phase for phase in PHASES if phase not in model.phases],
        reliability={phase: [float(value) for value in model.reliability(phase).ravel()] for phase in judged(model)},
    )


def judged(model: vision.CameraModel) -> list[Phase]:
    """The phases of which enough is known to judge by."""
    return [phase for phase in PHASES if model.judges(phase)]


def model_of(signature: bytes) -> vision.CameraModel | None:
    """A signature as a model; None for one that this version cannot read."""
    try:
        return vision.CameraModel.loads(signature)
    except ValueError:
        return None
