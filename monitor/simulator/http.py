"""HTTP/1.1 as small as a camera speaks it: read a request, say what to answer, deliver it well or badly."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

LARGEST_HEAD = 32_768
LARGEST_BODY = 1_048_576
DRIP_STEP_S = 0.1  # faster drips come in steps of this length
_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/(1\.[01])")
ENDLESS_CHUNK = b"\xff\xd8\xff\xe0" + bytes(8_188)


class BadRequestError(ValueError):
    """What came is no HTTP request, or larger than allowed."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; header names in lower case, `target` with its query as sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    client: str = ""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to use the connection again."""
        return self.headers.get("connection", "").lower() != "close"


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer, and how badly to deliver it.

    `drip` is bytes per second of the body (0: at once), `endless` never ends it, `raw` is sent instead of all else.
    """

    status: int = HTTPStatus.OK
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    drip: float = 0.0
    endless: bool = False
    raw: bytes = b""


async def read_request(reader: asyncio.StreamReader, client: str = "") -> Request | None:
    """The next request of a connection, or None when the client has closed it; raises `BadRequestError`."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise BadRequestError("incomplete head") from None
        return None
    except asyncio.LimitOverrunError:
        raise BadRequestError("head too large") from None
    method, target, headers = _parse_head(head)
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LARGEST_BODY or "transfer-encoding" in headers:
        raise BadRequestError("body without an allowed length")
    try:
        body = await reader.readexactly(int(length))
    except asyncio.IncompleteReadError:
        raise BadRequestError("incomplete body") from None
    return Request(method, target, headers, body, client)


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise BadRequestError("no request line")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequestError("header line without a name")
        headers[name.strip().lower()] = value.strip()
    if match[3] == "1.0":
        headers.setdefault("connection", "close")
    return match[1], match[2], headers


def head_of(answer: Answer, *, keep: bool) -> bytes:
    """Status line and headers of an answer; an endless body has no length."""
    reason = HTTPStatus(answer.status).phrase
    lines = [f"HTTP/1.1 {int(answer.status)} {reason}", f"Content-Type: {answer.content_type}"]
    if not answer.endless:
        lines.append(f"Content-Length: {len(answer.body)}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines.append(f"Connection: {'keep-alive' if keep and not answer.endless else 'close'}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def deliver(writer: asyncio.StreamWriter, answer: Answer, *, keep: bool, with_body: bool = True) -> bool:
    """Send an answer; returns whether the connection can be used again."""
    if answer.raw:
        writer.write(answer.raw)
        await writer.drain()
        return False
    writer.write(head_of(answer, keep=keep))
    if with_body and answer.endless:
        await _send_endless(writer)
    elif with_body and answer.drip:
        await _send_drip(writer, answer.body, answer.drip)
    elif with_body:
        writer.write(answer.body)
    await writer.drain()
    return keep and not answer.endless


async def _send_drip(writer: asyncio.StreamWriter, body: bytes, rate: float) -> None:
    step = max(1, int(rate * DRIP_STEP_S))
    for start in range(0, len(body), step):
        await asyncio.sleep(step / rate)
        writer.write(body[start : start + step])
        await writer.drain()


async def _send_endless(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(ENDLESS_CHUNK)
        await writer.drain()
