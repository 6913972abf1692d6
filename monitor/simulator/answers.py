"""What a virtual device answers to one HTTP request: routes, logins, and the faults that show in an answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from html import escape

from monitor.simulator import oddities, soap
from monitor.simulator.auth import Login
from monitor.simulator.device import BEIJING, Device, View
from monitor.simulator.faults import number, text
from monitor.simulator.http import Answer, Request

SNAPSHOT_PATH = "/onvif-http/snapshot"
# The vendors' own read-only snapshots, with the channel's number in them.
VENDOR_SNAPSHOTS: Mapping[str, re.Pattern[str]] = {
    "isapi": re.compile(r"/ISAPI/Streaming/channels/(\d+)01/picture"),
    "dahua_cgi": re.compile(r"/cgi-bin/snapshot\.cgi\?channel=(\d+)"),
}
SOAP_TYPE = "application/soap+xml; charset=utf-8"
WITHOUT_LOGIN = frozenset({"GetSystemDateAndTime"})
ONVIF_KINDS = frozenset({"camera", "recorder"})
# What broken firmware sends instead of HTTP (QUIRKS 12), by the value of the fault.
GARBAGE: Mapping[str, bytes] = {
    "nuls": bytes(64) + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status": b"\x01\x02RTSP? camera ready\r\n\r\n",
    "header": b"HTTP/1.1 200 OK\r\n: nameless\r\nno colon here\r\nContent-Length: 2\r\n\r\nOK",
    "length": b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 50000\r\n\r\n\xff\xd8\xff",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\x1f\x8b\x08\x00zz\r\n\x00\x00",
}

BUSY_WINDOW = timedelta(seconds=30)
XML_PICTURE = b"<?xml version='1.0'?><ResponseStatus><statusCode>4</statusCode></ResponseStatus>"

Draw = Callable[[Device, View], Awaitable[bytes]]


class Exchange:
    """One request to one device: answers it, and remembers what is to be recorded about it."""

    def __init__(self, device: Device, request: Request, draw: Draw) -> None:
        self.device = device
        self.request = request
        self.operation = ""
        self.credentials = "authorization" in request.headers
        self._draw = draw

    async def answer(self) -> Answer:
        """The answer, with the faults of the whole device before those of what was asked for."""
        faults = self.device.faults
        if "garbage" in faults:
            return Answer(raw=GARBAGE[text(faults, "garbage")])
        if "busy_after" in faults and self.device.asked_within(BUSY_WINDOW) >= number(faults, "busy_after"):
            return self._overrun()
        if "busy" in faults:
            return Answer(503, b"Device Busy", "text/plain")
        if "redirect" in faults:
            return Answer(302, b"", headers=(("Location", text(faults, "redirect")),))
        answer = await self._route()
        return self._dripping(answer) if "drip" in faults and "drip_all" in faults else answer

    def _overrun(self) -> Answer:
        """Too many requests: said so, or dressed as a refused login."""
        if text(self.device.faults, "busy_with") == "503":
            return Answer(503, b"Device Busy", "text/plain")
        return Answer(401, b"", headers=self._challenge(Login.REFUSED))

    def _dripping(self, answer: Answer) -> Answer:
        return Answer(
            answer.status,
            answer.body,
            answer.content_type,
            answer.headers,
            drip=number(self.device.faults, "drip"),
            endless=answer.endless,
        )

    async def _route(self) -> Answer:
        path, plan = self.request.path, self.device.plan
        if plan.kind in ONVIF_KINDS and path == SNAPSHOT_PATH:
            return await self._snapshot(self.request.query or "Profile_1")
        number = self._vendor_channel()
        if plan.kind in ONVIF_KINDS and number:
            return await self._snapshot(f"Profile_{number}")
        if plan.kind in ONVIF_KINDS and path in (self._service_path, *soap.OTHER_PATHS):
            return self._onvif()
        if path == "/":
            return Answer(200, _front_page(self.device))
        return Answer(404, b"<html><body><h1>404 Not Found</h1></body></html>")

    @property
    def _service_path(self) -> str:
        return text(self.device.faults, "service_path", soap.DEVICE_PATH)

    def _vendor_channel(self) -> str:
        """The channel that the vendor's own snapshot address names, "" where the device has no such address."""
        vendor = text(self.device.faults, "vendor_snapshot")
        found = VENDOR_SNAPSHOTS[vendor].fullmatch(self.request.target) if vendor else None
        return found[1] if found else ""

    # -- SOAP

    def _onvif(self) -> Answer:
        if "onvif_off" in self.device.faults:
            return Answer(404, b"<html><body><h1>404 Not Found</h1></body></html>")
        if self.request.method != "POST":
            return Answer(405, b"", headers=(("Allow", "POST"),))
        try:
            call = soap.parse_call(self.request.body)
        except soap.BadCallError:
            return self._fault(400, "WellFormed", "The request is not well-formed")
        self.operation = call.operation
        self.credentials = self.credentials or call.token is not None
        return self._refusal(call) or self._reply(call)

    def _refusal(self, call: soap.Call) -> Answer | None:
        """The answer to a call whose login does not do, or None when it does."""
        device, request = self.device, self.request
        is_free = call.operation in WITHOUT_LOGIN and "clock_needs_login" not in device.faults
        if device.mode.open or is_free:
            return None
        outcome = device.check_soap(call, request.headers.get("authorization", ""), request.target, request.client)
        if "onvif_user" in device.faults and self.credentials:
            outcome = Login.REFUSED
        if outcome is Login.WORKED:
            return None
        reason = self._reason(outcome)
        if call.token is not None and device.mode.wsse:
            return self._fault(401 if "soap_401" in device.faults else 400, "NotAuthorized", reason)
        return self._fault(401, "NotAuthorized", reason, self._challenge(outcome) if device.mode.soap_http else ())

    def _reason(self, outcome: Login) -> str:
        """What a person would read: the countdown while locked, the attempts left before it."""
        locked_s = self.device.locked_s(self.request.client)
        if locked_s:
            return f"The account is locked. Try again in {locked_s} seconds."
        if outcome is Login.REFUSED and "lockout_after" in self.device.faults:
            return f"Sender not authorized. You still have {self._attempts_left()} attempt(s)."
        return "Sender not authorized"

    def _attempts_left(self) -> int:
        allowed = int(number(self.device.faults, "lockout_after"))
        return allowed - self.device.lockout.refused(self.request.client)

    def _challenge(self, outcome: Login) -> tuple[tuple[str, str], ...]:
        values = self.device.challenges(stale=outcome is Login.STALE)
        return tuple(("WWW-Authenticate", value) for value in values)

    def _reply(self, call: soap.Call) -> Answer:
        if "no_snapshot" in self.device.faults and call.operation == "GetSnapshotUri":
            return self._fault(500, "ActionNotSupported", "Snapshots are not supported")
        if call.profile and call.profile not in self.device.views:
            return self._fault(400, "NoProfile", "The requested profile does not exist")
        body = soap.reply(call, self._facts())
        if body is None:
            code, reason = soap.UNSUPPORTED.get(
                call.operation, ("ActionNotSupported", "The requested action is not supported")
            )
            return self._fault(400, code, reason)
        return Answer(200, oddities.spoil(body, self.device.faults), SOAP_TYPE)

    def _fault(self, status: int, code: str, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        shown = 200 if "fault_200" in self.device.faults else status
        return Answer(shown, soap.fault(code, reason), SOAP_TYPE, headers)

    def _facts(self) -> soap.Facts:
        device, plan = self.device, self.device.plan
        host = text(device.faults, "nat_address", plan.host)
        utc = device.clock()
        local = utc.astimezone(BEIJING)
        shown = utc + timedelta(hours=8) if "clock_local_in_utc" in device.faults else utc
        return soap.Facts(
            address=f"{host}:{device.port}",
            host=host,
            name=plan.key,
            manufacturer=plan.manufacturer,
            model=plan.model,
            firmware=plan.firmware,
            serial=plan.serial or f"VK{plan.key}",
            utc=shown,
            local=local,
            profiles={token: view.key for token, view in device.views.items()},
            size=plan.size,
            label=next(iter(device.views.values())).scene.label or plan.key,
            username=plan.username,
            snapshot_path=SNAPSHOT_PATH,
            records=plan.kind == "recorder",
            # A fire lane's camera calls out to whoever parks there.
            loudspeakers=int(plan.scene.kind == "fire_lane"),
        )

    # -- pictures

    async def _snapshot(self, profile: str) -> Answer:
        device, request = self.device, self.request
        if not device.mode.open:
            outcome = device.check_http(
                request.headers.get("authorization", ""), request.method, request.target, request.client
            )
            if outcome is not Login.WORKED:
                return Answer(401, self._refusal_page(outcome), headers=self._challenge(outcome))
        view = device.views.get(profile)
        if view is None:
            return Answer(404, b"<html><body><h1>404 Not Found</h1></body></html>")
        return await self._picture(view)

    def _refusal_page(self, outcome: Login) -> bytes:
        return f"<html><body><h1>401 Unauthorized</h1><p>{self._reason(outcome)}</p></body></html>".encode()

    async def _picture(self, view: View) -> Answer:
        faults = self.device.snapshot_faults(view)
        if "html_picture" in faults:
            return Answer(200, _front_page(self.device))
        if "empty_picture" in faults:
            return Answer(200, b"", "image/jpeg")
        if "xml_picture" in faults:
            return Answer(200, XML_PICTURE, "text/xml")
        body = await self._draw(self.device, view)
        if "truncated_picture" in faults:
            body = body[: int(len(body) * number(faults, "truncated_picture"))]
        kind = "application/octet-stream" if "octet_picture" in faults else "image/jpeg"
        return Answer(200, body, kind, drip=number(faults, "drip"), endless="endless" in faults)


def _front_page(device: Device) -> bytes:
    title = escape(text(device.faults, "page_title", f"{device.plan.manufacturer} {device.plan.model}"))
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()
