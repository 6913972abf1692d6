"""One batch of visits, watched: canaries first and last, the loop's lag, and what of its faults may be told.

Good news travels at once, each second's together; bad news waits for the end of the batch, when it is known whether
we could see at all (DESIGN, decision 9).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from monitor.probes import canary
from monitor.probes.canary import Watch
from monitor.probes.doubt import (
    BLIND,
    CONFIRMS_FOR_S,
    DOUBTFUL,
    Evidence,
    bad,
    blanks,
    doubted,
    link_lost,
    mostly_lost,
    why_unknown,
)
from monitor.probes.lag import Lag
from monitor.wire import Order, Reading, Target

Tell = Callable[[list[Reading]], None]
# Visits all targets and tells each endpoint's readings as its visit ends; returns when all have ended.
Visits = Callable[[Sequence[Target], Tell], Awaitable[object]]


@dataclass(slots=True)
class Memory:
    """When a batch of the zone was last mostly lost, by the event loop's clock; None: never in this process."""

    lost_at: float | None = None

    def confirms(self, began: float) -> bool:
        """Whether one that ended before this one began was lost, too: those under way together share one blip."""
        return self.lost_at is not None and self.lost_at <= began <= self.lost_at + CONFIRMS_FOR_S


@dataclass(frozen=True, slots=True)
class Went:
    """How a batch went, for its report."""

    canary: Watch
    lag_s: float
    took_s: float
    why: str


@dataclass(slots=True)
class _News:
    """What comes in during a batch: told at once, or held."""

    tell: Tell
    held: list[list[Reading]] = field(default_factory=list)

    def take(self, readings: list[Reading]) -> None:
        """An endpoint's readings travel together: its lease ends with the first of them."""
        if any(bad(reading) for reading in readings):
            self.held.append(readings)
        else:
            self.tell(readings)

    @property
    def lost(self) -> set[int]:
        """Endpoints of which no device could be reached."""
        return {held[0].endpoint_id for held in self.held if all(link_lost(reading) for reading in held)}

    def release(self, why: str) -> None:
        """Tell what was held, as it is or as unknown; a doubtful batch keeps what was learned from who answered."""
        for readings in self.held:
            drop = why and (why != DOUBTFUL or any(link_lost(reading) for reading in readings))
            self.tell([doubted(reading, why) for reading in readings] if drop else readings)


async def watched(order: Order, visits: Visits, tell: Tell, names: Executor, memory: Memory) -> Went:
    """Carry out an order, and tell of each endpoint once.

    A zone whose canaries are lost from the beginning is not visited: nothing that could be learned would count.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with Lag() as lag:
        first = await canary.look(order.canaries, names)
        if first is Watch.LOST:
            for target in order.targets:
                tell(blanks(target, BLIND))
            return Went(first, lag.worst_s, loop.time() - began, BLIND)
        news = _News(tell)
        await visits(order.targets, news.take)
        last = await canary.look(order.canaries, names)
    lost = mostly_lost(order.targets, news.lost)
    why = why_unknown(Evidence(first, last, lag.worst_s, lost, memory.confirms(began)))
    memory.lost_at = loop.time() if lost else memory.lost_at
    news.release(why)
    return Went(last, lag.worst_s, loop.time() - began, why)
