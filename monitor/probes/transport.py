"""Carries one request to an endpoint and one reply back, within a deadline that nothing outlasts.

A small HTTP/1.1 client of our own: it dials only the checked address of the register, follows nothing, decompresses
nothing, keeps one connection per endpoint, and asks again exactly once where a kept connection turns out to be dead.
Times named `until` are those of the event loop's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from devices import addresses
from monitor.probes import http1
from monitor.probes.failure import Garbled, Late, LinkDown, Slow

# Three SYNs fit (at 0, 1 and 3 s): who has not answered by then will not.
CONNECT_LIMIT_S = 5.0
# Addresses whose check is remembered: those of a whole city.
LITERALS = 65_536
# The kernel gives up on a neighbour after three ARP requests, one a second: a refusal that took this long is a host
# that is switched off, an immediate one a missing route.
ARP_GAVE_UP_S = 0.5
BUFFER_HIGH = 256 * 1024
# Many devices write head and body apart without TCP_NODELAY: the body then waits 40 ms for our delayed ACK.
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
_NO_HOST = frozenset({errno.EHOSTUNREACH, errno.EHOSTDOWN})
_NO_NETWORK = frozenset({errno.ENETUNREACH, errno.ENETDOWN})
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EPERM})


@dataclass(frozen=True, slots=True)
class Place:
    """Where to dial."""

    host: str
    port: int
    tls: bool
    loopback: bool

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


class Wire(asyncio.Protocol):
    """One connection: collects bytes, wakes who waits for them, stops reading when nobody takes them."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.received = 0
        self.ended = False
        self.used = False
        self.transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of `asyncio.Protocol`."""
        self.transport = cast(asyncio.Transport, transport)
        self._socket: socket.socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        """Part of `asyncio.Protocol`."""
        self.buffer += data
        self.received += len(data)
        if len(self.buffer) > BUFFER_HIGH:
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (a reset and an end are the same to us)
        """Part of `asyncio.Protocol`."""
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def idle(self) -> bool:
        """Whether a further request may be written: open, and nothing unasked for lies in the buffer."""
        return not self.ended and not self.buffer and not self.transport.is_closing()

    def send(self, data: bytes) -> None:
        """Write a request."""
        self.received = 0
        self.transport.write(data)
        if _QUICKACK is not None:
            with contextlib.suppress(OSError):  # the connection has just ended; the reading will tell
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    async def more(self) -> bool:
        """Wait for further bytes; False where the connection has ended."""
        if self.ended:
            return False
        if not self.transport.is_reading() and not self.transport.is_closing():
            self.transport.resume_reading()
        before = self.received
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        return self.received > before

    def close(self) -> None:
        """End the connection without lingering, and now: `abort` alone leaves it to the loop's next round, when the

        next connection to the device, which may have few to give, is on its way already.
        """
        self.ended = True
        with contextlib.suppress(OSError):  # it has ended already
            self._socket.shutdown(socket.SHUT_RDWR)
        self.transport.abort()


def tls_context() -> ssl.SSLContext:
    """TLS as cameras speak it: certificates of their own making, old ciphers. It hides, it proves nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    return context


def _lookup(host: str, port: int) -> list[addresses.IPAddress]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found]


@lru_cache(maxsize=LITERALS)
def _literal(host: str, loopback: bool) -> addresses.IPAddress | None:
    """The checked address that a host is already; None for a name. What is refused is not kept, it raises."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return addresses.first_allowed([address], loopback=loopback)


async def resolve(place: Place, names: Executor, until: float) -> addresses.IPAddress:
    """The checked address to dial; raise `LinkDown` where the name is unknown or the address is refused."""
    try:
        return _literal(place.host, place.loopback) or await _by_name(place, names, until)
    except addresses.AddressRefused as exc:
        raise LinkDown("address_refused", reason=exc.reason) from None
    except TimeoutError:
        raise Late from None
    except socket.gaierror as exc:
        if exc.errno == socket.EAI_AGAIN:  # our name server is down, the device may well be up
            raise Late from None
        raise LinkDown("name_unknown") from None
    except (UnicodeError, OSError):
        raise LinkDown("name_unknown") from None


async def _by_name(place: Place, names: Executor, until: float) -> addresses.IPAddress:
    async with asyncio.timeout_at(until):
        found = await asyncio.get_running_loop().run_in_executor(names, _lookup, place.host, place.port)
    return addresses.first_allowed(found, loopback=place.loopback)


def _why_not(error: OSError, seconds: float) -> LinkDown | Late:
    """The cause that a failed connect shows."""
    if error.errno in _OURS:
        return Late()
    if error.errno in _NO_NETWORK or (error.errno in _NO_HOST and seconds < ARP_GAVE_UP_S):
        return LinkDown("no_route")
    if error.errno in _NO_HOST or isinstance(error, TimeoutError):
        return LinkDown("no_answer")
    return LinkDown("port_closed")


async def _connect(address: addresses.IPAddress, port: int, until: float) -> socket.socket:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        sock = socket.socket(
            socket.AF_INET6 if isinstance(address, ipaddress.IPv6Address) else socket.AF_INET, socket.SOCK_STREAM
        )
    except OSError:
        raise Late from None
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout_at(min(until, began + CONNECT_LIMIT_S)):
            await loop.sock_connect(sock, (str(address), port))
    except OSError as exc:
        sock.close()
        raise _why_not(exc, loop.time() - began) from None
    except BaseException:
        sock.close()
        raise
    return sock


async def dial(place: Place, names: Executor, tls: ssl.SSLContext, until: float) -> Wire:
    """Connect to the endpoint; raise `LinkDown` with the cause, `Garbled` where TLS is answered with something else."""
    address = await resolve(place, names, until)
    sock = await _connect(address, place.port, until)
    try:
        return await _wrap(sock, place, tls, until)
    except BaseException:
        sock.close()
        raise


async def _wrap(sock: socket.socket, place: Place, tls: ssl.SSLContext, until: float) -> Wire:
    """A connected socket as a `Wire`, with the TLS handshake where the endpoint has one."""
    try:  # a plain connection is not waited for
        _, wire = await asyncio.get_running_loop().create_connection(Wire, sock=sock)
        if place.tls:
            async with asyncio.timeout_at(until):
                await _secure(wire, place.host, tls)
    except TimeoutError:
        raise LinkDown("silent") from None
    except ssl.SSLError as exc:
        raise Garbled("protocol", reason="TLS", first_bytes=str(exc.reason or "")) from None
    except OSError:
        raise LinkDown("silent", closed=True) from None
    return wire


async def _secure(wire: Wire, name: str, tls: ssl.SSLContext) -> None:
    """The TLS handshake on an open connection.

    Not left to `create_connection`: where that is cancelled at the wrong moment, its transport lives on over a socket
    that is closed, and every later connection that gets the same file descriptor fails.
    """
    clear = wire.transport
    try:
        secured = await asyncio.get_running_loop().start_tls(clear, wire, tls, server_hostname=name)
    except BaseException:
        clear.abort()
        raise
    if secured is None or wire.buffer:
        clear.abort()
        raise http1.garbled(bytes(wire.buffer), "TLS")
    wire.transport = secured


def compose(method: str, path: str, place: Place, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """A request as bytes; nothing that a device gave us can add a line to it."""
    fields = [("Host", place.authority), ("User-Agent", "viewkeeper"), ("Accept", "*/*"), *headers]
    if body or method == "POST":
        fields.append(("Content-Length", str(len(body))))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    text = "\r\n".join(line.replace("\r", "").replace("\n", "") for line in lines)
    return text.encode("latin-1", "replace") + b"\r\n\r\n" + body


async def _read_head(wire: Wire, began: float, until: float) -> http1.Head:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout_at(until):
            interim = 0
            while True:
                stop = http1.head_end(wire.buffer)
                if stop:
                    head = http1.parse_head(bytes(wire.buffer[:stop]))
                    if not http1.is_interim(head):
                        del wire.buffer[:stop]
                        return head
                    interim += 1
                    if interim > http1.MAX_INTERIM:
                        raise http1.garbled(bytes(wire.buffer), "too many interim replies")
                    del wire.buffer[:stop]
                    continue
                _check_start(wire.buffer)
                if not await wire.more():
                    raise _ended(wire)
    except TimeoutError:
        if wire.received == 0:
            raise LinkDown("silent") from None
        raise Slow(wire.received, loop.time() - began) from None


def _check_start(buffer: bytearray) -> None:
    """Give up early on what can no longer become a reply."""
    start = bytes(buffer[:7])
    if not b"HTTP/1.".startswith(start[: len(buffer)]):
        raise http1.garbled(bytes(buffer), "no status line")
    if len(buffer) >= http1.MAX_HEAD:
        raise http1.garbled(bytes(buffer), "header too long")


def _ended(wire: Wire) -> LinkDown | Garbled:
    if wire.received == 0:
        return LinkDown("silent", closed=True)
    return http1.garbled(bytes(wire.buffer), "ended within the header")


async def _read_body(wire: Wire, body: http1.Body, until: float) -> http1.End:
    body.feed(wire.buffer)
    if body.end is not None:
        return body.end
    try:
        async with asyncio.timeout_at(until):
            while body.end is None:
                if not await wire.more():
                    body.closed()
                    break
                body.feed(wire.buffer)
    except TimeoutError:
        return http1.End.LATE
    return body.end or http1.End.SHORT


async def exchange(wire: Wire, request: bytes, cap: int, until: float) -> http1.Response:
    """Send a request and read its reply; the connection is closed unless the reply was whole and allows another."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    keep = False
    try:
        wire.send(request)
        head = await _read_head(wire, began, until)
        body = http1.Body.of(head, cap)
        end = await _read_body(wire, body, until)
        framed = body.chunked or body.length is not None
        keep = end is http1.End.WHOLE and framed and head.keeps_alive and not wire.buffer
        rest = bytes(wire.buffer[: http1.FIRST_BYTES]) if end is http1.End.BROKEN else b""
        return http1.Response(head, body.data, end, loop.time() - began, rest)
    finally:
        wire.used = True
        if not keep:
            wire.close()


class Line:
    """The one kept connection of an endpoint."""

    def __init__(self, names: Executor, tls: ssl.SSLContext) -> None:
        self._names = names
        self._tls = tls
        self._wire: Wire | None = None
        self._place: Place | None = None

    def close(self) -> None:
        """Let the connection go."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def connect(self, place: Place, until: float) -> Wire:
        """The kept connection, or a new one."""
        if self._wire is not None and self._wire.idle and self._place == place:
            return self._wire
        self.close()
        self._wire, self._place = await dial(place, self._names, self._tls, until), place
        return self._wire

    async def ask(self, place: Place, request: bytes, cap: int, until: float) -> http1.Response:
        """One request, one reply; once more on a new connection where the kept one was dead (QUIRKS 11).

        A silent device is not asked again: it has just spoken, so it is slow, and a request that it is busy with must
        not be repeated (a replayed nonce looks like a wrong password).
        """
        wire = await self.connect(place, until)
        if wire.used:
            try:
                return await exchange(wire, request, cap, until)
            except LinkDown as exc:
                if "closed" not in exc.detail:
                    raise
            wire = await self.connect(place, until)
        return await exchange(wire, request, cap, until)
