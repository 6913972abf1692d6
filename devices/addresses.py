"""What may be dialled, and how an address is written down without its secrets.

Standard library only: the probes import this module where no Django is. The check runs when a form is filled in and
again at connect, on the resolved address, so that a name that changes its answer in between gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses at which clouds answer with the secrets of the machine that asks: AWS and most others, AWS over IPv6,
# Alibaba Cloud, Oracle Cloud.
METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192")
)
_THIS_NETWORK: Final = ipaddress.ip_network("0.0.0.0/8")
_RESERVED: Final = ipaddress.ip_network("240.0.0.0/4")
_BROADCAST: Final = ipaddress.ip_address("255.255.255.255")
# IPv6 ranges whose last 32 bits are an IPv4 address: NAT64 (RFC 6052), NAT64 of a site's own (RFC 8215),
# IPv4-translated (RFC 2765, section 2.1).
_EMBEDDING: Final = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96"))
_COMPATIBLE: Final = ipaddress.ip_network("::/96")


def gettext_noop(text: str) -> str:
    """Mark a text for translation; the name is the one that message extractors know."""
    return text


_ = gettext_noop

REASONS: Final = {
    "unspecified": _("This address means no host at all."),
    "multicast": _("A multicast address is not one device."),
    "link_local": _("A link-local address is not valid beyond one cable."),
    "metadata": _("This address belongs to the cloud's metadata service."),
    "broadcast": _("A broadcast address is not one device."),
    "reserved": _("This address range is reserved."),
    "loopback": _("This address is the platform itself."),
    "not_loopback": _("A demo device may only be on this machine."),
}

MAX_NAME = 253  # RFC 1035, section 2.3.4
MAX_PORT = 65_535
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC: Final = re.compile(r"\d+|0x[0-9a-f]*")


class AddressRefused(ValueError):
    """This address may not be dialled; `reason` is a key of `REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


class HostInvalid(ValueError):
    """This text is neither an IP address nor a host name; the message says why."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host as typed, in its normal form; `address` is None for a name."""

    text: str
    address: IPAddress | None = None


def _inner(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one carries (mapped, 6to4, NAT64, translated, compatible), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    carried = address.ipv4_mapped or address.sixtofour
    if carried is not None:
        return carried
    embeds = any(address in network for network in _EMBEDDING) or (address in _COMPATIBLE and int(address) > 1)
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if embeds else address


def _is_this_machine(address: IPAddress) -> bool:
    """Loopback itself; a tunnel that merely carries a loopback address leads elsewhere."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _never(address: IPAddress) -> str:
    """Why this address is refused for everybody, "" where it is not."""
    if address.is_unspecified or address in _THIS_NETWORK:
        return "unspecified"
    if address in METADATA:
        return "metadata"
    if address.is_link_local:
        return "link_local"
    if address.is_multicast:
        return "multicast"
    if address == _BROADCAST:
        return "broadcast"
    return "reserved" if address in _RESERVED else ""


def check(address: IPAddress, *, loopback: bool) -> None:
    """Raise `AddressRefused` unless this address may be dialled; private ranges may, cameras live there.

    With `loopback` only the machine itself may be: the demo's exception never reaches a real address, and a real
    device is never the platform.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        # Valid on one link only; and with its scope an address equals none of those refused by name.
        raise AddressRefused("link_local")
    inner = _inner(address)
    reason = _never(inner)
    if reason:
        raise AddressRefused(reason)
    if inner.is_loopback and not loopback:
        raise AddressRefused("loopback")
    if loopback and not _is_this_machine(address):
        raise AddressRefused("not_loopback")


def first_allowed(addresses: Iterable[IPAddress], *, loopback: bool) -> IPAddress:
    """The first of the resolved addresses that may be dialled; raise the last refusal where there is none."""
    refusal = AddressRefused("unspecified")
    for address in addresses:
        try:
            check(address, loopback=loopback)
        except AddressRefused as exc:
            refusal = exc
        else:
            return address
    raise refusal


def _parse_name(text: str) -> str:
    try:
        name = text.encode("idna").decode("ascii") if not text.isascii() else text
    except UnicodeError:
        raise HostInvalid(_("This is not a host name.")) from None
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise HostInvalid(_("This is neither an IP address nor a host name."))
    if _NUMERIC.fullmatch(labels[-1]):
        raise HostInvalid(_("This is not a complete IP address: four numbers from 0 to 255 with dots between them."))
    return name


def parse_host(text: str) -> Host:
    """Read an IPv4 or IPv6 address (brackets allowed) or a host name; raise `HostInvalid` with the reason."""
    bare = text.strip()
    if not bare:
        raise HostInvalid(_("The address is empty."))
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        if ":" in bare:
            raise HostInvalid(_("This is not an IPv6 address; a port is entered apart.")) from None
        return Host(_parse_name(bare))
    return Host(str(address), address)


def check_host(text: str, *, loopback: bool = False) -> str:
    """The normal form of a host that may be entered into the register; a name is checked again when it is dialled."""
    host = parse_host(text)
    if host.address is not None:
        check(host.address, loopback=loopback)
    elif not loopback and (host.text == "localhost" or host.text.endswith(".localhost")):
        raise AddressRefused("loopback")
    return host.text


_PRIVATE_NAMES: Final = (
    "user|usr|username|login|loginuse|loginpas|loginuser|loginpass|account|name"
    "|pw|pwd|psw|pass|passwd|passw|password|passphrase|secret|token|auth|authorization|apikey|api_key|key|session|sid"
)
_IN_QUERY: Final = re.compile(rf"(?i)((?:^|[&;?])(?:{_PRIVATE_NAMES})=)[^&#\s]*")
_IN_PATH: Final = re.compile(rf"(?i)((?:^|[/_;&])(?:{_PRIVATE_NAMES})=).*?(?=_[a-z]+=|[/&#;\s]|$)")
_USERINFO: Final = re.compile(r"(?<=//)[^/?#\s]*@")
# A password with / # ? in it, written unescaped: the "port" before it is no number, so all up to the last @ is a login.
_BROKEN_USERINFO: Final = re.compile(r"(?<=//)[^/?#\s@]*:(?!\d*(?:[/?#]|$))\S*@")


def redact(url: str) -> str:
    """The address without user, password or anything that looks like one, fit for a log, a page or a passport."""
    url = _BROKEN_USERINFO.sub("", _USERINFO.sub("", url))
    path, mark, query = url.partition("?")
    return _IN_PATH.sub(r"\1***", path) + mark + _IN_QUERY.sub(r"\1***", query)
