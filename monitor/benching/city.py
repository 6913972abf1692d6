"""A fleet of virtual cameras in processes of their own, whose CPU time nobody counts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from multiprocessing import get_context
from tempfile import TemporaryDirectory

from monitor.benching.failure import BenchFailed
from monitor.simulator.fleet.bank import SIZE, Gallery, write
from monitor.simulator.fleet.members import Member
from monitor.simulator.fleet.running import NoFleet, RunningFleet

# Few, since they are drawn within the time of the bench; each answer differs from the one before all the same.
SCENES, VARIANTS = 2, 5
# A network of 127.0.0.0/8 for each run, so that two at once do not meet; the first ones are likely to be in use.
NETWORKS = range(16, 250)
# What the bench asks of a device at once is more than politeness allows: nobody watches for it here.
ANYTHING_GOES = {"burst": 1_000_000, "refill": 1}


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
def cameras(count: int, size: tuple[int, int] = SIZE) -> Iterator[list[Camera]]:
    """So many cameras on loopback, by day; `size` is that of their pictures."""
    with TemporaryDirectory(prefix="viewkeeper-bench-pictures-") as folder:
        draw(Gallery(folder, size, SCENES))
        options = {"devices": count, "hosts": own_network(), "mix": "cameras", "scenes": SCENES, "pictures": folder}
        options["size"] = "x".join(map(str, size))
        try:
            with RunningFleet(**options, **ANYTHING_GOES) as running:
                yield [camera_of(member) for member in running.fleet]
        except NoFleet as error:
            raise BenchFailed(f"the virtual cameras do not start: {error}") from error


def own_network() -> str:
    """65,536 loopback addresses that hardly anybody else has."""
    return f"127.{NETWORKS[os.getpid() % len(NETWORKS)]}.0.0/16"


def camera_of(member: Member) -> Camera:
    """A member of a fleet as the bench knows it."""
    return Camera(
        member.host,
        member.port,
        member.username,
        member.password,
        scene=member.index % SCENES,
        wsse=member.auth != "digest_only",
    )


def draw(gallery: Gallery) -> None:
    """Draw fewer pictures of each scene than the fleet would."""
    jobs = [(gallery, *job) for job in product(range(gallery.scenes), range(VARIANTS))]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        drawn = list(pool.map(_draw, jobs))
    for scene in range(gallery.scenes):
        write(gallery.file(scene), drawn[scene * VARIANTS : (scene + 1) * VARIANTS])


def _draw(job: tuple[Gallery, int, int]) -> bytes:
    gallery, scene, variant = job
    return gallery.draw(scene, variant)
