"""Puts a key frame together from RTP packets of H.264 (RFC 6184) or H.265 (RFC 7798): bytes only, no I/O."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass, field
from typing import Final

START: Final = b"\x00\x00\x00\x01"
_RTP: Final = struct.Struct("!BBHII")
_VERSION: Final = 2
_MOST_UNITS: Final = 256


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet: whether it ends a picture, when the picture was taken, and what it carries."""

    marker: bool
    timestamp: int
    payload: bytes


def rtp(data: bytes) -> Packet | None:
    """Read an RTP packet (RFC 3550, 5.1); None where it is none."""
    if len(data) < _RTP.size:
        return None
    first, second, _sequence, timestamp, _source = _RTP.unpack_from(data)
    start = _RTP.size + 4 * (first & 0x0F)
    if first >> 6 != _VERSION or len(data) <= start:
        return None
    if first & 0x10:  # an extension header and its length in words
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    return Packet(bool(second & 0x80), timestamp, data[start:end]) if start < end else None


@dataclass(frozen=True, slots=True)
class Codec:
    """What differs between the two: types of units, and where they stand in a unit's header of `header` bytes."""

    name: str
    header: int
    aggregate: int
    fragment: int
    key: frozenset[int]
    sets: frozenset[int]

    def kind(self, unit: bytes) -> int:
        """The type of a unit."""
        return unit[0] & 0x1F if self.header == 1 else (unit[0] >> 1) & 0x3F

    def whole_header(self, payload: bytes) -> bytes:
        """The header that a fragmented unit has had."""
        if self.header == 1:
            return bytes([(payload[0] & 0xE0) | (payload[1] & 0x1F)])
        return bytes([(payload[0] & 0x81) | ((payload[2] & 0x3F) << 1), payload[1]])


H264: Final = Codec("h264", 1, 24, 28, frozenset({5}), frozenset({7, 8}))
H265: Final = Codec("hevc", 2, 48, 49, frozenset(range(16, 22)), frozenset({32, 33, 34}))
CODECS: Final = {"H264": H264, "H265": H265}


def sets_of(parameters: str) -> list[bytes]:
    """The parameter sets that an SDP line brings along (`sprop-…=base64,base64`)."""
    found: list[bytes] = []
    for item in parameters.split(";"):
        name, _, value = item.strip().partition("=")
        if name.lower().startswith("sprop-") and name.lower().endswith(("sets", "vps", "sps", "pps")):
            found += [unit for text in value.split(",") if (unit := _decoded(text))]
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


@dataclass(slots=True)
class Collector:
    """Collects units picture by picture; `add` hands out the first picture that needs no other one."""

    codec: Codec
    sets: list[bytes] = field(default_factory=list)
    _units: list[bytes] = field(default_factory=list)
    _part: bytearray = field(default_factory=bytearray)
    _timestamp: int = -1

    def add(self, packet: Packet) -> bytes | None:
        """Take a packet; the key frame as a byte stream with start codes once it is whole."""
        done = self._finish() if self._timestamp not in (-1, packet.timestamp) else None
        self._timestamp = packet.timestamp
        if done is not None:
            return done
        self._take(packet.payload)
        return self._finish() if packet.marker else None

    def _take(self, payload: bytes) -> None:
        codec = self.codec
        if len(payload) <= codec.header or len(self._units) >= _MOST_UNITS:
            return
        kind = codec.kind(payload)
        if kind == codec.aggregate:
            self._split(payload[codec.header :])
        elif kind == codec.fragment:
            self._join(payload)
        else:
            self._units.append(payload)

    def _split(self, data: bytes) -> None:
        """An aggregate: each unit behind its length."""
        while len(data) > 2:  # noqa: PLR2004 - the length takes two bytes
            size = int.from_bytes(data[:2], "big")
            if size:
                self._units.append(data[2 : 2 + size])
            data = data[2 + size :]

    def _join(self, payload: bytes) -> None:
        """A fragment: the first one starts with the header's bits, the last one ends the unit."""
        at = self.codec.header
        if len(payload) <= at + 1:
            return
        flags = payload[at]
        if flags & 0x80:
            self._part[:] = self.codec.whole_header(payload)
        if self._part:
            self._part += payload[at + 1 :]
        if flags & 0x40 and self._part:
            self._units.append(bytes(self._part))
            self._part.clear()

    def _finish(self) -> bytes | None:
        """The end of a picture: the key frame with its parameter sets, or nothing, and the next one begins."""
        units, self._units = self._units, []
        self._part.clear()
        kinds = {self.codec.kind(unit) for unit in units}
        own = [unit for unit in units if self.codec.kind(unit) in self.codec.sets]
        if own:
            self.sets = own
        if not kinds & self.codec.key:
            return None
        rest = [unit for unit in units if self.codec.kind(unit) not in self.codec.sets]
        return b"".join(START + unit for unit in (*self.sets, *rest))
