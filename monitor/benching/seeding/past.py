"""What went wrong in a fleet: outages drawn by chance, with rates and durations as one sees them, never two at once.

A pure function of the fleet, the window and a seed. About one device in sixty is at fault at any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

HOUR, MONTH = timedelta(hours=1), timedelta(days=30)
HOUR_S = 3600

# When the platform itself did not look: share of the window, minutes.
BLIND = ((0.27, 24), (0.56, 11), (0.87, 37))


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when the history reaches, and from when on there are hours."""

    since: datetime
    hours_from: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Risk:
    """A kind of fault: how often in thirty days, its median length in minutes, its spread, its causes."""

    a_month: float
    median_min: float
    spread: float
    causes: tuple[str, ...]


LINK = Risk(0.5, 45, 1.3, ("no_answer", "port_closed", "no_answer", "silent"))
SWITCHED = Risk(0.3, 60, 1.0, ("no_answer",))
PICTURE = Risk(0.3, 360, 1.2, ("obstructed", "obstructed", "blur", "moved", "dark", "lowcontrast"))
LOGIN = Risk(0.06, 600, 1.0, ("login_refused", "locked_out"))
CLOCK = Risk(0.08, 1_800, 1.0, ("clock_off", "time_zone"))
DETAIL: Mapping[str, Mapping[str, object]] = {
    "obstructed": {"share": 0.4},
    "clock_off": {"offset_s": 214.0},
    "time_zone": {"offset_s": 28_800.0, "hours": 8},
}


@dataclass(frozen=True, slots=True)
class Outage:
    """One fault of the device of this index; `until` is None for one that lasts.

    `root` is the place in the list of what it is a consequence of, `takes` how many it takes down itself.
    """

    index: int
    cause: str
    since: datetime
    until: datetime | None
    root: int | None = None
    takes: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """A device that carries others: their indices, and by which cause it and they are down when it is."""

    index: int
    below: Sequence[int]
    own: str
    theirs: str


def outages(branches: Sequence[Branch], lone: Mapping[int, bool], window: Window, random: Random) -> list[Outage]:
    """All outages in a window. `lone`: every device of the fleet that may fail by itself, and whether it has a lens."""
    drawn: list[Outage] = []
    busy: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for branch in branches:
        for _cause, begin, end in _draw(SWITCHED, window, random):
            if all(_free(busy[index], begin, end) for index in (branch.index, *branch.below)):
                root = len(drawn)
                last = end if end < window.until else None
                drawn.append(Outage(branch.index, branch.own, begin, last, takes=len(branch.below)))
                drawn += [Outage(index, branch.theirs, begin, last, root) for index in branch.below]
                for index in (branch.index, *branch.below):
                    busy[index].append((begin, end))
    for index, sees in lone.items():
        for risk in (LINK, PICTURE, LOGIN, CLOCK) if sees else (LINK,):
            for cause, begin, end in _draw(risk, window, random):
                if _free(busy[index], begin, end):
                    busy[index].append((begin, end))
                    drawn.append(Outage(index, cause, begin, end if end < window.until else None))
    return drawn


def _draw(risk: Risk, window: Window, random: Random) -> Iterator[tuple[str, datetime, datetime]]:
    length = window.until - window.since
    if random.random() < risk.a_month * (length / MONTH):
        begin = window.since + length * random.random()
        minutes = max(3.0, random.lognormvariate(0, risk.spread) * risk.median_min)
        yield random.choice(risk.causes), begin, begin + timedelta(minutes=minutes)


def _free(spans: Sequence[tuple[datetime, datetime]], since: datetime, until: datetime) -> bool:
    return all(until + HOUR < begin or end + HOUR < since for begin, end in spans)


# -- hours


def blind_gaps(since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """When nobody looked."""
    begins = [(since + (until - since) * share, minutes) for share, minutes in BLIND]
    return [(begin, begin + timedelta(minutes=minutes)) for begin, minutes in begins]


def by_hour(
    since: datetime, until: datetime, gaps: Sequence[tuple[datetime, datetime]] = ()
) -> Iterator[tuple[datetime, int]]:
    """How many seconds of each hour lie in a span, gaps left out."""
    at = since
    while at < until:
        hour = at.replace(minute=0, second=0, microsecond=0)
        end = min(until, hour + HOUR)
        seconds = (end - at).total_seconds() - sum(_overlap(gap, at, end) for gap in gaps)
        if seconds >= 1:
            yield hour, int(seconds)
        at = end


def _overlap(gap: tuple[datetime, datetime], since: datetime, until: datetime) -> float:
    return max(0.0, (min(gap[1], until) - max(gap[0], since)).total_seconds())
