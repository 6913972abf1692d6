"""Where the seconds of an hour went: the running hour of a device as a pure function of its conditions.

Hour rows feed charts and the rates of the pages (domain notes, section 6):
    online rate          = online / (due - excluded - blind)
    usable-picture rate  = usable / (due - excluded - blind)
A percentage is cut, never rounded up, so that 99.996 % is not shown as 100 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Condition:
    """What holds between two readings. `blind` is ours and counts in no figure; `excluded` leaves the net figure."""

    online: bool = False
    usable: bool = False
    clock_ok: bool = False
    blind: bool = False
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Hour:
    """Seconds of one hour by what was true in them, and how many looks they rest on."""

    start: datetime
    online_s: float = 0.0
    offline_s: float = 0.0
    usable_s: float = 0.0
    clock_ok_s: float = 0.0
    blind_s: float = 0.0
    excluded_s: float = 0.0
    looks: int = 0
    pictures: int = 0


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour that an instant lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def advance(hour: Hour, since: datetime, until: datetime, condition: Condition) -> tuple[list[Hour], Hour]:
    """Book the time from `since` to `until` under a condition; give the hours closed meanwhile and the running one."""
    closed: list[Hour] = []
    while since < until:
        if hour_of(since) != hour.start:
            closed.append(hour)
            hour = Hour(start=hour_of(since))
        end = min(until, hour.start + HOUR)
        hour = _book(hour, (end - since).total_seconds(), condition)
        since = end
    return closed, hour


def bridged(since: datetime, until: datetime, longest_s: float) -> bool:
    """Whether a silence is short enough to assume that nothing changed in it."""
    return (until - since).total_seconds() <= longest_s


def percent(part: float, whole: float) -> str:
    """A share in percent with two decimals, cut and not rounded; "" when there is nothing to divide by."""
    if whole <= 0:
        return ""
    hundredths = int(part * 10_000 // whole)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _book(hour: Hour, seconds: float, condition: Condition) -> Hour:
    if condition.excluded:
        return replace(hour, excluded_s=hour.excluded_s + seconds)
    if condition.blind:
        return replace(hour, blind_s=hour.blind_s + seconds)
    return replace(
        hour,
        online_s=hour.online_s + seconds * condition.online,
        offline_s=hour.offline_s + seconds * (not condition.online),
        usable_s=hour.usable_s + seconds * (condition.online and condition.usable),
        clock_ok_s=hour.clock_ok_s + seconds * condition.clock_ok,
    )
