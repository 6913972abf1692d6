"""The verbs of the corpus: an honest device with one answer replaced, and connections that go wrong at once."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from monitor.simulator import scenes
from monitor.simulator.hostile.stage import Act, Asked, Stage
from monitor.simulator.plan import SceneSpec

# What replaces an answer: bytes to be sent as they are, or something to be done with the connection.
Answer = bytes | Callable[[Stage], Awaitable[None]] | Callable[[Stage, Asked], Awaitable[None]]
Play = Callable[[Stage, Asked], Awaitable[None]]

SNAPSHOT = "snapshot"
CLOCK, INFORMATION = "GetSystemDateAndTime", "GetDeviceInformation"
SERVICES, PROFILES, SNAPSHOT_URI = "GetServices", "GetProfiles", "GetSnapshotUri"
ANY = "*"
XML = "Content-Type: application/soap+xml"
JPEG = "Content-Type: image/jpeg"
_OPEN = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema"'
    b' xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>'
)
_CLOSE = b"</s:Body></s:Envelope>"


def http(body: bytes = b"", *headers: str, status: str = "200 OK", length: str | None = None) -> bytes:
    """A reply; `length` is what it claims ("" leaves the header out)."""
    claimed = str(len(body)) if length is None else length
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {claimed}"] if claimed else [])]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def envelope(inner: bytes) -> bytes:
    """A SOAP envelope around a body's content."""
    return _OPEN + inner + _CLOSE


def soap(inner: bytes, status: str = "200 OK") -> bytes:
    """A reply with an envelope."""
    return http(envelope(inner), XML, status=status)


def fault(text: str, code: str = "NotAuthorized", status: str = "400 Bad Request") -> bytes:
    """A SOAP fault."""
    inner = (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode></s:Code>"
        f"<s:Reason><s:Text>{text}</s:Text></s:Reason></s:Fault>"
    )
    return soap(inner.encode(), status)


def moment(**parts: object) -> bytes:
    """A UTCDateTime of now, with some of its fields replaced (None: left out)."""
    now = datetime.now(UTC)
    given: dict[str, object] = {
        "Hour": now.hour,
        "Minute": now.minute,
        "Second": now.second,
        "Year": now.year,
        "Month": now.month,
        "Day": now.day,
    } | parts
    fields = "".join(f"<tt:{name}>{value}</tt:{name}>" for name, value in given.items() if value is not None)
    return f"<tt:UTCDateTime>{fields}</tt:UTCDateTime>".encode()


def clock(inner: bytes) -> bytes:
    """A reply to GetSystemDateAndTime."""
    return soap(b"<GetSystemDateAndTimeResponse>" + inner + b"</GetSystemDateAndTimeResponse>")


def services(address: str) -> bytes:
    """A reply to GetServices that says where the media service is."""
    return soap(
        b"<GetServicesResponse><Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace>"
        b"<XAddr>" + address.encode() + b"</XAddr></Service></GetServicesResponse>"
    )


def profiles(token: str = "P1") -> bytes:  # noqa: S107 - the token of a media profile is no secret
    """A reply to GetProfiles."""
    return soap(f'<GetProfilesResponse><Profiles token="{token}"/></GetProfilesResponse>'.encode())


def uri(address: str) -> bytes:
    """A reply to GetSnapshotUri."""
    return soap(
        b"<GetSnapshotUriResponse><MediaUri><Uri>" + address.encode() + b"</Uri></MediaUri></GetSnapshotUriResponse>"
    )


def challenge(*values: str, body: bytes = b"") -> bytes:
    """A 401 with these values of WWW-Authenticate."""
    return http(body, *(f"WWW-Authenticate: {value}" for value in values), status="401 Unauthorized")


def digest(nonce: str = "n1", tail: str = "") -> str:
    """A digest challenge."""
    return f'Digest realm="cam", nonce="{nonce}", qop="auth"{tail}'


@functools.cache
def picture() -> bytes:
    """A JPEG that any judge calls normal: a street at noon."""
    return scenes.jpeg(SceneSpec(weather="clear", phase="day"), datetime(2026, 6, 1, 12, 0, tzinfo=UTC), (640, 360))


def _honest(asked: Asked) -> bytes:
    """What a decent device says: it wants UsernameToken for SOAP and digest for its snapshot."""
    if asked.operation == CLOCK:
        return clock(moment())
    if asked.operation and asked.credential != "wsse":
        return fault("Sender not authorized")
    if not asked.operation:
        return http(picture(), JPEG) if asked.credential == "digest" else challenge(digest())
    return {
        INFORMATION: soap(
            b"<GetDeviceInformationResponse><Manufacturer>Maker</Manufacturer><Model>M1</Model>"
            b"<FirmwareVersion>1.0</FirmwareVersion><SerialNumber>S1</SerialNumber></GetDeviceInformationResponse>"
        ),
        SERVICES: services("http://192.168.1.64/onvif/media"),
        PROFILES: profiles(),
        SNAPSHOT_URI: uri("http://192.168.1.64/snap.jpg"),
    }.get(asked.operation, http(status="404 Not Found"))


def device(answers: Mapping[str, bytes | Play]) -> Act:
    """An honest device, but for the answers to these operations, to the snapshot, or (`ANY`) to everything."""

    async def act(stage: Stage) -> None:
        while True:
            asked = await stage.hear()
            answer = answers.get(asked.operation or SNAPSHOT, answers.get(ANY, b""))
            if callable(answer):
                await answer(stage, asked)
            else:
                await stage.say(answer or _honest(asked))

    return act


def always(answer: bytes | Play) -> Act:
    """The same answer to everything."""
    return device({ANY: answer})


def pictures(answer: bytes | Play) -> Act:
    """An honest device whose snapshot is something else."""
    return device({SNAPSHOT: answer})


def clocks(answer: bytes | Play) -> Act:
    """An honest device whose clock is something else."""
    return device({CLOCK: answer})


def flood(first: bytes, piece: bytes) -> Play:
    """Begin with `first` and repeat `piece` for ever."""

    async def play(stage: Stage, _asked: Asked) -> None:
        await stage.say(first)
        await stage.flood(piece)

    return play


def drip(first: bytes, rest: bytes) -> Play:
    """Send `first` at once and the rest a byte at a time, for ever."""

    async def play(stage: Stage, _asked: Asked) -> None:
        await stage.say(first)
        while True:
            await stage.drip(rest)

    return play


def then_reset(first: bytes) -> Play:
    """Send something and end with a RST."""

    async def play(stage: Stage, _asked: Asked) -> None:
        await stage.say(first)
        stage.reset()

    return play


def then_close(first: bytes) -> Play:
    """Send something and end."""

    async def play(stage: Stage, _asked: Asked) -> None:
        await stage.say(first)
        stage.half_close()
        await stage.linger()

    return play


def greeting(data: bytes) -> Act:
    """Speak first, in another protocol, and listen."""

    async def act(stage: Stage) -> None:
        await stage.say(data)
        await stage.linger()

    return act
