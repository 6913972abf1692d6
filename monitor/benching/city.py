"""A fleet of virtual cameras in processes of their own, whose CPU time nobody counts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from monitor.benching.failure import BenchFailed
from monitor.quickstart.layout import BASE
from monitor.simulator.fleet import bank
from monitor.simulator.fleet.members import Fleet

# Few, since they are drawn within the time of the bench; each answer differs from the one before all the same.
SCENES, VARIANTS = 2, 5
HOSTS = "127.3.0.0/16"
STOP_PATIENCE_S = 10.0
# What the bench asks of a device at once is more than politeness allows: nobody watches for it here.
ANYTHING_GOES = ("--burst", "1000000", "--refill", "1")


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a virtual camera is, how to log in, and which scene it looks at."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    scene: int
    # Whether it takes WS-Security, as nearly all do.
    wsse: bool

    @property
    def address(self) -> str:
        """How it is dialled."""
        return f"http://{self.host}:{self.port}"


@contextmanager
def cameras(count: int) -> Iterator[list[Camera]]:
    """So many cameras on loopback, by day."""
    fleet = Fleet(count, hosts=HOSTS, mix="cameras")
    with TemporaryDirectory(prefix="viewkeeper-bench-pictures-") as name, _served(fleet, draw(Path(name))):
        yield [
            Camera(
                one.host,
                one.port,
                one.username,
                one.password,
                scene=one.index % len(bank.SCENES) % SCENES,
                wsse=one.auth != "digest_only",
            )
            for one in fleet
        ]


def draw(folder: Path) -> Path:
    """A folder with the pictures of few scenes, which the others borrow."""
    jobs = list(product(range(SCENES), range(VARIANTS)))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        drawn = dict(zip(jobs, pool.map(_draw, jobs), strict=True))
    for number in range(len(bank.SCENES)):
        own = [drawn[number % SCENES, variant] for variant in range(VARIANTS)]
        bank.write(bank.file_of(folder, number), own)
    return folder


def _draw(job: tuple[int, int]) -> bytes:
    number, variant = job
    return bank.draw(bank.SCENES[number], variant)


@contextmanager
def _served(fleet: Fleet, pictures: Path) -> Iterator[None]:
    argv = [sys.executable, "-m", "monitor.simulator.fleet", *_arguments(fleet), *ANYTHING_GOES]
    with (pictures / "simulator.log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*argv, "--pictures", str(pictures)], cwd=BASE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            _greeting(process, log)
            yield
        finally:
            process.terminate()
            try:
                process.communicate(timeout=STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def _arguments(fleet: Fleet) -> Sequence[str]:
    return ["--devices", str(fleet.devices), "--hosts", fleet.hosts, "--mix", fleet.mix, "--script", "calm"]


def _greeting(process: subprocess.Popen[str], log: IO[str]) -> None:
    """Wait until all doors are open."""
    assert process.stdout is not None  # noqa: S101 - asked for
    try:
        json.loads(process.stdout.readline())
    except ValueError:
        log.seek(0)
        said = log.read().strip().splitlines() or ["no message"]
        raise BenchFailed(f"the virtual cameras do not start: {said[-1]}") from None
