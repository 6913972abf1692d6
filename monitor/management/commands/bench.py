"""What one poll costs: ours, the naive way and the floor, side by side on the same cameras in the same run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from monitor.benching.city import PASSWORD, USERNAME, NoCity, cameras
from monitor.benching.cpu import resident_mb
from monitor.benching.polls import HEARTBEATS, PICTURES, Round, Spent, Unwell

# A warm picture poll may take this much CPU time of a worker. Milliseconds.
BAR_MS = 25.0
WARM_ROUNDS = 3
NAIVE_POLLS, FLOOR_POLLS = 8, 32
CHILD_PATIENCE_S = 60


class Command(BaseCommand):
    """Starts virtual cameras, polls them, tells the figures; leaves nothing behind in the database."""

    help = "What one poll costs in CPU time: prints one JSON object as its last line."
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many cameras and rounds; the defaults take about half a minute."""
        parser.add_argument("--cameras", type=int, default=8)
        parser.add_argument("--rounds", type=int, default=8)

    def handle(self, *_args: object, **options: Any) -> None:
        """Measure and tell."""
        try:
            with cameras(options["cameras"]) as ports:
                figures = self._measure(ports, options["rounds"])
        except (NoCity, Unwell) as error:
            raise CommandError(str(error)) from error
        self._tell(figures)
        self.stdout.write(json.dumps(figures))

    def _measure(self, ports: Sequence[int], rounds: int) -> dict[str, Any]:
        self.stderr.write(f"{len(ports)} cameras, {rounds} rounds; the first pictures take a while to be drawn")
        ours = _ours(ports, rounds)
        naive, floor = _child("naive", NAIVE_POLLS, ports), _child("floor", FLOOR_POLLS, ports)
        poll_ms = ours["picture_poll_ms"]
        return ours | {
            "naive_ms": naive,
            "floor_ms": floor,
            "ratio_naive": _ratio(naive, poll_ms),
            "ratio_floor": _ratio(poll_ms, floor),
            "bar_ms": BAR_MS,
            "ok": poll_ms < BAR_MS,
        }

    def _tell(self, figures: dict[str, Any]) -> None:
        self.stderr.write(
            "one warm poll (clock, authenticated 1080p snapshot of {picture_kb} kB, judgement, recording): "
            "{picture_poll_ms} ms of CPU\n"
            "  fetched {fetch_ms}, decoded and judged {judge_ms}, recorded {record_ms}; a heartbeat {heartbeat_ms}\n"
            "  {polls_per_core_second} polls per core and second; {rss_mb} MB resident\n"
            "  on the wall {wall_p50_ms} ms (median), {wall_p95_ms} ms (95 %), drawing by the cameras included\n"
            "the naive way {naive_ms} ms ({ratio_naive} times as much), the bare requests and a small decode "
            "{floor_ms} ms; the bar is {bar_ms} ms".format(**figures)
        )


def _ours(ports: Sequence[int], rounds: int) -> dict[str, Any]:
    """Our figures, from a database that is rolled back and a folder that is thrown away."""
    with TemporaryDirectory(prefix="viewkeeper-bench-media-") as media, transaction.atomic():
        settings.MEDIA_ROOT = media
        bench = Round(ports, USERNAME, PASSWORD)
        try:
            bench.warm_up(WARM_ROUNDS)
            pictures, heartbeats = bench.poll(PICTURES, rounds), bench.poll(HEARTBEATS, rounds)
            return _figures(pictures, heartbeats, bench.judgement_ms(), bench.picture_kb())
        finally:
            bench.close()
            transaction.set_rollback(True)


def _figures(pictures: Spent, heartbeats: Spent, judge_ms: float, picture_kb: float) -> dict[str, Any]:
    poll_ms = pictures.visit + pictures.record
    wall = statistics.quantiles(pictures.wall_ms, n=20)
    figures = {
        "picture_poll_ms": poll_ms,
        "fetch_ms": pictures.visit - judge_ms,
        "judge_ms": judge_ms,
        "record_ms": pictures.record,
        "heartbeat_ms": heartbeats.visit + heartbeats.record,
        "polls_per_core_second": 1000 / poll_ms,
        "rss_mb": resident_mb(),
        "wall_p50_ms": wall[9],
        "wall_p95_ms": wall[18],
        "picture_kb": picture_kb,
    }
    return {name: round(value, 2) for name, value in figures.items()} | {"polls": pictures.polls}


def _child(name: str, polls: int, ports: Sequence[int]) -> float | None:
    """Another way to poll, in a process of its own; None where what it needs is not installed."""
    arguments = [sys.executable, "-m", f"monitor.benching.{name}", USERNAME, PASSWORD, str(polls), *map(str, ports)]
    done = subprocess.run(
        arguments, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=CHILD_PATIENCE_S, check=False
    )
    if done.returncode == 0:
        return round(float(done.stdout.split()[-1]), 2)
    if "ModuleNotFoundError" in done.stderr:
        return None
    raise CommandError(f"the {name} way failed: {done.stderr.strip().splitlines()[-1]}")


def _ratio(one: float | None, other: float | None) -> float | None:
    return round(one / other, 1) if one and other else None
