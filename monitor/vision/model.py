"""What one camera normally looks like: a bank of states, and how far each block can be relied upon.

A state is one accepted picture, reduced to the direction of its edges (3 bits a cell of 3 x 3 px). States are chosen
farthest-first, day and night apart. Per phase and block the model holds the mean and the spread of the agreement that
normal pictures have with the rest of the bank, and the sharpness. All of it travels in at most 8 kB.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from monitor.vision.bank import State, agreement, bank_of, best_agreement, encode
from monitor.vision.features import CELL_COLUMNS, CELL_ROWS, Features, describe, edge_field
from monitor.vision.picture import Picture
from monitor.vision.planes import BLOCKS, COLUMNS, ROWS, Plane, box, halve
from monitor.vision.tone import PHASES, Phase, Tone, phase_of

MAX_BYTES = 8192
MAX_STATES = 8
_VERSION = 1
_MAGIC = b"VKM"
_HEADER = struct.Struct("<3sBBHHI")  # magic, version, states, day pictures, night pictures, CRC of the rest

# What a block will agree with later pictures is foretold from one picture alone: by how far its edges survive when it
# is moved by two px (long clear edges do, foliage does not) and smoothed. Fitted over six real scenes, correlation .6
# (.84 in a forest); the spread is what is left, and the foretold counts as this many pictures.
_FORETOLD_MOVED, _FORETOLD_SMOOTHED = np.float32(0.56), np.float32(0.38)
_JITTER = 2
PRIOR_SPREAD, PRIOR_WEIGHT = 0.16, 1.0
# The statistics forget slowly: a picture counts at least this much once many were learned (seasons, growing trees).
_SLOWEST = 1 / 60


@dataclass(frozen=True, slots=True, eq=False)
class Stats:
    """Per block (ROWS x COLUMNS) over the normal pictures of one phase; `count` pictures went in."""

    count: int
    mean: Plane
    spread: Plane
    sharpness: Plane
    detail: Plane


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

    def dumps(self) -> bytes:
        """The model as bytes, at most `MAX_BYTES`."""
        body = b"".join([*map(_pack_state, self.states), *(_pack_stats(self.stats.get(phase)) for phase in PHASES)])
        counts = [min(0xFFFF, self.stats[phase].count) if phase in self.stats else 0 for phase in PHASES]
        data = _HEADER.pack(_MAGIC, _VERSION, len(self.states), *counts, zlib.crc32(body)) + body
        assert len(data) <= MAX_BYTES, "a camera model travels in 8 kB"  # noqa: S101 (a promise of the format)
        return data

    @classmethod
    def loads(cls, data: bytes) -> CameraModel:
        """Read what `dumps` wrote. Raises ValueError for another version and for rubbish."""
        if len(data) < _HEADER.size:
            raise ValueError("not a camera model")
        magic, version, states, day, night, crc = _HEADER.unpack_from(data)
        body = data[_HEADER.size :]
        if magic != _MAGIC or version != _VERSION:
            raise ValueError(f"not a camera model of version {_VERSION}")
        sizes = [_STATE_SIZE] * states + [_STATS_SIZE if count else 0 for count in (day, night)]
        if len(body) != sum(sizes) or zlib.crc32(body) != crc:
            raise ValueError("damaged camera model")
        bank, stats = body[: states * _STATE_SIZE], body[states * _STATE_SIZE :]
        return cls(_unpack_states(bank), _unpack_all(stats, (day, night)))


def learn(pictures: Sequence[Picture]) -> CameraModel:
    """Learn a camera from accepted pictures. One of each phase is enough to begin with."""
    seen: dict[Phase, list[Features]] = {"day": [], "night": []}
    for picture in pictures:
        features = describe(picture)
        seen[phase_of(features)].append(features)
    quota = _quota(len(seen["day"]), len(seen["night"]))
    banks = {phase: _farthest(seen[phase], phase, quota[phase]) for phase in PHASES}
    stats = {phase: _measure(seen[phase], banks[phase]) for phase in PHASES if seen[phase]}
    return CameraModel(tuple(state for phase in PHASES for state in banks[phase]), stats)


def extend(model: CameraModel, picture: Picture) -> CameraModel:
    """Learn one more accepted picture; the bank keeps the states that differ most."""
    features = describe(picture)
    phase = phase_of(features)
    bank = model.of(phase)
    stats = _blend(model.stats.get(phase), features, bank)
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
    return Stats(stats.count + 1, mean, np.sqrt(square), sharpness, detail)


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


_CODE_BITS = 3
_CODES_SIZE = CELL_ROWS * CELL_COLUMNS * _CODE_BITS // 8
_TONE_SIZE = 5
_STATE_SIZE = 1 + _TONE_SIZE + _CODES_SIZE
_STATS_SIZE = 3 * BLOCKS
# Agreement travels as a byte from -1 to 1 in steps of 1/7 (4 bits), the spread in steps of 1/30 (4 bits).
_MEAN_STEPS, _SPREAD_STEPS = 15.0, 30.0
_SHARP_LOW, _SHARP_STEPS = -4.25, 50.0
_DETAIL_STEPS = 8.0


def _pack_state(state: State) -> bytes:
    bits = (state.codes.reshape(-1, 1) >> np.arange(_CODE_BITS, dtype=np.uint8)) & 1
    head = bytes([PHASES.index(state.phase), *astuple(state.tone)])
    return head + np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()


def _unpack_states(data: bytes) -> tuple[State, ...]:
    packed = np.frombuffer(data, dtype=np.uint8).reshape(-1, _STATE_SIZE)
    heads, triples = packed[:, : 1 + _TONE_SIZE].tolist(), packed[:, 1 + _TONE_SIZE :].reshape(-1, 3)
    # Three bytes hold eight codes: two numbers of 12 bits, each with its four codes in a table.
    first, second, third = (triples[:, byte].astype(np.uint16) for byte in range(3))
    twelves = np.stack(((first << 4) | (second >> 4), ((second & 15) << 8) | third), axis=1)
    codes = _FOUR_CODES.take(twelves).view(np.uint8).reshape(-1, CELL_ROWS, CELL_COLUMNS)
    if any(phase >= len(PHASES) for phase, *_ in heads):
        raise ValueError("damaged camera model")
    return tuple(State(PHASES[phase], own, Tone(*tone)) for (phase, *tone), own in zip(heads, codes, strict=True))


def _four_codes() -> NDArray[np.uint32]:
    """The four codes of each number of 12 bits, as four bytes; the lowest bit of a code comes first."""
    bits = np.arange(1 << 4 * _CODE_BITS)[:, None] >> np.arange(4 * _CODE_BITS)[::-1] & 1
    codes = (bits.reshape(-1, 4, _CODE_BITS) << np.arange(_CODE_BITS)).sum(2).astype(np.uint8)
    return np.asarray(codes.view(np.uint32).ravel())


_FOUR_CODES = _four_codes()


def _pack_stats(stats: Stats | None) -> bytes:
    if stats is None:
        return b""
    mean = _quantised(stats.mean, 0.0, _MEAN_STEPS, 15)
    spread = _quantised(stats.spread, 0.0, _SPREAD_STEPS, 15)
    sharpness = _quantised(stats.sharpness, _SHARP_LOW, _SHARP_STEPS, 255)
    detail = _quantised(stats.detail, 0.0, _DETAIL_STEPS, 255)
    return ((mean << 4) | spread).tobytes() + sharpness.tobytes() + detail.tobytes()


def _quantised(plane: Plane, low: float, steps: float, top: int) -> NDArray[np.uint8]:
    steps_up = np.rint((plane - low) * steps)
    return np.asarray(np.clip(steps_up, 0, top), dtype=np.uint8)


def _unpack_all(data: bytes, counts: tuple[int, int]) -> dict[Phase, Stats]:
    known = [(phase, count) for phase, count in zip(PHASES, counts, strict=True) if count]
    planes = np.frombuffer(data, dtype=np.uint8).reshape(len(known), 3, ROWS, COLUMNS)
    both = planes[:, 0]
    mean, spread = (both >> 4) / np.float32(_MEAN_STEPS), (both & 15) / np.float32(_SPREAD_STEPS)
    sharpness = planes[:, 1] / np.float32(_SHARP_STEPS) + np.float32(_SHARP_LOW)
    detail = planes[:, 2] / np.float32(_DETAIL_STEPS)
    return {
        phase: Stats(count, mean[at], spread[at], sharpness[at], detail[at]) for at, (phase, count) in enumerate(known)
    }
