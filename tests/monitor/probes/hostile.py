"""The hostile corpus in a process of its own, a trap where its false addresses lead, and visits to all of it."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from monitor.probes.session import Session
from monitor.probes.visit import visit
from monitor.simulator.hostile.corpus import CORPUS
from monitor.wire import Reading, Target
from tests.monitor.probes.fake import subject, target

SERVER = "monitor.simulator.hostile"
AT_ONCE = 40
PASSWORD = "Sesame&/#open"


@dataclass
class Trap:
    """Listens on two hosts of this machine where nobody has to come; counts who does."""

    port: int
    caught: list[str] = field(default_factory=list)


@contextmanager
def trap() -> Iterator[Trap]:
    """A trap that is set while the block lasts."""
    servers = [socket.create_server(("127.0.0.1", 0))]
    port = servers[0].getsockname()[1]
    servers.append(socket.create_server(("127.0.0.2", port)))
    found = Trap(port)

    def watch(server: socket.socket) -> None:
        while True:
            try:
                connection, peer = server.accept()
            except OSError:
                return
            found.caught.append(f"{peer} at {server.getsockname()}")
            connection.close()

    for server in servers:
        threading.Thread(target=watch, args=(server,), daemon=True).start()
    try:
        yield found
    finally:
        for server in servers:
            server.shutdown(socket.SHUT_RDWR)
            server.close()


@dataclass
class Corpus:
    """The running corpus: the port of each misbehaviour, and after the end what each has seen."""

    ports: dict[str, int]
    process: subprocess.Popen[str]
    seen: dict[str, Any] = field(default_factory=dict)

    def end(self) -> dict[str, Any]:
        """Stop it and return what it has seen."""
        if not self.seen:
            told, _ = self.process.communicate("", timeout=30)
            self.seen = json.loads(told)
        return self.seen

    def target(self, name: str, **given: object) -> Target:
        """The endpoint of one misbehaviour, to be asked for everything."""
        scheme = "https" if CORPUS[name].tls else "http"
        settings: dict[str, object] = {"password": PASSWORD, "scheme": scheme} | given
        return target(self.ports[name], subject(), **settings)  # type: ignore[arg-type]


@contextmanager
def corpus(trap_port: int) -> Iterator[Corpus]:
    """The corpus while the block lasts."""
    command = [sys.executable, "-m", SERVER, "--trap-port", str(trap_port), "--secret", PASSWORD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = Corpus(json.loads(process.stdout.readline()), process)
        try:
            yield found
        finally:
            if not found.seen:
                process.kill()


@dataclass(frozen=True)
class Visited:
    """One visit: its reading, how long it took by the loop's clock, and how late the loop itself was meanwhile."""

    reading: Reading
    took_s: float
    lag_s: float


class Lag:
    """How late a loop wakes who sleeps: what a busy machine does, and no device."""

    STEP_S = 0.01
    WINDOW_S = 0.75

    def __init__(self) -> None:
        self.log: list[tuple[float, float]] = []

    async def watch(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self.STEP_S
            await asyncio.sleep(self.STEP_S)
            self.log.append((due, loop.time() - due))

    def before(self, ended: float) -> float:
        """How late it was in all during the last moments before an instant."""
        return sum(late for due, late in self.log if ended - self.WINDOW_S <= due <= ended)


async def visit_all(targets: Sequence[Target]) -> list[Visited]:
    """Visit all on this loop, so many at once that the corpus in its one process keeps up."""
    session, lag, loop = Session(), Lag(), asyncio.get_running_loop()
    watching = asyncio.create_task(lag.watch())

    slots = asyncio.Semaphore(AT_ONCE)

    async def one(goal: Target) -> tuple[Reading, float, float]:
        async with slots:
            began = loop.time()
            [reading] = await visit(goal, session)
            return reading, began, loop.time()

    try:
        found = await asyncio.gather(*map(one, targets))
        await asyncio.sleep(2 * lag.STEP_S)  # so that the last delay is on record, too
        return [Visited(reading, ended - began, lag.before(ended)) for reading, began, ended in found]
    finally:
        watching.cancel()
        session.close()


@dataclass(frozen=True)
class Cost:
    """What one visit cost: bytes at its peak, and the longest that it kept the loop to itself (CPU time)."""

    reading: Reading
    peak: int
    hold_s: float


async def cost_of(goal: Target, session: Session) -> Cost:
    """Visit alone and measure; `tracemalloc` must be on."""
    holds: list[float] = [0.0]

    async def tick() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0.002)
            now = time.thread_time()
            holds.append(now - last)
            last = now

    ticking = asyncio.create_task(tick())
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    [reading] = await visit(goal, session)
    _, peak = tracemalloc.get_traced_memory()
    ticking.cancel()
    return Cost(reading, peak - before, max(holds))
