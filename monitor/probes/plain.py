"""Devices without ONVIF (loudspeaker, access control, switch): is anybody there?"""

from __future__ import annotations

import asyncio
import contextlib

from devices.addresses import IPAddress
from monitor.probes import transport
from monitor.probes.book import Book
from monitor.probes.failure import Failure, Late, LinkDown, unknown
from monitor.probes.icmp import ECHOES, Echo, NotAllowed
from monitor.probes.talk import Talk
from monitor.probes.transport import Place
from monitor.wire import Aspect, Finding, Tier, Verdict


async def http(book: Book) -> None:
    """Any byte of HTTP proves the link, a 401 as well: no credential is ever sent."""
    with contextlib.suppress(Failure):  # the conversation has written down what it means for the link
        await book.talk.send("page", "GET", book.memory.shared("path") or "/")
    book.talk.endpoint.line.close()


async def tcp(book: Book) -> None:
    """An accepted connection proves the link; the first that is accepted will do, unless the facts are asked for."""
    target = book.talk.target
    if not target.ports:
        with contextlib.suppress(Failure):  # as above
            await book.talk.connect()
        return
    ports = list(dict.fromkeys((*target.ports, target.port)))
    answered: list[int] = []
    for index, port in enumerate(ports):
        if await _accepts(book.talk, port, len(ports) - index):
            answered.append(port)
            if not book.talk.asks(Tier.FACTS):
                break
    if answered:
        _tell(book, Finding(Verdict.OK, "", {"ports": answered}))


async def _accepts(talk: Talk, port: int, waiting: int) -> bool:
    """Whether a port accepts a connection; those that still wait share the time that is left."""
    place = Place(talk.target.host, port, False, talk.target.loopback)
    until = asyncio.get_running_loop().time() + talk.left_s() / waiting
    with contextlib.suppress(Failure):  # as above
        async with talk.contact("connect", f"tcp://{talk.target.host}:{port}", until) as outcome:
            wire = await transport.dial(place, talk.session.names, talk.session.tls, until)
            wire.close()
            outcome.append("open")
            return True
    return False


async def icmp(book: Book) -> None:
    """A reply to an echo proves the link. Where the kernel allows none: the ports that the register names."""
    try:
        with contextlib.suppress(Failure):  # as above
            seconds = await _echo(book.talk)
            _tell(book, Finding(Verdict.OK, "", {"rtt_ms": round(seconds * 1000, 1)}))
    except NotAllowed:
        if book.talk.target.ports:
            await tcp(book)
        else:
            _tell(book, unknown("icmp_not_allowed"))


async def _echo(talk: Talk) -> float:
    """Seconds of one round trip: one echo, and one more where the first is lost."""
    echo = Echo(await _address(talk))
    try:
        for left in range(ECHOES, 0, -1):
            try:
                return await _one(talk, echo, asyncio.get_running_loop().time() + talk.left_s() / left)
            except LinkDown:
                if left == 1:
                    raise
        raise Late
    finally:
        echo.close()


async def _address(talk: Talk) -> IPAddress:
    place = Place(talk.target.host, talk.target.port, False, talk.target.loopback)
    try:
        return await transport.resolve(place, talk.session.names, talk.until)
    except LinkDown as exc:
        talk.hear(exc)
        raise


async def _one(talk: Talk, echo: Echo, until: float) -> float:
    async with talk.contact("echo", f"icmp://{talk.target.host}", until) as outcome:
        seconds = await echo.ask(until)
        outcome.append("reply")
    return seconds


def _tell(book: Book, finding: Finding) -> None:
    """What was found about the link, for every device behind the address."""
    for subject in book.talk.target.subjects:
        book.find(subject, Aspect.LINK, finding)
