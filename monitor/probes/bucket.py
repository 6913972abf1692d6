"""Politeness: a token bucket for each endpoint, so that no device is asked more than it bears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from monitor.probes.failure import Late

# Whoever had to wait for a token needs this much time behind it, or our own haste would count against the device.
LEAST_LEFT_S: Final = 1.0
# A token that is free but for the rounding of a float is free.
ROUNDING: Final = 1e-6


class Bucket:
    """`burst` requests at once, one more each `refill_s` seconds; times are those of the given monotonic clock."""

    def __init__(self, burst: int, refill_s: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._full_at = clock()
        self.shape(burst, refill_s)

    def shape(self, burst: int, refill_s: float) -> None:
        """Take over a policy that has changed; what was used stays used."""
        self._burst = max(1, burst)
        self._refill_s = max(0.0, refill_s)

    def wait_s(self) -> float:
        """Seconds until the next request may be made; 0 where it may be made now."""
        spent = self._full_at - self._clock()
        return max(0.0, spent - (self._burst - 1) * self._refill_s)

    def owe(self, seconds: float) -> None:
        """Count what others have asked: the bucket will be full no sooner than in so many seconds."""
        self._full_at = max(self._full_at, self._clock() + seconds)

    def owed_s(self) -> float:
        """Seconds until the bucket is full."""
        return max(0.0, self._full_at - self._clock())

    def free(self) -> int:
        """How many requests may be made now, one after another, without waiting."""
        if not self._refill_s:
            return self._burst
        spent = max(0.0, self._full_at - self._clock())
        return max(0, int(self._burst - spent / self._refill_s + ROUNDING))

    def take(self) -> None:
        """Book one request from now on."""
        self._full_at = max(self._full_at, self._clock()) + self._refill_s

    async def acquire(self, until: float) -> None:
        """Wait for a token, book it; raise `Late` at once where none will be free before `until`."""
        wait = self.wait_s()
        if self._clock() + wait + (LEAST_LEFT_S if wait else 0.0) >= until:
            raise Late
        if wait > 0:
            await asyncio.sleep(wait)
        self.take()
