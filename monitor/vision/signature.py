"""How the learned model of a camera travels: at most 8 kB, versioned, sealed.

Version 2 says how many pictures a person vouched for; version 1, in which that is all of them, is still read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from monitor.vision.bank import State
from monitor.vision.features import CELL_COLUMNS, CELL_ROWS
from monitor.vision.planes import BLOCKS, COLUMNS, ROWS, Plane
from monitor.vision.stats import Stats
from monitor.vision.tone import PHASES, Phase, Tone

MAX_BYTES = 8192
_MAGIC, _VERSION = b"VKM", 2
_START = struct.Struct("<3sB")  # magic, version
# States, pictures of the day and of the night, those a person vouched for, CRC of the rest; version 1 first.
_COUNTS = {1: struct.Struct("<BHHI"), _VERSION: struct.Struct("<BHHHHI")}
_MOST = 0xFFFF


def pack(states: Sequence[State], stats: Mapping[Phase, Stats]) -> bytes:
    """A model as bytes."""
    body = b"".join([*map(_pack_state, states), *(_pack_stats(stats.get(phase)) for phase in PHASES)])
    known = [stats.get(phase) for phase in PHASES]
    counts = [min(_MOST, one.count) if one else 0 for one in known]
    accepted = [min(_MOST, one.accepted) if one else 0 for one in known]
    head = _COUNTS[_VERSION].pack(len(states), *counts, *accepted, zlib.crc32(body))
    data = _START.pack(_MAGIC, _VERSION) + head + body
    assert len(data) <= MAX_BYTES, "a camera model travels in 8 kB"  # noqa: S101 (a promise of the format)
    return data


def unpack(data: bytes) -> tuple[tuple[State, ...], dict[Phase, Stats]]:
    """Read what `pack` wrote, older versions too. Raises ValueError for a newer one and for rubbish."""
    magic, version = _START.unpack_from(data) if len(data) >= _START.size else (b"", 0)
    form = _COUNTS.get(version)
    if magic != _MAGIC or form is None or len(data) < _START.size + form.size:
        raise ValueError(f"not a camera model of version {_VERSION} or older")
    states, *counts, crc = form.unpack_from(data, _START.size)
    counted, accepted = counts[:2], counts[-2:]
    body = data[_START.size + form.size :]
    sizes = [_STATE_SIZE] * states + [_STATS_SIZE if count else 0 for count in counted]
    if len(body) != sum(sizes) or zlib.crc32(body) != crc:
        raise ValueError("damaged camera model")
    bank, stats = body[: states * _STATE_SIZE], body[states * _STATE_SIZE :]
    return _unpack_states(bank), _unpack_all(stats, counted, accepted)


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


def _unpack_all(data: bytes, counts: Sequence[int], accepted: Sequence[int]) -> dict[Phase, Stats]:
    known = [each for each in zip(PHASES, counts, accepted, strict=True) if each[1]]
    planes = np.frombuffer(data, dtype=np.uint8).reshape(len(known), 3, ROWS, COLUMNS)
    both = planes[:, 0]
    mean, spread = (both >> 4) / np.float32(_MEAN_STEPS), (both & 15) / np.float32(_SPREAD_STEPS)
    sharpness = planes[:, 1] / np.float32(_SHARP_STEPS) + np.float32(_SHARP_LOW)
    detail = planes[:, 2] / np.float32(_DETAIL_STEPS)
    return {
        phase: Stats(count, mean[at], spread[at], sharpness[at], detail[at], vouched)
        for at, (phase, count, vouched) in enumerate(known)
    }
