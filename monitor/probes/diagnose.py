"""Why no ONVIF service answers: asked further at first sight, and daily afterwards; never with a credential."""

from __future__ import annotations

from typing import Any, Final

from monitor.probes import rtsp, vendor
from monitor.probes.book import Book
from monitor.probes.failure import Failure
from monitor.probes.onvif import Onvif
from monitor.probes.service import DIAGNOSED, is_https
from monitor.wire import Tier

PAGE_CAP: Final = 64 * 1024
_UNNAMED: Final = frozenset({"service_missing", *DIAGNOSED})


async def missing_service(book: Book, onvif: Onvif) -> None:
    """HTTP answers and ONVIF does not: is it switched off, is it another kind of device, does it want HTTPS?"""
    if onvif.trouble is None or onvif.trouble.cause not in _UNNAMED:
        return
    if not (onvif.is_new_trouble or book.talk.asks(Tier.FACTS)):
        return
    page, moved = await _front(book)
    book.memory.learn("page", page.name)
    port = rtsp.port_of(book.talk.target, book.memory)
    streams = bool(port) and await rtsp.answers(book.talk, port)
    onvif.diagnosed(_cause(page, book.memory.shared("vendor"), moved=moved, streams=streams), _detail(book, page))


async def _front(book: Book) -> tuple[vendor.Front, bool]:
    """What the page at / shows of itself, and whether it only sends on to HTTPS."""
    try:
        response = await book.talk.send("page", "GET", "/", cap=PAGE_CAP)
    except Failure:
        return vendor.Front(), False
    page = vendor.front(response)
    book.login.heed(response)
    if not book.memory.shared("vendor"):
        book.memory.learn("vendor", vendor.by_marks((page.title, page.server, page.marks)))
    return page, is_https(response.head.get("location"), book.talk.target.host)


def _cause(page: vendor.Front, make: str, *, moved: bool, streams: bool) -> str:
    if moved:
        return "https_only"
    if streams:
        return "onvif_off"
    return "not_a_camera" if page.is_no_camera and not make else "service_missing"


def _detail(book: Book, page: vendor.Front) -> dict[str, Any]:
    known = {"vendor": book.memory.shared("vendor"), "page": page.name, "server": page.server}
    return {name: value for name, value in known.items() if value}


async def closed_port(book: Book, onvif: Onvif) -> None:
    """The register's port refuses connections: the device is there all the same where its stream's port answers."""
    link = book.talk.link
    port = rtsp.port_of(book.talk.target, book.memory)
    if link is None or link.cause != "port_closed" or not port or onvif.is_missing:
        return
    if await rtsp.answers(book.talk, port):
        make = book.memory.shared("vendor")
        onvif.diagnosed("onvif_port_closed", {"port": book.talk.target.port, **({"vendor": make} if make else {})})
        book.forgive()
