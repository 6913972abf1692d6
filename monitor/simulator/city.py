"""The running city: devices behind their listeners, and the operations that change them.

Everything here runs on one event loop, except for drawing, which has threads of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from monitor.simulator import scenes
from monitor.simulator.answers import ONVIF_KINDS, Exchange
from monitor.simulator.device import Clock, Device, Recorded, View
from monitor.simulator.faults import number
from monitor.simulator.http import Answer, BadRequestError, Request, deliver, read_request
from monitor.simulator.light import QUARTER_MIN
from monitor.simulator.network import Connections, Listener
from monitor.simulator.plan import CityPlan, check_plan

MOST_DRAWING_THREADS = 4
LIGHT_LASTS_S = QUARTER_MIN * 60


class UnknownKeyError(KeyError):
    """No device and no channel of this city has this key."""


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


class City:
    """All devices of a plan, served from the running event loop."""

    def __init__(self, plan: CityPlan, now: Clock = utc_now) -> None:
        check_plan(plan)
        self._now = now
        self.devices = {device.key: Device(device, now) for device in plan.devices}
        self._owner = {view.key: device for device in self.devices.values() for view in device.views.values()}
        self._owner.update(self.devices)
        self._listeners: dict[str, Listener] = {}
        self._taken: dict[str, set[int]] = {}
        self._hanging = _hanging(plan)
        threads = min(MOST_DRAWING_THREADS, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="draw")

    # -- life

    async def start(self) -> None:
        """Bind every port, then open those of the devices that are up."""
        for key, device in self.devices.items():
            self._listeners[key] = self._listener(device)
            device.port = self._listeners[key].port
        await self._apply_power(self.devices)

    def _listener(self, device: Device) -> Listener:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(device, reader, writer)

        taken = self._taken.setdefault(device.plan.host, set())
        listener = Listener(device.plan.host, device.plan.port, serve, taken)
        taken.add(listener.port)
        return listener

    async def stop(self) -> None:
        """Close every port and end the drawing."""
        for listener in self._listeners.values():
            await listener.close(keep_port=False)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _apply_power(self, keys: Iterable[str]) -> None:
        for key in keys:
            if not self.is_up(key):
                await self._listeners[key].close()
            elif "deaf" in self.devices[key].faults:
                await self._listeners[key].deafen()
            else:
                await self._listeners[key].open()

    def _with_all_below(self, key: str) -> Iterator[str]:
        yield key
        for child in self._hanging.get(key, ()):
            yield from self._with_all_below(child)

    # -- operations

    def device(self, key: str) -> Device:
        """The device of a key; for a channel its recorder. Raises `UnknownKeyError`."""
        try:
            return self._owner[key]
        except KeyError:
            raise UnknownKeyError(key) from None

    def is_up(self, key: str) -> bool:
        """Whether a device and all that it hangs on are switched on."""
        device: Device | None = self.device(key)
        while device is not None:
            if "off" in device.faults:
                return False
            device = self.devices.get(device.plan.parent)
        return True

    async def change_faults(self, key: str, changes: Mapping[str, object]) -> None:
        """Set faults (false or null removes one); raises `UnknownKeyError` and `FaultError`."""
        device = self.device(key)
        device.change_faults(key, changes)
        await self._apply_power(self._with_all_below(device.plan.key))

    async def clear(self, key: str) -> None:
        """Remove all faults of a device or channel."""
        device = self.device(key)
        device.clear_faults(key)
        await self._apply_power(self._with_all_below(device.plan.key))

    async def clear_all(self, *, to_plan: bool = False) -> None:
        """Remove all faults everywhere, or go back to those of the plan."""
        for key, device in self._owner.items():
            device.clear_faults(key, to_plan=to_plan)
        await self._apply_power(self.devices)

    def ports(self) -> dict[str, int]:
        """The real port of each device."""
        return {key: listener.port for key, listener in self._listeners.items()}

    def connections(self, key: str) -> Connections:
        """The connections of a device."""
        return self._listeners[self.device(key).plan.key].connections

    def state(self) -> Iterator[dict[str, Any]]:
        """All devices and channels, each with key, kind, port, parent, faults and whether it is up."""
        for key, device in self._owner.items():
            own = key == device.plan.key
            yield {
                "key": key,
                "kind": device.plan.kind if own else "channel",
                "port": device.port,
                "parent": device.plan.parent if own else device.plan.key,
                "faults": dict(device.faults_of(key)),
                "up": self.is_up(key),
            }

    # -- drawing ahead

    async def keep_warm(self) -> None:
        """Draw the still layers ahead, and again whenever the light changes, so that no first picture is slow.

        One at a time: a picture that somebody waits for does not queue behind them. Never ends by itself.
        """
        while True:
            await self.warm_up()
            passed = self._now().timestamp() % LIGHT_LASTS_S
            await asyncio.sleep(LIGHT_LASTS_S - passed)

    async def warm_up(self) -> None:
        """Draw once every still layer that somebody may ask for: as many as are kept."""
        room = scenes.CACHE_BYTES
        for device, view in self._lenses():
            room -= scenes.layer_bytes(*device.plan.size)
            if room < 0:
                return
            await asyncio.get_running_loop().run_in_executor(self._threads, device.warm, view)

    def _lenses(self) -> Iterator[tuple[Device, View]]:
        """All lenses that are on, those of recorders first: one visit asks for all of a recorder's."""
        for device in sorted(self.devices.values(), key=lambda device: not device.plan.channels):
            if device.plan.kind in ONVIF_KINDS and self.is_up(device.plan.key):
                yield from ((device, view) for view in device.views.values())

    # -- serving

    async def _serve(self, device: Device, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = str(writer.get_extra_info("peername", ("",))[0])
        answered = 0
        keep = True
        while keep:
            try:
                request = await read_request(reader, client)
            except BadRequestError:
                await deliver(writer, Answer(400, b"Bad Request", "text/plain"), keep=False)
                return
            if request is None or (answered and "close_without_saying" in device.faults):
                return
            keep = await self._answer(device, request, reader, writer)
            answered += 1

    async def _answer(
        self, device: Device, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; returns whether the connection can be used again."""
        exchange = Exchange(device, request, self._draw)
        if "silent" in device.faults:
            self._record(exchange, 0)
            await _wait_for_end(reader)
            return False
        await asyncio.sleep(number(device.faults, "slow_s"))
        answer = await exchange.answer()
        self._record(exchange, 0 if answer.raw else answer.status)
        return await deliver(writer, answer, keep=request.keeps_alive, with_body=request.method != "HEAD")

    def _record(self, exchange: Exchange, status: int) -> None:
        request = exchange.request
        exchange.device.requests.append(
            Recorded(self._now(), request.method, request.target, exchange.operation, exchange.credentials, int(status))
        )

    async def _draw(self, device: Device, view: View) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._threads, device.picture, view)


def _hanging(plan: CityPlan) -> dict[str, list[str]]:
    """The keys that hang on each key."""
    hanging: dict[str, list[str]] = {}
    for device in plan.devices:
        if device.parent:
            hanging.setdefault(device.parent, []).append(device.key)
    return hanging


async def _wait_for_end(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass
