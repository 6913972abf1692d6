"""Every misbehaviour by name, in one place, and the server that plays them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Mapping

from monitor.simulator.hostile.framing import FRAMING
from monitor.simulator.hostile.lines import LINES
from monitor.simulator.hostile.logins import LOGINS
from monitor.simulator.hostile.markup import MARKUP
from monitor.simulator.hostile.sights import SIGHTS
from monitor.simulator.hostile.stage import LARGEST_REQUEST, Gone, Misbehaviour, Stage, Witness

CORPUS: Mapping[str, Misbehaviour] = {**LINES, **FRAMING, **LOGINS, **MARKUP, **SIGHTS}


class Street:
    """Serves misbehaviours on loopback, each on a port of its own; `trap_port` is where their false addresses lead."""

    def __init__(self, names: Iterable[str], trap_port: int, tls: ssl.SSLContext) -> None:
        self.witnesses = {name: Witness() for name in names}
        self.ports: dict[str, int] = {}
        self._trap_port = trap_port
        self._tls = tls
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        """Listen for all of them."""
        for name, witness in self.witnesses.items():
            await self._open(name, CORPUS[name], witness)

    async def _open(self, name: str, chosen: Misbehaviour, witness: Witness) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            witness.connections += 1
            with contextlib.suppress(Gone, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await chosen.act(Stage(reader, writer, witness, self._trap_port))
            writer.close()

        context = self._tls if chosen.tls == "served" else None
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context, limit=LARGEST_REQUEST)
        self._servers.append(server)
        self.ports[name] = server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no more."""
        for server in self._servers:
            server.close()
