"""The control address of a fleet: JSON over HTTP on loopback, for those who hold its token.

GET    /plan                      {"fleet": {…}, "script": {…}, "began", "speed", "seconds"}: `Fleet(**plan["fleet"])`
                                  and `parse(plan["script"])` give every address, login and fault
GET    /counts                    requests and connections, by outcome and by thousands of devices
GET    /violations                {"total": {rule: count}, "devices": {INDEX: {"count": …, "first": […]}}}
GET    /devices/INDEX             one device with its faults now
POST   /devices/INDEX/faults      {fault: value, …}: adds to what the script says; false or null takes one away
DELETE /devices/INDEX/faults      leaves the device to the script again
POST   /devices/INDEX/look        {"seconds": 60}: a person looks, so that more requests at once are no violation
DELETE /devices/INDEX/violations  forgets its violations and refused logins, as after a change of the password
PUT    /script                    follows another script from its beginning
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from hmac import compare_digest
from typing import Any

from monitor.simulator.faults import FaultError
from monitor.simulator.fleet import script
from monitor.simulator.fleet.crew import Crew
from monitor.simulator.fleet.members import FleetError
from monitor.simulator.http import Answer, BadRequestError, Request, deliver, read_request
from monitor.simulator.network import Listener

LOOK_S = 60.0


class _RefusedError(Exception):
    """A request that cannot be done: HTTP status, the field at fault and why."""

    def __init__(self, status: int, field: str, message: str) -> None:
        super().__init__(message)
        self.answer = _json(status, {"error": {"field": field, "message": message}})


def _json(status: int, data: object) -> Answer:
    return Answer(status, json.dumps(data).encode(), "application/json")


class Control:
    """Serves the control address of one fleet."""

    def __init__(self, crew: Crew, token: str, port: int = 0, host: str = "127.0.0.1") -> None:
        if not token:
            raise ValueError("the control address needs a token")
        self._crew = crew
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
            return _json(200, await self._do(request))
        except _RefusedError as refused:
            return refused.answer
        except (FaultError, script.ScriptError, FleetError) as error:
            return _RefusedError(400, error.field, error.message).answer

    def _check_token(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not compare_digest(given.strip().encode(), self._token):
            raise _RefusedError(401, "authorization", "the token is missing or wrong")

    async def _do(self, request: Request) -> object:
        match (request.method, request.path.strip("/").split("/")):
            case ("GET", ["plan"]):
                return self._plan()
            case ("GET", ["counts"]):
                return await self._crew.counts()
            case ("GET", ["violations"]):
                return await self._crew.violations()
            case ("PUT", ["script"]):
                await self._crew.follow(script.parse(_json_of(request)))
                return self._plan()
            case (method, ["devices", index, *rest]) if index.isdecimal():
                return await self._device(method, int(index), "/".join(rest), request)
        raise _RefusedError(404, "path", "there is nothing at this address for this method")

    async def _device(self, method: str, index: int, what: str, request: Request) -> object:
        member = self._crew.order.fleet.member(index)
        match (method, what):
            case ("GET", ""):
                pass
            case ("POST", "faults"):
                await self._crew.set_faults(index, _object(request))
            case ("DELETE", "faults"):
                await self._crew.set_faults(index, None)
            case ("POST", "look"):
                await self._crew.look(index, _seconds(_object(request)))
            case ("DELETE", "violations"):
                await self._crew.forget(index)
            case _:
                raise _RefusedError(404, "path", "there is nothing at this address for this method")
        conditions = self._crew.conditions
        return {**asdict(member), "faults": conditions.faults(index, conditions.seconds())}

    def _plan(self) -> dict[str, Any]:
        conditions = self._crew.conditions
        return {
            "fleet": conditions.script.fleet.values,
            "script": conditions.script.rules.values,
            "began": conditions.began,
            "speed": conditions.speed,
            "seconds": conditions.seconds(),
        }


def _json_of(request: Request) -> object:
    try:
        return json.loads(request.body)
    except ValueError as error:
        raise _RefusedError(400, "body", f"is not JSON: {error}") from None


def _object(request: Request) -> Mapping[str, Any]:
    data = _json_of(request)
    if not isinstance(data, dict):
        raise _RefusedError(400, "body", "must be an object")
    return data


def _seconds(data: Mapping[str, Any]) -> float:
    seconds = data.get("seconds", LOOK_S)
    if not isinstance(seconds, int | float) or seconds < 0:
        raise _RefusedError(400, "seconds", "must be a number of seconds")
    return float(seconds)
