"""Asks an ONVIF device: its clock, who it is, where its media service and snapshots are.

What never changes is learned once and taken from the passport afterwards; it is learned anew when it fails.
"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Final

from devices.addresses import redact
from monitor.probes import clock, http1, refusals, reply, soap, wallclock
from monitor.probes.failure import Busy, Failure, Garbled, Late, LinkDown, NeedsLogin, Refused, Slow, unknown
from monitor.probes.login import Login
from monitor.probes.memory import Memory
from monitor.probes.talk import Talk
from monitor.wire import Finding, Subject, Tier

DEVICE_PATH: Final = "/onvif/device_service"
OTHER_PATHS: Final = ("/onvif/services",)  # Axis (QUIRKS 9)
REDIRECTS: Final = range(300, 400)
# Longer addresses are of use to nobody.
MAX_LOCATION: Final = 512
UNAUTHORISED: Final = frozenset({401, 403})


class NoService(Failure):
    """What answers here is no ONVIF service."""


class Faulted(Failure):
    """The device understood and declined: it does not offer this."""

    def __init__(self, fault: reply.Fault) -> None:
        super().__init__("not_offered", text=fault.text)
        self.fault = fault


class Onvif:
    """One device's ONVIF services during one visit."""

    def __init__(self, talk: Talk, memory: Memory, login: Login) -> None:
        self._talk = talk
        self._memory = memory
        self._login = login
        self.trouble: Finding | None = None
        self._hopeless: Failure | None = None
        self._clock_asked = False

    # -- one call

    async def call(self, operation: soap.Operation, path: str, **params: str) -> reply.Reply:
        """The reply of an operation, logged in where the device asks for it."""
        self.check_hope()
        if self._memory.shared("soap_auth") == "wsse" and self._login.credential is not None:
            return await self._signed(operation, path, params)
        response, answer = await self._post(operation, path, soap.request(operation, params))
        if not _unauthorised(response, answer):
            return self._usable(operation, response, answer)
        return await self._signed(operation, path, params)

    async def _signed(self, operation: soap.Operation, path: str, params: dict[str, str]) -> reply.Reply:
        credential = self._login.needed()
        if self._talk.endpoint.skew_s is None and not self._clock_asked:
            await self.clock()
        now = clock.device_now(self._talk.endpoint.skew_s or 0.0)
        body = soap.request(operation, params, (credential, now))
        response, answer = await self._post(operation, path, body, plain=True)
        if _unauthorised(response, answer):
            self._memory.learn("soap_auth", "")
            raise self._login.refuse(response.body, signed=True)
        usable = self._usable(operation, response, answer)
        self._memory.learn("soap_auth", "wsse")
        self._login.worked()
        return usable

    async def _post(
        self, operation: soap.Operation, path: str, body: bytes, *, plain: bool = False
    ) -> tuple[http1.Response, reply.Reply | None]:
        media2 = operation.service == soap.MEDIA and self._memory.shared("media") == "2"
        headers = [("Content-Type", soap.content_type(operation))]
        body = soap.as_media2(body) if media2 else body
        if plain:
            response = await self._talk.send(operation.name, "POST", path, headers=headers, body=body)
        else:
            response = await self._login.ask("soap", operation.name, "POST", path, headers=headers, body=body)
        answer = reply.read(response.body) if response.body and response.end is not http1.End.LARGE else None
        if answer is not None and answer.fault is not None and _is_busy(answer.fault):
            raise Busy("busy", text=answer.fault.text)
        return response, answer

    def _usable(self, operation: soap.Operation, response: http1.Response, answer: reply.Reply | None) -> reply.Reply:
        """The reply of a service; the fault is decided before the status, the status before the missing envelope.

        An envelope that answers something else, or nothing, proves neither a login nor that the service works.
        """
        if answer is None:
            raise _no_reply(response)
        if answer.fault is None and not answer.answers(operation.name):
            reason = "another reply" if response.end is http1.End.WHOLE else f"body {response.end}"
            raise Garbled("protocol", reason=reason, first_bytes=response.first_bytes)
        self._recovered()
        if answer.fault is not None:
            raise Faulted(answer.fault)
        return answer

    def _recovered(self) -> None:
        """An envelope came: what ailed the service at the last visit is over."""
        if self._memory.shared("trouble"):
            self._memory.learn("trouble", "")
            self._login.proved()

    # -- the clock

    async def clock(self) -> Finding:
        """Ask for date and time without a login; remember the offset to sign with."""
        self._clock_asked = True
        try:
            answer, rtt = await self._clock_reply()
        except Failure as exc:
            return self.excuse(exc)
        if answer is None:
            self._memory.learn("clock_habit", "needs_login")
            return unknown("needs_login")
        told = reply.date_time(answer)
        if told is None:
            return unknown("no_reply")
        now = wallclock.now() - timedelta(seconds=rtt / 2)
        habit = clock.habit(told, now, self._talk.session.local_zone_s)
        self._memory.learn("clock_habit", habit or self._memory.shared("clock_habit"))
        self._talk.endpoint.skew_s = clock.offset_s(told, now, self._talk.session.local_zone_s)
        return clock.judge(told, now, self._talk.session.local_zone_s, self._talk.target.clock_limit_s)

    async def _clock_reply(self) -> tuple[reply.Reply | None, float]:
        """The reply and its round trip in seconds; no reply where the device wants a login even for its clock."""
        known = self._memory.shared("device_path")
        wide = self._memory.shared("trouble") != "service_missing" or self._talk.asks(Tier.FACTS)
        paths = [known] if known else [DEVICE_PATH, *(OTHER_PATHS if wide else ())]
        for path in paths:
            response, answer = await self._post(soap.CLOCK, path, soap.request(soap.CLOCK), plain=True)
            if _unauthorised(response, answer):
                return None, 0.0
            if answer is not None or not isinstance(_no_reply(response), NoService):
                break
        usable = self._usable(soap.CLOCK, response, answer)
        self._memory.learn("device_path", path)
        return usable, response.seconds

    def excuse(self, failure: Failure) -> Finding:
        """Why something asked for cannot be known. A service that does not work is a fault of the access besides."""
        match failure:
            case Late():
                return unknown("no_reply") if self._talk.stalled else failure.finding()
            case Refused():
                return unknown(self._login.why_not())
            case NeedsLogin():
                return unknown(failure.cause)
            case LinkDown():
                return unknown("no_reply" if self._talk.reached else "link_down")
            case Faulted():
                return unknown("not_offered", text=failure.detail["text"])
        self._trouble(failure)
        return unknown("no_reply")

    def _trouble(self, failure: Failure) -> None:
        """What ails the service is told at the next visit too, so that its end can be told."""
        self.trouble = self.trouble or failure.finding()
        self._memory.learn("trouble", failure.cause)
        if isinstance(failure, NoService):
            self._memory.learn("device_path", "")
        if isinstance(failure, Busy | NoService):
            self._hopeless = failure

    @property
    def is_busy(self) -> bool:
        """Whether the device has said that it has too much to do."""
        return isinstance(self._hopeless, Busy)

    def check_hope(self) -> None:
        """Ask nothing more of a device that is busy or has no service: raise what it said."""
        if self._hopeless is not None:
            raise self._hopeless

    @property
    def device_path(self) -> str:
        """Where the device service is."""
        return self._memory.shared("device_path") or DEVICE_PATH

    # -- identity

    async def information(self) -> dict[str, str] | None:
        """Who the device says it is; None where its reply tells nothing."""
        facts = reply.information(await self.call(soap.INFORMATION, self.device_path))
        if facts is not None:
            self._login.proved()
        return facts

    # -- snapshots

    async def _media_path(self) -> str:
        known = self._memory.shared("media_path")
        if known:
            return known
        found = None
        for operation in (soap.SERVICES, soap.CAPABILITIES):  # old Axis knows only the second
            try:
                found = reply.media_address(await self.call(operation, self.device_path))
            except (Faulted, NoService, Garbled):
                continue
            if found:
                break
        if found is None:
            return self.device_path
        address, media2 = found
        self._memory.learn("media", "2" if media2 else "")
        path = redact(reply.path_of(address, self.device_path))
        self._memory.learn("media_path", path)
        return path

    async def _profile(self, subject: Subject) -> str:
        """The profile of a channel: the first one of its video source, sources in the device's order."""
        known = self._memory.of(subject, "profile")
        if known:
            return known
        found = reply.profiles(await self.call(soap.PROFILES, await self._media_path()))
        self._login.proved()
        tokens: dict[str, str] = {}
        for profile in found:
            tokens.setdefault(profile.source or profile.token, profile.token)
        for other in self._talk.target.subjects:
            index = max(0, other.channel - 1)
            if index < len(tokens):
                self._memory.learn_of(other, "profile", list(tokens.values())[index])
        return self._memory.of(subject, "profile")

    def known_snapshot_path(self, subject: Subject) -> str:
        """The remembered path of the snapshot, "" where it has to be asked for."""
        secret = self._talk.endpoint.secret_paths.get(subject.channel, "")
        return secret or self._memory.of(subject, "snapshot_path")

    async def snapshot_path(self, subject: Subject) -> str:
        """Path and query of the snapshot, "" where there is none; what was remembered and fails is relearned."""
        known = self.known_snapshot_path(subject)
        if known:
            return known
        remembered = bool(self._memory.shared("media_path") or self._memory.of(subject, "profile"))
        try:
            return await self._ask_snapshot_path(subject)
        except (Faulted, NoService):
            if not remembered:
                raise
            self._memory.learn_of(subject, "profile", "")
            self._memory.learn("media_path", "")
            return await self._ask_snapshot_path(subject)

    async def _ask_snapshot_path(self, subject: Subject) -> str:
        profile = await self._profile(subject)
        if not profile:
            return ""
        answer = await self.call(soap.SNAPSHOT, await self._media_path(), ProfileToken=profile)
        self._login.proved()
        path = reply.path_of(reply.snapshot_uri(answer))
        if redact(path) != path:  # it carries a password: nothing to write into a passport
            self._talk.endpoint.secret_paths[subject.channel] = path
        else:
            self._memory.learn_of(subject, "snapshot_path", path)
        return path

    def forget_snapshot(self, subject: Subject) -> None:
        """Unlearn the address of a snapshot that failed."""
        self._talk.endpoint.secret_paths.pop(subject.channel, None)
        self._memory.learn_of(subject, "snapshot_path", "")


def _is_busy(fault: reply.Fault) -> bool:
    return refusals.is_busy(fault.text.encode())


def _unauthorised(response: http1.Response, answer: reply.Reply | None) -> bool:
    if answer is not None and answer.fault is not None:
        return answer.fault.unauthorised or response.status == HTTPStatus.UNAUTHORIZED
    return response.status in UNAUTHORISED


def _no_reply(response: http1.Response) -> Failure:
    """Why a reply without an envelope is none."""
    status = response.status
    if response.end is http1.End.LATE:
        return Slow(len(response.body), response.seconds)
    if status in REDIRECTS:
        location = redact(response.head.get("location")[:MAX_LOCATION])
        return Garbled("protocol", reason="redirect", status=status, location=location)
    if status in {404, 405, 410, 501} or _is_page(response.body):
        return NoService("service_missing", status=status)
    reason = _unread(response)
    return Garbled("protocol", reason=reason, status=status, first_bytes=response.first_bytes)


def _unread(response: http1.Response) -> str:
    """What ails a body without an envelope, in a word for a person."""
    if response.end is not http1.End.WHOLE:
        return f"body {response.end}"
    if response.is_packed:
        return "compressed"
    return "too large a document" if reply.is_monstrous(response.body) else "no envelope"


def _is_page(body: bytes) -> bool:
    return b"<html" in body[:2048].lower() or b"<!doctype html" in body[:2048].lower()
