"""The slow lane: connections to devices that something ails, served as the rest of the simulator serves them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from monitor.simulator.answers import Exchange
from monitor.simulator.city import City
from monitor.simulator.device import Device, View
from monitor.simulator.fleet import bank
from monitor.simulator.plan import CityPlan

OnRecord = Callable[[Exchange, int], None]


class SlowLane(City):
    """A city without devices of its own: it serves those it is given, with pictures drawn ahead."""

    def __init__(self, pictures: bank.Bank, on_record: OnRecord) -> None:
        super().__init__(CityPlan(()))
        self._pictures = pictures
        self._on_record = on_record

    async def serve(self, device: Device, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        await self._serve(device, reader, writer)

    def _record(self, exchange: Exchange, status: int) -> None:
        super()._record(exchange, status)
        self._on_record(exchange, int(status))

    async def _draw(self, device: Device, view: View) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._picture, device, view)

    def _picture(self, device: Device, view: View) -> bytes:
        faults = device.snapshot_faults(view)
        if "frozen" not in faults:
            view.frame += 1
        mark = f"{view.key} frozen" if "frozen" in faults else f"{view.key} {view.frame} {id(view)}"
        tail = self._pictures.disturbed(int(view.key), view.frame, faults)
        return bank.comment(mark.encode()) + bytes(tail)
