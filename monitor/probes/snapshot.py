"""Fetches one snapshot: bytes, or a finding that says why there are none."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from monitor.probes import http1, wallclock
from monitor.probes.failure import Failure, Garbled, LinkDown, Refused, Slow, faulty, unknown
from monitor.probes.login import REST_S, Login
from monitor.probes.media import Media
from monitor.probes.memory import Memory
from monitor.probes.onvif import Faulted, Onvif
from monitor.probes.talk import PICTURE_CAP, Talk
from monitor.wire import Finding, Subject

_GONE: Final = frozenset({404, 410, 501})
_REFUSED: Final = frozenset({401, 403})
ONVIF: Final = "snapshot"
# A channel of a recorder that has given a picture to this login, and how many that have not may refuse it in one rest.
SHOWN: Final = "snapshot_shown"
REFUSALS_A_REST: Final = 2
# What an address that is no longer the snapshot's may answer.
GONE: Final = frozenset({"snapshot_missing", "not_a_picture"})
_HEADERS: Final = (("Accept", "image/jpeg, image/*"),)
_SNIFF: Final = 512
_KILO: Final = 1000
_KINDS: Final = (
    (
        "HTML",
        re.compile(rb"\A\s*+(?:<!--(?>.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body|title|meta)\b", re.I | re.S),
    ),
    ("XML", re.compile(rb"\A\s*<(?:\?xml|[a-z])", re.I)),
    ("JSON", re.compile(rb'\A\s*[{\[]\s*["{\[\]}\d]')),
)


class Snapshots:
    """Takes the snapshots of one endpoint during one visit."""

    def __init__(self, talk: Talk, memory: Memory, login: Login, onvif: Onvif, media: Media) -> None:
        self._talk = talk
        self._memory = memory
        self._login = login
        self._onvif = onvif
        self._media = media

    async def take(self, subject: Subject, until: float, *, relearn: bool = True) -> bytes | Finding:
        """The picture of one subject, or why there is none; `relearn` where its address may be sought from scratch."""
        if self._login.resting and not self._is_open(subject):
            return unknown(self._login.why_not())
        try:
            return await self._fetch(subject, until, relearn=relearn)
        except Faulted as exc:
            return faulty("snapshot_missing", text=exc.detail["text"])
        except Refused as exc:
            if self._login.resting or self._onvif.is_resting:
                return self._onvif.excuse(exc)
            return self._refused_here(subject)  # ONVIF takes the login, but not for this question
        except Failure as exc:
            return self._onvif.excuse(exc)

    def _is_open(self, subject: Subject) -> bool:
        """Whether the snapshot needs neither a login nor a question that does."""
        return self._memory.shared("snapshot_auth") == "none" and bool(self._memory.of(subject, "snapshot_path"))

    async def _fetch(self, subject: Subject, until: float, *, relearn: bool) -> bytes | Finding:
        rest = self._rests(subject)
        if rest is not None:
            return rest
        if self._onvif.is_busy:
            self._onvif.check_hope()
        remembered = self._media.known_snapshot_path(subject)
        path = remembered or await self._media.snapshot_path(subject, relearn=relearn)
        result = await self.get(subject, path, until) if path else faulty("snapshot_missing")
        if isinstance(result, bytes):
            self._memory.learn_of(subject, "snapshot_fails", "")
            if subject.channel:
                self._memory.learn_of(subject, SHOWN, "1")
        elif remembered and result.cause in GONE:
            return await self._elsewhere(subject, remembered, until) or result
        return result

    async def _elsewhere(self, subject: Subject, old: str, until: float) -> bytes | Finding | None:
        """Learn the address anew, once until it works again; None where that leads nowhere new."""
        if self._memory.of(subject, "snapshot_fails") or self._login.resting:
            return None
        self._memory.learn_of(subject, "snapshot_fails", "1")
        self._media.forget_snapshot(subject)
        try:
            path = await self._media.snapshot_path(subject)
        except Failure:  # what was found out about the old address stands
            return None
        if path in {"", old}:
            return None
        result = await self.get(subject, path, until)
        if isinstance(result, bytes):
            self._memory.learn_of(subject, "snapshot_fails", "")
        return result

    async def get(
        self, subject: Subject, path: str, until: float, use: str = ONVIF, *, known: bool = True
    ) -> bytes | Finding:
        """The answer of a snapshot address.

        `use` names the way, since each remembers its own login; on one that is not `known` yet a refusal is raised.
        """
        began = asyncio.get_running_loop().time()
        proven = self._login.used == "worked"
        try:
            response = await self._login.ask(use, use, "GET", path, headers=_HEADERS, cap=PICTURE_CAP, until=until)
        except Slow as exc:
            return self._too_slow(exc.received, exc.seconds, until - began)
        except LinkDown:
            if not self._talk.reached:
                raise
            return self._too_slow(0, until - began, until - began)
        except Garbled as exc:
            return faulty("not_a_picture", content=exc.detail.get("first_bytes", ""))
        except Refused as exc:
            if not (proven and known) or exc.cause == "locked_out":
                raise
            return self._refused_here(subject)
        return self._answer(response, until - began)

    def _refused_here(self, subject: Subject) -> Finding:
        """The login works, this address refuses it: a matter of rights. It rests alone, so that nothing locks."""
        self._login.only_there()
        until = wallclock.now() + timedelta(seconds=REST_S)
        self._memory.learn_of(subject, "snapshot_rests_until", until.isoformat())
        return faulty("snapshot_refused", status=401)

    def _rests(self, subject: Subject) -> Finding | None:
        said = self._memory.of(subject, "snapshot_rests_until")
        if not said:
            return unknown("login_held") if self._may_be_refused_too(subject) else None
        if datetime.fromisoformat(said) > wallclock.now():
            return faulty("snapshot_refused", status=401, until=said)
        self._memory.learn_of(subject, "snapshot_rests_until", "")
        return None

    def _may_be_refused_too(self, subject: Subject) -> bool:
        """Whether another channel refused the login lately and this one never took it: each tried in turn locks it."""
        if self._memory.of(subject, SHOWN):
            return False
        others = (self._memory.of(one, "snapshot_rests_until") for one in self._talk.target.subjects if one != subject)
        lately = wallclock.now() + timedelta(seconds=REST_S / REFUSALS_A_REST)
        return any(said and datetime.fromisoformat(said) > lately for said in others)

    def _too_slow(self, received: int, seconds: float, limit: float) -> Finding:
        return faulty("picture_too_slow", rate=rate(received, seconds), limit=round(limit))

    def _answer(self, response: http1.Response, limit: float) -> bytes | Finding:
        if response.status != HTTPStatus.OK:
            return _by_status(response.status)
        body = response.body
        if response.end is http1.End.LATE:
            return self._too_slow(len(body), response.seconds, limit)
        if response.end is http1.End.LARGE:
            return faulty("picture_too_large", limit_bytes=PICTURE_CAP)
        if not body:
            return faulty("empty_picture")
        kind = content(body)
        return faulty("not_a_picture", content=kind) if kind else self._shown(body)

    def _shown(self, body: bytes) -> bytes:
        self._login.proved()
        return body


def _by_status(status: int) -> Finding:
    if status in _REFUSED:
        return faulty("snapshot_refused", status=status)
    if status in _GONE:
        return faulty("snapshot_missing", status=status)
    return faulty("not_a_picture", content=f"HTTP {status}", status=status)


def content(body: bytes) -> str:
    """The kind of text that came instead of a picture, "" where it may be one."""
    start = body[:_SNIFF].lstrip(b"\xef\xbb\xbf\x00")
    return next((kind for kind, pattern in _KINDS if pattern.match(start)), "")


def rate(received: int, seconds: float) -> str:
    """Bytes a second for a person: 1 B/s, 12 kB/s."""
    per_s = received / seconds if seconds > 0 else 0.0
    if per_s >= _KILO:
        return f"{per_s / _KILO:.0f} kB/s"
    return f"{max(1, round(per_s)) if received else 0} B/s"
