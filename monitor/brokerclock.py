"""How far this machine's clock is from the broker's; asked for now and then, so that a probe process can go by it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

import redis

log = logging.getLogger(__name__)

EVERY_S: Final = 300.0
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
        self._asked_at: float | None = None
        self._apart = 0.0
        self.ahead_s: float | None = None

    def keep(self) -> float | None:
        """Compare the clocks if it is time to; give how many seconds ours is ahead, None where that is not known."""
        with self._lock:
            now, apart = time.monotonic(), time.time() - time.monotonic()
            due = self._asked_at is None or now - self._asked_at >= EVERY_S
            if due or abs(apart - self._apart) > JUMP_S:
                self._asked_at, self._apart = now, apart
                self._compare()
            return self.ahead_s

    def _compare(self) -> None:
        """Ask once; what is no use leaves the last answer standing, unless our own clock has jumped since."""
        began, here = time.monotonic(), time.time()
        try:
            seconds, micros = self._store.time()
        except redis.RedisError as error:
            log.warning("the broker does not tell its time (%s): this machine's clock is believed", error)
            return
        took = time.monotonic() - began
        if took <= SLOWEST_S:
            self.ahead_s = here + took / 2 - (seconds + micros / PER_SECOND)
