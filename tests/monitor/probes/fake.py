"""A fake device for byte-level misbehaviour: a threaded server on loopback that says exactly what it is told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from monitor.wire import Credential, Subject, Target, Tier

ENVELOPE = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema"'
    b' xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>%s</s:Body></s:Envelope>'
)
ALL_TIERS = frozenset(Tier)
HEARTBEAT = frozenset({Tier.HEARTBEAT})
PICTURE = frozenset({Tier.PICTURE})
FACTS = frozenset({Tier.FACTS})

Bytes = bytes | Sequence[bytes]


@dataclass(frozen=True)
class Asked:
    """One request as the fake saw it, and on which connection (counted from 1)."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def operation(self) -> str:
        """The SOAP operation, "" for a GET."""
        action = self.headers.get("content-type", "").rpartition('action="')[2]
        return action.rstrip('"').rpartition("/")[2]

    @property
    def signed(self) -> bool:
        """Whether a credential came along."""
        return "authorization" in self.headers or b"UsernameToken" in self.body


Answer = Callable[[Asked], Bytes | None]


@dataclass
class Fake:
    """A running fake: where it listens, and what it was asked."""

    port: int
    asked: list[Asked] = field(default_factory=list)

    def names(self) -> list[str]:
        """What was asked, in order: operations, and paths of GETs."""
        return [one.operation or one.path for one in self.asked]


def http(status: int = 200, body: bytes = b"", *headers: str, keep: bool = True) -> bytes:
    """A proper reply."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, *([] if keep else ["Connection: close"])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def soap(inner: bytes, status: int = 200) -> bytes:
    """A reply with a SOAP envelope."""
    return http(status, ENVELOPE % inner, "Content-Type: application/soap+xml")


def fault(code: str, text: str, status: int = 400) -> bytes:
    """A SOAP fault."""
    inner = (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode></s:Code>"
        f"<s:Reason><s:Text>{text}</s:Text></s:Reason></s:Fault>"
    )
    return soap(inner.encode(), status)


def moment(name: str, at: datetime) -> str:
    """A date and time element of ONVIF."""
    return (
        f"<tt:{name}><tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute><tt:Second>{at.second}"
        f"</tt:Second></tt:Time><tt:Date><tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month><tt:Day>{at.day}"
        f"</tt:Day></tt:Date></tt:{name}>"
    )


def clock(at: datetime | None = None) -> bytes:
    """The reply of a device whose clock shows `at` (now, if None)."""
    at = at or datetime.now(UTC)
    return soap(f"<GetSystemDateAndTimeResponse>{moment('UTCDateTime', at)}</GetSystemDateAndTimeResponse>".encode())


def _read(connection: socket.socket, number: int) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65_536)
    return Asked(method, path, headers, body, number)


def _converse(fake: Fake, connection: socket.socket, number: int, answer: Answer, gap_s: float) -> None:
    with connection:
        while True:
            try:
                asked = _read(connection, number)
                if asked is None:
                    return
                fake.asked.append(asked)
                said = answer(asked)
                if said is None:
                    return
                for part in [said] if isinstance(said, bytes) else said:
                    connection.sendall(part)
                    if not isinstance(said, bytes):
                        time.sleep(gap_s)
            except OSError:
                return


@contextmanager
def serving(answer: Answer, *, gap_s: float = 0.02, host: str = "127.0.0.1") -> Iterator[Fake]:
    """Serve until the block ends. None closes the connection; a sequence is sent piece by piece, `gap_s` apart."""
    server = socket.create_server((host, 0))
    fake = Fake(server.getsockname()[1])
    open_ones: list[socket.socket] = []

    def accept() -> None:
        number = 0
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            number += 1
            open_ones.append(connection)
            threading.Thread(target=_converse, args=(fake, connection, number, answer, gap_s), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for connection in open_ones:
            connection.close()


def subject(device_id: int = 1, tiers: frozenset[Tier] = ALL_TIERS, **given: object) -> Subject:
    """A device to look at, for everything unless told otherwise."""
    return Subject(device_id, tiers, **given)  # type: ignore[arg-type]


def target(port: int, *subjects: Subject, password: str | None = "pw", **given: object) -> Target:
    """A loopback endpoint with a generous budget."""
    settings: dict[str, object] = {"deadline_s": 2.0, "burst": 100, "loopback": True} | given
    credential = None if password is None else Credential("admin", password)
    return Target(7, "z", "127.0.0.1", port, subjects or (subject(),), credential=credential, **settings)  # type: ignore[arg-type]
