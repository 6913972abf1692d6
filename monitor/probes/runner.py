"""One event loop per probe process, living as long as it (DESIGN, decision 2); tasks hand it batches and wait."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

from monitor.probes import soap
from monitor.probes.doubt import blanks
from monitor.probes.session import Session
from monitor.probes.talk import OnStep
from monitor.probes.visit import LEAST_SHARE, visit
from monitor.wire import Reading, Target

log = logging.getLogger(__name__)

OnDone = Callable[[list[Reading]], None]
T = TypeVar("T")

# Enough for one in twenty of 50,000 devices to be silent (5 s each, once a minute), and for those that are seen for the
# first time to wait for their tokens, beside those that answer at once.
CONCURRENCY = 1_500
# Whoever had to wait no longer than this had not to wait.
NO_WAIT_S = 0.05


class Loop:
    """A thread with an event loop and a session; `run_batch` may be called from any thread."""

    def __init__(self, session: Session | None = None, concurrency: int = CONCURRENCY) -> None:
        soap.warm()
        self.session = session or Session()
        self._slots = asyncio.Semaphore(concurrency)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="probe-loop", daemon=True)
        self._thread.start()

    def run_batch(
        self, targets: Sequence[Target], on_step: OnStep | None = None, on_done: OnDone = lambda _readings: None
    ) -> list[Reading]:
        """Visit the targets; the readings are complete when the longest deadline of a full house is over at last.

        `on_done` gets each endpoint's readings as its visit ends, on the loop: it must only put them aside.
        """
        return self.submit(self.batch(targets, on_step, on_done)).result()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Have something done on the loop; from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def batch(self, targets: Sequence[Target], on_step: OnStep | None, on_done: OnDone) -> list[Reading]:
        """As `run_batch`, for what runs on the loop itself."""
        until = self._loop.time() + max((target.deadline_s for target in targets), default=0.0)
        found = await asyncio.gather(*(self._told(target, until, on_step, on_done) for target in targets))
        return [reading for readings in found for reading in readings]

    async def _told(self, target: Target, until: float, on_step: OnStep | None, on_done: OnDone) -> list[Reading]:
        readings = await self._one(target, until, on_step)
        on_done(readings)
        return readings

    async def _one(self, target: Target, until: float, on_step: OnStep | None) -> list[Reading]:
        try:
            async with asyncio.timeout_at(until - target.deadline_s * LEAST_SHARE):
                await self._slots.acquire()
        except TimeoutError:
            return self._blanks(target, "late")
        try:
            return await visit(self._within(target, until), self.session, on_step)
        except Exception:  # a bug of ours never marks a camera offline
            log.exception("visit of endpoint %s failed", target.endpoint_id)
            return self._blanks(target, "platform_silent")
        finally:
            self._slots.release()

    def _blanks(self, target: Target, cause: str) -> list[Reading]:
        """Nothing was learned; but what was asked stays asked, also of a visit that failed."""
        owed_s = round(self.session.endpoint(target).bucket.owed_s(), 1)
        return [replace(reading, owed_s=owed_s) for reading in blanks(target, cause)]

    def _within(self, target: Target, until: float) -> Target:
        """A target that had to wait for a slot has that much less time: a batch does not outlast its deadline."""
        left = until - self._loop.time()
        return target if left >= target.deadline_s - NO_WAIT_S else replace(target, deadline_s=max(0.0, left))

    def close(self) -> None:
        """Stop the loop and end what it holds."""
        self._loop.call_soon_threadsafe(self.session.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
