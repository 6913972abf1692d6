"""One picture out of a video stream: the last way to a picture, for devices that offer no snapshot.

The conversation is our own: the library that decodes would follow a redirect to any host, send a password in clear to
whoever asks, and needs it in the address, from where it gets into messages. So the library (PyAV, the extra `rtsp`)
only decodes one key frame, in a thread; without it this way is absent.
"""

from __future__ import annotations

import asyncio
import importlib.util
import io
import re
from typing import Final, cast

from PIL.Image import Image

from monitor.probes import digest, h26x, refusals, reply, vendor
from monitor.probes.failure import Garbled, Late, LinkDown, NoService, Slow, faulty
from monitor.probes.login import UNAUTHORISED, Login
from monitor.probes.media import Media
from monitor.probes.memory import Memory
from monitor.probes.onvif import Faulted, Onvif
from monitor.probes.rtsp import OK, Answer, Conversation, Track, authority, dial, port_of, video
from monitor.probes.snapshot import rate
from monitor.probes.talk import Talk
from monitor.wire import Credential, Finding, Subject

# A stream that is being watched sends a key frame every two seconds or so; one look waits for a few of them at most.
STREAM_LIMIT_S: Final = 8.0
# What may be decoded: a 4K picture, with its coded size rounded up.
MAX_PIXELS: Final = 3_840 * 2_176
# It is judged far smaller; a whole 4K frame as RGB and as a JPEG would take many times the memory.
MAX_WIDTH: Final = 1_920
JPEG_QUALITY: Final = 90
_INTERLEAVED: Final = re.compile(r"interleaved=(\d{1,3})")
_REFUSED: Final = frozenset({401, 403})


def is_available() -> bool:
    """Whether this installation can decode a stream."""
    return importlib.util.find_spec("av") is not None


class _Account:
    """The login of one RTSP conversation, by the rules of every other (DESIGN, decision 6).

    `in_clear`: whether Basic may be used. Streams are never encrypted here, whatever the device's pages are.
    """

    def __init__(self, login: Login, memory: Memory, *, in_clear: bool) -> None:
        self._login = login
        self._memory = memory
        self._in_clear = in_clear
        self._kept: digest.Kept | None = None
        self._basic = False

    def headers(self, method: str, url: str) -> list[tuple[str, str]]:
        """The header that logs a request in, none before it was asked for."""
        credential = self._login.credential
        if credential is None or not (self._kept or self._basic):
            return []
        return [("Authorization", self._said(method, url, credential))]

    def _said(self, method: str, url: str, credential: Credential) -> str:
        return self._kept.authorization(method, url, credential) if self._kept else digest.basic(credential)

    async def ask(self, talk: Conversation, method: str, url: str, *more: tuple[str, str]) -> Answer:
        """A request that logs in once it is asked to; raise `Refused` where that does not help."""
        sent = self.headers(method, url)
        answer = await talk.ask(method, url, [*more, *sent])
        if answer.status != UNAUTHORISED:
            return self._taken(answer, sent)
        chosen = digest.choose(digest.parse(answer.all("www-authenticate")), basic=self._in_clear)
        if sent and not (chosen and chosen.scheme == "digest" and chosen.stale):
            raise self._login.refuse(answer.body)
        if refusals.refusal(answer.body).locked:
            raise self._login.refuse(answer.body, sent=False)
        if chosen is None:  # nothing that may be answered: the password stays with us
            return answer
        self._login.needed()
        self._kept, self._basic = (digest.Kept(chosen), False) if chosen.scheme == "digest" else (None, True)
        sent = self.headers(method, url)
        answer = await talk.ask(method, url, [*more, *sent])
        if answer.status == UNAUTHORISED:
            raise self._login.refuse(answer.body)
        return self._taken(answer, sent)

    def _taken(self, answer: Answer, sent: list[tuple[str, str]]) -> Answer:
        if sent:
            self._login.worked()
        if answer.status == OK:
            self._memory.learn("rtsp_auth", "none" if not sent else "digest" if self._kept else "basic")
        return answer


class Streams:
    """Takes pictures out of the streams of one endpoint during one visit."""

    def __init__(self, talk: Talk, memory: Memory, login: Login, onvif: Onvif, media: Media) -> None:
        self._talk = talk
        self._memory = memory
        self._login = login
        self._onvif = onvif
        self._media = media

    async def take(self, subject: Subject, until: float) -> bytes | Finding:
        """The next key frame of a subject's stream as a JPEG, or why there is none."""
        path, port = await self._where(subject)
        if not path:
            return faulty("snapshot_missing")
        began = asyncio.get_running_loop().time()
        limit = min(until, began + STREAM_LIMIT_S)
        slots = self._talk.session.stream_slots
        try:
            async with asyncio.timeout_at(limit):
                await slots.acquire()
        except TimeoutError:
            raise Late from None
        try:
            self._talk.endpoint.line.close()  # one connection per device
            return await self._key_frame(subject, path, port, limit)
        except Slow as exc:
            return faulty("picture_too_slow", rate=rate(exc.received, exc.seconds), limit=round(limit - began))
        finally:
            slots.release()

    async def _where(self, subject: Subject) -> tuple[str, int]:
        """Path and port: as ONVIF tells them, else by the maker's rule at the device's own port."""
        if not (self._onvif.is_missing or self._onvif.is_resting):
            try:
                return await self._media.stream(subject)
            except (Faulted, NoService, Garbled):  # it has no streams to tell of: no trouble of its service
                return "", 0
        known = self._memory.of(subject, "stream_path")
        path = known or vendor.stream_of(self._memory.shared("vendor"), subject.channel)
        return path, port_of(self._talk.target, self._memory) if path else 0

    async def _key_frame(self, subject: Subject, path: str, port: int, until: float) -> bytes | Finding:
        if not port:
            return faulty("snapshot_missing")
        url = f"rtsp://{authority(self._talk.target, port)}{path}"
        try:
            async with self._talk.contact("rtsp", url, until) as outcome:
                got = await self._read(url, port, until)
                outcome.append(got.cause if isinstance(got, Finding) else "key frame")
        except LinkDown:  # the stream's port, not the device
            got = faulty("snapshot_missing", stream="closed")
        except Garbled as exc:  # and no trouble of ONVIF's
            got = faulty("snapshot_missing", stream=exc.detail.get("reason", "no RTSP"))
        if isinstance(got, Finding):
            self._media.forget_stream(subject)
            return got
        codec, data = got
        return await self._decoded(codec, data)

    async def _read(self, url: str, port: int, until: float) -> tuple[str, bytes] | Finding:
        wire = await dial(self._talk, port, until)
        try:
            return await self._watch(Conversation(wire, until), url)
        finally:
            wire.close()

    async def _watch(self, talk: Conversation, url: str) -> tuple[str, bytes] | Finding:
        """From the description to the first key frame."""
        account = _Account(self._login, self._memory, in_clear=self._talk.target.basic_in_clear)
        answer = await account.ask(talk, "DESCRIBE", url, ("Accept", "application/sdp"))
        if answer.status != OK:
            return _by_status(answer.status)
        track = video(answer.body.decode("utf-8", "replace"))
        if track is None:
            return faulty("snapshot_missing", stream="no H.264 or H.265")
        control = _control(url, answer.get("content-base"), track.control)
        answer = await account.ask(talk, "SETUP", control, ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"))
        if answer.status != OK:
            return _by_status(answer.status)
        session = ("Session", answer.get("session").partition(";")[0])
        found = _INTERLEAVED.search(answer.get("transport"))
        answer = await account.ask(talk, "PLAY", url, session, ("Range", "npt=0.000-"))
        if answer.status != OK:
            return _by_status(answer.status)
        data = await self._collect(talk, track, int(found[1]) if found else 0)
        talk.say("TEARDOWN", url, [session, *account.headers("TEARDOWN", url)])
        self._login.proved()
        return track.codec.name, data

    @staticmethod
    async def _collect(talk: Conversation, track: Track, channel: int) -> bytes:
        collector = h26x.Collector(track.codec, track.sets)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout_at(talk.until):
                while True:
                    packet = await talk.packet(channel)
                    data = collector.add(packet) if packet else None
                    if data is not None:
                        return data
        except TimeoutError:
            raise Slow(talk.wire.received, loop.time() - began) from None

    async def _decoded(self, codec: str, data: bytes) -> bytes | Finding:
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._talk.session.decoders, still, codec, data)
        try:
            async with asyncio.timeout_at(self._talk.until):
                return await work
        except TimeoutError:
            raise Late from None


def _by_status(status: int) -> Finding:
    if status in _REFUSED:
        return faulty("snapshot_refused", status=status)
    return faulty("snapshot_missing", stream=f"RTSP {status}")


def _control(url: str, base: str, control: str) -> str:
    """The address of the video within a stream; host and port are never believed."""
    place = url.partition("://")[2].partition("/")[0]
    if "://" in control:
        return f"rtsp://{place}{reply.path_of(control)}"
    path = reply.path_of(base) if "://" in base else ""
    whole = f"rtsp://{place}{path}" if path else url
    return whole if control in {"", "*"} else f"{whole.rstrip('/')}/{control}"


def still(codec: str, data: bytes) -> bytes | Finding:
    """A key frame as a JPEG. Takes CPU time and memory by its pixels: call it in a thread of its own."""
    import av

    try:
        context = cast("av.VideoCodecContext", av.CodecContext.create(codec, "r"))
        context.options = {"max_pixels": str(MAX_PIXELS)}
        context.thread_count = 1
        frames = [*context.decode(av.Packet(data)), *context.decode(None)]
    except (av.FFmpegError, ValueError, EOFError) as exc:
        return faulty("corrupt", reason=type(exc).__name__)
    if not frames:
        return faulty("corrupt", reason="no picture in the key frame")
    out, frame = io.BytesIO(), frames[0]
    scale = min(1.0, MAX_WIDTH / frame.width)
    size = {"width": round(frame.width * scale), "height": max(1, round(frame.height * scale))}
    image: Image = frame.to_image(**size)  # type: ignore[no-untyped-call]  # the library's own slip
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
