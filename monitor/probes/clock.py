"""Judges a device's clock: right, off, in the wrong time zone, or reset."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from monitor.policy import Policy
from monitor.probes import wallclock
from monitor.probes.failure import faulty, unknown
from monitor.probes.reply import DeviceTime
from monitor.wire import Finding, Verdict

LIMIT_S: Final = Policy().clock_limit_s
HOUR_S: Final = 3600
# Two fields of one reply were filled within this time.
SAME_S: Final = 2
# Zones run from UTC-12 to UTC+14: the wrong one is at most this far off.
MAX_ZONE_HOURS: Final = 26
# No ONVIF device that still runs was made with a clock before this year: an earlier one was lost, not set wrong.
FIRST_YEAR: Final = 2015
# Devices without a battery start on the first of January of some year, or a zone's width before or after it.
RESET_BEHIND: Final = timedelta(days=30)
# Beyond this a WS-Security token is refused by the most lenient devices (QUIRKS 1), unless signed with their time.
REFUSES_LOGIN_S: Final = 300
CHINA_STANDARD_S: Final = 8 * HOUR_S


def offset_s(time: DeviceTime, now: datetime, local_zone_s: int = CHINA_STANDARD_S) -> float | None:
    """Seconds by which the device is ahead of us; None where its fields are no date.

    A device that sends only local time is read in the platform's zone, and so is one that writes local time into the
    field for UTC; the TZ text is never parsed, it lies too often.
    """
    if time.utc is not None and not _lies_about_utc(time, now, local_zone_s):
        return (time.utc - now).total_seconds()
    if time.local is not None:
        return (time.local - now).total_seconds() - local_zone_s
    return None


def _lies_about_utc(time: DeviceTime, now: datetime, local_zone_s: int) -> bool:
    """Whether both fields hold local time, and the right one: its wall clock is right (QUIRKS 2)."""
    if time.utc is None or time.local is None or not local_zone_s:
        return False
    same = abs((time.local - time.utc).total_seconds()) <= SAME_S
    return same and abs((time.utc - now).total_seconds() - local_zone_s) <= LIMIT_S


def habit(time: DeviceTime, now: datetime, local_zone_s: int = CHINA_STANDARD_S) -> str:
    """How a device fills the fields of its clock: "utc", "local_in_utc", "local_only"; "" where that is open."""
    if time.utc is None:
        return "local_only" if time.local is not None else ""
    if _lies_about_utc(time, now, local_zone_s):
        return "local_in_utc"
    apart = time.local is not None and abs((time.local - time.utc).total_seconds()) > SAME_S
    return "utc" if apart or abs((time.utc - now).total_seconds()) <= LIMIT_S else ""


def _is_reset(shown: datetime, now: datetime) -> bool:
    if shown.year < FIRST_YEAR:
        return True
    new_year = (shown.month, shown.day) in {(1, 1), (1, 2), (12, 31)}
    return new_year and now - shown > RESET_BEHIND


def _whole_hours(offset: float) -> int:
    """The hours of a wrong time zone, 0 where the offset is none."""
    hours = round(offset / HOUR_S)
    fits = abs(offset - hours * HOUR_S) <= LIMIT_S and abs(hours) <= MAX_ZONE_HOURS
    return hours if fits else 0


def judge(time: DeviceTime, now: datetime, local_zone_s: int = CHINA_STANDARD_S, limit_s: float = LIMIT_S) -> Finding:
    """The finding for a clock reply received at `now` (UTC); up to `limit_s` seconds off is right."""
    offset = offset_s(time, now, local_zone_s)
    shown = time.utc or time.local
    if offset is None or shown is None:
        # A date that no calendar has (year 0, month 0) is what a clock shows that never was set.
        return faulty("clock_dead", device_time=time.raw) if time.raw else unknown("no_reply")
    detail: dict[str, object] = {"offset_s": round(offset, 1), "device_time": time.raw}
    if time.utc is not None and time.local is not None:
        detail["local_ahead_s"] = round((time.local - time.utc).total_seconds())
    if abs(offset) <= limit_s:
        return Finding(Verdict.OK, "", detail)
    if _is_reset(shown, now):
        return Finding(Verdict.FAULTY, "clock_dead", detail)
    hours = _whole_hours(offset)
    if hours:
        return Finding(Verdict.FAULTY, "time_zone", detail | {"hours": hours})
    return Finding(Verdict.FAULTY, "clock_off", detail)


def device_now(skew_s: float) -> datetime:
    """The device's time at this moment, to sign with; our own where its clock shows no usable year."""
    now = wallclock.now()
    try:
        return now + timedelta(seconds=skew_s)
    except OverflowError:
        return now
