"""The two requests that make nearly all of the traffic, read and answered in a few microseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from monitor.simulator import soap
from monitor.simulator.answers import SNAPSHOT_PATH, SOAP_TYPE
from monitor.simulator.device import BEIJING
from monitor.simulator.fleet import bank
from monitor.simulator.fleet.lane import Part
from monitor.simulator.http import LARGEST_BODY, LARGEST_HEAD, Answer, Request, head_of

_END = b"\r\n\r\n"
_CLOCK = re.compile(rb"Body[^>]*>\s*<(?:\w+:)?GetSystemDateAndTime\b")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d+)[ \t]*\r", re.IGNORECASE)
_AUTHORIZATION = re.compile(rb"\nauthorization:[ \t]*([^\r]*)", re.IGNORECASE)
_CLOSE = re.compile(rb"\nconnection:[ \t]*close", re.IGNORECASE)
_START = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.1\r")
_ONVIF = f"POST {soap.DEVICE_PATH} ".encode()
_SNAPSHOT = re.compile(rf"GET ({re.escape(SNAPSHOT_PATH)}\?Profile_(\d{{1,3}})) ".encode())
MALFORMED = -1


def length(data: bytes) -> int:
    """How long the first request is; 0 where it is not whole yet, `MALFORMED` where it will never be."""
    end = data.find(_END)
    if end < 0:
        return MALFORMED if len(data) > LARGEST_HEAD else 0
    if _START.match(data) is None:
        return MALFORMED
    given = _LENGTH.search(data, 0, end + 2)
    size = int(given[1]) if given else 0
    if size > LARGEST_BODY or (given is None and b"ransfer-" in data[:end]):
        return MALFORMED
    whole = end + len(_END) + size
    return whole if len(data) >= whole else 0


def keeps(data: bytes) -> bool:
    """Whether the client wants to use the connection again."""
    return _CLOSE.search(data, 0, data.find(_END) + 2) is None


def asks_clock(data: bytes) -> bool:
    """Whether it is a call of GetSystemDateAndTime."""
    return data.startswith(_ONVIF) and _CLOCK.search(data) is not None


def snapshot_of(data: bytes) -> tuple[str, int]:
    """The address with its query of a request for a picture, and the number of its profile; 0 where it is another."""
    found = _SNAPSHOT.match(data)
    return (found[1].decode("latin-1"), int(found[2])) if found else ("", 0)


def authorization(data: bytes) -> str:
    """The Authorization header of a request, or nothing."""
    found = _AUTHORIZATION.search(data, 0, data.find(_END) + 2)
    return found[1].decode("latin-1") if found else ""


def request(data: bytes, client: str) -> Request:
    """Any whole request, as the rest of the simulator reads them."""
    head, _, body = data.partition(_END)
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    return Request(method, target, {name.strip().lower(): value.strip() for name, _, value in pairs}, body, client)


# -- answers


@lru_cache(maxsize=4)
def clock(second: int, *, keep: bool) -> bytes:
    """The whole answer to GetSystemDateAndTime, the same for all devices whose clocks are right."""
    now = datetime.fromtimestamp(second, UTC)
    nothing = soap.Facts("", "", "", "", "", "", "", now, now.astimezone(BEIJING), {}, (), "", "", "")
    body = soap.reply(soap.Call("GetSystemDateAndTime", "", None), nothing) or b""
    answer = Answer(200, body, SOAP_TYPE)
    return head_of(answer, keep=keep) + body


@lru_cache(maxsize=4_096)
def _picture_head(size: int, *, keep: bool) -> bytes:
    connection = b"keep-alive" if keep else b"close"
    return b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\nConnection: %b\r\n\r\n" % (
        size,
        connection,
    )


def picture(tail: memoryview, mark: str, *, keep: bool) -> list[Part]:
    """The whole answer with a picture that nobody got before: `mark` goes into its comment."""
    start = bank.comment(mark.encode())
    return [_picture_head(len(start) + len(tail), keep=keep) + start, tail]


def refused(challenge: str, *, keep: bool) -> bytes:
    """The answer to a request for a picture without a login that does."""
    body = b"<html><body><h1>401 Unauthorized</h1></body></html>"
    return head_of(Answer(401, body, headers=(("WWW-Authenticate", challenge),)), keep=keep) + body
