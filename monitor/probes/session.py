"""What a probe process keeps between visits: nonces, token buckets, learned clock offsets.

One session lives on one event loop, as long as its process. Everything here can be lost without harm: what must not be
forgotten (how much an endpoint was asked, whether a login rests) travels with the visit. Connections end with it: the
next visit may be another process's, and a device has few to give.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from monitor.probes import clock, digest
from monitor.probes.bucket import Bucket
from monitor.probes.transport import Line, tls_context
from monitor.wire import Target

# What a probe process of 50,000 endpoints may remember (about 1 kB each).
MAX_ENDPOINTS = 60_000
NAME_THREADS = 8
# Pictures being received or judged at once: each may grow to the cap of one picture (6 MB), so this bounds the memory.
PICTURES_AT_ONCE = 32
# Video streams being read or decoded at once: the last resort for a picture, and many times the work of a snapshot.
STREAMS_AT_ONCE = 2

KeepPicture = Callable[[int, bytes, bytes | None], str]


def keep_nothing(_device_id: int, _thumbnail: bytes, _original: bytes | None) -> str:
    """For callers that want the judgement only."""
    return ""


@dataclass(slots=True)
class Endpoint:
    """The kept state of one endpoint; `lock` lets one visit at a time through."""

    line: Line
    bucket: Bucket
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    nonces: dict[str, digest.Kept] = field(default_factory=dict)
    skew_s: float | None = None
    # Snapshot addresses that carry a password: never written into a passport, relearned by each process.
    secret_paths: dict[int, str] = field(default_factory=dict)


class Session:
    """The holder of kept state. `keep_picture(device_id, thumbnail, original)` seals and stores a picture and returns

    its key; it is called in the thread that judges: while it blocks, the next picture waits. `local_zone_s` is how far
    the platform's zone is ahead of UTC, for devices that tell only local time.
    """

    def __init__(self, keep_picture: KeepPicture = keep_nothing, local_zone_s: int = clock.CHINA_STANDARD_S) -> None:
        self.keep_picture = keep_picture
        self.local_zone_s = local_zone_s
        self.names = ThreadPoolExecutor(NAME_THREADS, thread_name_prefix="names")
        # One: two would pass the interpreter and the caches to and fro, and each picture take a sixth longer.
        self.judges = ThreadPoolExecutor(1, thread_name_prefix="judge")
        self.decoders = ThreadPoolExecutor(STREAMS_AT_ONCE, thread_name_prefix="stream")
        self.stream_slots = asyncio.Semaphore(STREAMS_AT_ONCE)
        self.picture_slots = asyncio.Semaphore(PICTURES_AT_ONCE)
        self.tls = tls_context()
        self._endpoints: OrderedDict[tuple[str, str, int], Endpoint] = OrderedDict()

    def endpoint(self, target: Target) -> Endpoint:
        """The kept state of this target's endpoint, made on first use."""
        key = (target.zone, target.host, target.port)
        found = self._endpoints.get(key)
        if found is None:
            now = asyncio.get_running_loop().time
            found = Endpoint(Line(self.names, self.tls), Bucket(target.burst, target.refill_s, now))
            self._endpoints[key] = found
        found.bucket.shape(target.burst, target.refill_s)
        found.bucket.owe(target.owed_s)
        self._endpoints.move_to_end(key)
        if len(self._endpoints) > MAX_ENDPOINTS:
            self._endpoints.popitem(last=False)[1].line.close()
        return found

    def close(self) -> None:
        """End every connection and thread."""
        for endpoint in self._endpoints.values():
            endpoint.line.close()
        self._endpoints.clear()
        self.names.shutdown(wait=False, cancel_futures=True)
        self.judges.shutdown(wait=False, cancel_futures=True)
        self.decoders.shutdown(wait=False, cancel_futures=True)
