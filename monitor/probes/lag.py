"""How late an event loop runs: a loop that lags takes its own delay for a camera's."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final

TICK_S: Final = 0.25


class Lag:
    """Measures the loop from entering to leaving; `worst_s` is the longest delay of a tick, in seconds."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._due = 0.0
        self._ticks: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lag:
        self._due = asyncio.get_running_loop().time() + TICK_S
        self._ticks = asyncio.ensure_future(self._tick())
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._ticks is not None:
            self._ticks.cancel()
        self._note()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._note()
            self._due = asyncio.get_running_loop().time() + TICK_S

    def _note(self) -> None:
        self.worst_s = max(self.worst_s, asyncio.get_running_loop().time() - self._due)
