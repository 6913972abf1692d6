"""Reads from SOAP replies what a device says of itself: network, time source, users, streams, labels, recordings.

Tolerant as `reply` is: by local name, in any order, from Media1 and Media2. A reader gives None where the reply is
about something else, and an empty fact where the device says nothing. Texts, numbers and lists are cut.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

from lxml import etree

from monitor.probes.fitting import MAX_ITEMS, MAX_PATH, MAX_TEXT
from monitor.probes.reply import Fault, Reply, find, find_all, local, outermost, path_of, text

Fact = dict[str, Any]
Read = Callable[[Reply], Fact | None]

# Elements of a reply that are looked at: a recorder of 256 channels has two or three profiles each.
MAX_READ: Final = 1024
# Recordings dated before ONVIF was are those of a clock that was never set.
FIRST_YEAR: Final = 2008
_NUMBER: Final = re.compile(r"\+?([0-9]{1,9})(\.[0-9]{1,9})?")
_MAC: Final = re.compile(r"[0-9a-f]{12}")
_WHEN: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
_ABSENT_CODE: Final = re.compile(r"NotSupported|NotImplemented|NoSuchService")
_ABSENT_TEXT: Final = re.compile(
    r"(?i)(?:not|no) (?:be )?(?:supported|implemented|recogni[sz]ed)|unsupported|(?:does|do)(?: not|n't) support"
    r"|(?:unknown|no such|unrecogni[sz]ed) (?:action|method|operation)"
)
_SCOPE: Final = re.compile(r"(?i)onvif://[^/\s]*/(name|location)/(\S+)")


def said(element: etree._Element | None, *names: str) -> str:
    """The text of a descendant on one line, cut short; "" where it is absent."""
    return " ".join(text(element, *names).split())[:MAX_TEXT]


def number(words: str) -> int | float | None:
    """A count or a rate, None where it is none or beyond all measure; 25.0 is 25."""
    found = _NUMBER.fullmatch(words)
    if found is None:
        return None
    value = round(float(words), 2)
    return int(value) if value == int(value) else value


def is_not_offered(fault: Fault) -> bool:
    """Whether a fault says that the device has nothing of the kind, and not that it failed."""
    return any(_ABSENT_CODE.search(code) for code in fault.codes) or bool(_ABSENT_TEXT.search(fault.text))


def truth(words: str) -> bool:
    """A boolean of XML."""
    return words.lower() in {"true", "1"}


def _answer(reply: Reply, operation: str) -> etree._Element | None:
    """The response to an operation; devices differ in how they write its name."""
    wanted = f"{operation}Response".lower()
    return next((one for one in reply.body.iter() if local(one).lower() == wanted), None)


def _all(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return islice(find_all(element, name), MAX_READ)


def _attribute(element: etree._Element, name: str) -> str:
    """An attribute; a token longer than texts may be is none (ONVIF allows 64 characters)."""
    found = (str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name)
    value = next(found, "").strip()
    return value if len(value) <= MAX_TEXT else ""


def _first(values: Iterable[str]) -> list[str]:
    """The first of them, each once, without the empty ones."""
    return list(islice(dict.fromkeys(value for value in values if value), MAX_ITEMS))


# -- the device


def hostname(reply: Reply) -> Fact | None:
    """Its name in the network."""
    answer = _answer(reply, "GetHostname")
    if answer is None:
        return None
    return {"name": said(answer, "Name"), "dhcp": truth(text(answer, "FromDHCP"))}


def scopes(reply: Reply) -> Fact | None:
    """Name and places out of its scopes; some devices put all scopes into one element."""
    answer = _answer(reply, "GetScopes")
    if answer is None:
        return None
    lines = " ".join(text(one) for one in _all(answer, "ScopeItem"))
    found = [(kind.lower(), " ".join(unquote(value).split())[:MAX_TEXT]) for kind, value in _SCOPE.findall(lines)]
    names = _first(value for kind, value in found if kind == "name")
    return {"name": names[0] if names else "", "places": _first(value for kind, value in found if kind == "location")}


def network(reply: Reply) -> Fact | None:
    """Its interfaces: hardware address, addresses with their prefix, and whether DHCP gives them."""
    answer = _answer(reply, "GetNetworkInterfaces")
    if answer is None:
        return None
    return {"interfaces": [_interface(one) for one in islice(outermost(answer, "NetworkInterfaces"), MAX_ITEMS)]}


def _interface(element: etree._Element) -> Fact:
    return {
        "name": said(element, "Info", "Name") or _attribute(element, "token"),
        "mac": mac(text(element, "HwAddress")),
        "addresses": _first(_address(one) for one in element.iter() if _has_prefix(one)),
        "dhcp": any(truth(text(one)) for one in _all(element, "DHCP")),
    }


def _has_prefix(element: etree._Element) -> bool:
    names = {local(child) for child in element}
    return "Address" in names and "PrefixLength" in names


def _address(element: etree._Element) -> str:
    """An address with its prefix; "" for what is none, and for those that every interface has."""
    try:
        address = ipaddress.ip_interface(f"{text(element, 'Address')}/{text(element, 'PrefixLength')}")
    except ValueError:
        return ""
    usual = address.is_loopback or address.is_link_local or address.is_unspecified
    return "" if usual else str(address)


def mac(words: str) -> str:
    """A hardware address as six pairs with colons, however it is written; "" where it is none."""
    digits = re.sub(r"[\s:.-]", "", words.lower())
    return ":".join(re.findall("..", digits)) if _MAC.fullmatch(digits) and int(digits, 16) else ""


def ntp(reply: Reply) -> Fact | None:
    """Where it takes the time from; the servers that are in force."""
    answer = _answer(reply, "GetNTP")
    if answer is None:
        return None
    dhcp = truth(text(answer, "FromDHCP"))
    servers = _first(_server(one) for one in _all(answer, "NTPFromDHCP" if dhcp else "NTPManual"))
    return {"servers": servers, "dhcp": dhcp}


def _server(element: etree._Element) -> str:
    return next(filter(None, (said(element, name) for name in ("DNSname", "IPv4Address", "IPv6Address"))), "")


def users(reply: Reply) -> Fact | None:
    """How many users it has. Who they are and what they may is not ours to keep."""
    answer = _answer(reply, "GetUsers")
    return None if answer is None else {"count": sum(1 for _ in _all(answer, "User"))}


def service_path(reply: Reply, name: str, default: str = "") -> str:
    """Path of a service out of GetServices or GetCapabilities, such as recording or search; "" where it has none.

    `default` is where a service is whose address has no path.
    """
    addresses = [
        text(one, "XAddr")
        for one in _all(reply.body, "Service")
        if re.search(rf"(?i)/ver\d+/{name}/wsdl/?$", text(one, "Namespace"))
    ]
    addresses += [text(one, "XAddr") for one in _all(reply.body, name.capitalize())]
    path = next((path_of(address, default) for address in addresses if address), "")
    return path if len(path) <= MAX_PATH else ""


# -- streams and labels


@dataclass(frozen=True, slots=True)
class Stream:
    """A media profile: which source it shows, through which configuration of it, and how it is encoded."""

    token: str
    source: str = ""
    configuration: str = ""
    encoder: Fact = field(default_factory=dict)

    @property
    def shows(self) -> str:
        """The source, or the profile itself where the device names none."""
        return self.source or self.token


def streams(reply: Reply) -> list[Stream] | None:
    """The media profiles in the device's order."""
    answer = _answer(reply, "GetProfiles")
    return None if answer is None else [_stream(one) for one in _all(answer, "Profiles") if _attribute(one, "token")]


def _stream(element: etree._Element) -> Stream:
    source = _either(element, "VideoSourceConfiguration", "VideoSource")
    encoder = _either(element, "VideoEncoderConfiguration", "VideoEncoder")
    name = next((said(child) for child in element if local(child) == "Name"), "")
    return Stream(
        token=_attribute(element, "token"),
        source=text(source, "SourceToken"),
        configuration=_attribute(source, "token") if source is not None else "",
        encoder={} if encoder is None else {"name": name} | _encoder(encoder),
    )


def _either(element: etree._Element, *names: str) -> etree._Element | None:
    return next((one for name in names if (one := find(element, name)) is not None), None)


def encoders(reply: Reply) -> Fact | None:
    """The encoder settings of a device whose profiles do not tell them."""
    answer = _answer(reply, "GetVideoEncoderConfigurations")
    if answer is None:
        return None
    found = ({"name": said(one, "Name")} | _encoder(one) for one in _all(answer, "Configurations") if len(one))
    return {"streams": list(islice(found, MAX_ITEMS))}


def _encoder(element: etree._Element) -> Fact:
    """Codec, size, frames a second, kbit/s, length of a group of pictures; what is not told is left out."""
    told: Fact = {
        "codec": said(element, "Encoding")[:MAX_ITEMS],
        "width": number(text(element, "Resolution", "Width")),
        "height": number(text(element, "Resolution", "Height")),
        "fps": number(text(element, "FrameRateLimit")),
        "kbps": number(text(element, "BitrateLimit")),
        "gop": number(text(element, "GovLength") or _attribute(element, "GovLength")),
    }
    return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Label:
    """A text in the picture; `configuration` is that of the video source it lies on."""

    configuration: str
    text: str
    time: bool


def labels(reply: Reply) -> list[Label] | None:
    """What the device writes into its pictures (OSD)."""
    answer = _answer(reply, "GetOSDs")
    return None if answer is None else [_label(one) for one in _all(answer, "OSDs") if len(one)]


def _label(element: etree._Element) -> Label:
    words = find(element, "TextString")
    kind = text(words, "Type") if words is not None else ""
    shown = said(words, "PlainText") if words is not None else ""
    return Label(text(element, "VideoSourceConfigurationToken"), shown, "time" in kind.lower())


def osd(shown: Iterable[Label]) -> Fact:
    """The texts of some labels, and whether the time is among them."""
    found = list(shown)
    return {"texts": _first(one.text for one in found), "time": any(one.time for one in found)}


def audio_outputs(reply: Reply) -> Fact | None:
    """How many loudspeakers can be connected; Media2 tells only their configurations."""
    for operation, name in (("GetAudioOutputs", "AudioOutputs"), ("GetAudioOutputConfigurations", "Configurations")):
        answer = _answer(reply, operation)
        if answer is not None:
            return {"count": sum(1 for _ in _all(answer, name))}
    return None


# -- recordings


def recordings(reply: Reply) -> Fact | None:
    """What is recorded: from when, until when, how many; from a summary or from the list."""
    summary = _answer(reply, "GetRecordingSummary")
    if summary is not None:
        told = {
            "oldest": when(text(summary, "DataFrom")),
            "newest": when(text(summary, "DataUntil")),
            "count": number(text(summary, "NumberRecordings")),
        }
        return {name: value for name, value in told.items() if value not in ("", None)}
    answer = _answer(reply, "GetRecordings")
    return None if answer is None else {"count": sum(1 for _ in _all(answer, "RecordingItem"))}


def when(words: str) -> str:
    """An instant as ISO 8601 in UTC, without a zone where the device names none; "" where it is none."""
    found = _WHEN.fullmatch(words)
    if found is None:
        return ""
    try:
        at = datetime.fromisoformat(found[1] + (found[2] or "").replace("Z", "+00:00"))
        at = at if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return at.isoformat() if at.year >= FIRST_YEAR else ""
