"""How much a device makes the database grow in a day: virtual hours of a small city, through `recording.record`.

In a database of its own that is made for it and dropped again, with real commits, so that what is updated in place is
counted as it grows in production. To be run alone: a long transaction anywhere on the server, such as a backup, keeps
old versions of rows alive, and the tables that are updated in place grow meanwhile. About one device in sixty is at
fault at any time, as in a seeded fleet.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.db import connection

from monitor import recording, schedule
from monitor.benching.seeding import history, register
from monitor.benching.seeding.past import DETAIL, Outage, Window
from monitor.benching.seeding.register import Placed
from monitor.causes import CAUSES
from monitor.models import Schedule
from monitor.simulator.fleet.members import Fleet
from monitor.wire import Aspect, Finding, PictureNote, Reading, Request, Verdict

BEGIN = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
ZONE = "growth"
DAY_HOURS = 24
# Rounds between two cleanings, as the server does them by itself in production: an hour's are done in seconds here.
VACUUM_EVERY = 20
# Until tables that are updated in place have the size that they keep.
SETTLING_HOURS = 2
# Of a visit in steady state; a picture is of about this size.
TOOK_MS, PICTURE_SIZE = 40.0, 180_000
PICTURE_EVERY = 10  # heartbeats
# An interval's looks come in so many batches, so that of the rows of a page only some change at once, as in production.
BATCHES = 4
# Kept for a few days and then gone: raw readings, batches, looks.
_PASSING = ("monitor_rawreading%", "monitor_batch", "monitor_look%")
_GOOD = Finding(Verdict.OK)
_DOWN = Finding(Verdict.UNKNOWN, "link_down")
_LENS = (Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK)
_ASKED = Request("GetSystemDateAndTime", "http://127.1.0.1:8000/onvif/device_service", 12.0, "200")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes with indexes: what stays, and what goes after a few days."""

    permanent: int
    raw: int


def growth(devices: int = 500, hours: int = DAY_HOURS, every_s: int = 60) -> dict[str, Any]:
    """Bytes that each device adds in a day, from so many devices over so many virtual hours; tables apart."""
    with _scratch():
        fleet = Fleet(devices)
        placed = register.make(fleet, max(1, devices // fleet.tree), ZONE, BEGIN)
        end = BEGIN + timedelta(hours=SETTLING_HOURS + hours)
        month = history.draw(fleet, placed, Window(end - timedelta(days=30), BEGIN, end), seed=1)
        schedule.sync(BEGIN)
        _clean_by_hand()
        day = _Day(placed, month, every_s)
        an_hour = 3600 // every_s
        day.look(range(an_hour * SETTLING_HOURS))
        before = _tables()
        day.look(range(an_hour * SETTLING_HOURS, an_hour * (SETTLING_HOURS + hours)))
        after = _tables()
    days = len(placed) * hours / DAY_HOURS
    grown = {name: (size - before.get(name, 0)) / days for name, size in after.items()}
    raw = sum(size for name, size in grown.items() if name.startswith("monitor_rawreading"))
    stays = {name: size for name, size in grown.items() if not _passes(name)}
    return {
        "permanent_bytes_per_device_day": round(sum(stays.values())),
        "raw_bytes_per_device_day": round(raw),
        "by_table": {name: round(size) for name, size in sorted(stays.items(), key=lambda item: -item[1]) if size >= 1},
        "devices": len(placed),
        "hours": hours,
    }


class _Day:
    """Every device of a city, looked at once in each interval."""

    def __init__(self, placed: Sequence[Placed], outages: Sequence[Outage], every_s: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, endpoint_id FROM devices_device WHERE endpoint_id IS NOT NULL")
            self._ends: Mapping[int, int] = dict(cursor.fetchall())
        self._batches: list[list[Placed]] = [[] for _number in range(BATCHES)]
        for item in placed:
            if item.device_id in self._ends:
                self._batches[self._ends[item.device_id] * schedule.SPREAD % 61 % BATCHES].append(item)
        self._outages: dict[int, list[Outage]] = defaultdict(list)
        for outage in outages:
            self._outages[outage.index].append(outage)
        self._every = timedelta(seconds=every_s)
        self._random = Random(1)  # noqa: S311 - no secret
        Schedule.objects.update(heartbeat_every=every_s)

    def look(self, rounds: range) -> None:
        """So many rounds, each an interval after the one before."""
        for number in rounds:
            self._round(BEGIN + number * self._every)
            if not number % VACUUM_EVERY:
                _vacuum()

    def _round(self, at: datetime) -> None:
        """Every device once, spread over the interval."""
        for number, batch in enumerate(self._batches):
            lease, now = str(uuid.uuid4()), at + number * self._every / BATCHES
            ends = {self._ends[item.device_id] for item in batch}
            Schedule.objects.filter(endpoint__in=ends).update(lease=lease, leased_until=now + timedelta(hours=1))
            readings = [self._reading(item, now, lease) for item in batch]
            recording.record(readings, ZONE, lambda _key: None, now + self._every / BATCHES)

    def _reading(self, item: Placed, at: datetime, lease: str) -> Reading:
        own = at + self._every * self._random.random() / BATCHES
        number = int((at - BEGIN) / self._every) + item.device_id
        pictured = item.sees and number % PICTURE_EVERY == 0
        findings = dict.fromkeys(_LENS if item.sees else (Aspect.LINK,), _GOOD)
        if pictured:
            findings[Aspect.PICTURE] = _GOOD
        for outage in self._outages[item.member.index]:
            if outage.since <= own and (outage.until is None or own < outage.until):
                _lay(findings, outage)
        down = findings[Aspect.LINK] is not _GOOD
        note = self._note(item) if pictured and not down else None
        end = self._ends[item.device_id]
        return Reading(item.device_id, end, own, TOOK_MS, findings, lease, picture=note, requests=(_ASKED,) * 2)

    def _note(self, item: Placed) -> PictureNote:
        digest = f"{self._random.getrandbits(256):064x}"
        score = round(self._random.random(), 3)
        return PictureNote("normal", score, True, "day", 1920, 1080, PICTURE_SIZE + item.device_id, digest)


def _lay(findings: dict[Aspect, Finding], outage: Outage) -> None:
    """What an outage makes of a reading; nothing else is known while the link is down."""
    aspect = CAUSES[outage.cause].aspect
    if aspect in findings:
        findings[aspect] = Finding(Verdict.FAULTY, outage.cause, DETAIL.get(outage.cause, {}))
    if aspect is Aspect.LINK:
        findings |= dict.fromkeys(findings.keys() - {Aspect.LINK}, _DOWN)


@contextmanager
def _scratch() -> Iterator[None]:
    """A database of its own on the same server."""
    own = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(own, verbosity=0)


def _clean_by_hand() -> None:
    """The server's own cleaning off: a second of its ANALYZE holds old versions of rows for half an hour here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relname LIKE 'monitor_%%'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")


def _vacuum() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM monitor_devicestate, monitor_schedule")


def _tables() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
            " WHERE relkind = 'r' AND relname LIKE 'monitor_%%'"
        )
        return dict(cursor.fetchall())


def _passes(name: str) -> bool:
    return any(name.startswith(pattern.rstrip("%")) for pattern in _PASSING)
