"""What recording reads and writes, a whole batch at a time and in plain SQL: devices, what is held of them, passports.

Django's own way (a model for each row, a conflicting insert for each update) takes ten times the processor; at fifty
thousand devices this module is where the time goes. Whoever locks states does so in the order of their keys.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from devices.models.kinds import CAMERAS
from monitor.availability import Hour
from monitor.health import Status, Track
from monitor.models.states import plain_hour, plain_tracks, read_hour, read_tracks
from monitor.wire import Aspect, Reading


@dataclass(frozen=True, slots=True)
class Watched:
    """A device as far as recording needs it. `parent_endpoint_id` is where what it hangs on is asked, if anywhere."""

    device_id: int
    endpoint_id: int
    zone_id: int
    compound_id: int
    kind: str
    life: str
    parent_id: int | None
    parent_endpoint_id: int | None

    @property
    def sees(self) -> bool:
        """Whether the device has a picture."""
        return self.kind in CAMERAS


@dataclass(slots=True)
class Held:
    """A device's state row while a batch is recorded.

    `trail` is set where the batch judged a picture, `picture` where it brought one besides.
    """

    device_id: int
    status: str = Status.UNKNOWN
    status_since: datetime | None = None
    tracks: dict[Aspect, Track] = field(default_factory=dict)
    hour: Hour | None = None
    looked_at: datetime | None = None
    picture_at: datetime | None = None
    picture_file: str = ""
    picture: dict[str, Any] | None = None
    trail: bytes | None = None


_WATCHED = """
SELECT d.id, d.endpoint_id, e.zone_id, d.compound_id, d.kind, d.life, d.parent_id, p.endpoint_id
FROM devices_device d JOIN devices_endpoint e ON e.id = d.endpoint_id LEFT JOIN devices_device p ON p.id = d.parent_id
WHERE d.id = ANY(%s)
"""
_STATES = """
SELECT device_id, status, status_since, tracks, hour, looked_at, picture_at, picture_file
FROM monitor_devicestate WHERE device_id = ANY(%s) ORDER BY device_id FOR UPDATE
"""
_NEW = """
INSERT INTO monitor_devicestate (device_id, status, tracks, hour, picture, picture_file, trail)
SELECT id, %s, '{}', '{}', '{}', '', '' FROM unnest(%s::bigint[]) AS id ORDER BY id
ON CONFLICT DO NOTHING
"""
_KEEP = """
UPDATE monitor_devicestate s SET status = v.status, status_since = v.status_since, tracks = v.tracks, hour = v.hour,
    looked_at = v.looked_at
FROM jsonb_to_recordset(%s::jsonb) AS v(
    device_id bigint, status text, status_since timestamptz, tracks jsonb, hour jsonb, looked_at timestamptz)
WHERE s.device_id = v.device_id
"""
# The same with a picture: one version of the row, not two.
_KEEP_PICTURED = """
UPDATE monitor_devicestate s SET status = v.status, status_since = v.status_since, tracks = v.tracks, hour = v.hour,
    looked_at = v.looked_at, picture_at = v.picture_at, picture = COALESCE(v.picture, s.picture),
    picture_file = v.picture_file, trail = decode(v.trail, 'base64')
FROM jsonb_to_recordset(%s::jsonb) AS v(
    device_id bigint, status text, status_since timestamptz, tracks jsonb, hour jsonb, looked_at timestamptz,
    picture_at timestamptz, picture jsonb, picture_file text, trail text)
WHERE s.device_id = v.device_id
"""
_NEW_PASSPORTS = """
INSERT INTO monitor_passport (device_id, learned, facts)
SELECT id, '{}', '{}' FROM unnest(%s::bigint[]) AS id ORDER BY id ON CONFLICT DO NOTHING
"""
# What was learned is laid over what is known; what is null now is forgotten.
_LEARN = """
UPDATE monitor_passport p SET learned = jsonb_strip_nulls(p.learned || v.learned), facts = p.facts || v.facts,
    facts_at = CASE WHEN v.facts = '{}' THEN p.facts_at ELSE v.at END
FROM jsonb_to_recordset(%s::jsonb) AS v(device_id bigint, learned jsonb, facts jsonb, at timestamptz)
WHERE p.device_id = v.device_id
"""


def watched(device_ids: Collection[int]) -> dict[int, Watched]:
    """The devices that have an endpoint, by their keys."""
    with connection.cursor() as cursor:
        cursor.execute(_WATCHED, [list(device_ids)])
        return {row[0]: Watched(*row) for row in cursor}


def held(device_ids: Collection[int]) -> dict[int, Held]:
    """The states of these devices, locked; new ones for devices seen for the first time."""
    found = _locked(device_ids)
    missing = [pk for pk in device_ids if pk not in found]
    if missing:
        with connection.cursor() as cursor:
            cursor.execute(_NEW, [Status.UNKNOWN, missing])
        found |= _locked(missing)
    return found


def _locked(device_ids: Collection[int]) -> dict[int, Held]:
    with connection.cursor() as cursor:
        cursor.execute(_STATES, [list(device_ids)])
        return {row[0]: _held(row) for row in cursor}


def _held(row: Sequence[Any]) -> Held:
    device_id, status, since, tracks, hour, *rest = row
    return Held(device_id, status, since, read_tracks(orjson.loads(tracks)), read_hour(orjson.loads(hour)), *rest)


def keep(states: Iterable[Held]) -> None:
    """Write states back: what changes with every reading, and of some what comes with a picture."""
    plain: list[dict[str, Any]] = []
    pictured: list[dict[str, Any]] = []
    for state in states:
        if state.trail is None:
            plain.append(_row(state))
        else:
            pictured.append(_row(state) | _picture_row(state, state.trail))
    with connection.cursor() as cursor:
        _send(cursor, _KEEP, plain)
        _send(cursor, _KEEP_PICTURED, pictured)


def _send(cursor: Any, statement: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        cursor.execute(statement, [orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS).decode()])


def _row(state: Held) -> dict[str, Any]:
    return {
        "device_id": state.device_id,
        "status": state.status,
        "status_since": state.status_since,
        "tracks": plain_tracks(state.tracks),
        "hour": plain_hour(state.hour) if state.hour else {},
        "looked_at": state.looked_at,
    }


def _picture_row(state: Held, trail: bytes) -> dict[str, Any]:
    return {
        "picture_at": state.picture_at,
        "picture": state.picture,
        "picture_file": state.picture_file,
        "trail": b64encode(trail).decode(),
    }


def learn(readings: Iterable[Reading]) -> None:
    """Lay what was learned over the passports; a value of None is forgotten."""
    news: Mapping[int, Reading] = {item.device_id: item for item in readings if item.passport or item.facts}
    if not news:
        return
    rows = [
        {"device_id": device_id, "learned": item.passport, "facts": item.facts, "at": item.at}
        for device_id, item in news.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(_NEW_PASSPORTS, [list(news)])
        _send(cursor, _LEARN, rows)
