"""What one camera normally looks like: a bank of states, and how far each block can be relied upon.

A state is one accepted picture, reduced to the direction of its edges (3 bits a cell of 3 x 3 px). States are chosen
farthest-first, day and night apart. Per phase and block the model holds the mean and the spread of the agreement that
normal pictures have with the rest of the bank, and the sharpness. All of it travels in at most 8 kB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from monitor.vision.bank import State, agreement, bank_of, best_agreement, encode
from monitor.vision.features import Features, describe, edge_field
from monitor.vision.picture import Picture
from monitor.vision.planes import COLUMNS, ROWS, Plane, box, halve
from monitor.vision.signature import pack, unpack
from monitor.vision.stats import Stats
from monitor.vision.tone import PHASES, Kind, Phase, kind_of, phase_of

MAX_STATES = 8
# From so many pictures of a phase on the model judges it, though nobody vouched for one of them.
JUDGES_FROM = 5

# What a block will agree with later pictures is foretold from one picture alone: by how far its edges survive when it
# is moved by two px (long clear edges do, foliage does not) and smoothed. Fitted over six real scenes, correlation .6
# (.84 in a forest); the spread is what is left, and the foretold counts as this many pictures.
_FORETOLD_MOVED, _FORETOLD_SMOOTHED = np.float32(0.56), np.float32(0.38)
_JITTER = 2
PRIOR_SPREAD, PRIOR_WEIGHT = 0.16, 1.0
# The statistics forget slowly: a picture counts at least this much once many were learned (seasons, growing trees).
_SLOWEST = 1 / 60


@dataclass(frozen=True, slots=True, eq=False)
class CameraModel:
    """The learned model of one camera. Immutable: learning gives a new one."""

    states: tuple[State, ...] = ()
    stats: Mapping[Phase, Stats] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many pictures were learned."""
        return sum(stats.count for stats in self.stats.values())

    @property
    def phases(self) -> frozenset[Phase]:
        """Which of day and night are known."""
        return frozenset(self.stats)

    def of(self, phase: Phase) -> tuple[State, ...]:
        """The states of one phase."""
        return tuple(state for state in self.states if state.phase == phase)

    def judges(self, phase: Phase) -> bool:
        """Whether enough is known of a phase to judge by: a person vouched for a picture, or many were seen."""
        stats = self.stats.get(phase)
        return stats is not None and (stats.accepted > 0 or stats.count >= JUDGES_FROM)

    def reliability(self, phase: Phase) -> Plane:
        """How far each block can be relied upon, ROWS x COLUMNS, 0 (not at all) to 1; all 0 for an unknown phase."""
        states = self.of(phase)
        if not states:
            return np.zeros((ROWS, COLUMNS), np.float32)
        return self.stats[phase].reliability(bank_of(states))

    @property
    def kinds(self) -> Mapping[Kind, int]:
        """The normal states in words, and how many of the bank are of each; see `tone.kind_of` for what it cannot."""
        found = [kind_of(state.phase, state.tone) for state in self.states]
        return {kind: found.count(kind) for kind in Kind if kind in found}

    def dumps(self) -> bytes:
        """The model as bytes, at most `signature.MAX_BYTES`."""
        return pack(self.states, self.stats)

    @classmethod
    def loads(cls, data: bytes) -> CameraModel:
        """Read what `dumps` wrote, older versions too. Raises ValueError for a newer one and for rubbish."""
        return cls(*unpack(data))


def learn(pictures: Sequence[Picture], *, accepted: bool = True) -> CameraModel:
    """Learn a camera from normal pictures. Of those a person vouches for, one of each phase is enough to begin with."""
    seen: dict[Phase, list[Features]] = {"day": [], "night": []}
    for picture in pictures:
        features = describe(picture)
        seen[phase_of(features)].append(features)
    quota = _quota(len(seen["day"]), len(seen["night"]))
    banks = {phase: _farthest(seen[phase], phase, quota[phase]) for phase in PHASES}
    stats = {phase: _measure(seen[phase], banks[phase]) for phase in PHASES if seen[phase]}
    if accepted:
        stats = {phase: replace(one, accepted=one.count) for phase, one in stats.items()}
    return CameraModel(tuple(state for phase in PHASES for state in banks[phase]), stats)


def extend(model: CameraModel, picture: Picture, *, accepted: bool = True) -> CameraModel:
    """Learn one more normal picture, vouched for or not; the bank keeps the states that differ most."""
    features = describe(picture)
    phase = phase_of(features)
    bank = model.of(phase)
    stats = _blend(model.stats.get(phase), features, bank)
    stats = replace(stats, accepted=stats.accepted + accepted)
    states = _admit(model.states, encode(features, phase))
    return replace(model, states=states, stats={**model.stats, phase: stats})


def _distance(one: State, other: State) -> float:
    return 1 - float(agreement(one, other.field).mean())


def _quota(day: int, night: int) -> dict[Phase, int]:
    """Half of the bank to each phase, more where the other has fewer."""
    half = MAX_STATES // 2
    for_day = min(day, max(half, MAX_STATES - night))
    return {"day": for_day, "night": min(night, MAX_STATES - for_day)}


def _farthest(seen: Sequence[Features], phase: Phase, quota: int) -> list[State]:
    """Farthest-first choice: begin with the most typical picture, then add what the bank knows least."""
    states = [encode(features, phase) for features in seen]
    if len(states) <= quota:
        return states
    fields = [state.field for state in states]
    apart = np.array([[1 - float(agreement(one, other).mean()) for other in fields] for one in states])
    chosen = [int(np.argmin(apart.sum(0)))]
    while len(chosen) < quota:
        left = apart[chosen].min(0)
        left[chosen] = -1
        chosen.append(int(np.argmax(left)))
    return [states[index] for index in chosen]


def _measure(seen: Sequence[Features], bank: Sequence[State]) -> Stats:
    """Mean and spread of the agreement of each picture with the bank, its own state left out."""
    planes = [plane for features in seen if (plane := _agreement_of_other(features, bank)) is not None]
    sharpness = np.asarray(np.mean([features.sharpness for features in seen], axis=0))
    detail = np.asarray(np.mean([features.detail for features in seen], axis=0))
    stack = np.array(planes, dtype=np.float32).reshape(-1, ROWS, COLUMNS)
    total = len(stack) + PRIOR_WEIGHT
    foretold = np.asarray(np.mean([_foretell(features) for features in seen[:MAX_STATES]], axis=0))
    mean = (stack.sum(0) + PRIOR_WEIGHT * foretold) / total
    square = ((stack - mean) ** 2).sum(0) + PRIOR_WEIGHT * PRIOR_SPREAD**2
    return Stats(len(seen), mean.astype(np.float32), np.sqrt(square / total).astype(np.float32), sharpness, detail)


def _foretell(features: Features) -> Plane:
    """The agreement to expect of a later picture, per block, from how far the edges survive small changes."""
    state, half = encode(features, "day"), halve(features.luma)
    moves = ((_JITTER, 0), (-_JITTER, 0), (0, _JITTER), (0, -_JITTER))
    moved = np.mean([agreement(state, edge_field(np.roll(half, move, (0, 1)))) for move in moves], axis=0)
    smoothed = agreement(state, edge_field(box(half, 1)))
    return np.asarray(np.maximum(_FORETOLD_MOVED * moved + _FORETOLD_SMOOTHED * smoothed, 0), dtype=np.float32)


def _agreement_of_other(features: Features, bank: Sequence[State]) -> Plane | None:
    own = encode(features, bank[0].phase).codes
    others = [state for state in bank if not np.array_equal(state.codes, own)]
    return best_agreement(bank_of(others), features.field) if others else None


def _blend(stats: Stats | None, features: Features, bank: Sequence[State]) -> Stats:
    """One more picture into the statistics of its phase."""
    if stats is None:
        return _measure([features], [encode(features, "day")])
    plane = best_agreement(bank_of(bank), features.field)
    rate = max(_SLOWEST, 1 / (stats.count + PRIOR_WEIGHT))
    mean = stats.mean + rate * (plane - stats.mean)
    square = (1 - rate) * (stats.spread**2 + rate * (plane - stats.mean) ** 2)
    slow = max(_SLOWEST, 1 / (stats.count + 1))
    sharpness = stats.sharpness + slow * (features.sharpness - stats.sharpness)
    detail = stats.detail + slow * (features.detail - stats.detail)
    return Stats(stats.count + 1, mean, np.sqrt(square), sharpness, detail, stats.accepted)


def _admit(states: tuple[State, ...], new: State) -> tuple[State, ...]:
    """Add a state; of a full bank the one leaves that the others of its phase stand for best."""
    if len(states) < MAX_STATES:
        return (*states, new)
    mine = [state for state in states if state.phase == new.phase]
    others = tuple(state for state in states if state.phase != new.phase)
    if len(mine) < MAX_STATES // 2:
        return (*_drop_nearest(others), *mine, new)
    return (*others, *_drop_nearest((*mine, new)))


def _drop_nearest(states: tuple[State, ...]) -> tuple[State, ...]:
    apart = np.array([[_distance(one, other) if one is not other else np.inf for other in states] for one in states])
    nearest = int(np.argmin(apart.min(1)))
    return tuple(state for index, state in enumerate(states) if index != nearest)
