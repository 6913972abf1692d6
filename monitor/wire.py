"""What travels between the platform and a probe: targets out, readings back, both sealed.

A `Target` is one endpoint to visit and the devices seen through it; a `Reading` is what one visit learned
about one device. An `Order` takes a batch of targets there, `Results` bring readings back. All are plain data: they
cross the broker as JSON inside a sealed token, so that a message captured there reveals no address and no password
(DESIGN, decision 1).
"""

from __future__ import annotations

import base64
import re
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from cryptography.fernet import InvalidToken, MultiFernet

# What JSON carries and PostgreSQL's jsonb refuses: NUL and surrogates without a partner.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SHA256 = re.compile("[0-9a-f]{64}")
# For so long an order may wait for a probe worker at most. Seconds.
LONGEST_WAIT_S = 30


class Verdict(StrEnum):
    """What one reading says about one aspect."""

    OK = "ok"
    FAULTY = "faulty"
    UNKNOWN = "unknown"


class Aspect(StrEnum):
    """The facts about a device that are judged apart (DESIGN, decision 11)."""

    LINK = "link"
    ACCESS = "access"
    CLOCK = "clock"
    PICTURE = "picture"
    IDENTITY = "identity"
    RECORDING = "recording"


class Tier(StrEnum):
    """How often a kind of fact is asked for (DESIGN, decision 5)."""

    HEARTBEAT = "heartbeat"
    PICTURE = "picture"
    FACTS = "facts"


class Probe(StrEnum):
    """How an endpoint is spoken to; chosen by the policy of its kind."""

    ONVIF = "onvif"
    HTTP = "http"
    TCP = "tcp"
    ICMP = "icmp"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict on one aspect, with its cause (a key of `causes.CAUSES`, empty when ok) and the facts behind it."""

    verdict: Verdict
    cause: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Credential:
    """A login; the password never shows in a `repr`, a log or a traceback."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subject:
    """One device seen through an endpoint: the endpoint's own (channel 0) or a channel of a recorder (1, 2, …).

    `passport` is what was learned about the device and need not be asked again (snapshot address, profile token …),
    `model` its learned camera model (at most 8 kB), `trail` the fingerprint of its last picture (for frozen ones);
    `learn` allows the picture to be learned if it looks normal.
    """

    device_id: int
    tiers: frozenset[Tier]
    channel: int = 0
    passport: Mapping[str, Any] = field(default_factory=dict)
    model: bytes = b""
    trail: bytes = b""
    serial: str = ""
    sees: bool = True
    keep_original: bool = False
    learn: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint to visit: where, as whom, for which devices, how politely and until when.

    `hold_until` suspends the use of the credential (DESIGN, decision 6); `worked` says that it had worked before;
    `loopback` allows 127.0.0.0/8 and is set for demo endpoints only. `burst` requests at once, one more each
    `refill_s` seconds; `owed_s` is in how many seconds the bucket will be full, after what others have asked.
    `ports` are tried by the probes that only connect, before `port`; `parent` is what the endpoint's devices hang on.
    """

    endpoint_id: int
    zone: str
    host: str
    port: int
    subjects: tuple[Subject, ...]
    lease: str = ""
    scheme: str = "http"
    probe: Probe = Probe.ONVIF
    credential: Credential | None = None
    worked: bool = False
    hold_until: datetime | None = None
    hold_cause: str = ""
    basic_in_clear: bool = False
    loopback: bool = False
    deadline_s: float = 10.0
    burst: int = 4
    refill_s: float = 5.0
    owed_s: float = 0.0
    clock_limit_s: float = 60.0
    ports: tuple[int, ...] = ()
    parent: int = 0


@dataclass(frozen=True, slots=True)
class Canary:
    """What always answers in a zone: it tells "they are down" from "we are blind"."""

    host: str
    port: int
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A batch of visits under one lease, and the zone's canaries, to be dialled first and last.

    `sent_at` is the platform's time; so many seconds later nobody waits for the visits any more.
    """

    targets: tuple[Target, ...] = ()
    lease: str = ""
    sent_at: datetime | None = None
    canaries: tuple[Canary, ...] = ()
    good_for_s: int = LONGEST_WAIT_S


@dataclass(frozen=True, slots=True)
class Request:
    """One request that a visit made, for a person who watches: never with a secret in it."""

    what: str
    address: str
    took_ms: float
    outcome: str


@dataclass(frozen=True, slots=True)
class PictureNote:
    """A picture that a visit took: what was seen, and under which broker key its sealed bytes wait for `record`.

    `learned` is the camera's model with this picture learned, if it was, and `basis` the SHA-256 of the model before
    (empty where there was none).
    """

    label: str
    score: float
    checkable: bool
    phase: str
    width: int
    height: int
    size: int
    sha256: str
    covered_share: float = 0.0
    blocks: tuple[int, ...] = ()
    shift: tuple[float, float] | None = None
    reason: str = ""
    trail: bytes = b""
    key: str = ""
    learned: bytes = b""
    basis: bytes = b""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one visit learned about one device.

    `passport` holds only what changed, `facts` only what was asked for. `credential` is "" (not used), "worked" or
    "refused"; `hold_s` how long credentials must now rest on this endpoint, `owed_s` in how many seconds its token
    bucket is full again.
    """

    device_id: int
    endpoint_id: int
    at: datetime
    took_ms: float
    findings: Mapping[Aspect, Finding]
    lease: str = ""
    passport: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    picture: PictureNote | None = None
    credential: str = ""
    hold_s: int = 0
    owed_s: float = 0.0
    requests: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """How a batch went, told with its last readings.

    `canary` is "none" (the zone has none), "seen" or "lost"; `lag_s` how late the event loop ran at its worst,
    `clock_offset_s` how far the collector's clock is ahead of the broker's, None where that could not be told.
    """

    lease: str
    collector: str = ""
    took_s: float = 0.0
    cpu_s: float = 0.0
    lag_s: float = 0.0
    canary: str = "none"
    clock_offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """Readings on their way back; the last of a batch carry its report."""

    readings: tuple[Reading, ...] = ()
    report: Report | None = None


class Refused(Exception):
    """A sealed message that cannot be opened: forged, for another zone, or too old."""


def seal(message: Order | Results, keys: MultiFernet, now_s: int | None = None) -> str:
    """Encrypt a message with the zone's key for its way over the broker.

    `now_s`, seconds since 1970, dates it where the machine's clock may be wrong.
    """
    return keys.encrypt_at_time(_packed(message), int(time.time()) if now_s is None else now_s).decode()


def open_order(token: str | bytes, keys: MultiFernet, max_age_s: int, now_s: int | None = None) -> Order:
    """An order out of a sealed message; `Refused` when it is forged or older than `max_age_s` seconds at `now_s`."""
    data, blobs = _opened(token, keys, max_age_s, orjson.loads, now_s)
    parts: dict[str, Any] = {
        "targets": tuple(_target(item, blobs) for item in data["targets"]),
        "sent_at": _when(data["sent_at"]),
        "canaries": tuple(Canary(**item) for item in data["canaries"]),
    }
    return Order(**{**data, **parts})


def open_results(token: str, keys: MultiFernet, max_age_s: int) -> Results:
    """Readings out of a sealed message; `Refused` when it is forged or older than `max_age_s` seconds."""
    data, blobs = _opened(token, keys, max_age_s, load_clean)
    report = data["report"]
    return Results(tuple(_reading(item, blobs) for item in data["readings"]), Report(**report) if report else None)


def _packed(message: Order | Results) -> bytes:
    """A message as JSON and, behind it, the bytes that it names by number: in JSON they would be text, a third longer.

    The length of the JSON and the number of blobs, the length of each, the JSON, the blobs; lengths of 4 bytes.
    """
    blobs: list[bytes] = []

    def leaf(value: Any) -> Any:
        if isinstance(value, bytes):
            blobs.append(value)
            return len(blobs) - 1
        return _plain_leaf(value)

    try:
        text = orjson.dumps(message, default=leaf, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:  # half a character: as text, then, and mended
        text, blobs = dump(message), []
    sizes = struct.pack(f">{len(blobs) + 2}I", len(text), len(blobs), *map(len, blobs))
    return b"".join((sizes, text, *blobs))


def _unpacked(data: bytes, load: Callable[[bytes], Any]) -> tuple[dict[str, Any], list[bytes]]:
    """The two parts of a packed message; `ValueError` where it is none."""
    try:
        length, count = struct.unpack_from(">2I", data)
        sizes = struct.unpack_from(f">{count}I", data, 8)
    except struct.error as error:
        raise ValueError("too short") from error
    start = 8 + 4 * count + length
    blobs = []
    for size in sizes:
        blobs.append(data[start : start + size])
        start += size
    return load(data[8 + 4 * count : 8 + 4 * count + length]), blobs


def dump(value: Any) -> bytes:
    """Any of our dataclasses as JSON; bytes as base64, times as ISO 8601.

    What a device said may hold half a character (a lone surrogate), which is no text: it is replaced.
    """
    try:
        return orjson.dumps(value, default=_plain_leaf, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        return orjson.dumps(_clean(plain(value)))


def finding_from(data: Mapping[str, Any]) -> Finding:
    """A finding out of its plain form."""
    return Finding(Verdict(data["verdict"]), data.get("cause", ""), data.get("detail", {}))


def load_clean(data: bytes) -> Any:
    """JSON out of a probe, without the NUL that a device may put into a text and no database takes."""
    loaded = orjson.loads(data)
    return _clean(loaded) if rb"\u0000" in data else loaded


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _opened(
    token: str | bytes, keys: MultiFernet, max_age_s: int, load: Callable[[bytes], Any], now_s: int | None = None
) -> tuple[dict[str, Any], list[bytes]]:
    at = int(time.time()) if now_s is None else now_s
    try:
        return _unpacked(keys.decrypt_at_time(token, max_age_s, at), load)
    except (InvalidToken, ValueError) as error:
        raise Refused("sealed with another key, damaged, or expired") from error


def _plain_leaf(value: Any) -> Any:
    """What orjson has no form for."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def plain(value: Any) -> Any:
    """Any of our dataclasses as plain JSON values; bytes as base64, times as ISO 8601."""
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _blob(said: int | str, blobs: Sequence[bytes]) -> bytes:
    """The bytes that a message names, or holds as text."""
    return blobs[said] if isinstance(said, int) else base64.b64decode(said)


def _subject(data: dict[str, Any], blobs: Sequence[bytes]) -> Subject:
    tiers = frozenset(Tier(tier) for tier in data["tiers"])
    model, trail = _blob(data["model"], blobs), _blob(data["trail"], blobs)
    return Subject(**{**data, "model": model, "trail": trail, "tiers": tiers})


def _target(data: dict[str, Any], blobs: Sequence[bytes]) -> Target:
    parts: dict[str, Any] = {
        "subjects": tuple(_subject(item, blobs) for item in data["subjects"]),
        "probe": Probe(data["probe"]),
        "credential": Credential(**data["credential"]) if data["credential"] else None,
        "hold_until": _when(data["hold_until"]),
        "ports": tuple(data["ports"]),
    }
    return Target(**{**data, **parts})


def _picture(data: dict[str, Any] | None, blobs: Sequence[bytes]) -> PictureNote | None:
    if data is None:
        return None
    if not _SHA256.fullmatch(data["sha256"]):  # it becomes part of a file's name
        raise Refused("a picture without its hash")
    parts: dict[str, Any] = {
        "blocks": tuple(data["blocks"]),
        "shift": tuple(data["shift"]) if data["shift"] else None,
        "trail": _blob(data["trail"], blobs),
        "learned": _blob(data["learned"], blobs),
        "basis": _blob(data["basis"], blobs),
    }
    return PictureNote(**{**data, **parts})


def _reading(data: dict[str, Any], blobs: Sequence[bytes]) -> Reading:
    parts: dict[str, Any] = {
        "at": datetime.fromisoformat(data["at"]),
        "findings": {Aspect(name): finding_from(item) for name, item in data["findings"].items()},
        "picture": _picture(data["picture"], blobs),
        "requests": tuple(Request(**item) for item in data["requests"]),
    }
    return Reading(**{**data, **parts})
