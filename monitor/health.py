"""When a failure is true: the state of each aspect as a pure function of its readings.

States are decided by N of the last M readings, apart for failing and for recovering, so that a camera which fails
every other time is found out and one bad reading proves nothing (DESIGN, decisions 11 and 12):

    state       reading   next
    unknown     ok        ok
    unknown     faulty    suspect; faulty when N of M are bad
    ok          faulty    suspect; faulty when N of M are bad
    suspect     faulty    suspect; faulty when N of M are bad
    suspect     ok        suspect; ok when so many good ones in a row that the old bad ones cannot make N of M
    faulty      ok        recovering; ok when N of M are good
    recovering  ok        recovering; ok when N of M are good
    recovering  faulty    recovering; faulty when the old good ones cannot make N of M
    any         unknown   unchanged; but after `BLANKS` in a row what was ok or suspect is unknown, and what was
                          recovering is faulty again (nobody saw it recover)

A suspicion needs the same fault again: a bad reading that lies in another place (`Finding.detail["where"]`: the blocks
of the picture, as the bits of a hexadecimal number) begins it anew. Who passes by is here now and there at the second
look; what hangs before a lens stays. Causes may change meanwhile: a sprayed lens is called now blurred, now covered.

A fault starts at the first bad reading and ends at the first good one of those that settled it: transitions carry `at`
(since when it is true) and `decided_at` (when we knew). What settled one thing is not counted again for the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from monitor.policy import Threshold
from monitor.wire import Aspect, Finding, Verdict

RING_BITS = 16
# Of the smaller of two faults at least this share of the blocks must lie in the other for them to be one: a cover that
# grows or that the sun eats into stays one, two people in one gateway are not always told from one who stays.
SAME_PLACE = 0.5
# A fact not shown twice in a row is no longer known; once may be a lost packet.
BLANKS = 2


class State(StrEnum):
    """What we hold true about one aspect."""

    UNKNOWN = "unknown"
    OK = "ok"
    SUSPECT = "suspect"
    FAULTY = "faulty"
    RECOVERING = "recovering"


class Status(StrEnum):
    """One word for a device, the worst first."""

    UNKNOWN = "unknown"
    OFFLINE = "offline"
    AUTH_FAILED = "auth_failed"
    DEGRADED = "degraded"
    ONLINE = "online"


@dataclass(frozen=True, slots=True)
class Track:
    """All that is kept of one aspect: its state, the ring of its last readings (bit 0 newest, 1 = bad), its cause.

    `since`: from when the state holds; `marks`: when the readings were that now speak for a change (bad ones while
    suspect, good ones while recovering), the oldest first; `at`: the last reading that showed something; `blank_at` and
    `why`: the last one since then that showed nothing, if any.
    """

    state: State = State.UNKNOWN
    ring: int = 0
    seen: int = 0
    since: datetime | None = None
    marks: tuple[datetime, ...] = ()
    at: datetime | None = None
    blank_at: datetime | None = None
    cause: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    rival: str = ""
    blanks: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One transition of one aspect: true since `at`, known since `decided_at`."""

    was: State
    now: State
    at: datetime
    decided_at: datetime
    cause: str
    detail: Mapping[str, Any]


def step(
    track: Track, finding: Finding, at: datetime, failing: Threshold, recovering: Threshold
) -> tuple[Track, Change | None]:
    """Take one reading into account. A reading not younger than the last one changes nothing (late or repeated)."""
    last = track.blank_at or track.at
    if last is not None and at <= last:
        return track, None
    if finding.verdict is Verdict.UNKNOWN:
        return _blank(track, finding, at)
    bad = finding.verdict is Verdict.FAULTY
    known = replace(track, ring=0, seen=0, marks=()) if bad and _is_elsewhere(track, finding) else track
    shown = replace(
        known,
        ring=((known.ring << 1) | bad) & ((1 << RING_BITS) - 1),
        seen=min(known.seen + 1, RING_BITS),
        at=at,
        blank_at=None,
        blanks=0,
        why="",
    )
    shown = _note_cause(shown, finding) if bad else shown
    shown = _mark(shown, bad, at, failing, recovering)
    return _turn(track, shown, _next(shown, bad, failing, recovering), finding, at)


def silence(track: Track, decided_at: datetime) -> tuple[Track, Change | None]:
    """We did not look for too long: unknown from the last reading on. A confirmed fault stays what it is."""
    if track.at is None or track.state in (State.UNKNOWN, State.FAULTY, State.RECOVERING):
        return track, None
    change = Change(track.state, State.UNKNOWN, track.at, decided_at, "platform_silent", {})
    return Track(since=track.at, at=track.at, blank_at=track.blank_at, why="platform_silent"), change


def status(verdicts: Mapping[Aspect, Verdict]) -> Status:
    """One word from the aspects' verdicts: unknown, offline, auth_failed, degraded, online, in that order."""
    link = verdicts.get(Aspect.LINK, Verdict.UNKNOWN)
    if link is Verdict.UNKNOWN:
        return Status.UNKNOWN
    if link is Verdict.FAULTY:
        return Status.OFFLINE
    if verdicts.get(Aspect.ACCESS) is Verdict.FAULTY:
        return Status.AUTH_FAILED
    return Status.DEGRADED if Verdict.FAULTY in verdicts.values() else Status.ONLINE


def status_of(tracks: Mapping[Aspect, Track]) -> Status:
    """One word from the aspects' states: a suspect still counts as good, a recovering one still as bad."""
    return status({aspect: settled(track.state) for aspect, track in tracks.items()})


def settled(state: State) -> Verdict:
    """The verdict that a state stands for until it is decided otherwise."""
    if state in (State.FAULTY, State.RECOVERING):
        return Verdict.FAULTY
    return Verdict.OK if state in (State.OK, State.SUSPECT) else Verdict.UNKNOWN


def wants_second_look(track: Track) -> bool:
    """Suspect and recovering aspects are looked at again soon (DESIGN, decision 5)."""
    return track.state in (State.SUSPECT, State.RECOVERING)


def _blank(track: Track, finding: Finding, at: datetime) -> tuple[Track, Change | None]:
    blank = replace(track, blanks=min(track.blanks + 1, BLANKS), blank_at=at, why=finding.cause)
    if blank.blanks >= BLANKS and track.state is State.RECOVERING:
        again = replace(blank, state=State.FAULTY, ring=0, seen=0, marks=(), rival="")
        return again, Change(track.state, State.FAULTY, at, at, track.cause, track.detail)
    if blank.blanks < BLANKS or track.state not in (State.OK, State.SUSPECT):
        return blank, None
    since = track.at or at
    lost = Track(since=since, at=track.at, blank_at=at, blanks=blank.blanks, why=finding.cause)
    return lost, Change(track.state, State.UNKNOWN, since, at, finding.cause, {})


def _is_elsewhere(track: Track, finding: Finding) -> bool:
    """Whether what is suspected lies in other blocks than this finding."""
    before, now = _place(track.detail), _place(finding.detail)
    if track.state is not State.SUSPECT or not before or not now:
        return False
    return (before & now).bit_count() < SAME_PLACE * min(before.bit_count(), now.bit_count())


def _place(detail: Mapping[str, Any]) -> int:
    """The blocks of a fault as bits; 0 where it has no place, or none that can be read."""
    try:
        return int(str(detail.get("where", "")), 16)
    except ValueError:
        return 0


def _note_cause(track: Track, finding: Finding) -> Track:
    """The cause of a fault changes only when two readings in a row agree on the new one."""
    if track.state not in (State.FAULTY, State.RECOVERING) or finding.cause in (track.cause, track.rival):
        return replace(track, cause=finding.cause, detail=finding.detail, rival="")
    return replace(track, rival=finding.cause)


def _mark(track: Track, bad: bool, at: datetime, failing: Threshold, recovering: Threshold) -> Track:
    """Note a reading that speaks for a change, and forget those that no longer count."""
    ending = track.state in (State.FAULTY, State.RECOVERING)
    marks = (*track.marks, at) if bad is not ending else track.marks
    count = _good(track, recovering.m) if ending else _bad(track, failing.m)
    counted = marks[len(marks) - count :]
    return track if counted == track.marks else replace(track, marks=counted)


def _next(track: Track, bad: bool, failing: Threshold, recovering: Threshold) -> State:
    if track.state in (State.FAULTY, State.RECOVERING):
        if not bad:
            return State.OK if _good(track, recovering.m) >= recovering.n else State.RECOVERING
        return State.FAULTY if _run(track, bad=True) > recovering.m - recovering.n else track.state
    if bad:
        return State.FAULTY if _bad(track, failing.m) >= failing.n else State.SUSPECT
    if track.state is State.SUSPECT and _run(track, bad=False) <= failing.m - failing.n:
        return State.SUSPECT
    return State.OK


def _turn(was: Track, shown: Track, state: State, finding: Finding, at: datetime) -> tuple[Track, Change | None]:
    if state is was.state:
        if shown.cause != was.cause and state is State.FAULTY:
            return shown, Change(state, state, at, at, shown.cause, shown.detail)
        return shown, None
    decided = settled(state) is not settled(was.state)
    began = shown.marks[0] if decided and shown.marks else at
    change = Change(was.state, state, began, at, shown.cause, shown.detail if bad_now(state) else finding.detail)
    # A relapse does not make the fault younger.
    since = was.since if settled(state) is settled(was.state) is Verdict.FAULTY else began
    turned = replace(shown, state=state, since=since)
    if state in (State.OK, State.FAULTY):
        turned = replace(turned, ring=0, seen=0, marks=())
    if state is State.OK:
        turned = replace(turned, cause="", detail={}, rival="")
    return turned, change


def bad_now(state: State) -> bool:
    """Whether the state speaks of something bad: suspected, confirmed or not yet over."""
    return state in (State.SUSPECT, State.FAULTY, State.RECOVERING)


def _bad(track: Track, last: int) -> int:
    return (track.ring & ((1 << min(last, track.seen)) - 1)).bit_count()


def _good(track: Track, last: int) -> int:
    return min(last, track.seen) - _bad(track, last)


def _run(track: Track, *, bad: bool) -> int:
    """How many of the newest readings in a row were bad (or good)."""
    length = 0
    while length < track.seen and bool(track.ring >> length & 1) is bad:
        length += 1
    return length
