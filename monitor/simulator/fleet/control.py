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

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from monitor.simulator.controlling import ControlAddress, RefusedError, json_of, nothing_here, object_of
from monitor.simulator.fleet import script
from monitor.simulator.fleet.crew import Crew
from monitor.simulator.http import Request

LOOK_S = 60.0


class Control(ControlAddress):
    """Serves the control address of one fleet."""

    def __init__(self, crew: Crew, token: str, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__(token, port, host)
        self._crew = crew

    async def do(self, request: Request) -> object:
        """Do what a request asks for."""
        match (request.method, request.path.strip("/").split("/")):
            case ("GET", ["plan"]):
                return self._plan()
            case ("GET", ["counts"]):
                return await self._crew.counts()
            case ("GET", ["violations"]):
                return await self._crew.violations()
            case ("PUT", ["script"]):
                await self._crew.follow(script.parse(json_of(request)))
                return self._plan()
            case (method, ["devices", index, *rest]) if index.isdecimal():
                return await self._device(method, int(index), "/".join(rest), request)
        raise nothing_here()

    async def _device(self, method: str, index: int, what: str, request: Request) -> object:
        member = self._crew.order.fleet.member(index)
        match (method, what):
            case ("GET", ""):
                pass
            case ("POST", "faults"):
                await self._crew.set_faults(index, object_of(request))
            case ("DELETE", "faults"):
                await self._crew.set_faults(index, None)
            case ("POST", "look"):
                await self._crew.look(index, _seconds(object_of(request)))
            case ("DELETE", "violations"):
                await self._crew.forget(index)
            case _:
                raise nothing_here()
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


def _seconds(data: Mapping[str, Any]) -> float:
    seconds = data.get("seconds", LOOK_S)
    if not isinstance(seconds, int | float) or seconds < 0:
        raise RefusedError(400, "seconds", "must be a number of seconds")
    return float(seconds)
