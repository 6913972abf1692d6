"""What a camera has learned, as pages tell it: the one place that asks `vision` about a model's inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor import vision
from monitor.models import LearnedView
from monitor.vision.judge import PROVISIONAL_BELOW
from monitor.vision.tone import PHASES, Phase
from monitor.vision.view import reference_of

# Below this reliability (0..1) a block has no say.
SAYS_SOMETHING = 0.05


@dataclass(frozen=True, slots=True)
class Knowledge:
    """How many pictures were learned and when the last, how many of each kind of normal state, and by how many it is
    sure; per phase how reliable each block is (row by row, 0..1)."""

    learned: int = 0
    at: datetime | None = None
    kinds: Mapping[str, int] = field(default_factory=dict)
    reliability: Mapping[str, Sequence[float]] = field(default_factory=dict)
    sure_from: int = PROVISIONAL_BELOW

    @property
    def provisional(self) -> bool:
        """Whether it judges with a wider margin, since it has seen little."""
        return 0 < self.learned < self.sure_from

    @property
    def known(self) -> list[tuple[str, int]]:
        """The kinds of normal states that were seen, and how many pictures of each."""
        return [(kind, count) for kind, count in self.kinds.items() if count]

    @property
    def missing(self) -> list[str]:
        """The kinds that were not seen yet."""
        return [kind for kind, count in self.kinds.items() if not count]


def knowledge(view: LearnedView | None) -> Knowledge:
    """What a kept signature knows; of one that another version wrote only how many pictures went in."""
    if view is None:
        return Knowledge()
    model = model_of(bytes(view.signature))
    if model is None:
        return Knowledge(view.learned, view.updated_at)
    reliability: dict[str, Sequence[float]] = {
        phase: _reliability(model, phase) for phase in PHASES if phase in model.phases
    }
    return Knowledge(view.learned, view.updated_at, _kinds(model), reliability)


def model_of(signature: bytes) -> vision.CameraModel | None:
    """A signature as a model; None for one that this version cannot read."""
    try:
        return vision.CameraModel.loads(signature)
    except ValueError:
        return None


def forget(model: vision.CameraModel, picture: vision.Picture) -> vision.CameraModel:
    """The model as if it had never learned pictures like this one."""
    return vision.forget(model, picture)  # type: ignore[attr-defined, no-any-return]


def _reliability(model: vision.CameraModel, phase: Phase) -> Sequence[float]:
    return [float(value) for value in reference_of(model, phase).reliability.ravel()]


def _kinds(model: vision.CameraModel) -> Mapping[str, int]:
    return {phase: model.stats[phase].count if phase in model.stats else 0 for phase in PHASES}
