"""What a camera learns by itself: when a picture may be learned, and how what a probe learned is kept.

The probe has the picture decoded and the model at hand, so it learns there and sends the new model back with its
reading; the model that it began with is named by its hash. Whatever a person did to the model meanwhile counts more:
what was learned from another model is dropped. So is what comes from a camera whose picture is suspected of anything,
and a fault is never learned.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from monitor import vision
from monitor.health import State, Track
from monitor.wire import Aspect, Reading

log = logging.getLogger(__name__)

# A camera learns so many pictures in its first 30 hours, night included, and then slowly: with the seasons.
ENOUGH = 40
AT_FIRST, LATER = timedelta(minutes=45), timedelta(hours=8)
# Nothing is learned where something is suspected, at fault, or not yet over.
_CALM = frozenset({State.UNKNOWN, State.OK})

_UPDATE = """
UPDATE monitor_learnedview v SET signature = n.signature, learned = n.learned, updated_at = n.at
FROM unnest(%s::bigint[], %s::bytea[], %s::int[], %s::timestamptz[], %s::bytea[])
    AS n(device_id, signature, learned, at, basis)
WHERE v.device_id = n.device_id AND sha256(v.signature) = n.basis
"""
_INSERT = """
INSERT INTO monitor_learnedview (device_id, signature, learned, updated_at)
SELECT device_id, signature, learned, at
FROM unnest(%s::bigint[], %s::bytea[], %s::int[], %s::timestamptz[]) AS n(device_id, signature, learned, at)
ON CONFLICT DO NOTHING
"""


def may_learn(learned: int | None, updated_at: datetime | None, picture: Track, now: datetime) -> bool:
    """Whether the next picture of a camera may be learned, if it looks normal.

    `learned`: how many pictures its model knows, the last one since `updated_at`; both None where it has no model.
    """
    if picture.state not in _CALM:
        return False
    if learned is None or updated_at is None:
        return True
    return now - updated_at >= (AT_FIRST if learned < ENOUGH else LATER)


def keep_models(readings: Iterable[Reading], tracks: Mapping[int, Mapping[Aspect, Track]]) -> int:
    """Keep the models that came with readings; give how many. `tracks`: what is held true after these, by device."""
    learned = [item for reading in readings if (item := _learned(reading, tracks.get(reading.device_id, {})))]
    begun = [item for item in learned if not item.basis]
    going_on = [item for item in learned if item.basis]
    with connection.cursor() as cursor:
        return _send(cursor, _INSERT, [item[:-1] for item in begun]) + _send(cursor, _UPDATE, going_on)


class Learned(NamedTuple):
    """A model as a probe learned it, and the hash of the one that it began with; none where it began with nothing."""

    device_id: int
    signature: bytes
    pictures: int
    at: datetime
    basis: bytes


def _learned(reading: Reading, tracks: Mapping[Aspect, Track]) -> Learned | None:
    note = reading.picture
    if note is None or not note.learned or tracks.get(Aspect.PICTURE, Track()).state not in _CALM:
        return None
    try:
        count = vision.CameraModel.loads(note.learned).count
    except ValueError:
        log.warning("the model that came with a picture of device %d cannot be read: not learned", reading.device_id)
        return None
    return Learned(reading.device_id, note.learned, count, reading.at, note.basis)


def _send(cursor: Any, statement: str, rows: Sequence[Sequence[Any]]) -> int:
    """Run a statement over columns; give how many rows it changed."""
    if not rows:
        return 0
    cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
    return int(cursor.rowcount)
