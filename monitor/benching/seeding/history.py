"""The history of a fleet: incidents and transitions, hours, and what is held true now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import connection

from monitor.benching.seeding.past import DETAIL, HOUR_S, Branch, Outage, Window, blind_gaps, by_hour, outages
from monitor.benching.seeding.pouring import bare, keys, pour
from monitor.benching.seeding.register import Placed
from monitor.causes import CAUSES
from monitor.health import State, Track, status_of
from monitor.models import DeviceHour
from monitor.models.states import plain_tracks
from monitor.policy import Policy
from monitor.simulator.fleet.members import Fleet
from monitor.wire import Aspect

DECIDED_AFTER, RECOVERED_AFTER = timedelta(seconds=60), timedelta(seconds=30)
_POLICY = Policy()
_SEEING = (Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE, Aspect.IDENTITY)
FACTS = {"manufacturer": "Viewkeeper", "model": "VK-2", "firmware": "1.4.2"}

Tell = Callable[[str], object]


def draw(fleet: Fleet, placed: Sequence[Placed], window: Window, seed: int) -> list[Outage]:
    """The outages of a fleet in a window, the same for the same seed."""
    branches = [_branch(fleet, item) for item in placed if item.member.kind in ("switch", "recorder")]
    lone = {item.member.index: item.sees for item in placed if item.member.kind != "switch"}
    return outages([item for item in branches if item.below], lone, window, Random(seed))  # noqa: S311 - no secret


def _branch(fleet: Fleet, item: Placed) -> Branch:
    below = tuple(fleet.below(item.member.index))
    if item.member.kind == "recorder":
        return Branch(item.member.index, below, "no_answer", "parent_down")
    return Branch(item.member.index, below, "no_answer" if item.asked else "inferred_down", "no_answer")


# -- incidents and transitions


def write_incidents(found: Sequence[Outage], placed: Sequence[Placed]) -> int:
    """Write incidents and how they came and went; give the number of transitions."""
    ids = keys("monitor_incident", len(found))
    pour(
        "monitor_incident",
        ("id", "device_id", "aspect", "cause", "detail", "root_id", "started_at", "decided_at", "ended_at",
         "end_decided_at"),
        [
            (
                pk,
                placed[item.index].device_id,
                CAUSES[item.cause].aspect,
                item.cause,
                _detail(item),
                ids[item.root] if item.root is not None else None,
                item.since,
                item.since + DECIDED_AFTER,
                item.until,
                item.until + RECOVERED_AFTER if item.until else None,
            )
            for pk, item in zip(ids, found, strict=True)
        ],
    )  # fmt: skip
    turns = [row for item in found for row in _turns(item, placed[item.index].device_id)]
    turns.sort(key=lambda row: row[5])
    columns = ("device_id", "aspect", "was", "now", "at", "decided_at", "cause", "detail")
    pour("monitor_transition", columns, turns)
    return len(turns)


def _detail(item: Outage) -> Mapping[str, object]:
    return {"down": item.takes, "of": item.takes} if item.cause == "inferred_down" else DETAIL.get(item.cause, {})


def _turns(item: Outage, device_id: int) -> Iterator[tuple[Any, ...]]:
    aspect, cause, detail = CAUSES[item.cause].aspect, item.cause, _detail(item)
    decided = item.since + DECIDED_AFTER
    yield device_id, aspect, State.OK, State.SUSPECT, item.since, item.since, cause, detail
    yield device_id, aspect, State.SUSPECT, State.FAULTY, item.since, decided, cause, detail
    if item.until:
        yield device_id, aspect, State.FAULTY, State.RECOVERING, item.until, item.until, cause, detail
        yield device_id, aspect, State.RECOVERING, State.OK, item.until, item.until + RECOVERED_AFTER, "", {}


# -- what is held true now


def write_states(found: Sequence[Outage], placed: Sequence[Placed], since: datetime, now: datetime) -> None:
    """Write the state and the passport of every device."""
    open_ones: dict[int, Outage] = {item.index: item for item in found if item.until is None}
    pour(
        "monitor_devicestate",
        ("device_id", "status", "status_since", "tracks", "hour", "looked_at", "picture_at", "picture", "picture_file",
         "trail"),
        (_state(item, open_ones.get(item.member.index), since, now) for item in placed),
    )  # fmt: skip
    known = [item for item in placed if item.member.auth != "none"]
    rows = [
        (item.device_id, {"device_path": "/onvif/device_service"}, {**FACTS, "serial": item.member.serial}, since)
        for item in known
    ]
    pour("monitor_passport", ("device_id", "learned", "facts", "facts_at"), rows)


def _state(item: Placed, outage: Outage | None, since: datetime, now: datetime) -> tuple[Any, ...]:
    looked_at = now - timedelta(seconds=item.device_id % _POLICY.heartbeat_s)
    pictured_at = now - timedelta(seconds=item.device_id % _POLICY.picture_s) if item.sees else None
    tracks = {name: Track(State.OK, since=since, at=looked_at) for name in (_SEEING if item.sees else (Aspect.LINK,))}
    if not item.asked:
        tracks[Aspect.LINK] = Track(State.OK, since=since, at=looked_at, detail={"down": 0, "of": 1})
    if outage is not None:
        aspect, detail = CAUSES[outage.cause].aspect, _detail(outage)
        tracks[aspect] = Track(State.FAULTY, since=outage.since, at=looked_at, cause=outage.cause, detail=detail)
    status_since = outage.since if outage else since
    plain, seen = plain_tracks(tracks), looked_at if item.asked else None
    return item.device_id, status_of(tracks), status_since, plain, {}, seen, pictured_at, {}, "", ""


# -- hours

_HOURS = """
INSERT INTO monitor_devicehour
    (device_id, start, online_s, offline_s, usable_s, clock_ok_s, blind_s, excluded_s, looks, pictures)
SELECT d.id, h.start, h.seen - w.offline, w.offline, h.seen - w.offline - w.unusable, h.seen - w.offline - w.clock,
    h.blind, 0, h.seen / %(heartbeat)s, CASE WHEN d.sees THEN (h.seen - w.offline) / %(picture)s ELSE 0 END
FROM (SELECT start, blind, %(hour)s - blind AS seen FROM seed_hour WHERE start >= %(since)s AND start < %(until)s) h
CROSS JOIN seed_device d
LEFT JOIN seed_wrong x ON x.device_id = d.id AND x.start = h.start
CROSS JOIN LATERAL (SELECT coalesce(x.offline, 0) AS offline, coalesce(x.unusable, 0) AS unusable,
    coalesce(x.clock, 0) AS clock) w
"""
_TEMPORARY = """
CREATE TEMPORARY TABLE seed_device (id bigint, sees boolean);
CREATE TEMPORARY TABLE seed_hour (start timestamptz, blind int);
CREATE TEMPORARY TABLE seed_wrong (device_id bigint, start timestamptz, offline int, unusable int, clock int);
"""
_DAY = timedelta(days=1)


def write_hours(found: Sequence[Outage], placed: Sequence[Placed], window: Window, tell: Tell) -> int:
    """Write the hours, day by day; give how many."""
    gaps, first, until = blind_gaps(window.since, window.until), window.hours_from, window.until
    with connection.cursor() as cursor:
        cursor.execute(_TEMPORARY)
    pour("seed_device", ("id", "sees"), [(item.device_id, item.sees) for item in placed if item.asked])
    pour("seed_hour", ("start", "blind"), _all_hours(gaps, first, until))
    pour("seed_wrong", ("device_id", "start", "offline", "unusable", "clock"), _wrong(found, placed, gaps, window))
    if DeviceHour.objects.exists():
        written = _insert(first, until, tell)
    else:
        with bare("monitor_devicehour"):
            written = _insert(first, until, tell)
            tell("hours: building the indexes")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE seed_device, seed_hour, seed_wrong")
    return written


def _insert(first: datetime, until: datetime, tell: Tell) -> int:
    written = 0
    known = {"heartbeat": _POLICY.heartbeat_s, "picture": _POLICY.picture_s, "hour": HOUR_S}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE seed_device, seed_hour, seed_wrong")
        while first < until:
            end = min(first + _DAY, until)
            cursor.execute(_HOURS, {**known, "since": first, "until": end})
            written += cursor.rowcount
            tell(f"hours: {written:,} until {end:%Y-%m-%d %H:%M}")
            first = end
    return written


def _all_hours(
    gaps: Iterable[tuple[datetime, datetime]], first: datetime, until: datetime
) -> Iterator[tuple[datetime, int]]:
    blind = {hour: seconds for gap in gaps for hour, seconds in by_hour(*gap)}
    while first < until:
        yield first, blind.get(first, 0)
        first += timedelta(seconds=HOUR_S)


def _wrong(
    found: Iterable[Outage], placed: Sequence[Placed], gaps: Sequence[tuple[datetime, datetime]], window: Window
) -> Iterator[tuple[Any, ...]]:
    """Seconds of each hour in which something was wrong, summed by device and hour."""
    first, until = window.hours_from, window.until
    sums: dict[tuple[int, datetime], list[int]] = {}
    for item in found:
        aspect = CAUSES[item.cause].aspect
        kind = 0 if aspect is Aspect.LINK else 2 if aspect is Aspect.CLOCK else 1
        for hour, seconds in by_hour(max(item.since, first), min(item.until or until, until), gaps):
            sums.setdefault((placed[item.index].device_id, hour), [0, 0, 0])[kind] += seconds
    return ((device_id, hour, *seconds) for (device_id, hour), seconds in sums.items())
