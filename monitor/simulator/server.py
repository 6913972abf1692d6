"""A city in a thread of its own: what tests, benches and other programs start.

with RunningCity(plan) as city:
    city.set_faults("gate-1", covered=0.6)
    city.port("gate-1")
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TypeVar

from monitor.simulator.city import City, utc_now
from monitor.simulator.control import Control
from monitor.simulator.device import Clock, Recorded
from monitor.simulator.network import Connections
from monitor.simulator.plan import CityPlan

T = TypeVar("T")
START_LIMIT_S = 60.0
CALL_LIMIT_S = 30.0


class RunningCity:
    """Runs a city while a `with` block lasts; with a `control_token` its control address as well."""

    def __init__(self, plan: CityPlan, *, now: Clock = utc_now, control_token: str = "", control_port: int = 0) -> None:
        self._city = City(plan, now)
        self._control_token = control_token
        self._control_port = control_port
        self._control: Control | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="city", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._call(self._start(), START_LIMIT_S)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _end(self) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_LIMIT_S)

    async def _start(self) -> None:
        await self._city.start()
        if self._control_token:
            self._control = Control(self._city, self._control_token, self._control_port)
            await self._control.start()

    async def _stop(self) -> None:
        if self._control is not None:
            await self._control.stop()
        await self._city.stop()

    def _call(self, work: Coroutine[Any, Any, T], limit_s: float = CALL_LIMIT_S) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(limit_s)

    # -- operations

    @property
    def control_address(self) -> str:
        """Where the control address listens, or empty without a token."""
        return self._control.address if self._control else ""

    def port(self, key: str) -> int:
        """The port of a device (of a channel: its recorder's)."""
        return self._city.device(key).port

    def ports(self) -> dict[str, int]:
        """The port of each device."""
        return self._city.ports()

    def set_faults(self, key: str, **faults: object) -> None:
        """Add faults to a device or channel; a false or None removes one."""
        self._call(self._city.change_faults(key, faults))

    def clear(self, key: str) -> None:
        """Remove all faults of a device or channel."""
        self._call(self._city.clear(key))

    def reset(self) -> None:
        """Go back to the faults of the plan."""
        self._call(self._city.clear_all(to_plan=True))

    def requests(self, key: str) -> list[Recorded]:
        """The requests a device has had, the oldest first."""
        return self._call(self._read(lambda: list(self._city.device(key).requests)))

    def forget_requests(self, key: str) -> None:
        """Start the list of requests anew."""
        self._call(self._read(self._city.device(key).requests.clear))

    def connections(self, key: str) -> Connections:
        """How many connections a device has had, has, and had at most at once."""
        return self._call(self._read(lambda: replace(self._city.connections(key))))

    async def _read(self, what: Callable[[], T]) -> T:
        return what()
