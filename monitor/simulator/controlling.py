"""What serves a control address: JSON over HTTP on loopback, for those who hold its token."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from hmac import compare_digest
from typing import Any

from monitor.simulator.faults import FieldError
from monitor.simulator.http import Answer, BadRequestError, Request, deliver, read_request
from monitor.simulator.network import Listener


class RefusedError(Exception):
    """A request that cannot be done: HTTP status, the field at fault and why."""

    def __init__(self, status: int, field: str, message: str) -> None:
        super().__init__(message)
        self.answer = json_answer(status, {"error": {"field": field, "message": message}})


def json_answer(status: int, data: object) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(data).encode(), "application/json")


def nothing_here() -> RefusedError:
    """The refusal of an address or method that does not exist."""
    return RefusedError(404, "path", "there is nothing at this address for this method")


def json_of(request: Request) -> Any:
    """The JSON that a request carries; raises `RefusedError`."""
    try:
        return json.loads(request.body)
    except ValueError as error:
        raise RefusedError(400, "body", f"is not JSON: {error}") from None


def object_of(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries; raises `RefusedError`."""
    data = json_of(request)
    if not isinstance(data, dict):
        raise RefusedError(400, "body", "must be an object")
    return data


class ControlAddress(ABC):
    """Serves one control address; whoever derives from it says what requests do."""

    def __init__(self, token: str, port: int = 0, host: str = "127.0.0.1") -> None:
        if not token:
            raise ValueError("the control address needs a token")
        self._token = token.encode()
        self._listener = Listener(host, port, self._serve)
        self.address = f"http://{host}:{self._listener.port}"

    @abstractmethod
    async def do(self, request: Request) -> object:
        """Do what an authorised request asks for, and give what to answer; raises `RefusedError` or `FieldError`."""

    async def start(self) -> None:
        """Accept connections."""
        await self._listener.open()

    async def stop(self) -> None:
        """Close the address."""
        await self._listener.close(keep_port=False)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keep = True
        while keep:
            try:
                request = await read_request(reader)
            except BadRequestError as error:
                refused = RefusedError(400, "request", str(error))
                await deliver(writer, refused.answer, keep=False)
                return
            if request is None:
                return
            keep = await deliver(writer, await self.answer(request), keep=request.keeps_alive)

    async def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        try:
            self._check_token(request)
            return json_answer(200, await self.do(request))
        except RefusedError as refused:
            return refused.answer
        except FieldError as error:
            return RefusedError(400, error.field, error.message).answer

    def _check_token(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not compare_digest(given.strip().encode(), self._token):
            raise RefusedError(401, "authorization", "the token is missing or wrong")
