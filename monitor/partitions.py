"""The day partitions of raw readings: made before their day comes, dropped whole when it is long over.

Days are UTC's. A row that no partition is there for lies in the default one, so that nothing is lost where housekeeping
did not run. Writers never wait for long: a table of tomorrow is attached without touching that of today, and whatever
needs the whole table for a moment gives up after `PATIENCE_MS` and is tried again by the next housekeeping.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
TABLE = "monitor_rawreading"
DEFAULT = f"{TABLE}_default"
# The number of our advisory lock; any that nobody else uses.
LOCK = 7_316_003
# How long writers may be held up by us. Milliseconds.
PATIENCE_MS = 500
# Partitions for tomorrow and the day after: a day without housekeeping does no harm.
AHEAD_DAYS = 2
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code for a lock that was not had in time
_NAME = re.compile(rf"{TABLE}_(\d{{8}})")


@dataclass(frozen=True, slots=True)
class Partition:
    """One table of raw readings: its day, None for the default one, and its size with indexes."""

    name: str
    day: date | None
    bytes: int


def partitions() -> list[Partition]:
    """The partitions there are, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname, pg_total_relation_size(child.oid) FROM pg_inherits"
            " JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = %s::regclass ORDER BY 1",
            [TABLE],
        )
        return [Partition(name, _day_of(name), size) for name, size in cursor.fetchall()]


def ensure(now: datetime) -> int:
    """Make the partitions of the next days; give how many were made. Any number of processes may call it at once."""
    return _alone(_make, now.astimezone(UTC).date())


def drop_old(now: datetime, keep_days: int) -> int:
    """Drop whole days that ended more than `keep_days` days ago, and such rows of the default one.

    Give the number of dropped partitions.
    """
    before = now.astimezone(UTC) - keep_days * DAY
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {DEFAULT} WHERE at < %s", [before])  # noqa: S608 - a constant
    return _alone(_drop, before.date())


def _day_of(name: str) -> date | None:
    found = _NAME.fullmatch(name)
    return datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC).date() if found else None


def _make(cursor: CursorWrapper, today: date) -> int:
    have = {item.day for item in partitions()}
    missing = [day for ahead in range(1, AHEAD_DAYS + 1) if (day := today + ahead * DAY) not in have]
    for day in missing:
        _attach(cursor, day)
    return len(missing)


def _attach(cursor: CursorWrapper, day: date) -> None:
    """Make a day's partition apart and attach it, for that leaves alone whoever writes to another one.

    `CREATE … PARTITION OF` would lock them all out. Rows of that day in the default partition (a clock was ahead) are
    moved along, since attaching refuses them there.
    """
    name, since, until = f"{TABLE}_{day:%Y%m%d}", f"{day} 00:00Z", f"{day + DAY} 00:00Z"
    cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    cursor.execute(
        f"WITH moved AS (DELETE FROM {DEFAULT} WHERE at >= %s AND at < %s RETURNING *)"  # noqa: S608 - names of ours
        f" INSERT INTO {name} SELECT * FROM moved",
        [since, until],
    )
    cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", [since, until])


def _drop(cursor: CursorWrapper, today: date) -> int:
    old = [item.name for item in partitions() if item.day and item.day + DAY <= today]
    for name in old:
        cursor.execute(f"DROP TABLE {name}")
    return len(old)


def _alone(work: Callable[[CursorWrapper, date], int], day: date) -> int:
    """Do a work on tables in one transaction; 0 when another process is at it or a lock was not had in time."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                return 0
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE_MS}ms"])
            return work(cursor, day)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != _LOCK_NOT_AVAILABLE:
            raise
        log.warning("partitions of raw readings are busy; the next housekeeping tries again")
        return 0
