"""How far this machine's clock is from the broker's; asked for now and then, so that a probe process can go by it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

import redis

log = logging.getLogger(__name__)

EVERY_S: Final = 300.0
# After an answer that was of no use. Seconds.
AGAIN_S: Final = 10.0
# A clock that was set shows a jump against the machine's own count of seconds: it is compared anew at once.
JUMP_S: Final = 0.5
# An answer that took longer says too little about when it was given. Seconds.
SLOWEST_S: Final = 1.0
PER_SECOND: Final = 1_000_000


class BrokerClock:
    """The offset to the broker's clock; from any thread."""

    def __init__(self, store: redis.Redis) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._apart = time.time() - time.monotonic()
        self.ahead_s: float | None = None

    def keep(self) -> float | None:
        """Compare the clocks if it is time to; give how many seconds ours is ahead, None where that is not known."""
        with self._lock:
            now, apart = time.monotonic(), time.time() - time.monotonic()
            jumped = abs(apart - self._apart) > JUMP_S
            if jumped:
                self.ahead_s = None
            if jumped or now >= self._next_at:
                self._apart = apart
                self._next_at = now + (EVERY_S if self._compare() else AGAIN_S)
            return self.ahead_s

    def _compare(self) -> bool:
        """Ask once; whether the answer was of use. One that is not leaves the last one standing."""
        began, here = time.monotonic(), time.time()
        try:
            seconds, micros = self._store.time()
        except redis.RedisError as error:
            log.warning("the broker does not tell its time (%s): what was last known of it is believed", error)
            return False
        took = time.monotonic() - began
        if took > SLOWEST_S:
            return False
        self.ahead_s = here + took / 2 - (seconds + micros / PER_SECOND)
        return True
