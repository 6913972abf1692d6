"""One device's port: opened and closed at will, kept while closed, its connections counted."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass

from monitor.simulator.http import LARGEST_HEAD

LAST_PORT = 65_535
BACKLOG = 128
FILL_LIMIT_S = 2.0  # filling a backlog takes the kernel microseconds

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Connections:
    """How many connections a device has had, has now, and had at most at once."""

    opened: int = 0
    now: int = 0
    most: int = 0

    def enter(self) -> None:
        """Count a connection that was opened."""
        self.opened += 1
        self.now += 1
        self.most = max(self.most, self.now)

    def leave(self) -> None:
        """Count a connection that ended."""
        self.now -= 1


class Listener:
    """A port that is served while it is open, and refuses connections while it is closed.

    While closed the port stays bound without listening, so that nobody else takes it: the device must come back
    at the same address.
    """

    def __init__(self, host: str, wanted: int, serve: Serve, taken: Container[int] = ()) -> None:
        self.connections = Connections()
        self._host = host
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._running: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._kept: socket.socket | None = bind_free(host, wanted, taken)
        self._is_deaf = False
        self.port: int = self._kept.getsockname()[1]

    @property
    def is_open(self) -> bool:
        """Whether connections are accepted."""
        return self._server is not None

    async def open(self) -> None:
        """Accept connections."""
        if self._server is not None:
            return
        if self._is_deaf:
            await self.close()
        bound = self._kept or bind(self._host, self.port)
        self._kept = None
        self._server = await asyncio.start_server(self._accept, sock=bound, backlog=BACKLOG, limit=LARGEST_HEAD)

    async def deafen(self) -> None:
        """Neither accept nor refuse connections, and cut those that are open."""
        if self._is_deaf:
            return
        await self.close(keep_port=False)
        self._kept = bind(self._host, self.port)
        fill(self._kept)
        self._is_deaf = True

    async def close(self, *, keep_port: bool = True) -> None:
        """Refuse connections and cut those that are open."""
        if self._is_deaf and self._kept is not None:
            self._kept.close()
            self._kept, self._is_deaf = bind(self._host, self.port), False
        if self._server is not None:
            self._server.close()
            self._server = None
            self._kept = bind(self._host, self.port)
        if self._kept is not None and not keep_port:
            self._kept.close()
            self._kept = None
        await self._cut()

    async def _cut(self) -> None:
        running = dict(self._running)
        for task, writer in running.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._server is None:
            writer.transport.abort()
            return
        self._running[task] = writer
        self.connections.enter()
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self.connections.leave()
            del self._running[task]
            writer.close()


def bind(host: str, port: int) -> socket.socket:
    """A TCP socket bound to an address, not listening."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


def fill(bound: socket.socket) -> None:
    """Let a bound socket listen with its backlog full, so that it answers no SYN.

    Linux lets one connection into a backlog of 0; nobody accepts it, so it stays there, closed by us or not.
    """
    bound.listen(0)
    with socket.create_connection(bound.getsockname()[:2], FILL_LIMIT_S):
        pass


def bind_free(host: str, wanted: int, taken: Container[int] = ()) -> socket.socket:
    """A socket bound to the wanted port, or to the next one that is free (0: to any).

    `taken` names ports of ours: two sockets that do not listen yet may be bound to the same one.
    """
    for port in range(wanted, LAST_PORT + 1):
        if port in taken:
            continue
        try:
            return bind(host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    raise OSError(errno.EADDRINUSE, f"no free port from {wanted} on")
