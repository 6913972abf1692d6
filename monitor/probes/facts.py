"""The daily facts of a device, asked in small helpings that leave its token bucket to heartbeats and pictures.

A visit for which facts are due asks who the device is, and of the questions below at most `HELPING` requests' worth,
never waiting for a token; a visit that a person watches asks as many as the bucket gives. What is left stays open in
the passport. A refusal of a single question says nothing about the login: it is noted, and ends the round for the day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from devices.addresses import redact
from monitor.probes import reply, reply_facts, soap, wallclock
from monitor.probes.agenda import Agenda, Chain
from monitor.probes.book import Book
from monitor.probes.failure import Busy, Failure, Garbled, Late, NeedsLogin, NoService, Refused, unknown
from monitor.probes.fitting import BUDGETS, MAX_ITEMS, MAX_PATH, fit
from monitor.probes.onvif import Faulted, Onvif
from monitor.probes.reply_facts import Fact, Read, Stream
from monitor.wire import Aspect, Finding, Subject, Tier, Verdict

HELPING: Final = 2
# No question is begun with less than this share of the visit's deadline left: a slow device would be cut off in it.
LEFT_SHARE: Final = 0.3
LOCKED: Final = "locked_out"

Keep = Callable[["Asking", Sequence[Subject], reply.Reply], bool]


@dataclass(frozen=True, slots=True)
class Question:
    """An operation, the service it belongs to, what to do with its reply, and the fact that it is about.

    `keep` gives whether the reply told something. One reply serves all subjects of the endpoint, except where a
    question is asked of `each`, with its profile.
    """

    operation: soap.Operation
    service: str
    keep: Keep
    fact: str = ""
    each: bool = False


async def helping(book: Book, onvif: Onvif) -> None:
    """Ask some of what is still open today, where facts are due at all."""
    if book.asked(Tier.FACTS):
        await Asking(book, onvif, wallclock.now()).go()


class Asking:
    """One helping: whom to ask what, and what came of it."""

    def __init__(self, book: Book, onvif: Onvif, now: datetime) -> None:
        self.book = book
        self.onvif = onvif
        self.at = now.isoformat(timespec="seconds")
        self._subjects = book.asked(Tier.FACTS)
        self._agendas = {one.device_id: Agenda(book.memory, one, chains(book, one), now) for one in self._subjects}
        self._before = len(book.talk.requests)
        self._was_refused = False

    async def go(self) -> None:
        """Ask until the helping is eaten or nothing is open."""
        while (turn := self._next()) is not None:
            if not await self._turn(*turn):
                break
        for agenda in self._agendas.values():
            agenda.write(soon=self._is_worth_it)

    def _next(self) -> tuple[str, list[Subject]] | None:
        for key, question in QUESTIONS.items():
            waiting = [one for one in self._subjects if key in self._agendas[one.device_id].open]
            if waiting:
                return key, waiting[:1] if question.each else waiting
        return None

    async def _turn(self, key: str, waiting: Sequence[Subject]) -> bool:
        """Ask one question; whether another one may follow in this visit."""
        question = QUESTIONS[key]
        path, profile = self._path(question.service), self.book.memory.of(waiting[0], "profile")
        if not path or (question.each and not profile):
            self._gone(key, self._pass_on(key, waiting))
            return True
        if not self._may_ask():
            return False
        scheme, proven = self.book.memory.shared("soap_auth"), self.book.login.used == "worked"
        params = {"ProfileToken": profile} if question.each else {}
        try:
            answer = await self.onvif.call(question.operation, path, **params)
        except Faulted as exc:
            self._declined(key, waiting, exc.fault)
        except (Refused, NeedsLogin) as exc:
            if not self._is_about_rights(exc, proven=proven):
                return False
            return self._forbidden(key, waiting, exc, scheme)
        except Failure as exc:
            return self._failed(key, waiting, exc)
        else:
            self._heard(key, waiting, answer)
        return True

    def _path(self, service: str) -> str:
        known = self.book.memory.shared(f"{service}_path")
        return known or (self.onvif.device_path if service in {"device", "media"} else "")

    def _may_ask(self) -> bool:
        """Whether the device, the login, the clock and the bucket allow one more question."""
        talk, access = self.book.talk, self.book.login.access
        spent = len(talk.requests) - self._before
        return (
            talk.reached
            and self.onvif.trouble is None
            and (access is None or access.verdict is Verdict.OK)
            and talk.left_s() >= LEFT_SHARE * talk.target.deadline_s
            and (spent < HELPING or talk.on_step is not None)
            and talk.endpoint.bucket.free() > 0
        )

    @property
    def _is_worth_it(self) -> bool:
        """Whether the next visit may go on. Where a login or a service is missing, asking each minute helps nobody."""
        trouble, access = self.onvif.trouble, self.book.login.access
        let_in = access is None or access.verdict is Verdict.OK
        answers = trouble is None or trouble.cause == "busy"
        return self.book.talk.reached and let_in and answers and not self._was_refused

    # -- what came of it

    def _heard(self, key: str, waiting: Sequence[Subject], answer: reply.Reply) -> None:
        if QUESTIONS[key].keep(self, waiting, answer):
            self._done(key, waiting)
        else:
            self._pass_on(key, waiting)

    def _done(self, key: str, waiting: Sequence[Subject]) -> None:
        for one in waiting:
            self._agendas[one.device_id].done(key)

    def _pass_on(self, key: str, waiting: Sequence[Subject]) -> list[Subject]:
        """It told nothing: ask otherwise. Gives those whom nothing more can be asked about it."""
        return [one for one in waiting if not self._agendas[one.device_id].pass_on(key)]

    def _gone(self, key: str, subjects: Sequence[Subject]) -> None:
        """The device does not offer this in any way: what it once told is no longer true."""
        fact = QUESTIONS[key].fact
        for one in subjects:
            if fact:
                self.book.learn_facts(one, {fact: None})
            if fact == "recordings":
                self.book.find(one, Aspect.RECORDING, unknown("not_offered"), aloud=False)

    def _declined(self, key: str, waiting: Sequence[Subject], fault: reply.Fault) -> None:
        if not reply_facts.is_not_offered(fault):
            self._pass_on(key, waiting)
            return
        for one in waiting:
            self._agendas[one.device_id].is_absent(key)
        self._gone(key, self._pass_on(key, waiting))

    def _is_about_rights(self, exc: Failure, *, proven: bool) -> bool:
        """Whether this alone is refused: the login worked a moment before, or other questions need none."""
        if isinstance(exc, NeedsLogin):
            access = self.book.login.access
            return access is not None and access.verdict is Verdict.OK
        return proven and exc.cause != LOCKED

    def _forbidden(self, key: str, waiting: Sequence[Subject], exc: Failure, scheme: str) -> bool:
        for one in waiting:
            self._agendas[one.device_id].is_refused(key)
        self._pass_on(key, waiting)
        if isinstance(exc, NeedsLogin):
            return True
        self.book.login.only_there()
        self.book.memory.learn("soap_auth", scheme)
        self._was_refused = True  # one refusal a day, so that nothing counts them up to a lock-out
        return False

    def _failed(self, key: str, waiting: Sequence[Subject], exc: Failure) -> bool:
        """Not come to, or busy: later. No usable reply: it has had its chance today, lest it be asked every minute."""
        if isinstance(exc, Late | Busy):
            return False
        self._done(key, waiting)
        return isinstance(exc, Garbled | NoService)

    def learn(self, subject: Subject, name: str, fact: Fact) -> None:
        """Write down a fact with its date, within its size."""
        self.book.learn_facts(subject, {name: fit({**fact, "at": self.at}, BUDGETS[name])})


# -- what to do with a reply


def _plain(name: str, read: Read) -> Keep:
    """A fact of the device itself, as it is read."""

    def keep(asking: Asking, subjects: Sequence[Subject], answer: reply.Reply) -> bool:
        fact = read(answer)
        if fact is None:
            return False
        for subject in subjects:
            asking.learn(subject, name, fact)
        return True

    return keep


def _services(asking: Asking, _subjects: Sequence[Subject], answer: reply.Reply) -> bool:
    """Where recordings are asked for, and, as long as nobody knows it, the media service."""
    if not any(True for name in ("Service", "Capabilities") for _ in reply.find_all(answer.body, name)):
        return False
    memory, default = asking.book.memory, asking.onvif.device_path
    for name in ("recording", "search"):
        memory.learn(f"{name}_path", redact(reply_facts.service_path(answer, name, default)))
    media = None if memory.shared("media_path") else reply.media_address(answer)
    if media is not None:
        address, media2 = media
        memory.learn("media", "2" if media2 else "")
        memory.learn("media_path", redact(reply.path_of(address, default)))
    return True


def _streams(asking: Asking, subjects: Sequence[Subject], answer: reply.Reply) -> bool:
    found = reply_facts.streams(answer)
    if not found:
        return False
    told = False
    for subject in subjects:
        mine = _own(asking.book.memory.of(subject, "profile"), subject.channel, found)
        told = _learn_streams(asking, subject, mine) or told
    return told


def _own(profile: str, channel: int, found: Sequence[Stream]) -> list[Stream]:
    """The streams of a channel: of its profile's source, else of the source at its place in the device's order."""
    sources = list(dict.fromkeys(one.shows for one in found))
    known = next((one.shows for one in found if one.token == profile), "")
    place = max(0, channel - 1)
    source = known or (sources[place] if place < len(sources) else None)
    return [one for one in found if one.shows == source]


def _learn_streams(asking: Asking, subject: Subject, mine: Sequence[Stream]) -> bool:
    if not mine:
        return False
    memory = asking.book.memory
    if memory.of(subject, "profile") not in {one.token for one in mine}:
        memory.learn_of(subject, "profile", mine[0].token)
    memory.learn_of(subject, "source_config", next((one.configuration for one in mine if one.configuration), ""))
    encoders = [one.encoder for one in mine if one.encoder]
    if encoders:
        asking.learn(subject, "streams", {"streams": encoders[:MAX_ITEMS]})
    return bool(encoders)


def _encoders(asking: Asking, subjects: Sequence[Subject], answer: reply.Reply) -> bool:
    """Settings that no profile ties to a source: they are a camera's, and no channel's of a recorder."""
    fact = reply_facts.encoders(answer)
    if fact is None:
        return False
    for subject in subjects:
        if not subject.channel:
            asking.learn(subject, "streams", fact)
    return True


def _osd(asking: Asking, subjects: Sequence[Subject], answer: reply.Reply) -> bool:
    found = reply_facts.labels(answer)
    if found is None:
        return False
    for subject in subjects:
        lies_on = asking.book.memory.of(subject, "source_config")
        mine = [one for one in found if lies_on and one.configuration == lies_on]
        if mine or not subject.channel:
            asking.learn(subject, "osd", reply_facts.osd(mine or found))
    return True


def _stream_path(asking: Asking, subjects: Sequence[Subject], answer: reply.Reply) -> bool:
    """One that carries a secret is kept for people only, without it: nothing can be fetched from there."""
    path = reply.path_of(reply.snapshot_uri(answer))
    if not path or len(path) > MAX_PATH:
        return False
    shown = redact(path)
    for subject in subjects:
        asking.book.memory.learn_of(subject, "stream_path" if shown == path else "stream_shown", shown)
    return True


def _recordings(asking: Asking, subjects: Sequence[Subject], answer: reply.Reply) -> bool:
    """What is recorded. That there is little of it, or nothing, is for the acceptance to judge."""
    fact = reply_facts.recordings(answer)
    if not fact:
        return False
    for subject in subjects:
        asking.learn(subject, "recordings", fact)
        if any(fact.values()):
            asking.book.find(subject, Aspect.RECORDING, Finding(Verdict.OK, "", dict(fact)))
    return True


# Every question, in the order in which they are asked.
QUESTIONS: Final[Mapping[str, Question]] = {
    "services": Question(soap.SERVICES, "device", _services),
    "capabilities": Question(soap.CAPABILITIES, "device", _services),
    "streams": Question(soap.PROFILES, "media", _streams, "streams"),
    "encoders": Question(soap.ENCODERS, "media", _encoders, "streams"),
    "osd": Question(soap.OSDS, "media", _osd, "osd"),
    "recordings": Question(soap.SUMMARY, "search", _recordings, "recordings"),
    "recording_list": Question(soap.RECORDINGS, "recording", _recordings, "recordings"),
    "ntp": Question(soap.NTP, "device", _plain("ntp", reply_facts.ntp), "ntp"),
    "network": Question(soap.NETWORK, "device", _plain("network", reply_facts.network), "network"),
    "users": Question(soap.USERS, "device", _plain("users", reply_facts.users), "users"),
    "stream_path": Question(soap.STREAM, "media", _stream_path, each=True),
    "audio": Question(soap.AUDIO_OUTPUTS, "media", _plain("audio", reply_facts.audio_outputs), "audio"),
    "audio2": Question(soap.AUDIO_CONFIGURATIONS, "media", _plain("audio", reply_facts.audio_outputs), "audio"),
    "hostname": Question(soap.HOSTNAME, "device", _plain("hostname", reply_facts.hostname), "hostname"),
    "scopes": Question(soap.SCOPES, "device", _plain("scopes", reply_facts.scopes), "scopes"),
}
_OF_THE_ENDPOINT: Final[tuple[Chain, ...]] = (
    ("services", "capabilities"),
    ("recordings", "recording_list"),
    ("ntp",),
    ("network",),
    ("users",),
    ("audio",),
    ("hostname",),
    ("scopes",),
)
_OF_A_VIEW: Final[tuple[Chain, ...]] = (("streams", "encoders"), ("osd",))


def chains(book: Book, subject: Subject) -> tuple[Chain, ...]:
    """What can be asked of a subject: a channel has streams and labels, but neither an address nor users of its own.

    The address of the stream is asked for only as long as it is unknown; Media2 knows audio outputs by their settings.
    """
    own = () if subject.channel else _OF_THE_ENDPOINT
    if book.memory.shared("media") == "2":
        own = tuple(("audio2",) if chain == ("audio",) else chain for chain in own)
    view = _OF_A_VIEW if subject.sees else ()
    memory = book.memory
    unknown_path = subject.sees and not (memory.of(subject, "stream_path") or memory.of(subject, "stream_shown"))
    return own + view + ((("stream_path",),) if unknown_path else ())
