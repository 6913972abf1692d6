"""One process's share of a fleet: its devices with their faults, what they answer, and what they bore."""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Coroutine, Iterator
from typing import Any

from monitor.simulator import soap
from monitor.simulator.answers import Exchange
from monitor.simulator.auth import Login
from monitor.simulator.city import utc_now
from monitor.simulator.device import Device, View
from monitor.simulator.fleet import bank, quick
from monitor.simulator.fleet.conditions import Conditions
from monitor.simulator.fleet.endpoint import Endpoint, FleetDevice, plan_of
from monitor.simulator.fleet.lane import Lane, Line, Manner, Part
from monitor.simulator.fleet.members import NOBODY, Fleet
from monitor.simulator.fleet.politeness import Limits, Stalls
from monitor.simulator.fleet.slow import SlowLane
from monitor.simulator.http import LARGEST_HEAD, Answer, Request, head_of

WELL_KEPT = 1_000  # devices that nothing ails and that are kept for what is not quick: about 3 kB each
DOOR_FAULTS = frozenset({"off", "deaf"})
RANGE = 1_000


class Station:
    """Serves the endpoints number `number`, `number + of`, … of a fleet."""

    def __init__(
        self,
        fleet: Fleet,
        conditions: Conditions,
        pictures: bank.Bank,
        limits: Limits,
        *,
        number: int,
        of: int,
        room: int,
    ) -> None:
        self._fleet = fleet
        self._conditions = conditions
        self._pictures = pictures
        self.endpoints = {
            index: Endpoint(fleet.member(index), sum(1 for _ in _channels(fleet, index)), limits)
            for place, index in enumerate(fleet.endpoints())
            if place % of == number
        }
        self._lane = Lane(on_open=self._opened, on_data=self._received, on_end=self._ended, room=room)
        self._slow = SlowLane(pictures, self._recorded)
        self._changes: list[tuple[float, int]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._well: OrderedDict[int, None] = OrderedDict()
        self._outcomes: Counter[tuple[str, int]] = Counter()
        self._stalls = Stalls()
        self._stalls_kept_s = limits.burst * limits.refill_s
        self._beat: asyncio.TimerHandle | None = None

    # -- life

    def start(self) -> None:
        """Open the doors and follow the script, on the running event loop."""
        self._lane.start()
        self.apply_all()
        self._note_stall()

    def apply_all(self) -> None:
        """Look at every device anew, as after a change of the script."""
        now = self._conditions.seconds()
        for endpoint in self.endpoints.values():
            self._apply(endpoint, now)
        self._changes.clear()
        if not self._conditions.is_steady:
            self._changes = [
                (change, index) for index in self.endpoints if (change := self._next(index, now)) < math.inf
            ]
            heapq.heapify(self._changes)
        self._wait()

    def apply(self, index: int) -> None:
        """Look anew at a device and at all that hang on it, as far as they are of this process."""
        now = self._conditions.seconds()
        for other in (index, self._fleet.parent(index), *self._fleet.below(index)):
            if other in self.endpoints:
                self._apply(self.endpoints[other], now)

    def close(self) -> None:
        """Close everything."""
        for timer in (self._timer, self._beat):
            if timer is not None:
                timer.cancel()
        for endpoint in self.endpoints.values():
            self._cut(endpoint)
        self._lane.close()

    def _note_stall(self) -> None:
        self._stalls.beat(time.time(), self._stalls_kept_s)
        self._beat = asyncio.get_running_loop().call_later(Stalls.STEP_S, self._note_stall)

    # -- the script

    def _next(self, index: int, now: float) -> float:
        return min(self._conditions.next_change(other, now) for other in (index, *_channels(self._fleet, index)))

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._changes:
            delay = self._conditions.delay(self._changes[0][0])
            self._timer = asyncio.get_running_loop().call_later(delay, self._turn)

    def _turn(self) -> None:
        """Do what the script has due."""
        now = self._conditions.seconds()
        while self._changes and self._changes[0][0] <= now:
            due, index = heapq.heappop(self._changes)
            self._apply(self.endpoints[index], now)
            later = self._next(index, max(due, now))
            if later < math.inf:
                heapq.heappush(self._changes, (later, index))
        self._wait()

    def _apply(self, endpoint: Endpoint, now: float) -> None:
        faults = self._conditions.faults(endpoint.index, now)
        manner = Manner.REFUSING if "off" in faults else Manner.DEAF if "deaf" in faults else Manner.OPEN
        if manner is not endpoint.manner:
            member = self._fleet.member(endpoint.index)
            self._lane.set_door(endpoint.index, member.host, member.port, manner)
            endpoint.manner = manner
            if manner is not Manner.OPEN:
                self._cut(endpoint)
        channels = {channel: self._conditions.own(channel, now) for channel in _channels(self._fleet, endpoint.index)}
        endpoint.ails = any(name not in DOOR_FAULTS for name in faults) or any(channels.values())
        if endpoint.device is not None:
            endpoint.device.have_faults(str(endpoint.index), faults)
            for channel, own in channels.items():
                endpoint.device.have_faults(str(channel), own)

    def _cut(self, endpoint: Endpoint) -> None:
        """Cut every connection, as when the power goes."""
        for line in list(endpoint.lines):
            task = endpoint.slow.get(line)
            if task is not None:
                task.cancel()
            else:
                self._lane.drop(line, reset=True)

    # -- connections

    def _opened(self, line: Line) -> bool:
        endpoint, now = self.endpoints[line.index], time.time()
        endpoint.connections += 1
        if endpoint.lines:
            endpoint.watch.connected(now, sum(other.is_established for other in endpoint.lines))
        endpoint.lines.append(line)
        if endpoint.is_switch:
            endpoint.watch.request(now, "connect", self._stalls.worst_s(now))
        if endpoint.ails:
            self._hand_over(endpoint, line)
        return not endpoint.ails

    def _ended(self, line: Line) -> None:
        self.endpoints[line.index].lines.remove(line)

    def _received(self, line: Line) -> None:
        endpoint = self.endpoints[line.index]
        while line.buffer and not line.pending:
            length = quick.length(line.buffer)
            if endpoint.ails or length == quick.MALFORMED:
                self._hand_over(endpoint, line)
                return
            if not length:
                return
            data, line.buffer = line.buffer[:length], line.buffer[length:]
            keep = quick.keeps(data)
            line.send(self._answer(endpoint, line.peer, data, keep=keep), ends=not keep)

    def _hand_over(self, endpoint: Endpoint, line: Line) -> None:
        if self._lane.release(line):
            endpoint.slow[line] = asyncio.get_running_loop().create_task(self._serve_slowly(endpoint, line))

    async def _serve_slowly(self, endpoint: Endpoint, line: Line) -> None:
        try:
            reader, writer = await _streams(line)
            try:
                await self._slow.serve(self.device(endpoint), reader, writer)
            except (ConnectionError, asyncio.CancelledError):
                writer.transport.abort()
            finally:
                writer.close()
        finally:
            del endpoint.slow[line]
            endpoint.lines.remove(line)

    # -- answers

    def _answer(self, endpoint: Endpoint, client: str, data: bytes, *, keep: bool) -> list[Part]:
        now = time.time()
        if endpoint.is_onvif:
            if quick.asks_clock(data):
                self._count(endpoint, now, "GetSystemDateAndTime", 200)
                return [quick.clock(int(now), keep=keep)]
            target, profile = quick.snapshot_of(data)
            view = endpoint.view(profile)
            if view != NOBODY:
                header = quick.authorization(data)
                return self._log_in(endpoint, now, target, header, keep=keep) or self._picture(
                    endpoint, view, keep=keep
                )
        exchange = Exchange(self.device(endpoint), quick.request(data, client), self._ready_picture)
        answer: Answer = _without_waiting(exchange.answer())
        self._recorded(exchange, int(answer.status))
        return [head_of(answer, keep=keep), answer.body if exchange.request.method != "HEAD" else b""]

    def _log_in(self, endpoint: Endpoint, now: float, target: str, header: str, *, keep: bool) -> list[Part]:
        """The refusal of a request for a picture; nothing where its login does."""
        outcome = endpoint.gate.verify(header, "GET", target, endpoint.user, now)
        endpoint.watch.login(now, outcome)
        self._count(endpoint, now, "snapshot", 200 if outcome is Login.WORKED else 401)
        if outcome is Login.WORKED:
            return []
        return [quick.refused(endpoint.gate.challenge(now, stale=outcome is Login.STALE), keep=keep)]

    def _picture(self, endpoint: Endpoint, view: int, *, keep: bool) -> list[Part]:
        turn = endpoint.next_turn(view)
        return quick.picture(self._pictures.tail(view, turn + view), f"{view} {turn} {time.time()}", keep=keep)

    async def _ready_picture(self, _device: Device, view: View) -> bytes:
        view.frame += 1
        index = int(view.key)
        return bank.comment(f"{index} {view.frame} {time.time()}".encode()) + self._pictures.tail(index, view.frame)

    def device(self, endpoint: Endpoint) -> FleetDevice:
        """The device behind an endpoint; those that nothing ails are forgotten when they were not used for long."""
        if endpoint.device is None:

            def on_login(outcome: Login) -> None:
                endpoint.watch.login(time.time(), outcome)

            endpoint.device = FleetDevice(
                plan_of(self._fleet, endpoint.index, self._pictures.gallery), utc_now, endpoint.gate, on_login
            )
            self._apply(endpoint, self._conditions.seconds())
        if not endpoint.ails:
            self._well[endpoint.index] = None
            self._well.move_to_end(endpoint.index)
            if len(self._well) > WELL_KEPT:
                self._forget(self.endpoints[self._well.popitem(last=False)[0]])
        return endpoint.device

    @staticmethod
    def _forget(endpoint: Endpoint) -> None:
        if not endpoint.ails:
            endpoint.device = None

    # -- counts

    def _recorded(self, exchange: Exchange, status: int) -> None:
        endpoint, request, now = self.endpoints[int(exchange.device.plan.key)], exchange.request, time.time()
        operation = exchange.operation or _operation(request)
        endpoint.watch.asked(now, request.method, request.target, operation)
        what = operation or ("snapshot" if request.path.endswith("/snapshot") else f"{request.method} other")
        self._count(endpoint, now, what, status)

    def _count(self, endpoint: Endpoint, now: float, what: str, status: int) -> None:
        endpoint.requests += 1
        self._outcomes[what, status] += 1
        if status:  # what was never answered may be asked again
            endpoint.watch.request(now, what, self._stalls.worst_s(now))

    def counts(self) -> dict[str, Any]:
        """Requests and connections, by outcome and by range of devices."""
        ranges: dict[int, list[int]] = {}
        for endpoint in self.endpoints.values():
            both = ranges.setdefault(endpoint.index // RANGE, [0, 0])
            both[0] += endpoint.requests
            both[1] += endpoint.connections
        return {
            "requests": sum(both[0] for both in ranges.values()),
            "connections": sum(both[1] for both in ranges.values()),
            "by_outcome": {f"{what} {status}": count for (what, status), count in sorted(self._outcomes.items())},
            "by_range": {str(number * RANGE): both for number, both in sorted(ranges.items())},
        }

    def violations(self) -> dict[str, Any]:
        """How often each rule was broken, by device, with the first few told in full."""
        broken: dict[str, dict[str, Any]] = {
            str(index): {"count": dict(endpoint.watch.violations), "first": list(endpoint.watch.told())}
            for index, endpoint in self.endpoints.items()
            if endpoint.watch.violations
        }
        total: Counter[str] = Counter()
        for one in broken.values():
            total.update(one["count"])
        return {"total": dict(total), "devices": broken}


def _channels(fleet: Fleet, index: int) -> Iterator[int]:
    return fleet.below(index) if fleet.kind(index) == "recorder" else iter(())


def _operation(request: Request) -> str:
    """What was asked of a device that did not get as far as reading it, as one that is busy."""
    try:
        return soap.parse_call(request.body).operation if request.method == "POST" else ""
    except soap.BadCallError:
        return ""


async def _streams(line: Line) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A line with what it has received as asyncio's streams."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(LARGEST_HEAD)
    protocol = asyncio.StreamReaderProtocol(reader)
    if line.buffer:
        reader.feed_data(line.buffer)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, line.socket)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _without_waiting(answer: Coroutine[Any, Any, Answer]) -> Answer:
    """The result of a coroutine that has nothing to wait for: pictures are there, and nothing ails the device."""
    try:
        answer.send(None)
    except StopIteration as done:
        result: Answer = done.value
        return result
    answer.close()
    raise RuntimeError("an answer without a fault waits for something")
