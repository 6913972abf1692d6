"""The one vocabulary of faults: what can be wrong with a virtual device, and which values each fault takes.

The demo, the tests, the benches and the city all speak these names. Faults compose: a camera may be covered, drip
and have a wrong clock at once. A fault that is absent (or set to false, null or its neutral value) is no fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

FaultValue = bool | int | float | str
Faults = Mapping[str, FaultValue]


class Scope(StrEnum):
    """What a fault touches; a channel of a recorder can only have faults of its picture and its snapshot."""

    NETWORK = "network"
    HTTP = "http"
    LOGIN = "login"
    CLOCK = "clock"
    ONVIF = "onvif"
    SNAPSHOT = "snapshot"
    PICTURE = "picture"


class FieldError(ValueError):
    """A value that makes no sense; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class FaultError(FieldError):
    """A fault that the vocabulary does not know, or a value that it does not take; `field` names the fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One named fault: its scope, what it means, and the values it takes.

    `kind` is the type of its value. `low` and `high` bound a number (both inclusive), `choices` a text (none: any
    text). `default` is what plain true stands for.
    """

    scope: Scope
    doc: str
    kind: type[bool] | type[int] | type[float] | type[str] = bool
    low: float = 0.0
    high: float = 1.0
    choices: tuple[str, ...] = ()
    default: FaultValue = True


_NET, _HTTP, _LOGIN, _CLOCK = Scope.NETWORK, Scope.HTTP, Scope.LOGIN, Scope.CLOCK
_ONVIF, _SNAP, _PIC = Scope.ONVIF, Scope.SNAPSHOT, Scope.PICTURE

DAY_S = 86_400.0
YEARS_100_S = 100 * 366 * DAY_S
FOREIGN_HOST = "192.168.1.64"  # the factory address of a widespread make: what a device behind NAT claims to be
LOCK_S = 1_800  # half an hour, as Hikvision locks (QUIRKS 4)

FAULTS: Mapping[str, Fault] = {
    # -- network
    "off": Fault(_NET, "The port is closed: a connection is refused. On a switch: all that hang on it as well."),
    "silent": Fault(_NET, "Connections are accepted and nothing is ever answered."),
    "deaf": Fault(_NET, "The backlog is full: a connection is neither accepted nor refused, its SYN gets no answer."),
    "slow_s": Fault(_NET, "Seconds that pass before each answer.", float, 0.0, 3_600.0, default=3.0),
    "drip": Fault(_NET, "Bytes per second at which the body of a snapshot comes.", float, 0.1, 1e9, default=1.0),
    "drip_all": Fault(_NET, "With `drip`: every body drips, not only that of a snapshot."),
    "close_without_saying": Fault(_NET, "A kept connection is closed, unanswered, when its second request comes."),
    # -- http
    "busy": Fault(_HTTP, "Every request is answered 503 Device Busy."),
    "busy_after": Fault(_HTTP, "So many requests within 30 s are too many; see `busy_with`.", int, 1, 1_000, default=7),
    "busy_with": Fault(
        _HTTP,
        "With `busy_after`: how it shows, as HTTP 503 or as a 401 that means no password (QUIRKS 6).",
        str,
        choices=("401", "503"),
        default="401",
    ),
    "redirect": Fault(_HTTP, "Every request is answered 302 to this address.", str, default="https://192.0.2.10/"),
    "garbage": Fault(
        _HTTP,
        "Broken HTTP: NULs before the status line, no status line at all, a header line without "
        "a name, a length larger than the body, chunks that are none.",
        str,
        choices=("nuls", "status", "header", "length", "chunks"),
        default="status",
    ),
    "endless": Fault(_HTTP, "The body of a snapshot never ends."),
    # -- login
    "wrong_password": Fault(_LOGIN, "The device's password is another one than the plan says."),
    "lockout_after": Fault(_LOGIN, "So many refused logins lock the address out.", int, 1, 1_000, default=5),
    "lockout_s": Fault(_LOGIN, "With `lockout_after`: how long the lock lasts.", float, 0.0, DAY_S, default=LOCK_S),
    "stale_each": Fault(_LOGIN, "An HTTP digest nonce is good for one request only."),
    "created_needs_z": Fault(_LOGIN, "Created must end in Z; an offset such as +00:00 is refused."),
    "wsse_tolerance_s": Fault(
        _LOGIN, "How far Created may be from the device's clock.", float, 0.0, YEARS_100_S, default=30.0
    ),
    # -- clock
    "clock_offset_s": Fault(
        _CLOCK,
        "Seconds by which the device's clock is ahead (negative: behind).",
        float,
        -YEARS_100_S,
        YEARS_100_S,
        default=8 * 3_600.0,
    ),
    "clock_local_in_utc": Fault(_CLOCK, "The field for UTC holds local time; the clock itself is right."),
    "clock_dead": Fault(
        _CLOCK, "The clock was reset: it runs from the first of January of this year.", int, 1970, 2015, default=1970
    ),
    "clock_local_only": Fault(_CLOCK, "Only local time is told."),
    "clock_tz": Fault(_CLOCK, "The time zone is this text.", str, default="CST7:00:00DST01:00:00,M3.2.0/02:00:00"),
    "clock_needs_login": Fault(_CLOCK, "The clock is not told without a login."),
    # -- onvif
    "onvif_off": Fault(_ONVIF, "Nothing below /onvif/ exists: 404."),
    "nat_address": Fault(_ONVIF, "Every address that the device tells carries this host.", str, default=FOREIGN_HOST),
    "fault_200": Fault(_ONVIF, "SOAP faults come with HTTP 200."),
    "soap_401": Fault(_ONVIF, "A refused WS-Security login comes as HTTP 401 instead of 400."),
    "service_path": Fault(_ONVIF, "The device service is at this path only.", str, default="/onvif/services"),
    "xaddr_pathless": Fault(_ONVIF, "Addresses of services have no path."),
    "uri_missing": Fault(_ONVIF, "GetSnapshotUri answers without an address."),
    "uri_with_login": Fault(_ONVIF, "The snapshot's address has this login in it.", str, default="admin:secret"),
    "soap_empty": Fault(_ONVIF, "SOAP replies are 200 with nothing in it."),
    "soap_bad_utf8": Fault(_ONVIF, "SOAP replies hold bytes that no UTF-8 has."),
    "soap_undeclared": Fault(_ONVIF, "SOAP replies use a prefix that is declared nowhere."),
    "soap_namespace": Fault(_ONVIF, "SOAP replies have their elements in another namespace."),
    "soap_charset": Fault(
        _ONVIF, "SOAP replies are in this character set.", str, choices=("gb18030", "utf-16"), default="gb18030"
    ),
    "no_snapshot": Fault(_ONVIF, "GetSnapshotUri answers a fault."),
    "onvif_user": Fault(_ONVIF, "ONVIF refuses the login that works elsewhere: it has users of its own."),
    "vendor_snapshot": Fault(
        _ONVIF, "The vendor's own snapshot address answers, too.", str, choices=("isapi", "dahua_cgi"), default="isapi"
    ),
    "page_title": Fault(_HTTP, "What the page at / is called.", str, default="Wireless Router"),
    # -- snapshot
    "html_picture": Fault(_SNAP, "The snapshot address answers a page of HTML."),
    "octet_picture": Fault(_SNAP, "The JPEG calls itself application/octet-stream."),
    "xml_picture": Fault(_SNAP, "The snapshot address answers XML."),
    "empty_picture": Fault(_SNAP, "The snapshot address answers 200 with nothing in it."),
    "truncated_picture": Fault(_SNAP, "Share of the JPEG that is sent.", float, 0.0, 1.0, default=0.5),
    # -- picture
    "covered": Fault(_PIC, "Share of the picture that is covered.", float, default=0.6),
    "covered_from": Fault(
        _PIC,
        "With `covered`: where the cover comes from.",
        str,
        choices=("left", "right", "top", "bottom", "centre"),
        default="bottom",
    ),
    "covered_with": Fault(
        _PIC, "With `covered`: what covers.", str, choices=("hand", "bag", "leaf", "cloth"), default="bag"
    ),
    "turned": Fault(
        _PIC, "Share of the width by which the view is turned (negative: to the left).", float, -0.5, 0.5, default=0.25
    ),
    "blurred": Fault(_PIC, "Radius of the blur as a share of the width.", float, 0.0, 0.1, default=0.01),
    "frozen": Fault(_PIC, "The same picture for ever, byte by byte."),
    "frozen_clock_runs": Fault(_PIC, "With `frozen`: the clock in the picture runs on."),
    "black": Fault(_PIC, "A black picture."),
    "white": Fault(_PIC, "A burnt-out picture."),
    "dark": Fault(_PIC, "Share of the light that is missing.", float, default=0.93),
    "noise": Fault(_PIC, "Strength of snow in the picture.", float, default=0.6),
    "stripes": Fault(_PIC, "Strength of stripes across the picture.", float, default=0.6),
    "cast": Fault(_PIC, "Strength of a colour cast.", float, default=0.7),
    "fog": Fault(_PIC, "Share of the contrast that fog takes.", float, default=0.85),
}

CHANNEL_SCOPES = frozenset({Scope.PICTURE, Scope.SNAPSHOT})


def parse_fault(name: str, value: object) -> FaultValue | None:
    """The typed value of one fault, or None when the value says that the fault is absent.

    Raises `FaultError` for a name the vocabulary lacks and for a value of the wrong type or outside its bounds.
    """
    fault = FAULTS.get(name)
    if fault is None:
        raise FaultError(name, "unknown fault")
    if value is None or value is False:
        return None
    if value is True:
        return fault.default
    if fault.kind is bool:
        raise FaultError(name, "must be true or false")
    if fault.kind is str:
        return _text(name, fault, value)
    return _number(name, fault, value)


def _text(name: str, fault: Fault, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise FaultError(name, "must be a text")
    if fault.choices and value not in fault.choices:
        raise FaultError(name, f"must be one of {', '.join(fault.choices)}")
    return value


def _number(name: str, fault: Fault, value: object) -> float | int:
    if not isinstance(value, int | float):
        raise FaultError(name, "must be a number")
    if not fault.low <= value <= fault.high:
        raise FaultError(name, f"must be between {fault.low:g} and {fault.high:g}")
    if fault.kind is int:
        if value != int(value):
            raise FaultError(name, "must be a whole number")
        return int(value)
    return float(value)


def parse_faults(values: Mapping[str, object], scopes: frozenset[Scope] = frozenset(Scope)) -> dict[str, FaultValue]:
    """The typed faults of a mapping, absent ones left out; raises `FaultError` for the first that cannot be."""
    parsed: dict[str, FaultValue] = {}
    for name, value in values.items():
        typed = parse_fault(name, value)
        if FAULTS[name].scope not in scopes:
            raise FaultError(name, "this device cannot have this fault")
        if typed is not None:
            parsed[name] = typed
    return parsed


def number(faults: Faults, name: str, default: float = 0.0) -> float:
    """The number of a fault, or `default` when it is absent."""
    return float(faults.get(name, default))


def text(faults: Faults, name: str, default: str = "") -> str:
    """The text of a fault, or `default` when it is absent."""
    return str(faults.get(name, default))
