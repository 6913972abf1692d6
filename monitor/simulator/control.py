"""The control address of a city: JSON over HTTP on loopback, for those who hold its token.

GET    /state                       {"devices": [{key, kind, port, parent, faults, up}, …]}
PUT    /devices/KEY/faults          {fault: value, …}: adds to the faults; false or null removes one
DELETE /devices/KEY/faults[/NAME]   removes all or one
POST   /reset                       back to the plan's faults
POST   /clear                       no faults anywhere
"""

from __future__ import annotations

from urllib.parse import unquote

from monitor.simulator.city import City, UnknownKeyError
from monitor.simulator.controlling import ControlAddress, RefusedError, nothing_here, object_of
from monitor.simulator.faults import FAULTS, FaultError
from monitor.simulator.http import Request


class Control(ControlAddress):
    """Serves the control address of one city."""

    def __init__(self, city: City, token: str, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__(token, port, host)
        self._city = city

    async def do(self, request: Request) -> object:
        """Do what a request asks for."""
        try:
            return await self._do(request)
        except UnknownKeyError as error:
            raise RefusedError(404, "key", f"no device has the key {error.args[0]}") from None

    async def _do(self, request: Request) -> object:
        match (request.method, [unquote(part) for part in request.path.strip("/").split("/")]):
            case ("GET", ["state"]):
                return {"devices": list(self._city.state())}
            case ("POST", ["reset"]):
                await self._city.clear_all(to_plan=True)
            case ("POST", ["clear"]):
                await self._city.clear_all()
            case ("PUT", ["devices", key, "faults"]):
                await self._city.change_faults(key, object_of(request))
            case ("DELETE", ["devices", key, "faults"]):
                await self._city.clear(key)
            case ("DELETE", ["devices", key, "faults", name]):
                await self._remove(key, name)
            case _:
                raise nothing_here()
        return {"ok": True}

    async def _remove(self, key: str, name: str) -> None:
        if name not in FAULTS:
            raise FaultError(name, "unknown fault")
        await self._city.change_faults(key, {name: None})
