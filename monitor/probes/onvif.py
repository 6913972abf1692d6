"""Asks an ONVIF device: its clock, who it is, and whatever else its services answer.

What never changes is learned once and taken from the passport afterwards; it is learned anew when it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from monitor.probes import clock, http1, refusals, reply, service, soap, wallclock
from monitor.probes.failure import (
    Busy,
    Failure,
    Garbled,
    Late,
    LinkDown,
    NeedsLogin,
    NoService,
    Refused,
    faulty,
    unknown,
)
from monitor.probes.login import Login
from monitor.probes.memory import Memory
from monitor.probes.talk import Talk
from monitor.wire import Finding, Tier

DEVICE_PATH: Final = "/onvif/device_service"
OTHER_PATHS: Final = ("/onvif/services",)  # Axis (QUIRKS 9)
UNAUTHORISED: Final = frozenset({401, 403})
# How long ONVIF gets no login where the device takes the same login elsewhere.
ONVIF_RESTS: Final = timedelta(hours=6)


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
        self.is_new_trouble = False
        self._rests_now = False
        self._took = False
        self._hopeless: Failure | None = None
        self._clock_asked = False

    # -- one call

    async def call(self, operation: soap.Operation, path: str, **params: str) -> reply.Reply:
        """The reply of an operation, logged in where the device asks for it."""
        self.check_hope()
        if self.is_resting:
            self.want_user()
            raise NeedsLogin("login_held")
        if self._memory.shared("soap_auth") == "wsse" and self._login.credential is not None:
            return await self._signed(operation, path, params)
        response, answer = await self._post(operation, path, soap.request(operation, params))
        if not _unauthorised(response, answer):
            return self._usable(operation, response, answer)
        return await self._signed(operation, path, params)

    async def _signed(self, operation: soap.Operation, path: str, params: dict[str, str]) -> reply.Reply:
        credential = self._login.needed()
        if not self._clock_asked:  # another process may have seen it last; it may have started with a dead clock since
            await self.clock()
        now = clock.device_now(self._talk.endpoint.skew_s or 0.0)
        body = soap.request(operation, params, (credential, now))
        response, answer = await self._post(operation, path, body, plain=True)
        if _unauthorised(response, answer):
            self._memory.learn("soap_auth", "")
            beyond = self._took and answer is not None
            elsewhere = self._login.used == "worked"
            refusal = self._login.refuse(response.body, signed=True)
            raise self._beyond_rights(refusal) if beyond else self._refused(refusal, elsewhere)
        usable = self._usable(operation, response, answer)
        self._memory.learn("soap_auth", "wsse")
        self._login.worked()
        self._taken()
        return usable

    # -- a login that ONVIF does not know

    def _taken(self) -> None:
        """ONVIF has taken the login."""
        self._took = True
        if self.trouble is not None and self.trouble.cause == "onvif_user_missing":
            self.trouble = None
        self._memory.learn("onvif_refused", "")
        self._memory.learn("onvif_rests_until", "")

    def _beyond_rights(self, refusal: Refused) -> Refused:
        """ONVIF has taken the login a moment ago and says no to this question: that is a matter of rights."""
        if refusal.cause != "locked_out":
            self._login.only_there()
        return refusal

    def _refused(self, refusal: Refused, elsewhere: bool) -> Refused:
        """The login was refused: by the device, or only by ONVIF, where that has refused it before and the device

        has taken it `elsewhere` in this visit. The first time it may be load (QUIRKS 6).
        """
        again = self.is_doubted
        self._memory.learn("onvif_refused", "1")
        if again and elsewhere and refusal.cause != "locked_out":
            self._login.only_there()
            self.want_user(rest=True)
        return refusal

    def want_user(self, *, rest: bool = False) -> None:
        """The device takes the login, ONVIF does not: it may get none for a while, so that nothing locks."""
        if rest:
            self._rests_now = True
            self._memory.learn("onvif_rests_until", (wallclock.now() + ONVIF_RESTS).isoformat(timespec="seconds"))
        self.trouble = self.trouble or faulty("onvif_user_missing", **self._make())

    def tell_rest(self) -> None:
        """Pictures come without ONVIF: while it gets no login, that is what ails the access."""
        if self.is_resting:
            self.want_user()

    @property
    def is_resting(self) -> bool:
        """Whether ONVIF gets no login for the time being; a login that was changed since has not worked yet."""
        said = self._memory.shared("onvif_rests_until")
        if self._rests_now:
            return True
        return bool(said) and self._talk.target.worked and datetime.fromisoformat(said) > wallclock.now()

    async def settle(self) -> None:
        """Where the device has taken the login that ONVIF had refused: whether ONVIF still does."""
        if not self.is_doubted or self._login.used != "worked" or self._took or self._hopeless is not None:
            return
        try:
            await self.information()
        except Failure as exc:
            self.excuse(exc)

    @property
    def is_doubted(self) -> bool:
        """Whether ONVIF has refused the last login it was given."""
        return bool(self._memory.shared("onvif_refused"))

    def _make(self) -> dict[str, str]:
        make = self._memory.shared("vendor")
        return {"vendor": make} if make else {}

    async def _post(
        self, operation: soap.Operation, path: str, body: bytes, *, plain: bool = False
    ) -> tuple[http1.Response, reply.Reply | None]:
        media2 = operation.service == soap.MEDIA and self._memory.shared("media") == "2"
        headers = [("Content-Type", soap.content_type(operation))]
        body = soap.as_media2(body) if media2 else body
        if plain:
            response, sent = await self._talk.send(operation.name, "POST", path, headers=headers, body=body), False
        else:
            response, sent = await self._with_login(operation, path, headers, body)
        answer = reply.read(response.body) if response.body and response.end is not http1.End.LARGE else None
        if answer is not None and answer.fault is not None and _is_busy(answer.fault):
            raise Busy(answer.fault.text, text=answer.fault.text)
        if sent and not _unauthorised(response, answer):
            self._taken()
        return response, answer

    async def _with_login(
        self, operation: soap.Operation, path: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[http1.Response, bool]:
        """The reply to a request that HTTP may log in, and whether it did."""
        elsewhere, before = self._login.used == "worked", self._login.sent
        try:
            response = await self._login.ask("soap", operation.name, "POST", path, headers=headers, body=body)
        except Refused as exc:
            raise self._refused(exc, elsewhere) from None
        return response, self._login.sent > before

    def _usable(self, operation: soap.Operation, response: http1.Response, answer: reply.Reply | None) -> reply.Reply:
        """The reply of a service; the fault is decided before the status, the status before the missing envelope.

        An envelope that answers something else, or nothing, proves neither a login nor that the service works.
        """
        if answer is None:
            raise self._no_reply(response)
        if answer.fault is None and not answer.answers(operation.name):
            reason = "another reply" if response.end is http1.End.WHOLE else f"body {response.end}"
            raise Garbled("protocol", reason=reason, first_bytes=response.first_bytes)
        self._recovered()
        if answer.fault is not None:
            raise Faulted(answer.fault)
        return answer

    def _no_reply(self, response: http1.Response) -> Failure:
        return service.why_no_reply(response, self._talk.target.host)

    def _recovered(self) -> None:
        """An envelope came: what ailed the service at the last visit is over."""
        if self._memory.shared("trouble"):
            self._memory.learn("trouble", "")
            self._memory.learn("page", "")
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
        wide = self._memory.shared("trouble") not in {"service_missing", *service.DIAGNOSED} or self._talk.asks(
            Tier.FACTS
        )
        paths = [known] if known else [DEVICE_PATH, *(OTHER_PATHS if wide else ())]
        for path in paths:
            response, answer = await self._post(soap.CLOCK, path, soap.request(soap.CLOCK), plain=True)
            if _unauthorised(response, answer):
                return None, 0.0
            if answer is not None or self._no_reply(response).cause != "service_missing":
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
                return unknown(self._login.why_not() if self._login.resting else "login_held")
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
        if service.is_tls(failure):
            failure = NoService("https_only")
        if isinstance(failure, NoService):
            failure = self._as_known(failure)
            self._memory.learn("device_path", "")
        self.trouble = self.trouble or failure.finding()
        self._memory.learn("trouble", failure.cause)
        if isinstance(failure, Busy | NoService):
            self._hopeless = failure

    def _as_known(self, failure: NoService) -> NoService:
        """A missing service by the name that an earlier visit has found for it."""
        known = self._memory.shared("trouble")
        self.is_new_trouble = self.is_new_trouble or known not in {failure.cause, *service.DIAGNOSED}
        cause = known if failure.cause == "service_missing" and known in service.DIAGNOSED else failure.cause
        page = self._memory.shared("page")
        return NoService(cause, **{**failure.detail, **self._make(), **({"page": page} if page else {})})

    def diagnosed(self, cause: str, detail: Mapping[str, Any]) -> None:
        """There is no service here, and why: it is not asked again in this visit."""
        self._hopeless = NoService(cause, **detail)
        self.trouble = self._hopeless.finding()
        self._memory.learn("trouble", cause)

    @property
    def is_missing(self) -> bool:
        """Whether no service was found in this visit."""
        return isinstance(self._hopeless, NoService)

    @property
    def is_shut(self) -> bool:
        """Whether the register's port takes no connection, though the device is there."""
        return self._hopeless is not None and self._hopeless.cause == "onvif_port_closed"

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


def _is_busy(fault: reply.Fault) -> bool:
    return refusals.is_busy(fault.text.encode())


def _unauthorised(response: http1.Response, answer: reply.Reply | None) -> bool:
    if answer is not None and answer.fault is not None:
        return answer.fault.unauthorised or response.status == HTTPStatus.UNAUTHORIZED
    return response.status in UNAUTHORISED
