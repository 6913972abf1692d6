"""Who made a device, told from what it lets slip, and the read-only ways to a picture that its make has besides ONVIF.

One literal table. What is in it was seen in vendors' manuals and in public issue threads; a make that is not known for
certain by a mark is left to the manufacturer's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from monitor.probes import digest, http1

ISAPI: Final = "isapi"
DAHUA_CGI: Final = "dahua_cgi"
RTSP: Final = "rtsp"


@dataclass(frozen=True, slots=True)
class Vendor:
    """A make: `marks` are found in a realm, a Server header, a page or its title, `made` in the manufacturer's name.

    `rung` is its own way to a snapshot, `stream` the path of its main stream, "" where it has none that is known.
    """

    key: str
    marks: re.Pattern[str]
    made: re.Pattern[str]
    rung: str = ""
    stream: str = ""


VENDORS: Final = (
    Vendor(
        "hikvision",
        re.compile(
            r"(?im)^(?:IP Camera\([0-9A-Z]+\)|DS-\d[0-9A-Z-]+|Hikvision.*)$|App-webs|D(?:NVRS|VRDVS)-Webs"
            r"|/doc/page/login\.asp"
        ),
        re.compile(r"(?i)hik ?vision|海康"),
        ISAPI,
        "/Streaming/Channels/{channel}01",
    ),
    Vendor(
        "dahua",
        re.compile(r"(?im)^(?:DH_[0-9A-F]{12}|Login to [0-9A-Z]{10,}|WEB SERVICE)$|Dahua"),
        re.compile(r"(?i)dahua|大华|amcrest|lorex"),
        DAHUA_CGI,
        "/cam/realmonitor?channel={channel}&subtype=0",
    ),
    Vendor("uniview", re.compile(r"(?i)\buniview\b"), re.compile(r"(?i)uniview|\bunv\b|宇视")),
    Vendor("tp_link", re.compile(r"(?i)TP-LINK IP-Camera"), re.compile(r"(?i)tp-?link|\btapo\b|\bvigi\b")),
    Vendor("xiongmai", re.compile(r"(?i)uc-httpd|NETSurveillance"), re.compile(r"(?i)xiong ?mai|雄迈|^H264$")),
    Vendor("axis", re.compile(r"(?im)^AXIS_[0-9A-F]{12}$"), re.compile(r"(?i)\baxis\b")),
    Vendor("tiandy", re.compile(r"(?i)\btiandy\b"), re.compile(r"(?i)tiandy|天地伟业")),
)
_BY_KEY: Final = {one.key: one for one in VENDORS}

# Paths of the vendors' own read-only snapshots; a camera is its own first channel.
SNAPSHOTS: Final[Mapping[str, str]] = {
    ISAPI: "/ISAPI/Streaming/channels/{channel}01/picture",
    DAHUA_CGI: "/cgi-bin/snapshot.cgi?channel={channel}",
}

# What answers at a wrong address: told from its page's title and its Server header.
_NO_CAMERA: Final = re.compile(
    r"(?i)\brouters?\b|路由器|RouterOS|OpenWrt|LuCI|\bswitch\b|交换机|光猫|\bONU\b|\bONT\b|printer|打印机|LaserJet"
    r"|OfficeJet|JetDirect|\bCUPS\b|EPSON_|\bRICOH\b|Synology|DiskStation|QNAP|Welcome to nginx|IIS Windows"
    r"|Apache\d? .*Default Page|iDRAC|\biLO\b|UPS Network|Proxmox|VMware"
)
_TITLE: Final = re.compile(rb"(?is)<title[^<>]{0,200}>(.{0,200}?)</title")
_PAGE_MARKS: Final = re.compile(rb"/doc/page/login\.asp")
_LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class Front:
    """What the page at / shows of itself."""

    title: str = ""
    server: str = ""
    marks: str = ""

    @property
    def name(self) -> str:
        """The title, or the server's name where the page has none."""
        return self.title or self.server

    @property
    def is_no_camera(self) -> bool:
        """Whether this is certainly something else."""
        return bool(_NO_CAMERA.search(f"{self.title}\n{self.server}"))


def front(response: http1.Response) -> Front:
    """The page at / in a few words."""
    found = _TITLE.search(response.body)
    title = " ".join(found[1].decode("utf-8", "replace").split())[:_LONGEST] if found else ""
    marks = " ".join(one.decode("ascii") for one in _PAGE_MARKS.findall(response.body)[:1])
    return Front(title, response.head.get("server")[:_LONGEST], marks)


def by_name(manufacturer: str) -> str:
    """The key of the make that calls itself so, "" where it is not in the table."""
    return next((one.key for one in VENDORS if one.made.search(manufacturer)), "")


def by_marks(marks: Iterable[str]) -> str:
    """The key of the make that one of these texts gives away, "" where none does."""
    text = "\n".join(mark for mark in marks if mark)
    return next((one.key for one in VENDORS if one.marks.search(text)), "") if text else ""


def by_reply(response: http1.Response) -> str:
    """The key of the make that the headers of a reply give away."""
    head = response.head
    realms = [one.params.get("realm", "") for one in digest.parse(head.all("www-authenticate"))]
    return by_marks((*realms, head.get("server"), head.get("location")))


def rung_of(key: str) -> str:
    """The snapshot rung of a make, "" where it has none of its own."""
    return _BY_KEY[key].rung if key in _BY_KEY else ""


def stream_of(key: str, channel: int) -> str:
    """The path of the main stream of a make's channel, "" where it is not known."""
    return _BY_KEY[key].stream.format(channel=max(1, channel)) if key in _BY_KEY else ""


def snapshot_of(rung: str, channel: int) -> str:
    """The path of a vendor's own snapshot."""
    return SNAPSHOTS[rung].format(channel=max(1, channel))
