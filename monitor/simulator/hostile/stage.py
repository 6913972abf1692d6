"""One connection of a hostile device: what it was asked, and the means to answer badly."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

LARGEST_REQUEST = 1_048_576
# Written into a script where the trap's port goes: as long as the port is, so that no length changes.
TRAP_PORT = b"TRAP!"
LARGEST_SCRIPT = 16_384  # nothing longer names the trap
FLOOD_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    raw: bytes = b""

    @property
    def operation(self) -> str:
        """The SOAP operation, "" for a GET."""
        return self.headers.get("content-type", "").rpartition('action="')[2].rstrip('"').rpartition("/")[2]

    @property
    def credential(self) -> str:
        """How it carries a credential: "wsse", "basic", "digest", or "" where it has none."""
        if b"UsernameToken" in self.body:
            return "wsse"
        return self.headers.get("authorization", "").partition(" ")[0].lower()


@dataclass(slots=True)
class Witness:
    """What one hostile device has seen of its visitor."""

    connections: int = 0
    asked: list[Asked] = field(default_factory=list)

    def told(self, secret: bytes) -> dict[str, Any]:
        """The same as plain data; `leaks` are requests in which the secret stood in clear."""
        return {
            "leaks": sum(secret in one.raw for one in self.asked) if secret else 0,
            "connections": self.connections,
            "requests": len(self.asked),
            "credentials": [one.credential for one in self.asked if one.credential],
        }


class Gone(Exception):
    """The visitor has closed the connection."""


class Stage:
    """A connection: hear a request, answer by the byte."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, witness: Witness, trap_port: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._trap = f"{trap_port:05}".encode()
        self.witness = witness

    async def hear(self) -> Asked:
        """The next request; raises `Gone` where none comes any more."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            raise Gone from None
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        method, target, _ = (first + "  ").split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        length = min(int(headers.get("content-length", "0")), LARGEST_REQUEST)
        body = await self._reader.readexactly(length)
        asked = Asked(method, target, headers, body, head + body)
        self.witness.asked.append(asked)
        return asked

    async def say(self, data: bytes) -> None:
        """Send bytes at once."""
        if self._writer.is_closing():
            raise Gone
        self._writer.write(data.replace(TRAP_PORT, self._trap) if len(data) <= LARGEST_SCRIPT else data)
        await self._writer.drain()

    async def drip(self, data: bytes, *, each: int = 1, gap_s: float = 0.2) -> None:
        """Send bytes a few at a time."""
        for start in range(0, len(data), each):
            await self.say(data[start : start + each])
            await asyncio.sleep(gap_s)

    async def flood(self, piece: bytes) -> None:
        """Send the same bytes for ever, as fast as they are taken."""
        block = piece * max(1, FLOOD_PIECE // len(piece))
        while True:
            await self.say(block)
            await asyncio.sleep(0)  # within TLS only the loop learns that the visitor has gone

    async def linger(self) -> None:
        """Say nothing until the visitor goes."""
        while await self._reader.read(FLOOD_PIECE):
            pass

    def half_close(self) -> None:
        """Say that nothing more will come, and go on listening."""
        with contextlib.suppress(OSError, NotImplementedError):
            self._writer.write_eof()

    def reset(self) -> None:
        """End the connection with a RST."""
        sock: socket.socket | None = self._writer.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Act = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One way to be hostile. `tls` is "" (plain TCP), "raw" (dialled with TLS, not answered in it) or "served"."""

    doc: str
    act: Act
    tls: str = ""
