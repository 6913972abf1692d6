"""A scripted ONVIF device on the fake server, for one rule at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from monitor.probes.session import Session
from monitor.probes.talk import OnStep
from monitor.probes.visit import visit
from monitor.simulator import scenes
from monitor.simulator.plan import SceneSpec
from monitor.wire import Reading, Target
from tests.monitor.probes.fake import Asked, Bytes, clock, fault, http, soap

CHALLENGE = 'WWW-Authenticate: Digest realm="cam", nonce="{}", qop="auth"'
LEARNED = {
    "device_path": "/onvif/device_service",
    "media_path": "/onvif/media",
    "profile": "P1",
    "snapshot_path": "/snap.jpg",
    "soap_auth": "wsse",
    "snapshot_auth": "digest",
    "clock_habit": "utc",
}
# The daily questions were asked a moment ago: for tests of all the others.
ASKED_TODAY = {"facts_plan": datetime.now(UTC).isoformat(timespec="seconds"), "facts_open": ""}


def jpeg(size: tuple[int, int] = (640, 360)) -> bytes:
    """A picture that is judged normal: a street at noon."""
    return scenes.jpeg(SceneSpec(weather="clear", phase="day"), datetime(2026, 6, 1, 12, 0, tzinfo=UTC), size)


JPEG = jpeg()


def information(serial: str = "S1") -> bytes:
    """The reply to GetDeviceInformation."""
    inner = (
        f"<GetDeviceInformationResponse><Manufacturer>Maker</Manufacturer><Model>M1</Model><FirmwareVersion>1.0"
        f"</FirmwareVersion><SerialNumber>{serial}</SerialNumber></GetDeviceInformationResponse>"
    )
    return soap(inner.encode())


def profiles(*sources: str) -> bytes:
    """The reply to GetProfiles: profile Pn of each source in turn."""
    inner = "".join(
        f'<Profiles token="P{number}"><VideoSourceConfiguration><SourceToken>{source}</SourceToken>'
        f"</VideoSourceConfiguration></Profiles>"
        for number, source in enumerate(sources, 1)
    )
    return soap(f"<GetProfilesResponse>{inner}</GetProfilesResponse>".encode())


def uri(address: str) -> bytes:
    """The reply to GetSnapshotUri."""
    return soap(f"<GetSnapshotUriResponse><MediaUri><Uri>{address}</Uri></MediaUri></GetSnapshotUriResponse>".encode())


def services(address: str = "http://192.168.1.64/onvif/media", namespace: str = "ver10/media") -> bytes:
    """The reply to GetServices."""
    inner = f"<Service><Namespace>http://www.onvif.org/{namespace}/wsdl</Namespace><XAddr>{address}</XAddr></Service>"
    return soap(f"<GetServicesResponse>{inner}</GetServicesResponse>".encode())


Reaction = Bytes | Callable[[Asked], Bytes | None] | None


@dataclass
class Script:
    """Answers like a healthy device that asks for WS-Security and digest, except where `replies` says otherwise."""

    replies: dict[str, Reaction] = field(default_factory=dict)
    shows: datetime | None = None
    nonces: list[str] = field(default_factory=lambda: ["n1"])

    def __call__(self, asked: Asked) -> Bytes | None:
        """Answer a request; `replies` are looked up by operation, path, and "*"."""
        for key in (asked.operation, asked.path, "*"):
            if key and key in self.replies:
                reaction = self.replies[key]
                return reaction(asked) if callable(reaction) else reaction
        return self.usual(asked)

    def usual(self, asked: Asked) -> bytes:
        """The healthy answer."""
        if asked.operation == "GetSystemDateAndTime":
            return clock(self.shows)
        if asked.operation == "GetServices":
            return services()
        if asked.operation:
            return self._soap(asked) if asked.signed else fault("NotAuthorized", "Sender not authorized")
        if asked.path == "/" or asked.path.startswith(("/ISAPI/", "/cgi-bin/")):
            return http(404)
        return self._snapshot(asked)

    def _soap(self, asked: Asked) -> bytes:
        told = {
            "GetDeviceInformation": information(),
            "GetProfiles": profiles("A", "A", "B"),
            "GetSnapshotUri": uri("http://192.168.1.64/snap.jpg"),
        }
        return told.get(asked.operation) or fault("ActionNotSupported", "The requested action is not supported")

    def _snapshot(self, asked: Asked) -> bytes:
        if asked.signed and f'nonce="{self.nonces[-1]}"' in asked.headers["authorization"]:
            return http(200, JPEG, "Content-Type: image/jpeg")
        return http(401, b"", CHALLENGE.format(self.nonces[-1]))


def look(target: Target, session: Session | None = None, on_step: OnStep | None = None) -> list[Reading]:
    """One visit on a loop of its own."""

    async def go() -> list[Reading]:
        return await visit(target, session or Session(), on_step)

    return asyncio.run(go())


def looks(*targets: Target) -> list[Reading]:
    """Visits one after another in one session; the first reading of each."""

    async def go() -> list[Reading]:
        session = Session()
        return [(await visit(target, session))[0] for target in targets]

    return asyncio.run(go())
