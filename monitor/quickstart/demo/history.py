"""Thirty days that the demo has behind it: what went wrong, and where the hours went.

The incidents are literal, like the rest of the demo; hour rows and transitions follow from them by the same arithmetic
as in the running platform, so that a page can be checked against another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from devices.models import Device
from monitor.availability import Condition, Hour, advance, hour_of
from monitor.causes import CAUSES
from monitor.health import State
from monitor.models import DeviceHour, Incident, Transition
from monitor.quickstart.demo.plan import POLICY, THINGS, Thing, thing
from monitor.wire import Aspect

DAYS = 30
BEIJING = ZoneInfo("Asia/Shanghai")
HOUR_S = 3600
GOOD = Condition(online=True, usable=True, clock_ok=True)
BLIND = Condition(blind=True)
# A fault is confirmed by a second look, a recovery too.
DECIDED_AFTER = timedelta(seconds=2 * POLICY["second_look_s"])
RECOVERED_AFTER = timedelta(seconds=POLICY["second_look_s"])


@dataclass(frozen=True, slots=True)
class Past:
    """A fault that is over: which device, why, how many days ago, at what Beijing time, for how many minutes.

    `takes` names the devices that it took down with it.
    """

    key: str
    cause: str
    days_ago: int
    clock: str
    minutes: int
    detail: Mapping[str, float | str] = field(default_factory=dict)
    takes: tuple[str, ...] = ()


# Times in which the platform itself did not look: days ago, Beijing time, minutes.
BLIND_GAPS = ((22, "03:10", 24), (13, "14:05", 11), (4, "02:40", 37))

PAST: tuple[Past, ...] = (
    Past("hf-03", "no_answer", 29, "19:20", 46),
    Past("yj-04", "obstructed", 28, "06:30", 205, {"share": 0.3}),
    Past("rm-01", "port_closed", 27, "22:14", 18),
    Past("hf-02", "login_refused", 26, "09:40", 260),
    Past("yj-08", "clock_off", 25, "11:00", 1480, {"offset_s": 214.0}),
    Past("hf-12", "dark", 24, "20:05", 640),
    Past("yj-sw", "no_answer", 23, "15:32", 71, takes=("yj-03", "yj-04", "yj-05", "yj-06", "yj-07")),
    Past("hf-09", "blur", 21, "08:15", 1950),
    Past("hf-spk", "port_closed", 20, "13:00", 95),
    Past("hf-01", "obstructed", 19, "16:48", 124, {"share": 0.4}),
    Past("rm-nvr", "port_closed", 18, "10:22", 53, takes=("rm-03", "rm-04", "rm-05", "rm-06")),
    Past("yj-10", "port_closed", 17, "05:50", 112),
    Past("hf-04", "moved", 16, "07:36", 410),
    Past("yj-02", "login_refused", 15, "10:05", 175),
    Past("hf-11", "no_answer", 14, "18:27", 333),
    Past("yj-acc", "no_answer", 12, "23:41", 29),
    Past("hf-sw", "no_answer", 11, "04:12", 146, takes=("hf-03", "hf-04", "hf-05", "hf-06", "hf-07")),
    Past("yj-06", "lowcontrast", 10, "05:20", 188),
    Past("rm-02", "obstructed", 9, "12:30", 540, {"share": 0.7}),
    Past("yj-01", "frozen", 8, "17:09", 264),
    Past("hf-10", "obstructed", 7, "08:02", 67, {"share": 0.3}),
    Past("yj-09", "not_a_picture", 6, "09:11", 190, {"content": "HTML"}),
    Past("hf-08", "port_closed", 5, "21:33", 38),
    Past("rm-05", "obstructed", 5, "10:47", 81, {"share": 0.5}),
    Past("yj-05", "picture_too_slow", 3, "19:58", 92, {"rate": "3 kB/s", "limit": 10}),
    Past("hf-13", "time_zone", 3, "08:30", 355, {"offset_s": 28_800.0}),
    Past("hf-12", "no_answer", 2, "01:16", 204),
    Past("yj-11", "moved", 2, "15:21", 127),
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time under one condition."""

    since: datetime
    until: datetime
    condition: Condition


def window(now: datetime) -> tuple[datetime, datetime]:
    """From when to when the history reaches: the last thirty days up to the running hour, in UTC."""
    end = hour_of(now.astimezone(UTC))
    return end - timedelta(days=DAYS), end


def moment(now: datetime, days_ago: int, clock: str) -> datetime:
    """A Beijing time of day some days ago, in UTC."""
    hour, minute = (int(part) for part in clock.split(":"))
    day = now.astimezone(BEIJING) - timedelta(days=days_ago)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0).astimezone(UTC)


def bounds(past: Past, now: datetime) -> tuple[datetime, datetime]:
    """When a past fault began and ended."""
    since = moment(now, past.days_ago, past.clock)
    return since, since + timedelta(minutes=past.minutes)


def faults_within(now: datetime) -> list[Past]:
    """The past faults that began within the window: of the oldest day only what is younger than thirty days."""
    start, end = window(now)
    return [past for past in PAST if start <= bounds(past, now)[0] and bounds(past, now)[1] <= end]


# -- incidents and transitions


def incidents(devices: Mapping[str, Device], now: datetime) -> tuple[list[Incident], list[tuple[Incident, Incident]]]:
    """The past incidents, unsaved, and which of them is a consequence of which."""
    found: list[Incident] = []
    hang: list[tuple[Incident, Incident]] = []
    for past in faults_within(now):
        root = _incident(devices[past.key], past.cause, past, now)
        below = [_incident(devices[key], _cause_below(past, key), past, now) for key in past.takes]
        found += [root, *below]
        hang += [(item, root) for item in below]
    return found, hang


def _cause_below(past: Past, key: str) -> str:
    """Channels of a recorder lose their parent; what hangs on a switch does not answer."""
    recorder = thing(past.key).kind.value == "recorder"
    return "parent_down" if recorder and thing(key).parent == past.key else "no_answer"


def _incident(device: Device, cause: str, past: Past, now: datetime) -> Incident:
    since, until = bounds(past, now)
    return Incident(
        device=device,
        aspect=CAUSES[cause].aspect,
        cause=cause,
        detail=dict(past.detail),
        started_at=since,
        decided_at=since + DECIDED_AFTER,
        ended_at=until,
        end_decided_at=until + RECOVERED_AFTER,
    )


def transitions(found: Iterable[Incident]) -> Iterator[Transition]:
    """How each incident came and went: suspected, confirmed, recovering, over."""
    for item in found:
        assert item.ended_at is not None and item.end_decided_at is not None  # noqa: S101 - all of them are over
        yield _transition(item, State.OK, State.SUSPECT, item.started_at, item.started_at)
        yield _transition(item, State.SUSPECT, State.FAULTY, item.started_at, item.decided_at)
        yield _transition(item, State.FAULTY, State.RECOVERING, item.ended_at, item.ended_at)
        yield _transition(item, State.RECOVERING, State.OK, item.ended_at, item.end_decided_at)


def _transition(item: Incident, was: State, now: State, at: datetime, decided_at: datetime) -> Transition:
    over = now is State.OK
    return Transition(
        device=item.device,
        aspect=item.aspect,
        was=was,
        now=now,
        at=at,
        decided_at=decided_at,
        cause="" if over else item.cause,
        detail={} if over else item.detail,
    )


# -- hours


def hours(devices: Mapping[str, Device], now: datetime) -> Iterator[DeviceHour]:
    """One row for each device and hour, each second booked once."""
    gaps = [_gap(*gap, now) for gap in BLIND_GAPS]
    for item in THINGS:
        for hour in hours_of(item, gaps, now):
            yield _row(devices[item.key], hour, sees=bool(item.scene))


def hours_of(item: Thing, gaps: Sequence[Span], now: datetime) -> list[Hour]:
    """The hours of one device, from what happened to it; where we were blind nothing else is booked."""
    since, end = window(now)
    hour = Hour(start=since)
    closed: list[Hour] = []
    for span in sorted([*gaps, *_spans(item, now)], key=lambda span: span.since):
        for part in (Span(since, span.since, GOOD), span):
            full, hour = advance(hour, max(part.since, since), part.until, part.condition)
            closed += full
            since = max(since, part.until)
    full, hour = advance(hour, since, end, GOOD)
    return [*closed, *full, hour]


def _gap(days_ago: int, clock: str, minutes: int, now: datetime) -> Span:
    since = moment(now, days_ago, clock)
    return Span(since, since + timedelta(minutes=minutes), BLIND)


def _spans(item: Thing, now: datetime) -> Iterator[Span]:
    for past in faults_within(now):
        if item.key == past.key or item.key in past.takes:
            yield Span(*bounds(past, now), _condition(past))


def _condition(past: Past) -> Condition:
    """What is still true of a device during a fault: only a link fault takes it offline."""
    aspect = CAUSES[past.cause].aspect
    if aspect is Aspect.LINK:
        return Condition()
    return replace(GOOD, usable=aspect is Aspect.CLOCK, clock_ok=aspect is not Aspect.CLOCK)


def _row(device: Device, hour: Hour, *, sees: bool) -> DeviceHour:
    looks = int((HOUR_S - hour.blind_s) // POLICY["heartbeat_s"])
    pictures = int(hour.online_s // POLICY["picture_s"]) if sees else 0
    return DeviceHour.booked(device.pk, replace(hour, looks=looks, pictures=pictures))
