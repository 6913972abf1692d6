"""The control address of a city: JSON over HTTP on loopback, for those who hold its token.

GET    /state                       {"devices": [{key, kind, port, parent, faults, up}, …]}
PUT    /devices/KEY/faults          {fault: value, …}: adds to the faults; false or null removes one
DELETE /devices/KEY/faults[/NAME]   removes all or one
POST   /reset                       back to the plan's faults
POST   /clear                       no faults anywhere
"""

from __future__ import annotations

import asyncio
import json
from hmac import compare_digest
from typing import Any
from urllib.parse import unquote

from monitor.simulator.city import City, UnknownKeyError
from monitor.simulator.faults import FAULTS, FaultError
from monitor.simulator.http import Answer, BadRequestError, Request, deliver, read_request
from monitor.simulator.network import Listener


class _RefusedError(Exception):
    """A request that cannot be done: HTTP status, the field at fault and why."""

    def __init__(self, status: int, field: str, message: str) -> None:
        super().__init__(message)
        self.answer = _json(status, {"error": {"field": field, "message": message}})


def _json(status: int, data: object) -> Answer:
    return Answer(status, json.dumps(data).encode(), "application/json")


class Control:
    """Serves the control address of one city."""

    def __init__(self, city: City, token: str, port: int = 0, host: str = "127.0.0.1") -> None:
        if not token:
            raise ValueError("the control address needs a token")
        self._city = city
        self._token = token.encode()
        self._listener = Listener(host, port, self._serve)
        self.address = f"http://{host}:{self._listener.port}"

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
                await deliver(writer, _json(400, {"error": {"field": "request", "message": str(error)}}), keep=False)
                return
            if request is None:
                return
            keep = await deliver(writer, await self.answer(request), keep=request.keeps_alive)

    async def answer(self, request: Request) -> Answer:
        """Do what a request asks for."""
        try:
            self._check_token(request)
            return await self._do(request)
        except _RefusedError as refused:
            return refused.answer
        except FaultError as error:
            return _RefusedError(400, error.field, error.message).answer
        except UnknownKeyError as error:
            return _RefusedError(404, "key", f"no device has the key {error.args[0]}").answer

    def _check_token(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not compare_digest(given.strip().encode(), self._token):
            raise _RefusedError(401, "authorization", "the token is missing or wrong")

    async def _do(self, request: Request) -> Answer:
        match (request.method, [unquote(part) for part in request.path.strip("/").split("/")]):
            case ("GET", ["state"]):
                return _json(200, {"devices": list(self._city.state())})
            case ("POST", ["reset"]):
                await self._city.clear_all(to_plan=True)
            case ("POST", ["clear"]):
                await self._city.clear_all()
            case ("PUT", ["devices", key, "faults"]):
                await self._city.change_faults(key, _object(request.body))
            case ("DELETE", ["devices", key, "faults"]):
                await self._city.clear(key)
            case ("DELETE", ["devices", key, "faults", name]):
                await self._remove(key, name)
            case _:
                raise _RefusedError(404, "path", "there is nothing at this address for this method")
        return _json(200, {"ok": True})

    async def _remove(self, key: str, name: str) -> None:
        if name not in FAULTS:
            raise FaultError(name, "unknown fault")
        await self._city.change_faults(key, {name: None})


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError as error:
        raise _RefusedError(400, "body", f"is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise _RefusedError(400, "body", "must be an object")
    return data
