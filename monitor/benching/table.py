"""The figures for a person: a table with a column for each size of fleet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Figures = Mapping[str, Any]

# What each line says, and where its figure is found.
LINES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("CPU ms of a heartbeat, recorded", ("heartbeat_ms",)),
    ("  probe worker", ("heartbeat", "probe_ms")),
    ("  record worker, with its share of the tick", ("heartbeat", "record_ms")),
    ("  PostgreSQL", ("heartbeat", "postgres_ms")),
    ("  Redis", ("heartbeat", "redis_ms")),
    ("CPU ms of a picture visit, judged and recorded", ("picture_poll_ms",)),
    ("  probe worker", ("picture", "probe_ms")),
    ("    of this decoding and judging", ("judge_ms",)),
    ("    of this fetching", ("fetch_ms",)),
    ("  record worker, with its share of the tick", ("picture", "record_ms")),
    ("  PostgreSQL", ("picture", "postgres_ms")),
    ("  Redis", ("picture", "redis_ms")),
    ("the floor: the same requests, a small decode", ("floor_ms",)),
    ("the naive way: a new ONVIFCamera", ("naive_ms",)),
    ("blackbox_exporter, http probe", ("blackbox_http_ms",)),
    ("fping, one echo", ("fping_ms",)),
    ("picture visit : floor           (at most 2.5)", ("ratio_floor",)),
    ("naive : picture visit           (at least 20)", ("ratio_naive",)),
    ("heartbeat : blackbox_exporter   (at most 1)", ("ratio_blackbox",)),
    ("heartbeats per core and second", ("heartbeats_per_core_second",)),
    ("picture visits per core and second", ("polls_per_core_second",)),
    ("cores for the fleet at 60 s and 600 s", ("core_seconds_per_second",)),
    ("a picture visit on the wall, ms, half of them", ("wall_p50_ms",)),
    ("a picture visit on the wall, ms, 95 % of them", ("wall_p95_ms",)),
    ("MB resident, all parts", ("rss_mb",)),
    ("kB of a picture", ("picture_kb",)),
)
LABEL_WIDTH, COLUMN_WIDTH = 50, 12
DECIMALS = 3


def rounded(figures: Figures) -> dict[str, Any]:
    """Figures with as many places as they are good for."""
    return {name: _rounded(value) for name, value in figures.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return rounded(value)
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


def text(by_fleet: Mapping[str, Figures]) -> str:
    """The table."""
    head = _line("devices", [f"{int(fleet):,}" for fleet in by_fleet])
    return "\n".join(
        [head, *(_line(label, [_shown(figures, path) for figures in by_fleet.values()]) for label, path in LINES)]
    )


def _line(label: str, cells: list[str]) -> str:
    return label.ljust(LABEL_WIDTH) + "".join(cell.rjust(COLUMN_WIDTH) for cell in cells)


def _shown(figures: Figures, path: tuple[str, ...]) -> str:
    value: Any = figures
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return "–" if value is None else f"{value:,.2f}"
