"""As much of RTSP as it takes to see one picture (RFC 2326, RTP within the connection), within a deadline and caps."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitor.probes import h26x, http1, transport
from monitor.probes.failure import Failure, Garbled, LinkDown, Slow
from monitor.probes.media import FACTORY_PORTS, RTSP_PORT
from monitor.probes.memory import Memory
from monitor.probes.talk import PICTURE_CAP, Talk
from monitor.probes.transport import Place, Wire
from monitor.wire import Target

OPTIONS_LIMIT_S: Final = 3.0
MAX_HEAD: Final = 16 * 1024
MAX_BODY: Final = 64 * 1024
OK: Final = 200
_STATUS: Final = re.compile(r"RTSP/1\.\d\s+([1-5][0-9]{2})(?!\S)")
_FRAME_HEAD: Final = 4
# What may come before the first key frame: a 4K one takes about a thousand packets. Replies to nothing are no use.
MAX_FRAMES: Final = 20_000
MAX_STRAYS: Final = 16


def port_of(target: Target, memory: Memory) -> int:
    """The port at which the device itself must answer RTSP, 0 where another device behind the address may."""
    known = memory.shared("rtsp_port")
    if known:
        return int(known)
    return RTSP_PORT if target.port in FACTORY_PORTS else 0


@dataclass(slots=True)
class Answer:
    """One RTSP reply."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""

    def get(self, name: str) -> str:
        """The first value of a header, "" where it is absent."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]


@dataclass(slots=True)
class Conversation:
    """Requests and replies on one RTSP connection, until `until` (event loop time)."""

    wire: Wire
    until: float
    _count: int = 0
    _received: int = 0
    _frames: int = 0
    _strays: int = 0

    def say(self, method: str, url: str, headers: Sequence[tuple[str, str]]) -> None:
        """A request whose reply nobody waits for; nothing that a device gave us can add a line to it."""
        self._count += 1
        fields = [("CSeq", str(self._count)), ("User-Agent", "viewkeeper"), *headers]
        lines = [f"{method} {url} RTSP/1.0", *(f"{name}: {value}" for name, value in fields)]
        text = "\r\n".join(line.replace("\r", "").replace("\n", "") for line in lines) + "\r\n\r\n"
        self.wire.send(text.encode("latin-1", "replace"))

    async def ask(self, method: str, url: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        """One request, one reply; pictures that come in between are dropped."""
        self.say(method, url, headers)
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(self.until):
                return await self._answer()
        except TimeoutError:
            if not self.wire.received:
                raise LinkDown("silent") from None
            raise Slow(self.wire.received, asyncio.get_running_loop().time() - began) from None

    async def _answer(self) -> Answer:
        buffer = self.wire.buffer
        while True:
            if buffer[:1] == b"$":
                await self._frame()
                continue
            stop = http1.head_end(buffer)
            if stop:
                break
            if len(buffer) >= MAX_HEAD or not b"RTSP/1.".startswith(bytes(buffer[:7])):
                raise http1.garbled(bytes(buffer), "no RTSP")
            await self._more()
        answer = _head(bytes(buffer[:stop]))
        del buffer[:stop]
        said = answer.get("content-length")
        length = int(said) if said.isdecimal() and len(said) < 9 else 0  # noqa: PLR2004 - far above the cap
        if length > MAX_BODY:
            raise Garbled("protocol", reason="RTSP body too long")
        while len(buffer) < length:
            await self._more()
        answer.body = bytes(buffer[:length])
        del buffer[:length]
        return answer

    async def packet(self, channel: int) -> h26x.Packet | None:
        """The next RTP packet of a channel; None for what belongs to another one, or is none."""
        buffer = self.wire.buffer
        while not buffer:
            await self._more()
        if buffer[:1] != b"$":  # a late reply between the pictures
            self._strays += 1
            if self._strays > MAX_STRAYS:
                raise Garbled("protocol", reason="replies without end")
            await self._answer()
            return None
        number, data = await self._frame()
        return h26x.rtp(data) if number == channel else None

    async def _frame(self) -> tuple[int, bytes]:
        buffer = self.wire.buffer
        while len(buffer) < _FRAME_HEAD:
            await self._more()
        size = _FRAME_HEAD + int.from_bytes(buffer[2:4], "big")
        while len(buffer) < size:
            await self._more()
        number, data = buffer[1], bytes(buffer[_FRAME_HEAD:size])
        del buffer[:size]
        self._received += size
        self._frames += 1
        if self._received > PICTURE_CAP or self._frames > MAX_FRAMES:
            raise Garbled("protocol", reason="stream too long")
        return number, data

    async def _more(self) -> None:
        if not await self.wire.more():
            raise LinkDown("silent", closed=True)


def _head(data: bytes) -> Answer:
    lines = data.decode("latin-1").split("\n")
    found = _STATUS.match(lines[0])
    if found is None:
        raise http1.garbled(data, "no RTSP")
    pairs = (line.partition(":") for line in lines[1:])
    return Answer(int(found[1]), [(name.strip().lower(), value.strip()) for name, colon, value in pairs if colon])


async def answers(talk: Talk, port: int) -> bool:
    """Whether RTSP is spoken at this port of the device: whatever the reply, it is a video device."""
    until = min(talk.until, asyncio.get_running_loop().time() + OPTIONS_LIMIT_S)
    url = f"rtsp://{authority(talk.target, port)}/"
    try:
        async with talk.contact("OPTIONS", url, until) as outcome:
            wire = await dial(talk, port, until)
            try:
                answer = await Conversation(wire, until).ask("OPTIONS", url)
            finally:
                wire.close()
            outcome.append(str(answer.status))
    except Failure:
        return False
    return True


def authority(target: Target, port: int) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if port == RTSP_PORT else f"{host}:{port}"


async def dial(talk: Talk, port: int, until: float) -> Wire:
    place = Place(talk.target.host, port, False, talk.target.loopback)
    return await transport.dial(place, talk.session.names, talk.session.tls, until)


@dataclass(frozen=True, slots=True)
class Track:
    """The video of a stream as its description has it."""

    codec: h26x.Codec
    control: str
    sets: list[bytes]


def video(description: str) -> Track | None:
    """The first video of an SDP that can be decoded here, None where there is none."""
    section = description.replace("\r", "").partition("\nm=video")[2].partition("\nm=")[0]
    lines = dict(reversed([_attribute(line) for line in section.split("\n") if line.startswith("a=")]))
    name = lines.get("rtpmap", "").partition(" ")[2].partition("/")[0].upper()
    codec = h26x.CODECS.get(name)
    if codec is None:
        return None
    return Track(codec, lines.get("control", ""), h26x.sets_of(lines.get("fmtp", "").partition(" ")[2]))


def _attribute(line: str) -> tuple[str, str]:
    name, _, value = line[2:].partition(":")
    return name, value.strip()
