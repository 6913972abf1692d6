"""The operators' page: how the platform itself is, zone by zone, and how much it has to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils.functional import cached_property

from monitor import metrics, words
from monitor.metrics import WINDOW_S, Figures, QueueFigures, ZoneFigures
from monitor.overview.trust import STRETCH_TOLD
from monitor.overview.wellbeing import wellbeing

# Outcomes named on the page; the rest of a zone's are summed up.
OUTCOMES: Final = 5
# The largest tables that are named.
TABLES: Final = 12
# A collector whose clock is off by more than this is to be put right, although it is allowed for. Seconds.
CLOCK_TOLD_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Share:
    """How many readings had one outcome."""

    title: str
    count: int
    percent: int


@dataclass(frozen=True)
class ZoneLine:
    """One zone as the page shows it."""

    figures: ZoneFigures
    queues: Sequence[QueueFigures]

    @property
    def stretched(self) -> bool:
        """Whether its intervals are lengthened by so much that it is worth telling."""
        state = self.figures.state
        return state is not None and max(state.heartbeat_stretch, state.picture_stretch) > STRETCH_TOLD

    @property
    def clock_off_by_s(self) -> float:
        """By how much the collector's clock is off, ahead or behind."""
        state = self.figures.state
        return abs(state.clock_offset_s or 0.0) if state else 0.0

    @property
    def clock_off(self) -> bool:
        """Whether the collector's clock is to be put right."""
        return self.clock_off_by_s > CLOCK_TOLD_S

    @property
    def per_minute(self) -> int:
        """Readings a minute."""
        return round(self.figures.polls * 60 / WINDOW_S)

    @property
    def median_s(self) -> float | None:
        """What half of the batches took at most."""
        return self.figures.batch_s(metrics.SHARES[0])

    @property
    def slow_s(self) -> float | None:
        """What all but the slowest twentieth took at most."""
        return self.figures.batch_s(metrics.SHARES[1])

    @cached_property
    def shares(self) -> list[Share]:
        """The outcomes, the most frequent first; percentages are cut, never rounded up."""
        whole = self.figures.polls
        return [
            Share(outcome_title(word), count, count * 100 // whole)
            for word, count in self.figures.outcomes.most_common(OUTCOMES)
        ]


@dataclass(frozen=True, slots=True)
class Table:
    """A table and what it takes on disk, indexes included; partitions of one table are summed up."""

    name: str
    size: int
    partitions: int


@dataclass(frozen=True, slots=True)
class Operators:
    """Everything the page shows."""

    now: datetime
    well: dict[str, Any]
    zones: Sequence[ZoneLine]
    queues: Sequence[QueueFigures]
    figures: Figures
    tables: Sequence[Table]


def operators(now: datetime) -> Operators:
    """The platform's own state."""
    figures = metrics.gather(now)
    lines = [
        ZoneLine(zone, [item for item in figures.queues if item.name.partition(".")[2] == zone.name])
        for zone in figures.zones
    ]
    own = [item for item in figures.queues if item.name in metrics.OWN_QUEUES]
    return Operators(now, wellbeing(now), lines, own, figures, tables())


def outcome_title(word: str) -> str:
    """The outcome of a visit in words."""
    return words.reached() if word == "ok" else words.title(word).rstrip(".。")


_TABLES = """
SELECT COALESCE(parent.relname, c.relname) AS name, sum(pg_total_relation_size(c.oid))::bigint, count(parent.oid)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE c.relkind = 'r' GROUP BY 1 ORDER BY 2 DESC LIMIT %s
"""


def tables() -> list[Table]:
    """The largest tables."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [TABLES])
        return [Table(*row) for row in cursor.fetchall()]
