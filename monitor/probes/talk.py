"""One visit's conversation with its endpoint: politely, until the deadline, with every request on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from devices.addresses import redact
from monitor.probes import http1, refusals
from monitor.probes.failure import OK, Busy, Failure, Garbled, LinkDown, Slow
from monitor.probes.session import Endpoint, Session
from monitor.probes.transport import Place, compose
from monitor.wire import Finding, Request, Target, Tier

OnStep = Callable[[str, Finding | None, Request | None], None]
Headers = Sequence[tuple[str, str]]

SOAP_CAP: Final = 512 * 1024
# With what a buffer grows ahead, what waits in the connection and what reads it, a visit stays within 8 MB.
PICTURE_CAP: Final = 6 * 1024 * 1024


@dataclass(slots=True)
class Talk:
    """Says things to an endpoint within `until` (event loop time) and hears its answers."""

    target: Target
    session: Session
    endpoint: Endpoint
    until: float
    on_step: OnStep | None = None
    requests: list[Request] = field(default_factory=list)
    link: Finding | None = None
    stalled: bool = False

    @property
    def place(self) -> Place:
        """Where the register says the device is: nothing else is ever dialled."""
        return Place(self.target.host, self.target.port, self.target.scheme == "https", self.target.loopback)

    def left_s(self) -> float:
        """Seconds left of the visit."""
        return self.until - asyncio.get_running_loop().time()

    def asks(self, tier: Tier) -> bool:
        """Whether any subject is to be asked for this tier."""
        return any(tier in subject.tiers for subject in self.target.subjects)

    @property
    def reached(self) -> bool:
        """Whether the endpoint has said anything in this visit."""
        return self.link == OK

    def step(self, name: str, finding: Finding | None, request: Request | None = None) -> None:
        """Tell whoever watches."""
        if self.on_step is not None:
            self.on_step(name, finding, request)

    async def send(
        self,
        what: str,
        method: str,
        path: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        cap: int = SOAP_CAP,
        until: float | None = None,
    ) -> http1.Response:
        """One request, one reply. Any byte of it proves the link; `Busy` where the device has too much to do."""
        limit = self.until if until is None else min(until, self.until)
        await self.endpoint.bucket.acquire(limit)
        began = asyncio.get_running_loop().time()
        try:
            request = compose(method, path, self.place, headers, body)
            response = await self.endpoint.line.ask(self.place, request, cap, limit)
        except Failure as exc:
            self.hear(exc)
            self._note(what, path, began, exc.cause)
            raise
        self.hear(None)
        self.stalled = self.stalled or response.end is http1.End.LATE
        self._note(what, path, began, str(response.status))
        _raise_if_busy(response)
        return response

    async def connect(self) -> None:
        """Only open the connection: what a device without HTTP can be asked."""
        await self.endpoint.bucket.acquire(self.until)
        began = asyncio.get_running_loop().time()
        try:
            await self.endpoint.line.connect(self.place, self.until)
        except Failure as exc:
            self.hear(exc)
            self._note("connect", "", began, exc.cause)
            raise
        finally:
            self.endpoint.line.close()
        self.hear(None)
        self._note("connect", "", began, "open")

    @asynccontextmanager
    async def contact(self, what: str, address: str, until: float) -> AsyncIterator[list[str]]:
        """Anything said to the endpoint's host otherwise than over its kept connection (another port, an echo).

        It takes a token, speaks for the link and is on record; what is put into the yielded list is its outcome.
        """
        await self.endpoint.bucket.acquire(min(until, self.until))
        began = asyncio.get_running_loop().time()
        outcome: list[str] = []
        try:
            yield outcome
        except Failure as exc:
            self.hear(exc)
            self._note(what, address, began, exc.cause)
            raise
        if not self.reached:  # whatever was silent before: the device is there
            self.link = OK
            self.step("link", OK)
        self._note(what, address, began, " ".join(outcome))

    def hear(self, failure: Failure | None) -> None:
        """The first contact decides about the link: later silence is a matter of the service that was asked."""
        if self.link is not None and self.link != OK:
            return
        self.stalled = self.stalled or isinstance(failure, Slow | LinkDown)
        if failure is None or isinstance(failure, Garbled | Slow):
            news = OK
        elif self.link is None and isinstance(failure, LinkDown):
            news = failure.finding()
        else:
            return
        if news != self.link:
            self.link = news
            self.step("link", news)

    def _note(self, what: str, path: str, began: float, outcome: str) -> None:
        took_ms = round((asyncio.get_running_loop().time() - began) * 1000, 1)
        within = path if "://" in path else f"{self.target.scheme}://{self.place.authority}{path}"
        request = Request(what, redact(within), took_ms, outcome)
        self.requests.append(request)
        self.step(what, None, request)


def _raise_if_busy(response: http1.Response) -> None:
    status = response.status
    if status == HTTPStatus.SERVICE_UNAVAILABLE or (
        status >= HTTPStatus.BAD_REQUEST and refusals.is_busy(response.body)
    ):
        raise Busy(refusals.excerpt(response.body), status=status)
