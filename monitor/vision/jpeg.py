"""Walk the markers of a JPEG before anything decodes it: cheap, and no byte of the picture data is trusted.

A progressive JPEG of 98 kB can hold a core for seconds, a header of 65,535 x 65,535 can ask for gigabytes. Both are
known from the markers alone. The walk also finds what libjpeg only warns about (and Pillow does not tell): a missing
end, foreign markers within the picture data, restart markers out of order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

MAX_SCANS = 32
MAX_PIXELS = 40_000_000
MAX_SCANNED_PIXELS = 200_000_000
# libjpeg holds the coefficients of every component of what comes in several scans, two bytes each, whatever is asked
# for of the picture: a progressive 4K picture with halved colours, and no more.
MAX_HELD_BYTES = 26_000_000

_EOI, _SOS, _DRI, _DNL = 0xD9, 0xDA, 0xDD, 0xDC
_APP0, _APP14, _COM = 0xE0, 0xEE, 0xFE
_METADATA = frozenset({_COM, *range(_APP0, 0xF0)})
# The frames that libjpeg decodes: baseline, extended, progressive, and the arithmetic two.
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_KNOWN = _FRAMES | _METADATA | {0xC4, 0xCC, 0xDB, _DRI, _DNL, _SOS}
_SEQUENTIAL = frozenset({0xC0, 0xC1})
_GREY, _COLOUR, _CMYK = 1, 3, 4
_COMPONENTS = frozenset({_GREY, _COLOUR, _CMYK})
# The marker of Adobe's programs ends in how colours were transformed: 0, not at all.
_ADOBE, _ADOBE_LENGTH = b"Adobe", 12
_JFIF, _JFIF_LENGTH = b"JFIF\0", 14
_LENGTH_FIELD, _FRAME_FIXED, _BITS, _MAX_SAMPLING = 2, 6, 8, 4

# Within picture data FF is followed by 00 (a stuffed byte), by a restart marker, or by further FF (fill).
_FILL = re.compile(rb"\xff+")
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_RESTARTS = range(0xD0, 0xD8)

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\x00\x00\x00\x01", "H.264"),
)
_SNIFFED = 512
_SPACE = 0x20


class Refused(Exception):
    """The bytes are no picture that can be judged: `cause` is a key of the causes, `detail` says more."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause
        self.detail = detail


@dataclass(slots=True)
class _Frame:
    """What the frame header says."""

    kind: int
    width: int
    height: int
    names: bytes
    sampling: tuple[tuple[int, int], ...]

    @property
    def unit(self) -> tuple[int, int]:
        """Width and height of a coded unit (MCU) of a scan of all components, in px."""
        if len(self.sampling) == 1:
            return 8, 8
        return 8 * max(h for h, _ in self.sampling), 8 * max(v for _, v in self.sampling)

    @property
    def held_bytes(self) -> int:
        """What all coefficients take."""
        across, down = max(h for h, _ in self.sampling), max(v for _, v in self.sampling)
        return 2 * sum(self.width * h // across * (self.height * v // down) for h, v in self.sampling)

    @property
    def units(self) -> int:
        """How many coded units a scan of all components has."""
        across, down = self.unit
        return -(-self.width // across) * -(-self.height // down)


# What the components of a picture are. "YCbCr" is what cameras send.
Coding = Literal["L", "YCbCr", "RGB", "CMYK"]


@dataclass(frozen=True, slots=True)
class Walked:
    """A JPEG whose markers are in order: its size, and how it is coded."""

    width: int
    height: int
    scans: int
    unit_rows: int  # height of a coded unit (MCU) in px
    coding: Coding


def sniff(data: bytes) -> str:
    """Name what the bytes are by their first ones; content types and file names are not believed."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return _sniff_text(data[:_SNIFFED])


def _sniff_text(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in text:
        return "HTML"
    if text.startswith(b"<"):
        return "XML"
    if text.startswith((b"{", b"[")):
        return "JSON"
    if all(byte >= _SPACE or byte in b"\t\r\n" for byte in head):
        return "text"
    return "unknown data"


def walk(data: bytes) -> Walked:
    """Walk all markers up to the end of the first picture. Raises `Refused`."""
    if not data:
        raise Refused("empty_picture")
    if data[:3] != b"\xff\xd8\xff":
        raise Refused("not_a_picture", "truncated JPEG" if b"\xff\xd8\xff".startswith(data) else sniff(data))
    return _Walk(data).run()


class _Walk:
    """One pass over the markers; holds the position and what was met."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 2
        self.frame: _Frame | None = None
        self.scans = 0
        self.interval = 0
        self.is_jfif = False
        self.transform: int | None = None

    def run(self) -> Walked:
        while (marker := self._marker()) != _EOI:
            self._segment(marker)
        if self.frame is None or not self.scans:
            raise Refused("corrupt", "no picture data")
        frame = self.frame
        return Walked(frame.width, frame.height, self.scans, frame.unit[1], self._coding(frame))

    def _coding(self, frame: _Frame) -> Coding:
        """What libjpeg takes the components for (its jdapimin.c)."""
        if len(frame.names) != _COLOUR:
            return "L" if len(frame.names) == _GREY else "CMYK"
        told = not self.is_jfif and (frame.names == b"RGB" if self.transform is None else self.transform == 0)
        return "RGB" if told else "YCbCr"

    def _marker(self) -> int:
        data, at = self.data, self.at
        if data[at : at + 1] not in {b"\xff", b""}:
            raise Refused("corrupt", "bytes between segments")
        # By the expression, not byte by byte: megabytes of fill would take a quarter of a second.
        fill = _FILL.match(data, at)
        at = fill.end() if fill else at
        if at >= len(data):
            raise Refused("corrupt", "truncated")
        self.at = at + 1
        return data[at]

    def _segment(self, marker: int) -> None:
        if marker not in _KNOWN:
            raise Refused("corrupt", f"marker {marker:02X}")
        start, body = self.at, self._body()
        if marker in _FRAMES:
            self._on_frame(marker, body)
        elif marker == _SOS:
            self._on_scan(start)
            return
        elif marker == _DRI:
            self.interval = int.from_bytes(body[:2], "big")
        elif marker == _APP0 and not self.scans:
            self.is_jfif = self.is_jfif or (body.startswith(_JFIF) and len(body) >= _JFIF_LENGTH)
        elif marker == _APP14 and not self.scans and body.startswith(_ADOBE) and len(body) >= _ADOBE_LENGTH:
            self.transform = body[_ADOBE_LENGTH - 1]

    def _body(self) -> bytes:
        length = int.from_bytes(self.data[self.at : self.at + 2], "big")
        end = self.at + length
        if length < _LENGTH_FIELD or end > len(self.data):
            raise Refused("corrupt", "truncated" if end > len(self.data) else "segment length")
        body = self.data[self.at + _LENGTH_FIELD : end]
        self.at = end
        return body

    def _on_frame(self, marker: int, body: bytes) -> None:
        fixed, components = _FRAME_FIXED, body[_FRAME_FIXED - 1 : _FRAME_FIXED]
        if self.frame is not None or not components or components[0] not in _COMPONENTS:
            raise Refused("corrupt", "frame header")
        if body[0] != _BITS or len(body) != fixed + 3 * components[0]:
            raise Refused("corrupt", "frame header")
        height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        if not width or not height:
            raise Refused("corrupt", "no size")
        if width * height > MAX_PIXELS:
            raise Refused("picture_too_large", f"{width}x{height}")
        sampling = tuple((byte >> 4, byte & 15) for byte in body[fixed + 1 :: 3])
        if not all(1 <= h <= _MAX_SAMPLING and 1 <= v <= _MAX_SAMPLING for h, v in sampling):
            raise Refused("corrupt", "sampling")
        self.frame = _Frame(marker, width, height, body[fixed::3], sampling)

    def _on_scan(self, start: int) -> None:
        frame = self.frame
        if frame is None:
            raise Refused("corrupt", "scan before frame")
        self.scans += 1
        if self.scans > MAX_SCANS or self.scans * frame.width * frame.height > MAX_SCANNED_PIXELS:
            raise Refused("picture_too_large", f"{self.scans} scans of {frame.width}x{frame.height}")
        if (self.scans > 1 or frame.kind not in _SEQUENTIAL) and frame.held_bytes > MAX_HELD_BYTES:
            raise Refused("picture_too_large", f"{frame.width}x{frame.height} in scans")
        end, restarts = self._scan_end()
        self._check_restarts(frame, self.data[start + 2], restarts)
        self.at = end

    def _scan_end(self) -> tuple[int, int]:
        """Where the picture data of a scan end, and how many restart markers are among them, in order."""
        for restarts, met in enumerate(_MARKER.finditer(self.data, self.at)):
            marker = self.data[met.start() + 1]
            if marker not in _RESTARTS:
                return met.start(), restarts
            if not self.interval or marker & 7 != restarts & 7:
                raise Refused("corrupt", "restart markers")
        raise Refused("corrupt", "truncated")

    def _check_restarts(self, frame: _Frame, scanned: int, restarts: int) -> None:
        # A sequential scan of all components has as many restarts as its size asks for: fewer means lost data.
        counted = self.interval and frame.kind in _SEQUENTIAL and scanned == len(frame.sampling)
        if counted and restarts != -(-frame.units // self.interval) - 1:
            raise Refused("corrupt", "restart markers")
