"""Frozen pictures: a fingerprint fine enough to tell two pictures of a scene at rest by the noise of the sensor.

Each block is projected on two fixed random patterns of +1 and -1. Sensor noise moves every projection a little; the
same frame encoded anew under a running clock moves only those under the clock.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.vision.features import FINE_HEIGHT, FINE_WIDTH, Features
from monitor.vision.picture import Picture
from monitor.vision.planes import BLOCKS, COLUMNS, ROWS, Plane, block_mean
from monitor.vision.tone import Phase

MAX_BYTES = 1024
# The trail: mark of the version, phase (its first letter), start of the digest, projections, lost blocks as bits.
_MAGIC = b"VKT3"
_DIGEST = 16
_PHASE_AT = len(_MAGIC)
_DIGEST_AT = _PHASE_AT + 1
_VALUES_AT = _DIGEST_AT + _DIGEST
_LOST = BLOCKS // 8
_PROJECTIONS = 2
# Projections travel as 16-bit integers in steps of 1/32 grey level.
_STEPS = 32.0
# Measured: the same frame encoded anew moves the median block by 0.00, sensor noise by 0.4 to 3 (grey levels).
_SAME_WITHIN = 2
_OUT_OF_RANGE = -32768
# Blocks that are burnt out or black carry no noise: they say nothing. Fewer others than this share: nothing is said.
_DARKEST, _BRIGHTEST, _FEWEST = 10.0, 245.0, 0.15
# Of the blocks that say something this share must be the same. Measured: frozen .63 and more, live .01 and less.
_SAME_SHARE = 0.4

# The luma at half of its size is projected: its noise is half of the luma's, which the scale makes good.
_HEIGHT, _WIDTH = FINE_HEIGHT // 2 // ROWS, FINE_WIDTH // 2 // COLUMNS
_PIXELS = _HEIGHT * _WIDTH
_SCALE = np.float32(2 * np.sqrt(_PIXELS) * _STEPS)
_PATTERNS = np.random.default_rng(20150).choice(np.array([-1, 1], dtype=np.float32), (_PROJECTIONS, _PIXELS))
_PATTERN_MEANS = _PATTERNS.mean(1, keepdims=True)
# Each pattern over a row of blocks: as long as the pixels of these, so that all rows of blocks are multiplied at once.
_BANDS = np.tile(_PATTERNS.reshape(_PROJECTIONS, _HEIGHT, -1), COLUMNS).reshape(_PROJECTIONS, -1)


def fingerprint(picture: Picture, features: Features, phase: Phase) -> bytes:
    """The trail of a picture: its phase, the start of its digest, and two projections a block."""
    mean = features.luma_blocks.ravel()
    sums = np.array([_project(features.half, band) for band in _BANDS])
    sums -= mean * _PATTERN_MEANS
    sums *= _SCALE
    values = np.maximum(np.minimum(np.rint(sums), 32767), -32767).astype("<i2")
    values[:, (mean < _DARKEST) | (mean > _BRIGHTEST)] = _OUT_OF_RANGE
    return b"".join((_MAGIC, phase[:1].encode(), bytes.fromhex(picture.digest)[:_DIGEST], values.tobytes()))


def _project(half: Plane, band: Plane) -> Plane:
    """Per block the mean of its pixels, some of them with the other sign."""
    return block_mean((half.reshape(ROWS, -1) * band).reshape(half.shape)).ravel()


def sameness(now: bytes, before: bytes) -> float:
    """How far two trails are of one frame, in units of the limit. A trail of another version, or rubbish, says no."""
    if not _is_alike(now, before):
        return 0.0
    if before[_DIGEST_AT:_VALUES_AT] == now[_DIGEST_AT:_VALUES_AT]:
        return 1.0 / _SAME_SHARE
    one, other = _values(now), _values(before)
    told = (one[0] != _OUT_OF_RANGE) & (other[0] != _OUT_OF_RANGE)
    if told.sum() < _FEWEST * BLOCKS:
        return 0.0
    same = (np.abs(one - other) <= _SAME_WITHIN).all(0)
    return float(same[told].mean()) / _SAME_SHARE


def with_lost(trail: bytes, blocks: Sequence[int]) -> bytes:
    """A trail that tells which blocks of the picture were lost, too."""
    lost = np.zeros(BLOCKS, dtype=np.uint8)
    lost[list(blocks)] = 1
    return trail + np.packbits(lost).tobytes()


def lost_before(now: bytes, before: bytes) -> NDArray[np.bool_] | None:
    """The blocks that were lost in a picture of the same phase (ROWS x COLUMNS); None of another phase or version."""
    if not _is_alike(now, before) or switched(now, before):
        return None
    bits = np.frombuffer(before, dtype=np.uint8, offset=len(before) - _LOST)
    return np.unpackbits(bits).view(np.bool_).reshape(ROWS, COLUMNS)


def switched(now: bytes, before: bytes) -> bool:
    """Whether one trail is of a day and the other of a night. A trail of another version, or rubbish, says no."""
    return _is_alike(now, before) and now[_PHASE_AT] != before[_PHASE_AT]


def _is_alike(now: bytes, before: bytes) -> bool:
    return len(before) == len(now) + _LOST and before.startswith(_MAGIC)


def _values(trail: bytes) -> NDArray[np.int32]:
    raw = np.frombuffer(trail, dtype="<i2", offset=_VALUES_AT, count=_PROJECTIONS * BLOCKS)
    return raw.reshape(_PROJECTIONS, BLOCKS).astype(np.int32)
