"""A process that serves its share of a fleet; started, told what to do and ended by `crew`.

    python -m monitor.simulator.fleet.worker

Reads one JSON object a line from its standard input and answers each with one line. The end of its input ends it, so
that it never outlives who started it.
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any

from monitor.simulator.fleet import bank, script
from monitor.simulator.fleet.conditions import Conditions
from monitor.simulator.fleet.members import Fleet
from monitor.simulator.fleet.politeness import Limits
from monitor.simulator.fleet.station import Station

SPARE_DESCRIPTORS = 64  # for what a process needs besides doors and lines
LARGEST_LINE = 64 * 1024 * 1024


class Worker:
    """Does what it is told, one thing after another."""

    def __init__(self) -> None:
        self._station: Station | None = None
        self._conditions: Conditions | None = None
        self._fleet: Fleet | None = None

    def do(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Do one thing; the answer is what `crew` gets."""
        match told["do"]:
            case "draw":
                _gallery(told).prepare(told["number"], told["of"])
            case "serve":
                self._serve(told)
            case "script":
                self._follow(told)
            case "faults":
                self._change(told["index"], told["faults"])
            case "look":
                return self._look(told["index"], told["until"])
            case "forget":
                self._forget(told["index"])
            case "counts":
                return self._serving.counts()
            case "violations":
                return self._serving.violations()
        return {}

    @property
    def _serving(self) -> Station:
        if self._station is None:
            raise RuntimeError("told before `serve`")
        return self._station

    def _serve(self, told: Mapping[str, Any]) -> None:
        fleet = Fleet(**told["fleet"])
        rules = script.parse(told["script"])
        self._fleet = fleet
        self._conditions = Conditions(script.Script(fleet, rules), told["began"], told["speed"])
        pictures, limits = bank.Bank(_gallery(told)), Limits(**told["limits"])
        share = -(-sum(1 for _ in fleet.endpoints()) // told["of"])
        room = most_descriptors() - share - SPARE_DESCRIPTORS
        number, of = told["number"], told["of"]
        self._station = Station(fleet, self._conditions, pictures, limits, number=number, of=of, room=room)
        self._station.start()

    def _follow(self, told: Mapping[str, Any]) -> None:
        if self._conditions is not None and self._fleet is not None:
            self._conditions.replace(script.Script(self._fleet, script.parse(told["script"])), told["began"])
            self._serving.apply_all()

    def _change(self, index: int, faults: Mapping[str, Any] | None) -> None:
        if self._conditions is not None:
            if faults is None:
                self._conditions.clear(index)
            else:
                self._conditions.change(index, faults)
            self._serving.apply(index)

    def _look(self, index: int, until: float) -> dict[str, Any]:
        endpoint = self._serving.endpoints.get(index)
        if endpoint is not None:
            endpoint.watch.look(until)
        return {}

    def _forget(self, index: int) -> None:
        endpoint = self._serving.endpoints.get(index)
        if endpoint is not None:
            endpoint.watch.forget()

    def close(self) -> None:
        """Close everything."""
        if self._station is not None:
            self._station.close()


def _gallery(told: Mapping[str, Any]) -> bank.Gallery:
    values = told["gallery"]
    return bank.Gallery(values["folder"], tuple(values["size"]), values["scenes"])


def most_descriptors() -> int:
    """Raise the limit of descriptors as far as allowed; how far that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else 1_048_576
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


async def run() -> None:
    """Do what comes until nothing comes any more."""
    loop, worker = asyncio.get_running_loop(), Worker()
    lines = asyncio.StreamReader(LARGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    try:
        while line := await lines.readline():
            try:
                answer: dict[str, Any] = {"ok": worker.do(json.loads(line))}
            except (ValueError, OSError) as error:
                answer = {"error": str(error), "field": getattr(error, "field", "")}
            print(json.dumps(answer), flush=True)
    finally:
        worker.close()


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group: the crew asks us first, then ends us
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(run())
