"""What is too large for a queue: orders on their way to a collector, pictures on their way back; sealed, not for long.

Each lies at the broker under a key of its own, and the message names it. A queue would wrap an order with its camera
models into text three times over; pictures travel apart from their readings (DESIGN, decision 10), several in one turn,
since a round trip for each would cost more than the picture.
"""

from __future__ import annotations

import logging
import struct
import threading
import uuid
from collections.abc import Sequence

import redis

from monitor.sealing import Opener, Sealer

log = logging.getLogger(__name__)

# How long an order waits for its collector, longer than it is of use, and a picture for `record`. Seconds.
ORDER_LIFE_S, LIFE_S = 60, 600
# Where pictures wait; a collector can name no other key of the broker.
KEYS = "picture:"
# So much is put aside before it is sent on, and so many are fetched at once: each may be the 8 MB of an original.
MOST_ASIDE = 2 * 1024 * 1024
FETCHED_AT_ONCE = 16
_SIZE = struct.Struct(">I")


def put_order(store: redis.Redis, zone: str, lease: str, token: str) -> str:
    """Put a sealed order on the shelf and give its key."""
    key = f"{_orders(zone)}{lease}"
    store.set(key, token, ex=ORDER_LIFE_S)
    return key


def take_order(store: redis.Redis, zone: str, key: str) -> bytes:
    """Take a sealed order of a zone off the shelf; nothing where its life is over, or the key is not an order's."""
    token = store.getdel(key) if key.startswith(_orders(zone)) else None
    return token if isinstance(token, bytes) else b""


def _orders(zone: str) -> str:
    """Where the orders of a zone lie: a collector has a right to these and no others."""
    return f"order:{zone}:"


# Thumbnail and original, if that was wanted.
Picture = tuple[bytes, bytes | None]


class Putting:
    """The collector's side: seals pictures, and puts what has come together on the shelf when asked to."""

    def __init__(self, store: redis.Redis, seal: Sealer) -> None:
        self._store = store
        self._seal = seal
        self._lock = threading.Lock()
        self._aside: list[tuple[str, bytes]] = []
        self._size = 0

    def put(self, device_id: int, thumbnail: bytes, original: bytes | None) -> str:
        """Seal a picture and give its key; it is on the shelf after the next `flush`."""
        key = f"{KEYS}{device_id}:{uuid.uuid4().hex}"
        data = b"".join((_SIZE.pack(len(thumbnail)), thumbnail, original or b""))
        token = self._seal(data, key)
        with self._lock:
            self._aside.append((key, token))
            self._size += len(token)
            full = self._size > MOST_ASIDE
        if full:
            self.flush()
        return key

    def flush(self) -> None:
        """Put on the shelf what was sealed since the last time. Before the readings that name it are sent."""
        with self._lock:
            aside, self._aside, self._size = self._aside, [], 0
        if aside:
            with self._store.pipeline(transaction=False) as turn:
                for key, token in aside:
                    turn.set(key, token, ex=LIFE_S)
                turn.execute()


class Taking:
    """The other side: takes pictures off the shelf by the keys of a batch, some at a time and in their order."""

    def __init__(self, store: redis.Redis, unseal: Opener, names: Sequence[str]) -> None:
        self._store = store
        self._unseal = unseal
        self._waiting = [name for name in names if name.startswith(KEYS)]
        self._taken: dict[str, bytes | None] = {}

    def __call__(self, name: str) -> Picture | None:
        """The picture of a key; None when its short life is over or it was sealed for another zone."""
        while name not in self._taken and self._waiting:
            self._take_some()
        token = self._taken.pop(name, None)
        data = self._unseal(token, name) if token else None
        if token and data is None:
            log.warning("a picture does not open: sealed with another key, or by a collector of another version")
        return _parted(data) if data else None

    def _take_some(self) -> None:
        some, self._waiting = self._waiting[:FETCHED_AT_ONCE], self._waiting[FETCHED_AT_ONCE:]
        with self._store.pipeline(transaction=False) as turn:
            for name in some:
                turn.getdel(name)
            self._taken |= dict(zip(some, turn.execute(), strict=True))


def _parted(data: bytes) -> Picture | None:
    if len(data) < _SIZE.size:
        return None
    end = _SIZE.size + _SIZE.unpack_from(data)[0]
    return data[_SIZE.size : end], data[end:] or None
