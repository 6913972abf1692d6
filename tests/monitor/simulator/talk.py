"""How the tests talk to virtual devices: plain HTTP, SOAP with a login, digest."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from monitor.simulator.auth import REALM

SNAPSHOT = "/onvif-http/snapshot?Profile_1"
PASSWORD = "s&cret"
TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"


class Client:
    """An HTTP digest client written from RFC 7616, apart from the code under test."""

    def __init__(self, challenge: str, password: str = "s&cret") -> None:
        self.parts = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        self.password = password

    def header(
        self,
        count: int = 1,
        uri: str = "/snap?1",
        method: str = "GET",
        *,
        changes: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        given = {
            "username": "admin",
            "realm": self.parts["realm"],
            "nonce": self.parts["nonce"],
            "uri": uri,
            "qop": "auth",
            "nc": f"{count:08x}",
            "cnonce": "c0",
            "algorithm": self.parts["algorithm"],
            **changes,
        }
        hashed = hashlib.new("md5" if given["algorithm"] == "MD5" else "sha256")

        def digest(text: str) -> str:
            one = hashed.copy()
            one.update(text.encode())
            return one.hexdigest()

        ha1, ha2 = digest(f"admin:{REALM}:{self.password}"), digest(f"{method}:{uri}")
        response = digest(f"{ha1}:{given['nonce']}:{given['nc']}:{given['cnonce']}:auth:{ha2}")
        given = {"response": response, **given}
        return "Digest " + ", ".join(f'{name}="{value}"' for name, value in given.items() if value)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def fetch(
    port: int, method: str = "GET", path: str = "/", body: bytes = b"", host: str = "127.0.0.1", **headers: str
) -> Reply:
    """One request on a connection of its own."""
    line = http.client.HTTPConnection(host, port, timeout=10)
    try:
        return ask(line, method, path, body, **headers)
    finally:
        line.close()


def ask(line: http.client.HTTPConnection, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
    """One request on a connection that may be kept."""
    line.request(method, path, body or None, headers)
    answer = line.getresponse()
    return Reply(answer.status, answer.headers, answer.read())


def snapshot(port: int, path: str = SNAPSHOT, password: str = PASSWORD, host: str = "127.0.0.1") -> Reply:
    """A picture after a digest login."""
    first = fetch(port, path=path, host=host)
    if first.status != 401:
        return first
    return fetch(
        port, path=path, host=host, Authorization=Client(first.headers["WWW-Authenticate"], password).header(uri=path)
    )


def security(password: str = PASSWORD, at: datetime | None = None) -> str:
    """A WS-Security header with a fresh nonce."""
    nonce, created = secrets.token_bytes(16), f"{at or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    return (
        f'<h:Security xmlns:h="urn:any"><h:UsernameToken><h:Username>admin</h:Username><h:Password Type="{TYPE}">'
        f"{digest}</h:Password><h:Nonce>{base64.b64encode(nonce).decode()}</h:Nonce><h:Created>{created}</h:Created>"
        "</h:UsernameToken></h:Security>"
    )


def envelope(operation: str, inside: str = "", header: str = "") -> bytes:
    """A SOAP 1.2 request."""
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
        f'<s:Header>{header}</s:Header><s:Body><o:{operation} xmlns:o="http://www.onvif.org/ver10/device/wsdl">'
        f"{inside}</o:{operation}></s:Body></s:Envelope>"
    ).encode()


def soap(
    port: int, operation: str, inside: str = "", header: str | None = None, path: str = "device_service", **headers: str
) -> Reply:
    """A SOAP call, with a right login unless told otherwise."""
    given = security() if header is None else header
    return fetch(port, "POST", f"/onvif/{path}", envelope(operation, inside, given), **headers)


def raw(port: int, sent: bytes, host: str = "127.0.0.1") -> bytes:
    """All that comes back for some bytes, until the device closes."""
    with socket.create_connection((host, port), timeout=10) as line:
        line.sendall(sent)
        received = b""
        while part := line.recv(65_536):
            received += part
        return received
