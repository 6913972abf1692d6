"""The sockets of a fleet: thousands of doors that open, refuse or stay deaf, and plain connections through them.

Each device has a listening socket of its own, which is what lets each one change its manner at any time:

    open       listens
    refusing   does not listen: a connection is refused (RST)
    deaf       listens with its backlog full: a SYN is dropped, so that a connect runs into its timeout

A socket costs a descriptor and about 2.5 kB of the kernel's memory. All of a process hang on one epoll object, which
the event loop sees as a single descriptor: asyncio's transports would cost several times as much for a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import struct
from collections.abc import Callable
from enum import StrEnum

from monitor.simulator.network import bind, fill

BACKLOG = 16
EVENTS_AT_ONCE = 256
READ_AT_ONCE = 65_536
_RESET = struct.pack("ii", 1, 0)
_READ, _WRITE = select.EPOLLIN, select.EPOLLOUT
_TCP_ESTABLISHED = 1  # the first byte of TCP_INFO

Part = bytes | memoryview


class Manner(StrEnum):
    """How a device's address answers a connection."""

    OPEN = "open"
    REFUSING = "refusing"
    DEAF = "deaf"


class Line:
    """One accepted connection: bytes that are no whole request yet, parts of an answer that did not fit yet."""

    __slots__ = ("_lane", "asked", "buffer", "ends", "index", "peer", "pending", "socket")

    def __init__(self, lane: Lane, index: int, sock: socket.socket, peer: str) -> None:
        self._lane = lane
        self.index = index
        self.socket = sock
        self.peer = peer
        self.buffer = b""
        self.pending: list[Part] = []
        self.asked = 0
        self.ends = False

    @property
    def is_established(self) -> bool:
        """Whether neither side has closed it, even if the news of that is still unread."""
        try:
            return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_ESTABLISHED
        except OSError:
            return False

    def send(self, parts: list[Part], *, ends: bool = False) -> None:
        """Send an answer, what does not fit as soon as it does; `ends` closes the connection behind it."""
        self.ends = ends
        self.pending = parts
        self.flush()
        if self.pending:
            self._lane.want(self, _WRITE)

    def flush(self) -> None:
        """Send what is pending."""
        try:
            sent = self.socket.sendmsg(self.pending)
        except BlockingIOError:
            return
        except OSError:
            self._lane.drop(self)
            return
        while self.pending and sent >= len(self.pending[0]):
            sent -= len(self.pending.pop(0))
        if sent:
            self.pending[0] = memoryview(self.pending[0])[sent:]
        if self.ends and not self.pending:
            self._lane.drop(self)


class Lane:
    """All doors and lines of one process. `room` is how many lines may be open at once: beyond it idle ones are cut.

    `on_open(line)` says whether the lane shall read from a new line, `on_data(line)` looks into its buffer, and
    `on_end(line)` hears that it has gone.
    """

    def __init__(
        self,
        on_open: Callable[[Line], bool],
        on_data: Callable[[Line], None],
        on_end: Callable[[Line], None],
        room: int,
    ) -> None:
        self._on_open, self._on_data, self._on_end = on_open, on_data, on_end
        self._room = room
        self._epoll = select.epoll()
        self._by_fd: dict[int, int | Line] = {}
        self._doors: dict[int, socket.socket] = {}
        self._lines: dict[Line, None] = {}  # the one that was idle longest first
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Serve from the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._ready)

    def close(self) -> None:
        """Close everything."""
        if self._loop is not None:
            self._loop.remove_reader(self._epoll.fileno())
        for line in list(self._lines):
            self.drop(line)
        for door in self._doors.values():
            door.close()
        self._doors.clear()
        self._epoll.close()

    # -- doors

    def set_door(self, index: int, host: str, port: int, manner: Manner) -> None:
        """Make the address of a device open, refusing or deaf; raises OSError where somebody else listens there."""
        self._shut(index)
        if manner is Manner.REFUSING:
            return
        door = self._doors[index] = _bound(host, port)
        if manner is Manner.DEAF:
            fill(door)
        else:
            door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the connections inherit it
            door.listen(BACKLOG)
            self._by_fd[door.fileno()] = index
            self._epoll.register(door, _READ)

    def _shut(self, index: int) -> None:
        door = self._doors.pop(index, None)
        if door is None:
            return
        if self._by_fd.pop(door.fileno(), None) is not None:
            self._epoll.unregister(door)
        door.close()

    # -- lines

    def want(self, line: Line, events: int) -> None:
        """Wait for these events of a line."""
        with contextlib.suppress(OSError, ValueError):  # it has just been dropped
            self._epoll.modify(line.socket, events)

    def drop(self, line: Line, *, reset: bool = False) -> None:
        """Close a line; `reset` without lingering, as a device that loses its power."""
        if self.release(line):
            if reset:
                line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            line.socket.close()
            self._on_end(line)

    def release(self, line: Line) -> bool:
        """Give up a line without closing it; False where that has happened before."""
        if line not in self._lines:
            return False
        del self._lines[line]
        del self._by_fd[line.socket.fileno()]
        self._epoll.unregister(line.socket)
        return True

    # -- events

    def _ready(self) -> None:
        for fd, events in self._epoll.poll(0, EVENTS_AT_ONCE):
            what = self._by_fd.get(fd)
            if what is None:
                continue
            if isinstance(what, int):
                self._accept(what)
            elif events & _WRITE:
                self._writable(what)
            else:
                self._readable(what)

    def _accept(self, index: int) -> None:
        if len(self._lines) >= self._room:
            self.drop(next(iter(self._lines)))
        try:
            sock, address = self._doors[index].accept()
        except OSError:  # gone again
            return
        sock.setblocking(False)
        line = Line(self, index, sock, address[0])
        self._lines[line] = None
        self._by_fd[sock.fileno()] = line
        self._epoll.register(sock, _READ)
        if self._on_open(line):
            self._readable(line)

    def _readable(self, line: Line) -> None:
        try:
            data = line.socket.recv(READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop(line)
            return
        del self._lines[line]
        self._lines[line] = None
        line.buffer = line.buffer + data if line.buffer else data
        self._on_data(line)

    def _writable(self, line: Line) -> None:
        line.flush()
        if not line.pending:
            self.want(line, _READ)
            if line.buffer:
                self._on_data(line)


def _bound(host: str, port: int) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        raise OSError(error.errno, f"{host}:{port}: {error.strerror}; choose other addresses or ports") from None
