"""The visit of an ONVIF endpoint, a camera's own or a recorder's with its channels: cheap and certain things first."""

from __future__ import annotations

import asyncio

from monitor.probes import diagnose, pictures, vendor
from monitor.probes.book import Book
from monitor.probes.facts import helping
from monitor.probes.failure import Failure, faulty, unknown
from monitor.probes.ladder import Ladder
from monitor.probes.onvif import Onvif
from monitor.wire import Aspect, Finding, Subject, Tier, Verdict

# Time kept back from fetching a picture so that it can still be judged: a share of what is left, at most so much.
JUDGE_SHARE = 0.1
JUDGE_RESERVE_S = 0.5


async def probe(book: Book) -> None:
    """Clock, identity, pictures, as they are due; what is known stays known whatever fails later."""
    book.onvif = True
    onvif = Onvif(book.talk, book.memory, book.login)
    try:
        await _ask(book, onvif)
    finally:  # also of a visit that is cut off: else its login alone would speak for the access
        book.trouble = onvif.trouble


async def _ask(book: Book, onvif: Onvif) -> None:
    if book.talk.asks(Tier.HEARTBEAT):
        await _clock(book, onvif)
    await diagnose.closed_port(book, onvif)
    await diagnose.missing_service(book, onvif)
    ladder = Ladder(book.talk, book.memory, book.login, onvif)
    pictures_first = ladder.goes_first
    if pictures_first:
        await _pictures(book, ladder)
        await onvif.settle()
    if _goes_on(book) and book.asked(Tier.FACTS):
        await _identity(book, onvif)
    if not pictures_first:
        await _pictures(book, ladder)
    await helping(book, onvif)


async def _pictures(book: Book, ladder: Ladder) -> None:
    """One after another, as many as the device's budget and the time allow; the others are late, and due again."""
    due = book.asked(Tier.PICTURE)
    for index, subject in enumerate(due):
        if _goes_on(book):
            await _picture(book, ladder, subject, len(due) - index)


def _goes_on(book: Book) -> bool:
    return book.talk.link is None or book.talk.reached


async def _clock(book: Book, onvif: Onvif) -> None:
    """The recorder's clock is not its channels'."""
    finding = await onvif.clock()
    for subject in book.asked(Tier.HEARTBEAT):
        book.find(subject, Aspect.CLOCK, unknown("not_offered") if subject.channel and book.talk.reached else finding)


async def _identity(book: Book, onvif: Onvif) -> None:
    """Who the device is; in each helping of facts, since it proves the login: without that, a question beyond its

    rights would pass for a wrong password.
    """
    own = [subject for subject in book.asked(Tier.FACTS) if not subject.channel]
    for subject in book.asked(Tier.FACTS):
        if subject.channel:
            book.find(subject, Aspect.IDENTITY, unknown("not_offered"))
    if not own:
        return
    try:
        facts = await onvif.information()
        make = vendor.by_name((facts or {}).get("manufacturer", ""))
        if make:
            book.memory.learn("vendor", make)
    except Failure as exc:
        excuse = onvif.excuse(exc)
        for subject in own:
            book.find(subject, Aspect.IDENTITY, excuse)
        return
    for subject in own:
        book.learn_facts(subject, facts or {})
        book.find(subject, Aspect.IDENTITY, identity(facts, subject.serial))


def identity(facts: dict[str, str] | None, expected: str) -> Finding:
    """Whether the device is the one that was accepted; without a serial on either side nothing speaks against it."""
    if facts is None:
        return unknown("no_reply")
    serial = facts["serial"]
    if expected and serial and serial != expected:
        return faulty("identity_changed", serial=serial, expected=expected)
    return Finding(Verdict.OK, "", dict(facts))


async def _picture(book: Book, ladder: Ladder, subject: Subject, waiting: int) -> None:
    """One picture; those that still wait share the time that is left, so that a slow one takes only its own."""
    left = book.talk.left_s()
    share = left / waiting
    until = asyncio.get_running_loop().time() + share - min(JUDGE_RESERVE_S, share * JUDGE_SHARE)
    slots = book.talk.session.picture_slots
    try:
        async with asyncio.timeout_at(until):
            await slots.acquire()
    except TimeoutError:
        book.find(subject, Aspect.PICTURE, unknown("late"))
        return
    try:
        got = await ladder.take(subject, until)
        finding = got if isinstance(got, Finding) else await _judge(book, got, subject)
    finally:
        slots.release()
    book.find(subject, Aspect.PICTURE, finding)


async def _judge(book: Book, data: bytes, subject: Subject) -> Finding:
    session, loop = book.talk.session, asyncio.get_running_loop()
    work = loop.run_in_executor(session.judges, pictures.look, data, subject, session.keep_picture)
    try:
        async with asyncio.timeout_at(book.talk.until):
            looked = await work
    except TimeoutError:
        return unknown("late")
    book.note(subject, looked.note)
    return looked.finding
