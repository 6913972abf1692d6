"""Reads the SOAP replies of devices, tolerantly, by local name: prefixes, namespaces and order are not trusted.

No DTD, no entities, no network, no huge trees; recovers from malformed XML. A Fault is decided before the HTTP status.
Every search runs within libxml2 and is linear in the reply, so that none holds the loop.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final, cast
from urllib.parse import quote, urlsplit

from lxml import etree

from monitor.probes.fitting import BUDGETS, MAX_TEXT, fit

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
# "802.1X authentication is not supported" asks for no login.
_NOT_SUPPORTED: Final = "ActionNotSupported"
_UNAUTHORISED_TEXT: Final = re.compile(
    r"(?i)authori[sz](?:ed|ation)|authority failure|authenticat|wsse:security|security (?:token|header)"
    r"|(?:wrong|invalid|incorrect|bad) (?:user|pass)|(?:access|permission) denied|log[io]n (?:fail|required)"
)
_SAFE_PATH: Final = "/%:@!$&'()*+,;=-._~?[]|"
_MAX_TEXT = 512
# The largest recorded reply has 2,407 tags, 1,240 attributes, 12 levels; 40 profiles of a recorder fill SOAP_CAP.
MAX_TAGS: Final = 20_000
MAX_ATTRIBUTES: Final = 20_000
MAX_DEPTH: Final = 64
MAX_WORDS: Final = 8
MAX_PROFILES: Final = 512
# ONVIF's ReferenceToken has 64 characters at most (onvif.xsd).
MAX_TOKEN: Final = 64
# Character sets that cameras were seen to declare; others (UTF-7, EBCDIC) hide what is said: read as UTF-8.
_ENCODINGS: Final = re.compile(
    rb"(?i)utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|iso-8859-\d{1,2}|latin-?1|windows-125\d|gb2312|gbk|gb18030|big5"
    rb"|euc-(?:kr|jp|cn)|shift_jis|koi8-r"
)
_DECLARED: Final = re.compile(rb"<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}[\"']([^\"'>]{0,40})")
_TOO_DEEP: Final = etree.XPath("boolean(/*" + "/*" * MAX_DEPTH + ")")
# Damaged bytes that the parser would leave out in silence, so that "2<DC2>026" became a year: they are shown instead.
_CONTROLS: Final = bytes({*range(32)} - set(b"\t\n\r"))
_NO_CONTROLS: Final = bytes.maketrans(_CONTROLS, b"?" * len(_CONTROLS))
_WIDE_MARKS: Final = frozenset({b"\xff\xfe", b"\xfe\xff"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
# An undeclared prefix stays part of the name.
_PREFIXED: Final = etree.XPath("//*[not(namespace-uri()) and contains(local-name(), ':')]")
LEAP: Final = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault: its code and subcodes without prefixes, and its words."""

    codes: tuple[str, ...]
    text: str

    @property
    def unauthorised(self) -> bool:
        """Whether the device asks for (another) login."""
        if not _UNAUTHORISED.isdisjoint(self.codes):
            return True
        return _NOT_SUPPORTED not in self.codes and bool(_UNAUTHORISED_TEXT.search(self.text))


@dataclass(frozen=True, slots=True)
class Reply:
    """A SOAP envelope: what is in its body, or its fault."""

    body: etree._Element
    fault: Fault | None = None

    def answers(self, operation: str) -> bool:
        """Whether this is the reply to an operation: every ONVIF reply is named after its request."""
        return find(self.body, operation + "Response") is not None


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
    """The name of an element without namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def find_all(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Every descendant with this local name."""
    return element.iter("{*}" + name)


def outermost(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The descendants with this local name that are in no other such: each is searched once, however nested."""
    tag = "{*}" + name
    return (one for one in element.iter(tag) if next(one.iterancestors(tag), None) is None)


def find(element: etree._Element, *names: str) -> etree._Element | None:
    """The first descendant by a path of local names."""
    found: etree._Element | None = element
    for name in names:
        if found is None:
            return None
        found = next(found.iterdescendants("{*}" + name), None)
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
    if root is None or root.getroottree().docinfo.internalDTD is not None or _TOO_DEEP(root):
        return None
    _drop_prefixes(root)
    return root


def _drop_prefixes(root: etree._Element) -> None:
    """Take prefixes that nobody declared off the names (QUIRKS 14)."""
    for element in cast(Iterable[etree._Element], _PREFIXED(root)):
        name = local(element).rpartition(":")[2]
        if _NAME.fullmatch(name):
            element.tag = name


def _fault(body: etree._Element) -> Fault | None:
    element = next(find_all(body, "Fault"), None)
    if element is None:
        return None
    codes = _texts(element, "Value", "faultcode")
    words = _texts(element, "Text", "faultstring", "Reason")
    return Fault(
        tuple(code.rpartition(":")[2] for code in codes if code), " ".join(word for word in words if word)[:_MAX_TEXT]
    )


def _texts(element: etree._Element, *names: str) -> list[str]:
    return [text(one) for name in names for one in islice(find_all(element, name), MAX_WORDS)]


def _is_wide(data: bytes) -> bool:
    """Whether these are characters of two bytes (or four), NULs among them by right."""
    return data[:2] in _WIDE_MARKS or b"\0" in data[:4]


def is_monstrous(data: bytes) -> bool:
    """Whether this is more of a document than any device has to send: told before it is parsed."""
    return data.count(b"<") > MAX_TAGS or data.count(b"=") > MAX_ATTRIBUTES


def read(data: bytes) -> Reply | None:
    """The envelope in these bytes, None where there is none; a wrong encoding is replaced and read once more."""
    data = data.lstrip(_JUNK)
    if not _is_wide(data):
        data = data.translate(_NO_CONTROLS)
    if is_monstrous(data):
        return None
    declared = _DECLARED.match(data)
    known = declared is None or _ENCODINGS.fullmatch(declared[1])
    found = _read(data, _parsers.as_declared if known else _parsers.as_utf8)
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
    said = [text(element, name) for name in _MOMENT]
    if not all(map(_NUMBER.fullmatch, said)):
        return None, ""
    year, month, day, hour, minute, second = map(int, said)
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
    facts = {key: text(element, name)[:MAX_TEXT] for key, name in _INFORMATION.items()}
    facts = fit(facts, BUDGETS["identity"])
    return facts if any(facts.values()) else None


def media_address(reply: Reply) -> tuple[str, bool] | None:
    """Address of the media service from GetServices or GetCapabilities, and whether it is Media2 only."""
    services = {text(one, "Namespace"): text(one, "XAddr") for one in outermost(reply.body, "Service")}
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
    for element in islice(outermost(reply.body, "Profiles"), MAX_PROFILES):
        token = _token(element)
        if token:
            source = find(element, "VideoSourceConfiguration")
            if source is None:
                source = find(element, "VideoSource")
            found.append(Profile(token, text(source, "SourceToken") if source is not None else ""))
    return found


def _token(element: etree._Element) -> str:
    """The token of an element, "" where it has none or none that a device could mean."""
    found = (str(value) for name, value in element.attrib.items() if str(name).rpartition("}")[2] == "token")
    token = next(found, "")
    return token if len(token) <= MAX_TOKEN else ""


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
