"""Why an answer is none of an ONVIF service: another page, a wish for HTTPS, broken software."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from devices.addresses import redact
from monitor.probes import http1, reply
from monitor.probes.failure import Failure, Garbled, NoService, Slow

REDIRECTS: Final = range(300, 400)
# Longer addresses are of use to nobody.
MAX_LOCATION: Final = 512
# Names of "no service here" that were found out by asking further, and hold until a service answers.
DIAGNOSED: Final = frozenset({"onvif_off", "not_a_camera"})
# A TLS alert in answer to plain HTTP, and what web servers write instead.
_TLS_ALERT: Final = "\\x15\\x03"
_TO_TLS: Final = b"HTTP request was sent to HTTPS port"
_NOT_HERE: Final = frozenset({404, 405, 410, 501})


def is_https(location: str, host: str) -> bool:
    """Whether a redirect leads to the same host, only over HTTPS; by its own word, which behind NAT is another name."""
    try:
        parts = urlsplit(location.strip())
        same = (parts.hostname or "") == host.lower() or parts.path.startswith("/onvif/")
        return parts.scheme == "https" and same
    except ValueError:
        return False


def is_tls(failure: Failure) -> bool:
    """Whether the first bytes that came are TLS's refusal of plain HTTP."""
    return str(failure.detail.get("first_bytes", "")).startswith(_TLS_ALERT)


def why_no_reply(response: http1.Response, host: str) -> Failure:
    """Why a reply without an envelope is none."""
    status = response.status
    if response.end is http1.End.LATE:
        return Slow(len(response.body), response.seconds)
    location = redact(response.head.get("location")[:MAX_LOCATION])
    if (status in REDIRECTS and is_https(location, host)) or _TO_TLS in response.body[:1024]:
        return NoService("https_only", status=status, location=location)
    if status in REDIRECTS:
        return Garbled("protocol", reason="redirect", status=status, location=location)
    if status in _NOT_HERE or _is_page(response.body):
        return NoService("service_missing", status=status)
    reason = _unread(response)
    return Garbled("protocol", reason=reason, status=status, first_bytes=response.first_bytes)


def _unread(response: http1.Response) -> str:
    """What ails a body without an envelope, in a word for a person."""
    if response.end is not http1.End.WHOLE:
        return f"body {response.end}"
    if response.is_packed:
        return "compressed"
    return "too large a document" if reply.is_monstrous(response.body) else "no envelope"


def _is_page(body: bytes) -> bool:
    return b"<html" in body[:2048].lower() or b"<!doctype html" in body[:2048].lower()
