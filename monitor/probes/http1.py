"""HTTP/1.1 replies of devices, read with caps and with tolerance: no I/O here, only bytes.

What is tolerated was met in the field (QUIRKS 12): header lines without a name, bare line feeds, a missing reason, a
body that ends early. What cannot be a reply is `Garbled`, with its first bytes kept for a person.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.probes.failure import Garbled

MAX_HEAD = 32 * 1024
MAX_LINES = 100
MAX_CHUNK_LINE = 256
# Lines of chunked framing in one body: a device that cuts a picture into single bytes costs more than it shows.
MAX_CHUNK_LINES = 10_000
# Replies of the kind "100 Continue" before the real one.
MAX_INTERIM = 8
FIRST_BYTES = 48
MAX_LENGTH_DIGITS = 15
_STATUS_LINE = re.compile(r"(HTTP/1\.\d)\s+([1-5][0-9]{2})(?!\S)")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
_GZIP = b"\x1f\x8b"
_INTERIM = range(100, 200)
_BODILESS = frozenset({204, 304})


class End(StrEnum):
    """How a body ended."""

    WHOLE = "whole"
    SHORT = "short"
    LATE = "late"
    LARGE = "large"
    BROKEN = "broken"
    STREAM = "stream"


@dataclass(slots=True)
class Head:
    """Status and headers; names in lower case, repeated ones in order."""

    status: int
    headers: list[tuple[str, str]]
    version: str

    def get(self, name: str) -> str:
        """The first value of a header, "" where it is absent."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    @property
    def keeps_alive(self) -> bool:
        """Whether the device will read a further request on this connection."""
        said = self.get("connection").lower()
        return "close" not in said and (self.version != "HTTP/1.0" or "keep-alive" in said)


@dataclass(slots=True)
class Response:
    """One reply as far as it came; `rest` is the start of what could not be read of it."""

    head: Head
    body: bytes
    end: End
    seconds: float = 0.0
    rest: bytes = b""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.head.status

    @property
    def first_bytes(self) -> str:
        """The start of the body, or of what should have been one, for a person."""
        return first_bytes(self.body or self.rest)

    @property
    def is_packed(self) -> bool:
        """Whether the body is compressed, which nobody asked for: it is not unpacked, so that it cannot burst."""
        said = self.head.get("content-encoding").lower()
        return self.body.startswith(_GZIP) or said not in {"", "identity"}


def first_bytes(data: bytes) -> str:
    """The start of what a device sent, printable, for a person."""
    return bytes(data[:FIRST_BYTES]).decode("latin-1").encode("unicode_escape").decode("ascii")


def garbled(data: bytes, reason: str) -> Garbled:
    """The failure for bytes that are no reply."""
    return Garbled("protocol", reason=reason, first_bytes=first_bytes(data))


def head_end(data: bytearray) -> int:
    """Where the body begins, or 0 while the head is not complete."""
    crlf = data.find(b"\r\n\r\n", 0, MAX_HEAD)
    bare = data.find(b"\n\n", 0, crlf if crlf >= 0 else MAX_HEAD)
    if bare >= 0:
        return bare + 2
    return crlf + 4 if crlf >= 0 else 0


def parse_head(data: bytes) -> Head:
    """Read a status line and its headers; raise `Garbled` where it is none."""
    lines = data.split(b"\n")
    status_line = _STATUS_LINE.match(lines[0].decode("latin-1"))
    if status_line is None:
        raise garbled(data, "no status line")
    if len(lines) > MAX_LINES:
        raise garbled(data, "too many header lines")
    return Head(int(status_line[2]), [pair for line in lines[1:] if (pair := _header(line))], status_line[1])


def _header(line: bytes) -> tuple[str, str] | None:
    name, colon, value = line.decode("latin-1").partition(":")
    key = name.strip().lower()
    return (key, value.strip()) if colon and key else None


def is_interim(head: Head) -> bool:
    """Whether the real reply is still to come (100 Continue)."""
    return head.status in _INTERIM


@dataclass(slots=True)
class Body:
    """Collects a body from the buffer; `end` is set once it has ended."""

    cap: int
    length: int | None = None
    chunked: bool = False
    end: End | None = None
    _data: io.BytesIO = field(default_factory=io.BytesIO)
    _size: int = 0
    _left: int = 0
    _lines: int = 0
    _trailer: bool = False

    @classmethod
    def of(cls, head: Head, cap: int) -> Body:
        """How the body of this reply is framed; without a length it ends with the connection.

        What need not be read is ended here: a stream of pictures, and what says that it is larger than the cap.
        """
        if head.status in _BODILESS:
            return cls(cap, length=0, end=End.WHOLE)
        if head.get("content-type").lower().startswith("multipart/x-mixed-replace"):
            return cls(cap, end=End.STREAM)
        if "chunked" in head.get("transfer-encoding").lower():
            return cls(cap, chunked=True)
        lengths = {one.strip() for value in head.all("content-length") for one in value.split(",")}
        if len(lengths) > 1:  # two lengths are two replies in one: neither is believed
            return cls(cap, end=End.BROKEN)
        said = next(iter(lengths), "")
        length = int(said) if said.isdecimal() and said.isascii() and len(said) <= MAX_LENGTH_DIGITS else None
        if length is not None and length > cap:
            return cls(cap, length=length, end=End.LARGE)
        return cls(cap, length=length, end=End.WHOLE if length == 0 else None)

    @property
    def data(self) -> bytes:
        """What has come so far; of a whole body this is no copy."""
        return self._data.getvalue()

    def feed(self, buffer: bytearray) -> None:
        """Take from the buffer what belongs to this body."""
        if self.chunked:
            while self.end is None and self._chunk(buffer):
                pass
            return
        want = len(buffer) if self.length is None else self.length - self._size
        self._take(buffer, want)
        if self.length is not None and self._size >= self.length:
            self.end = self.end or End.WHOLE

    def closed(self) -> None:
        """The connection has ended."""
        if self.end is None:
            self.end = End.WHOLE if self.length is None and not self.chunked else End.SHORT

    def _take(self, buffer: bytearray, want: int) -> int:
        room = self.cap - self._size
        count = min(want, len(buffer))
        if count > room:
            self.end = End.LARGE
            count = room
        self._data.write(buffer if count == len(buffer) else buffer[:count])
        self._size += count
        del buffer[:count]
        return count

    def _chunk(self, buffer: bytearray) -> bool:
        """One step of the chunked framing; False where more bytes are needed."""
        if self._left > 0:
            if not buffer:
                return False
            self._left -= self._take(buffer, self._left)
            return True
        return self._chunk_line(buffer)

    def _chunk_line(self, buffer: bytearray) -> bool:
        stop = buffer.find(b"\n", 0, MAX_CHUNK_LINE)
        if stop < 0:
            if len(buffer) >= MAX_CHUNK_LINE:
                self.end = End.BROKEN
            return False
        self._lines += 1
        if self._lines > MAX_CHUNK_LINES:
            self.end = End.BROKEN
            return False
        self._chunk_size(bytes(buffer[:stop]).partition(b";")[0].strip())
        if self.end is End.BROKEN:  # what broke it stays for a person to see
            return False
        del buffer[: stop + 1]
        return True

    def _chunk_size(self, text: bytes) -> None:
        if self._trailer:
            self.end = self.end if text else End.WHOLE
        elif text:
            if not _CHUNK_SIZE.fullmatch(text):
                self.end = End.BROKEN
                return
            self._left = int(text, 16)
            self._trailer = self._left == 0
