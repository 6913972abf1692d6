"""The processes that serve a fleet, and what is asked of all of them at once."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from monitor.simulator.fleet import bank, script
from monitor.simulator.fleet.conditions import Conditions
from monitor.simulator.fleet.members import Fleet
from monitor.simulator.fleet.politeness import Limits
from monitor.simulator.fleet.worker import LARGEST_LINE, most_descriptors

END_PATIENCE_S = 5.0
DOORS_SHARE = 0.65  # of the descriptors of a process; the rest is for connections
FEWEST = 2
ROOT = Path(__file__).resolve().parents[3]


class CrewError(RuntimeError):
    """A process has failed; the text says what it said."""


@dataclass(frozen=True)
class Order:
    """What is to be served, and how. `began` is when the script's time 0 was (Unix time)."""

    fleet: Fleet
    rules: script.Rules = field(default_factory=script.Rules)
    speed: float = 1.0
    limits: Limits = field(default_factory=Limits)
    processes: int = 0
    gallery: bank.Gallery | None = None

    @property
    def workers(self) -> int:
        """How many processes: as many as asked for, but enough for every door to have its descriptor."""
        doors = sum(1 for _ in self.fleet.endpoints())
        needed = -(-doors // int(most_descriptors() * DOORS_SHARE))
        if self.processes and self.processes < needed:
            raise CrewError(f"{doors} addresses need {needed} processes under this limit of descriptors (ulimit -Hn)")
        return self.processes or min(max(FEWEST, needed), max(needed, doors))


class Hand:
    """One process, spoken to in lines of JSON, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lock = asyncio.Lock()

    @classmethod
    async def start(cls) -> Self:
        """Start a process."""
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "monitor.simulator.fleet.worker",
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LARGEST_LINE,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        )

    async def tell(self, **what: Any) -> dict[str, Any]:
        """Tell it to do something; its answer. Raises `CrewError`."""
        async with self._lock:
            if self._process.stdin is None or self._process.stdout is None:
                raise CrewError("a process of the fleet has no pipes")
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            line = await self._process.stdout.readline()
        if not line:
            raise CrewError("a process of the fleet has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise CrewError(answer["error"])
        done: dict[str, Any] = answer["ok"]
        return done

    async def end(self) -> None:
        """End it by ending its input; by force where that does not help."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(END_PATIENCE_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def wait(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        return await self._process.wait()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid


class Crew:
    """All processes of a fleet."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.conditions = Conditions(script.Script(order.fleet, order.rules), time.time(), order.speed)
        self._hands: list[Hand] = []

    async def start(self) -> None:
        """Start the processes, draw what is not there yet, open every door."""
        gallery = self.order.gallery or bank.Gallery(str(bank.default_folder()))
        if not gallery.is_complete:
            await _draw(gallery)
        self._hands = await _hands(self.order.workers)
        self.conditions.replace(self.conditions.script, time.time())
        await _each(
            self._hands,
            do="serve",
            fleet=self.order.fleet.values,
            script=self.order.rules.values,
            began=self.conditions.began,
            speed=self.order.speed,
            limits=asdict(self.order.limits),
            gallery=asdict(gallery),
        )

    async def stop(self) -> None:
        """End every process."""
        await asyncio.gather(*(hand.end() for hand in self._hands))

    async def lose_one(self) -> None:
        """Wait until a process has ended by itself, and raise `CrewError`: half a fleet is none."""
        waits = {asyncio.ensure_future(hand.wait()): hand.pid for hand in self._hands}
        try:
            ended, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            raise CrewError(f"process {', '.join(str(waits[task]) for task in ended)} of the fleet has ended")
        finally:
            for task in waits:
                task.cancel()

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes."""
        return [hand.pid for hand in self._hands]

    async def _all(self, **what: Any) -> Sequence[dict[str, Any]]:
        return await asyncio.gather(*(hand.tell(**what) for hand in self._hands))

    async def follow(self, rules: script.Rules) -> None:
        """Follow another script from its beginning."""
        self.conditions.replace(script.Script(self.order.fleet, rules), time.time())
        await self._all(do="script", script=rules.values, began=self.conditions.began)

    async def set_faults(self, index: int, faults: Mapping[str, Any] | None) -> None:
        """Set faults of one device by hand; None leaves it to the script again."""
        if faults is None:
            self.conditions.clear(index)
        else:
            self.conditions.change(index, faults)
        await self._all(do="faults", index=index, faults=faults)

    async def look(self, index: int, seconds: float) -> None:
        """A person looks at a device: for so long it bears more requests at once."""
        await self._all(do="look", index=index, until=time.time() + seconds)

    async def forget(self, index: int) -> None:
        """Forget the violations and refused logins of one device, as after a change of its password."""
        await self._all(do="forget", index=index)

    async def counts(self) -> dict[str, Any]:
        """Requests and connections since the start."""
        parts = await self._all(do="counts")
        ranges: dict[str, list[int]] = {}
        for start, both in (item for part in parts for item in part["by_range"].items()):
            known = ranges.setdefault(start, [0, 0])
            ranges[start] = [known[0] + both[0], known[1] + both[1]]
        return {
            "requests": sum(part["requests"] for part in parts),
            "connections": sum(part["connections"] for part in parts),
            "by_outcome": dict(_sum(part["by_outcome"] for part in parts)),
            "by_range": dict(sorted(ranges.items(), key=lambda item: int(item[0]))),
        }

    async def violations(self) -> dict[str, Any]:
        """Every impoliteness since the start."""
        parts = await self._all(do="violations")
        devices = {index: one for part in parts for index, one in part["devices"].items()}
        return {"total": dict(_sum(part["total"] for part in parts)), "devices": devices}


async def _hands(count: int) -> list[Hand]:
    return list(await asyncio.gather(*(Hand.start() for _ in range(count))))


async def _each(hands: Sequence[Hand], **what: Any) -> None:
    """Tell each process to do its share of something."""
    shares = (hand.tell(**what, number=number, of=len(hands)) for number, hand in enumerate(hands))
    await asyncio.gather(*shares)


async def _draw(gallery: bank.Gallery) -> None:
    """Draw what is missing, in processes of their own: drawing leaves them ten times as large as serving needs."""
    hands = await _hands(min(gallery.scenes, os.cpu_count() or 1))
    try:
        await _each(hands, do="draw", gallery=asdict(gallery))
    finally:
        await asyncio.gather(*(hand.end() for hand in hands))


def _sum(parts: Any) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return total
