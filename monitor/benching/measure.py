"""The figures of one size of fleet: warmed up, measured in rounds beside the peers, told as one mapping."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monitor.benching import micro, scenes
from monitor.benching.city import cameras
from monitor.benching.peers import Peers, peers
from monitor.benching.register import as_learned, register
from monitor.benching.rounds import Say, Spent, visits
from monitor.benching.workers import Usage, Workers, workers
from monitor.claims import BATCH, PICTURE_BATCH

HEARTBEAT_S, PICTURE_S = 60, 600
WARM_AT_ONCE = 2_500
SMALL, QUICK_S, THOROUGH_S = 1_000, 11.0, 60.0
# Pictures that are judged alone in each round, and visited alone for their time on the wall.
JUDGED = 20


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: so many rounds, each of full batches."""

    fleet: int
    rounds: int
    picture: tuple[int, int]
    heartbeats: int = BATCH
    pictures: int = PICTURE_BATCH
    fewest: int = 2

    @property
    def patience_s(self) -> float:
        """No round is begun after so long: on a busy machine there are fewer, and a single size still ends in time."""
        return QUICK_S if self.fleet <= SMALL else THOROUGH_S

    @property
    def pool(self) -> int:
        """How many devices pictures are taken of: in a large fleet others in each round, so that no row is at hand."""
        distinct = self.pictures if self.fleet <= SMALL else self.rounds * self.pictures
        return min(self.fleet, distinct)


def figures(size: Size, say: Say) -> dict[str, Any]:
    """Start the cameras and the workers, enter the register, warm up, measure."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="viewkeeper-bench-")))
        started = stack.enter_context(workers(folder))
        found = stack.enter_context(cameras(size.fleet, size.picture))
        running = started.ready()
        say(f"{size.fleet} cameras, workers")
        bank = scenes.fetch(found)
        devices = register(found, scenes.learned(bank))
        say("register")
        others = stack.enter_context(peers(found, folder))
        bench = Bench(size, running, others, list(devices))
        judging = micro.Judging(bench.pool[:JUDGED], devices, bank)
        bench.warm_up()
        say("warm")
        judge_ms = statistics.median(judging.round() for _round in bench.measured())
        say("measured")
        wall = micro.wall(bench.pool[:JUDGED])
        return bench.told() | {
            "judge_ms": judge_ms,
            "fetch_ms": bench.pictures.median.probe - judge_ms,
            "wall_p50_ms": wall.p50,
            "wall_p95_ms": wall.p95,
            "picture_kb": scenes.picture_kb(bank),
        }


class Bench:
    """One fleet's rounds."""

    def __init__(self, size: Size, running: Workers, others: Peers, device_ids: Sequence[int]) -> None:
        self.size = size
        self.workers = running
        self.peers = others
        self.device_ids = device_ids
        self.pool = device_ids[: size.pool]
        self.heartbeats, self.pictures = Spent(), Spent()
        self._next = 0
        self._resident = Usage()

    def warm_up(self) -> None:
        """Let the platform learn what it knows of a fleet that it has watched for long."""
        visits(self.workers, _helpings(self.pool, self.size.pictures), pictures=True)
        as_learned(self.pool)
        visits(self.workers, _helpings(self.device_ids, WARM_AT_ONCE), pictures=False)
        self.peers.warm_up()

    def measured(self) -> Iterator[int]:
        """Rounds of heartbeats, pictures and the peers in turn; more may be done after each."""
        heartbeats = _around(self.device_ids, self.size.heartbeats)
        pictures = _around(self.pool, self.size.pictures)
        began = time.monotonic()
        for number in range(self.size.rounds):
            if number >= self.size.fewest and time.monotonic() - began > self.size.patience_s:
                break
            visits(self.workers, [next(heartbeats)], pictures=False, spent=self.heartbeats)
            self.peers.round("blackbox", "fping")
            visits(self.workers, [next(pictures)], pictures=True, spent=self.pictures)
            self.peers.round("floor", "naive")
            yield number
        self._resident = self.workers.mb()

    def told(self) -> dict[str, Any]:
        """What was measured, by name."""
        heartbeat_ms, picture_ms = self.heartbeats.total_ms, self.pictures.total_ms
        floor, naive, blackbox = (self.peers.ms(name) for name in ("floor", "naive", "blackbox"))
        per_s = self.size.fleet / HEARTBEAT_S, self.size.fleet / PICTURE_S
        return {
            "heartbeat_ms": heartbeat_ms,
            "picture_poll_ms": picture_ms,
            "floor_ms": floor,
            "naive_ms": naive,
            "blackbox_http_ms": blackbox,
            "fping_ms": self.peers.ms("fping"),
            "ratio_floor": _ratio(picture_ms, floor),
            "ratio_naive": _ratio(naive, picture_ms),
            "ratio_blackbox": _ratio(heartbeat_ms, blackbox),
            "heartbeat": _parts(self.heartbeats.median, "ms"),
            "picture": _parts(self.pictures.median, "ms"),
            "record_ms": self.pictures.median.record,
            "heartbeats_per_core_second": 1000 / heartbeat_ms,
            "polls_per_core_second": 1000 / picture_ms,
            # A visit for a picture is a heartbeat, too.
            "core_seconds_per_second": ((per_s[0] - per_s[1]) * heartbeat_ms + per_s[1] * picture_ms) / 1000,
            "rss_mb": self._resident.total,
            "rss": _parts(self._resident, "mb"),
            "visits": {"heartbeat": self.heartbeats.visits, "picture": self.pictures.visits},
            "visits_per_s": {
                "heartbeat": self.heartbeats.visits / self.heartbeats.wall_s,
                "picture": self.pictures.visits / self.pictures.wall_s,
            },
        }


def _helpings(device_ids: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(device_ids), most):
        yield device_ids[start : start + most]


def _around(device_ids: Sequence[int], count: int) -> Iterator[Sequence[int]]:
    """Helpings of `count`, from the first on and around: those that were visited longest ago come next."""
    start = 0
    while True:
        yield [device_ids[(start + number) % len(device_ids)] for number in range(min(count, len(device_ids)))]
        start += count


def _parts(usage: Usage, unit: str) -> Mapping[str, float]:
    return {
        f"probe_{unit}": usage.probe,
        f"record_{unit}": usage.record,
        f"postgres_{unit}": usage.postgres,
        f"redis_{unit}": usage.redis,
    }


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None
