"""Where an ONVIF device's pictures are: its media service, the profile of each channel, snapshot and stream.

What never changes is learned once and taken from the passport afterwards; it is learned anew when it fails.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from devices.addresses import redact
from monitor.probes import reply, soap
from monitor.probes.failure import Failure, Garbled, NoService
from monitor.probes.login import Login
from monitor.probes.memory import Memory
from monitor.probes.onvif import Faulted, Onvif
from monitor.probes.talk import Talk
from monitor.wire import Subject

# Ports at which a device itself answers: behind any other there may be an address translation that leads RTSP astray.
FACTORY_PORTS: Final = frozenset({80, 443, 2020, 8899})
RTSP_PORT: Final = 554


class Media:
    """The addresses of one endpoint's pictures during one visit."""

    def __init__(self, talk: Talk, memory: Memory, login: Login, onvif: Onvif) -> None:
        self._talk = talk
        self._memory = memory
        self._login = login
        self._onvif = onvif
        self._profiles_asked = False
        self._profiles_failure: Failure | None = None

    async def _media_path(self) -> str:
        known = self._memory.shared("media_path")
        if known:
            return known
        found = None
        for operation in (soap.SERVICES, soap.CAPABILITIES):  # old Axis knows only the second
            try:
                found = reply.media_address(await self._onvif.call(operation, self._onvif.device_path))
            except (Faulted, NoService, Garbled):
                continue
            if found:
                break
        if found is None:
            return self._onvif.device_path
        address, media2 = found
        self._memory.learn("media", "2" if media2 else "")
        path = redact(reply.path_of(address, self._onvif.device_path))
        self._memory.learn("media_path", path)
        return path

    async def _profile(self, subject: Subject) -> str:
        """The profile of a channel: the first one of its video source, sources in the device's order."""
        known = self._memory.of(subject, "profile_token") or self._memory.of(subject, "profile")
        if known or self._profiles_asked:
            return known
        found = await self._profiles()
        tokens: dict[str, str] = {}
        for profile in found:
            tokens.setdefault(profile.source or profile.token, profile.token)
        for other in self._talk.target.subjects:
            index = max(0, other.channel - 1)
            if index < len(tokens):
                self._memory.learn_of(other, "profile", list(tokens.values())[index])
        return self._memory.of(subject, "profile")

    async def _profiles(self) -> list[reply.Profile]:
        """Every profile of the device, asked for once in a visit, whatever comes of it."""
        if self._profiles_failure is not None:
            raise self._profiles_failure
        try:
            answer = await self._onvif.call(soap.PROFILES, await self._media_path())
        except Failure as exc:
            self._profiles_failure = exc
            raise
        self._profiles_asked = True
        self._login.proved()
        return reply.profiles(answer)

    def known_snapshot_path(self, subject: Subject) -> str:
        """The remembered path of the snapshot, "" where it has to be asked for."""
        secret = self._talk.endpoint.secret_paths.get(subject.channel, "")
        return secret or self._memory.of(subject, "snapshot_path")

    async def snapshot_path(self, subject: Subject, *, relearn: bool = True) -> str:
        """Path and query of the snapshot, "" where there is none; what was remembered and fails may be relearned."""
        known = self.known_snapshot_path(subject)
        if known:
            return known
        remembered = bool(self._memory.shared("media_path") or self._memory.of(subject, "profile"))
        try:
            return await self._ask_snapshot_path(subject)
        except (Faulted, NoService):
            if not (remembered and relearn):
                raise
            self._memory.learn_of(subject, "profile", "")
            self._memory.learn("media_path", "")
            self._profiles_asked, self._profiles_failure = False, None
            return await self._ask_snapshot_path(subject)

    async def _ask_snapshot_path(self, subject: Subject) -> str:
        profile = await self._profile(subject)
        if not profile:
            return ""
        answer = await self._onvif.call(soap.SNAPSHOT, await self._media_path(), ProfileToken=profile)
        self._login.proved()
        path = reply.path_of(reply.snapshot_uri(answer))
        if redact(path) != path:  # it carries a password: nothing to write into a passport
            self._talk.endpoint.secret_paths[subject.channel] = path
        else:
            self._memory.learn_of(subject, "snapshot_path", path)
        return path

    # -- streams

    async def stream(self, subject: Subject) -> tuple[str, int]:
        """Path and port of the RTSP stream, ("", 0) where there is none that can be the device's own for certain."""
        known, port = self._memory.of(subject, "stream_path"), self._memory.shared("rtsp_port")
        if known and port:
            return known, int(port)
        profile = await self._profile(subject)
        if not profile:
            return "", 0
        answer = await self._onvif.call(soap.STREAM, await self._media_path(), ProfileToken=profile)
        self._login.proved()
        return self._own_stream(subject, reply.snapshot_uri(answer))

    def _own_stream(self, subject: Subject, address: str) -> tuple[str, int]:
        """Behind an address translation port 554 may be another device's, and its picture taken for this one's."""
        target, path = self._talk.target, reply.path_of(address)
        try:
            host, said = urlsplit(address.strip()).hostname or "", urlsplit(address.strip()).port
        except ValueError:
            return "", 0
        if not path or (host != target.host.lower() and target.port not in FACTORY_PORTS):
            return "", 0
        port = said or RTSP_PORT
        self._memory.learn("rtsp_port", str(port))
        if redact(path) == path:
            self._memory.learn_of(subject, "stream_path", path)
        return path, port

    def forget_stream(self, subject: Subject) -> None:
        """Unlearn the address of a stream that failed."""
        self._memory.learn_of(subject, "stream_path", "")

    def forget_snapshot(self, subject: Subject) -> None:
        """Unlearn the address of a snapshot that failed."""
        self._talk.endpoint.secret_paths.pop(subject.channel, None)
        self._memory.learn_of(subject, "snapshot_path", "")
