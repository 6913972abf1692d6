"""Whether a zone's canaries answer: what tells "they are down" from "we are blind" (DESIGN, decision 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from enum import StrEnum
from typing import Final

from monitor.probes.failure import Failure
from monitor.probes.transport import Place, resolve
from monitor.wire import Canary

# Two SYNs fit (at 0 and 1 s): one lost packet blinds nobody.
PATIENCE_S: Final = 2.0


class Watch(StrEnum):
    """What was seen of a zone's canaries."""

    NONE = "none"
    SEEN = "seen"
    LOST = "lost"


async def look(canaries: Sequence[Canary], names: Executor) -> Watch:
    """Dial all canaries at once; the first one to answer suffices. `names` runs name look-ups.

    Only an open port is an answer: a refusal may come from a firewall on this side of the fault.
    """
    if not canaries:
        return Watch.NONE
    dials = [asyncio.ensure_future(_answers(canary, names)) for canary in canaries]
    try:
        async with asyncio.timeout(PATIENCE_S):
            for dial in asyncio.as_completed(dials):
                if await dial:
                    return Watch.SEEN
    except TimeoutError:
        pass
    finally:
        for left in dials:
            left.cancel()
    return Watch.LOST


async def _answers(canary: Canary, names: Executor) -> bool:
    try:
        loop = asyncio.get_running_loop()
        place = Place(canary.host, canary.port, tls=False, loopback=canary.loopback)
        address = await resolve(place, names, loop.time() + PATIENCE_S)
        wire, _ = await loop.create_connection(asyncio.Protocol, str(address), canary.port)
    except (OSError, Failure):
        return False
    wire.abort()
    return True
