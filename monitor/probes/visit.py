"""One visit: an endpoint, the devices seen through it, one total deadline that nothing outlasts."""

from __future__ import annotations

import asyncio

from monitor.probes import wallclock
from monitor.probes.book import Book
from monitor.probes.registry import PROBES
from monitor.probes.session import Session
from monitor.probes.talk import OnStep, Talk
from monitor.wire import Reading, Target

# Whatever is asked within a visit ends by its deadline; this is the belt to that, in seconds.
GRACE_S = 0.2
# Who would have less than this share of the time left after waiting (for a slot, for another visit of the endpoint) is
# not asked at all: our haste would pass for the device's slowness.
LEAST_SHARE = 0.5


async def visit(target: Target, session: Session, on_step: OnStep | None = None) -> list[Reading]:
    """Visit an endpoint and return one reading for each of its subjects, before `target.deadline_s` is over.

    Whatever fails is a finding, and what was learned until the deadline stays learned. An exception that leaves here is
    a bug of ours and says nothing about the device.
    `on_step(step, finding, request)` is called, on the loop, as things are learned.
    """
    loop = asyncio.get_running_loop()
    began, at = loop.time(), wallclock.now()
    endpoint = session.endpoint(target)
    book = Book(Talk(target, session, endpoint, began + target.deadline_s, on_step))
    try:
        if endpoint.lock.locked():
            async with asyncio.timeout_at(book.talk.until - target.deadline_s * LEAST_SHARE):
                await endpoint.lock.acquire()
        else:
            await endpoint.lock.acquire()
    except TimeoutError:  # another visit holds the endpoint: ours, every finding is "late"
        return book.readings(at, (loop.time() - began) * 1000)
    try:
        async with asyncio.timeout_at(book.talk.until + GRACE_S) as belt:
            await PROBES[target.probe](book)
    except TimeoutError:
        if not belt.expired():
            raise
    finally:
        endpoint.line.close()
        endpoint.lock.release()
    return book.readings(at, round((loop.time() - began) * 1000, 1))
