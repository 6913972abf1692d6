"""The ways to a picture, one below the other: ONVIF's snapshot, the vendor's own read-only snapshot, the video stream.

The one that works is learned once and kept in the passport (`snapshot_rung`; none named means ONVIF's). A way that
leads nowhere is closed for a day, so that a device without any is not searched through at every visit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from monitor.probes import streams, vendor, wallclock
from monitor.probes.failure import Failure, Refused, unknown
from monitor.probes.login import Login
from monitor.probes.media import Media
from monitor.probes.memory import Memory
from monitor.probes.onvif import Onvif
from monitor.probes.snapshot import GONE, Snapshots
from monitor.probes.talk import Talk
from monitor.wire import Finding, Subject, Tier

ONVIF: Final = "onvif"
CLOSED_FOR: Final = timedelta(days=1)
# What marks a way on which the login was refused: a look does not try it again before its day is over, or each look
# would cost a refused login.
REFUSED: Final = "!"
# Ways tried for the first time in one visit; a look for everything may try as many as may be asked at once.
NEW_IN_A_VISIT: Final = 1
# What says nothing about the way itself, only about this moment.
_PASSING: Final = frozenset({"late", "picture_too_slow", "busy", "connections_used_up"})
# What has no other way either: another kind of device, or one that speaks to nobody in clear.
_POINTLESS: Final = frozenset({"not_a_camera", "https_only"})


class Ladder:
    """Takes the pictures of one endpoint during one visit, each by the way that works for it."""

    def __init__(self, talk: Talk, memory: Memory, login: Login, onvif: Onvif) -> None:
        self._talk = talk
        self._memory = memory
        self._login = login
        self._onvif = onvif
        media = Media(talk, memory, login, onvif)
        self._snapshots = Snapshots(talk, memory, login, onvif, media)
        self._streams = streams.Streams(talk, memory, login, onvif, media)
        self._tried = 0

    @property
    def goes_first(self) -> bool:
        """Whether pictures are asked for before anything that ONVIF may refuse the login for.

        So it is where the device is known to take the login elsewhere, and where ONVIF has refused it and the maker's
        own way may show whether that was the password or a missing ONVIF user.
        """
        return bool(self._memory.shared("snapshot_rung")) or self._suspects_onvif

    @property
    def _suspects_onvif(self) -> bool:
        """Whether the one use of a login that has rested is better spent at the maker's own address."""
        made = vendor.rung_of(self._memory.shared("vendor"))
        return self._onvif.is_doubted and self._login.after_rest and bool(made)

    async def take(self, subject: Subject, until: float) -> bytes | Finding:
        """The picture of one subject, or why there is none."""
        known = self._known(subject)
        if self._onvif.is_shut and known != vendor.RTSP:
            return await self._climb(subject, until, unknown("no_reply"))
        if known and not self._onvif.is_busy:
            return await self._by_known(known, subject, until)
        if self._suspects_onvif and not self._login.used:
            got = await self._climb(subject, until, unknown("no_reply"))
            if isinstance(got, bytes) or self._login.resting:
                return got
        failed_before = self._fails(subject)
        found = await self._by_onvif(subject, until)
        if isinstance(found, bytes) or not self._leads_nowhere(found, failed_before=failed_before):
            return found
        return await self._climb(subject, until, found)

    async def _by_known(self, rung: str, subject: Subject, until: float) -> bytes | Finding:
        """By the way that had worked; the others once, when it fails, until it works again."""
        try:
            got = await self._by(rung, subject, until, known=True)
        except Refused:
            if self._onvif.is_doubted:  # then ONVIF is next, or the two would bar each other's way for ever
                self._close(subject, rung)
                self._memory.learn_of(subject, "snapshot_rung", "")
            return unknown(self._login.why_not())
        if isinstance(got, bytes):
            return self._shown(subject, rung, got)
        given_up = self._onvif.is_shut or (self._fails(subject) and not self._asks_all(subject))
        if got.cause not in GONE or given_up:
            return got
        self._memory.learn_of(subject, "snapshot_fails", "1")
        found = await self._by_onvif(subject, until)
        if isinstance(found, bytes):
            self._memory.learn_of(subject, "snapshot_rung", "")
            return found
        return await self._climb(subject, until, got, without=rung)

    async def _by_onvif(self, subject: Subject, until: float) -> bytes | Finding:
        """ONVIF's own way; one that offers none is asked again each time, but not searched through again for a day."""
        found = await self._snapshots.take(subject, until, relearn=not self._is_closed(subject, ONVIF))
        if isinstance(found, bytes):
            self._open(subject, ONVIF)
        elif _offers_none(found) and not self._is_closed(subject, ONVIF):
            self._close(subject, ONVIF)
        return found

    def _fails(self, subject: Subject) -> bool:
        return bool(self._memory.of(subject, "snapshot_fails"))

    def _known(self, subject: Subject) -> str:
        """The way that works for this subject, else the one that works for another channel of the endpoint."""
        own = self._memory.of(subject, "snapshot_rung")
        shared = "" if self._memory.of(subject, "snapshot_path") else self._memory.shared("snapshot_rung")
        return own or ("" if self._is_closed(subject, shared) else shared)

    def _leads_nowhere(self, found: Finding, *, failed_before: bool) -> bool:
        """Whether ONVIF gives no picture for a reason that another way may not have.

        An address that has just begun to fail has been learned anew in this visit: that is enough for one.
        """
        if self._login.resting or (self._onvif.trouble is not None and self._onvif.trouble.cause in _POINTLESS):
            return False
        fails = failed_before and found.cause in GONE
        return _offers_none(found) or fails or self._onvif.is_missing or self._onvif.is_resting

    # -- other ways

    async def _climb(self, subject: Subject, until: float, found: Finding, without: str = "") -> bytes | Finding:
        """Try ways that were not tried yet; `found` stands where none leads to a picture."""
        for rung in self._candidates(subject):
            if not self._may_try(subject):
                break
            if rung == without:
                continue
            self._tried += 1
            proven = self._login.used == "worked"
            try:
                got = await self._by(rung, subject, until, known=False)
            except Refused as exc:
                if not self._onvif.is_missing:  # else it is the only way, and the password is what is wrong
                    self._close(subject, rung, refused=True)
                if not proven or exc.cause == "locked_out":
                    return unknown(self._login.why_not())
                self._login.only_there()
                return found  # one refused login in a visit, whoever asks for it
            if isinstance(got, bytes):
                return self._shown(subject, rung, got)
            if got.cause in _PASSING:
                return found
            self._close(subject, rung)
        return found

    def _may_try(self, subject: Subject) -> bool:
        if self._asks_all(subject):
            return self._talk.endpoint.bucket.wait_s() == 0
        return self._tried < NEW_IN_A_VISIT

    @staticmethod
    def _asks_all(subject: Subject) -> bool:
        return subject.tiers == frozenset(Tier)

    def _candidates(self, subject: Subject) -> Iterator[str]:
        """The maker's way where the make is known, else those of all; the stream last, for it costs most."""
        made = self._memory.shared("vendor")
        by_http = [] if self._onvif.is_shut else [vendor.rung_of(made)] if made else list(vendor.SNAPSHOTS)
        for rung in by_http:
            if rung and not self._is_closed(subject, rung) and (made or not self._is_closed_elsewhere(subject, rung)):
                yield rung
        if streams.is_available() and not self._is_closed(subject, vendor.RTSP):
            yield vendor.RTSP

    async def _by(self, rung: str, subject: Subject, until: float, *, known: bool) -> bytes | Finding:
        """The picture by one way; raise `Refused` where the login is refused on it."""
        if self._login.resting and self._memory.shared(f"{rung}_auth") != "none":
            return unknown(self._login.why_not())
        try:
            if rung == vendor.RTSP:
                return await self._streams.take(subject, until)
            path = vendor.snapshot_of(rung, subject.channel)
            return await self._snapshots.get(subject, path, until, rung, known=known)
        except Refused:
            raise
        except Failure as exc:
            return self._onvif.excuse(exc)

    def _shown(self, subject: Subject, rung: str, picture: bytes) -> bytes:
        """A way that works is kept; where it shows that only ONVIF refuses the login, that is told."""
        self._memory.learn_of(subject, "snapshot_rung", rung)
        self._memory.learn_of(subject, "snapshot_fails", "")
        self._open(subject, rung)
        self._onvif.tell_rest()
        return picture

    # -- ways that are closed: "isapi=2026-03-01T08:00 rtsp=…"

    def _closed(self, subject: Subject) -> dict[str, str]:
        said = self._memory.of(subject, "closed_rungs").split()
        return {rung: at for rung, _, at in (one.partition("=") for one in said)}

    def _is_closed(self, subject: Subject, rung: str) -> bool:
        """Whether a way was found to lead nowhere within the last day; a look for everything tries it again."""
        at = self._closed(subject).get(rung, "")
        if not at or (self._asks_all(subject) and not at.endswith(REFUSED)):
            return False
        return wallclock.now() - datetime.fromisoformat(at.removesuffix(REFUSED)) < CLOSED_FOR

    def _is_closed_elsewhere(self, subject: Subject, rung: str) -> bool:
        """Whether another channel of a recorder of unknown make has found out already."""
        others = (one for one in self._talk.target.subjects if one is not subject)
        return any(self._is_closed(one, rung) for one in others)

    def _close(self, subject: Subject, rung: str, *, refused: bool = False) -> None:
        at = wallclock.now().isoformat(timespec="minutes")
        closed = self._closed(subject) | {rung: at + REFUSED if refused else at}
        self._write(subject, closed)

    def _open(self, subject: Subject, rung: str) -> None:
        closed = self._closed(subject)
        if closed.pop(rung, None):
            self._write(subject, closed)

    def _write(self, subject: Subject, closed: dict[str, str]) -> None:
        self._memory.learn_of(subject, "closed_rungs", " ".join(f"{rung}={at}" for rung, at in sorted(closed.items())))


def _offers_none(found: Finding) -> bool:
    """Whether ONVIF has no address of a snapshot to give, other than one that does not answer."""
    return found.cause == "snapshot_missing" and "status" not in found.detail
