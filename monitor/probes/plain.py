"""Devices without ONVIF (loudspeaker, access control, switch): is anybody there?"""

from __future__ import annotations

import contextlib

from monitor.probes.book import Book
from monitor.probes.failure import Failure


async def http(book: Book) -> None:
    """Any byte of HTTP proves the link, a 401 as well: no credential is ever sent."""
    with contextlib.suppress(Failure):  # the conversation has written down what it means for the link
        await book.talk.send("page", "GET", book.memory.shared("path") or "/")
    book.talk.endpoint.line.close()


async def tcp(book: Book) -> None:
    """An accepted connection proves the link."""
    with contextlib.suppress(Failure):  # as above
        await book.talk.connect()
