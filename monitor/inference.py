"""What a switch without an address must be like, judging by the devices below it.

A pure function of what is held true of those devices. It follows their settled states, so that no further N of M is
needed, and it is slow to accuse: one device that answers clears the switch, and a switch is down only when the blame
cannot lie further below:

    the devices below                                         the switch
    one is ok                                                 ok
    none ok; at least half, in two branches or more, down     down
    none ok; fewer down, some suspect                         as before, until they are decided
    none ok; fewer down, none suspect                         down if it was (nobody has answered), else unknown
    none known, or none there                                 unknown

A branch is what hangs directly on the switch: where everything hangs on one other switch, it is that one which is down.
Devices behind one address count once, and those behind another measured device clear the switch but never accuse it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.health import State, Track, settled
from monitor.wire import Verdict

# Fewer prove nothing: a single device may well have failed by itself.
LEAST = 2


@dataclass(frozen=True, slots=True)
class Witness:
    """The link of one device below a switch: its state, since when, and by which branch and address it is reached.

    `hidden`: behind another device that is measured itself.
    """

    branch: int
    place: int
    state: State
    since: datetime | None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Inferred:
    """What follows: a verdict, None where it stays as it was; since when; how many are down of how many."""

    verdict: Verdict | None
    since: datetime | None = None
    down: int = 0
    of: int = 0


def is_inferred(track: Track) -> bool:
    """Whether what is held of a link was inferred, and not measured."""
    return "of" in track.detail


def infer(witnesses: Iterable[Witness], was: Verdict) -> Inferred:
    """The link of a switch from the devices below it.

    It is down since the *last* of them went: until then it still carried that one. Their first bad looks lie within one
    interval of each other when the switch is the cause, and a device that had failed days before dates nothing back.
    """
    everyone = list(witnesses)
    own = [item for item in everyone if not item.hidden]
    down = [item for item in own if settled(item.state) is Verdict.FAULTY]
    counts = {"down": len({item.place for item in down}), "of": len({item.place for item in own})}
    answering = [item for item in everyone if item.state is State.OK]
    if answering:
        return Inferred(Verdict.OK, min((item.since for item in answering if item.since), default=None), **counts)
    if _accuse(down, **counts):
        return Inferred(Verdict.FAULTY, max((item.since for item in down if item.since), default=None), **counts)
    if any(item.state is State.SUSPECT for item in everyone) or (down and was is Verdict.FAULTY):
        return Inferred(None, None, **counts)
    return Inferred(Verdict.UNKNOWN, None, **counts)


def _accuse(witnesses: Iterable[Witness], down: int, of: int) -> bool:
    branches = {item.branch for item in witnesses}
    return len(branches) >= LEAST and down >= LEAST and 2 * down >= of
