"""Reads the SOAP replies of devices, tolerantly, by local name: prefixes, namespaces and order are not trusted.

No DTD, no entities, no network, no huge trees; recovers from malformed XML. A Fault is decided before the HTTP status.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

from lxml import etree

# Bytes that some devices put around their XML (QUIRKS 12).
_JUNK: Final = b"\x00 \t\r\n\xef\xbb\xbf"
_UNAUTHORISED: Final = frozenset(
    {
        "NotAuthorized",
        "FailedAuthentication",
        "InvalidSecurity",
        "InvalidSecurityToken",
        "MessageExpired",
        "FailedCheck",
    }
)
_UNAUTHORISED_TEXT: Final = re.compile(
    r"(?i)not\s*authori[sz]ed|unauthori[sz]ed|authori[sz]ation|authentication"
    r"|(?:wrong|invalid|incorrect|bad) (?:user|pass)"
)
_SAFE_PATH: Final = "/%:@!$&'()*+,;=-._~?[]|"
_MAX_TEXT = 512
LEAP: Final = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault: its code and subcodes without prefixes, and its words."""

    codes: tuple[str, ...]
    text: str

    @property
    def unauthorised(self) -> bool:
        """Whether the device asks for (another) login."""
        return not _UNAUTHORISED.isdisjoint(self.codes) or bool(_UNAUTHORISED_TEXT.search(self.text))


@dataclass(frozen=True, slots=True)
class Reply:
    """A SOAP envelope: what is in its body, or its fault."""

    body: etree._Element
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class DeviceTime:
    """The clock fields of a device as sent; None where absent or no date at all. `raw` shows what was sent."""

    utc: datetime | None
    local: datetime | None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A media profile and the video source it shows."""

    token: str
    source: str


class _Parsers(threading.local):
    """One parser a thread: a parser is no cheap thing, and not to be shared."""

    def __init__(self) -> None:
        self.as_declared = _parser(None)
        self.as_utf8 = _parser("utf-8")


def _parser(encoding: str | None) -> etree.XMLParser:
    return etree.XMLParser(
        encoding=encoding,
        recover=True,
        no_network=True,
        resolve_entities=False,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


_parsers = _Parsers()


def local(element: etree._Element) -> str:
    """The name of an element without namespace, and without a prefix that nobody declared."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2] if isinstance(tag, str) else ""


def find_all(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Every descendant with this local name."""
    return (child for child in element.iter() if local(child) == name)


def find(element: etree._Element, *names: str) -> etree._Element | None:
    """The first descendant by a path of local names."""
    found: etree._Element | None = element
    for name in names:
        if found is None:
            return None
        within = found
        found = next((one for one in within.iterdescendants() if local(one) == name), None)
    return found


def text(element: etree._Element | None, *names: str) -> str:
    """The text of a descendant, "" where it is absent."""
    found = element if element is None or not names else find(element, *names)
    return "" if found is None else (found.text or "").strip()[:_MAX_TEXT]


def _tree(data: bytes, parser: etree.XMLParser) -> etree._Element | None:
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        return None
    return root


def _fault(body: etree._Element) -> Fault | None:
    element = next((one for one in body.iter() if local(one) == "Fault"), None)
    if element is None:
        return None
    codes = [text(one) for name in ("Value", "faultcode") for one in find_all(element, name)]
    words = [text(one) for name in ("Text", "faultstring", "Reason") for one in find_all(element, name)]
    return Fault(
        tuple(code.rpartition(":")[2] for code in codes if code), " ".join(word for word in words if word)[:_MAX_TEXT]
    )


def read(data: bytes) -> Reply | None:
    """The envelope in these bytes, None where there is none; a wrong encoding is replaced and read once more."""
    data = data.lstrip(_JUNK)
    found = _read(data, _parsers.as_declared)
    if found is None or len(found.body) == 0:
        found = _read(data.decode("utf-8", "replace").encode(), _parsers.as_utf8) or found
    return found


def _read(data: bytes, parser: etree.XMLParser) -> Reply | None:
    root = _tree(data, parser)
    if root is None or local(root) != "Envelope":
        return None
    body = find(root, "Body")
    return None if body is None else Reply(body, _fault(body))


# -- what the replies say


_MOMENT: Final = ("Year", "Month", "Day", "Hour", "Minute", "Second")
_NUMBER: Final = re.compile(r"-?[0-9]{1,5}")


def _moment(element: etree._Element | None) -> tuple[datetime | None, str]:
    if element is None:
        return None, ""
    said = {local(one): (one.text or "").strip() for one in element.iter()}
    if not all(_NUMBER.fullmatch(said.get(name, "")) for name in _MOMENT):
        return None, ""
    year, month, day, hour, minute, second = (int(said[name]) for name in _MOMENT)
    raw = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    try:  # a leap second is the last second of its minute
        return datetime(year, month, day, hour, minute, second - (second == LEAP), tzinfo=UTC), raw
    except ValueError:
        return None, raw


def date_time(reply: Reply) -> DeviceTime | None:
    """The clock of a GetSystemDateAndTime reply; `local` is marked UTC but is the device's wall clock."""
    utc, utc_raw = _moment(find(reply.body, "UTCDateTime"))
    wall, wall_raw = _moment(find(reply.body, "LocalDateTime"))
    raw = utc_raw or wall_raw
    return DeviceTime(utc, wall, raw) if raw else None


_INFORMATION: Final = {
    "manufacturer": "Manufacturer",
    "model": "Model",
    "firmware": "FirmwareVersion",
    "serial": "SerialNumber",
}


def information(reply: Reply) -> dict[str, str] | None:
    """Manufacturer, model, firmware and serial; None where the reply is about something else."""
    element = find(reply.body, "GetDeviceInformationResponse")
    if element is None:
        return None
    facts = {key: text(element, name) for key, name in _INFORMATION.items()}
    return facts if any(facts.values()) else None


def media_address(reply: Reply) -> tuple[str, bool] | None:
    """Address of the media service from GetServices or GetCapabilities, and whether it is Media2 only."""
    services = {text(one, "Namespace"): text(one, "XAddr") for one in find_all(reply.body, "Service")}
    for version, media2 in (("ver10/media/wsdl", False), ("ver20/media/wsdl", True)):
        for name, address in services.items():
            if name.endswith(version) and address:
                return address, media2
    capabilities = find(reply.body, "Media")
    address = text(capabilities, "XAddr") if capabilities is not None else ""
    return (address, False) if address else None


def profiles(reply: Reply) -> list[Profile]:
    """The media profiles in the device's order, with the video source of each."""
    found = []
    for element in find_all(reply.body, "Profiles"):
        token = _token(element)
        if token:
            source = find(element, "VideoSourceConfiguration")
            if source is None:
                source = find(element, "VideoSource")
            found.append(Profile(token, text(source, "SourceToken") if source is not None else ""))
    return found


def _token(element: etree._Element) -> str:
    return next((str(value) for name, value in element.attrib.items() if str(name).rpartition("}")[2] == "token"), "")


def snapshot_uri(reply: Reply) -> str:
    """The snapshot address of Media1 (MediaUri/Uri) or Media2 (Uri), "" where none is offered."""
    return text(reply.body, "Uri") or text(reply.body, "MediaUri")


def path_of(address: str, default: str = "") -> str:
    """Path and query of an address that a device gave us: host and port are never believed (QUIRKS 8)."""
    said = address.strip()
    try:
        parts = urlsplit(said if "//" in said or said.startswith("/") else "//" + said)
    except ValueError:
        return default
    if not parts.path and not parts.query:
        return default
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path = quote(path if path.startswith("/") else "/" + path, safe=_SAFE_PATH)
    return path if path != "/" else default or path
