"""A device's RTSP service on loopback: one H.264 stream over the connection itself, with the logins devices have."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

SDP = (
    "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=Media\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\na=control:track0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\na=fmtp:96 packetization-mode=1{sets}\r\n"
    "a=control:{control}\r\n"
)
SLICE, KEY = b"\x41\x9a" + bytes(20), b"\x65\x88" + bytes(2000)
SETS = (b"\x67\x42\x00\x1e", b"\x68\xce")


@dataclass
class Stream:
    """What the service does, and what it was asked: pairs of method and address, with the header that logged in."""

    units: Sequence[Sequence[bytes]] = ((SLICE,), (KEY,))
    sets: Sequence[bytes] = SETS
    scheme: str = ""
    password: str = "pw"
    codec: str = "H264"
    control: str = "track1"
    replies: dict[str, bytes] = field(default_factory=dict)
    port: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    connections: int = 0

    def methods(self) -> list[str]:
        """The methods asked for, in order."""
        return [method for method, _, _ in self.asked]

    def signed(self) -> list[str]:
        """The headers that logged in."""
        return [header for _, _, header in self.asked if header]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _may(stream: Stream, method: str, header: str) -> bool:
    if not stream.scheme:
        return True
    if stream.scheme == "basic":
        return header == "Basic " + base64.b64encode(f"admin:{stream.password}".encode()).decode()
    given = dict(re.findall(r'(\w+)="([^"]*)"', header))
    wanted = f"{_md5(f'admin:cam:{stream.password}')}:n1:{_md5(method + ':' + given.get('uri', ''))}"
    return given.get("response") == _md5(wanted)


def reply(sequence: str, status: int = 200, body: bytes = b"", *headers: str) -> bytes:
    """An RTSP reply."""
    lines = [f"RTSP/1.0 {status} X", f"CSeq: {sequence}", *headers, *([f"Content-Length: {len(body)}"] if body else [])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _challenge(stream: Stream) -> str:
    return (
        'WWW-Authenticate: Digest realm="cam", nonce="n1"' if stream.scheme == "digest" else "WWW-Authenticate: Basic"
    )


def _answer(stream: Stream, method: str, sequence: str, header: str) -> bytes:
    if method in stream.replies:
        return stream.replies[method]
    if method != "OPTIONS" and not _may(stream, method, header):
        return reply(sequence, 401, b"", _challenge(stream))
    if method == "DESCRIBE":
        sets = ",".join(base64.b64encode(one).decode() for one in stream.sets)
        given = f";sprop-parameter-sets={sets}" if sets else ""
        body = SDP.format(codec=stream.codec, sets=given, control=stream.control).encode()
        return reply(sequence, 200, body, "Content-Type: application/sdp", "Content-Base: rtsp://10.0.0.9/live/")
    if method == "SETUP":
        return reply(sequence, 200, b"", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3", "Session: 77;timeout=60")
    return reply(sequence)


def frames(units: Sequence[Sequence[bytes]], size: int = 900) -> bytes:
    """Pictures as interleaved RTP packets on channel 2, larger units in fragments (FU-A); a foreign packet between."""
    out = b"$\x03\x00\x08" + bytes(8)
    sequence = 0
    for picture, units_of_one in enumerate(units):
        payloads = [part for unit in units_of_one for part in _payloads(unit, size)]
        for index, payload in enumerate(payloads):
            sequence += 1
            marker = 0x80 if index == len(payloads) - 1 else 0
            packet = struct.pack("!BBHII", 0x80, 96 | marker, sequence, 3600 * picture, 1) + payload
            out += b"$\x02" + struct.pack("!H", len(packet)) + packet
    return out


def _payloads(unit: bytes, size: int) -> list[bytes]:
    if len(unit) <= size:
        return [unit]
    parts = [unit[at : at + size] for at in range(1, len(unit), size)]
    kind = unit[0] & 0x1F
    flags = [(0x80 if i == 0 else 0) | (0x40 if i == len(parts) - 1 else 0) for i in range(len(parts))]
    return [bytes([(unit[0] & 0xE0) | 28, flag | kind]) + part for flag, part in zip(flags, parts, strict=True)]


def _converse(stream: Stream, connection: socket.socket) -> None:
    with connection:
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                more = connection.recv(65_536)
                if not more:
                    return
                data += more
            head, _, data = data.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            method, url, _ = lines[0].split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            stream.asked.append((method, url, headers.get("authorization", "")))
            said = _answer(stream, method, headers.get("cseq", "0"), headers.get("authorization", ""))
            connection.sendall(said)
            if method == "PLAY" and b" 200 " in said[:20]:
                connection.sendall(frames(stream.units))


@contextmanager
def streaming(stream: Stream) -> Iterator[Stream]:
    """Serve until the block ends."""
    server = socket.create_server(("127.0.0.1", 0))
    stream.port = server.getsockname()[1]
    held: list[socket.socket] = []

    def safely(connection: socket.socket) -> None:
        try:
            _converse(stream, connection)
        except OSError:
            return

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            stream.connections += 1
            held.append(connection)
            threading.Thread(target=safely, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield stream
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for connection in held:
            connection.close()
