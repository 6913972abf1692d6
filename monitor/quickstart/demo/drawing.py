"""Draw what the demo's cameras normally see, and learn it. Pure: the processes that do it load no Django.

Pictures are drawn by the code of the virtual cameras, smaller, since a picture is judged on 480 px anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context

from monitor.simulator import scenes
from monitor.simulator.plan import SceneSpec
from monitor.vision import decode, learn
from monitor.vision.features import describe
from monitor.vision.tone import phase_of

SIZE = (960, 540)
PROCESSES = 2
# How many helpings each process gets: the last one to finish is not waited for long.
HELPINGS = 4


@dataclass(frozen=True, slots=True)
class Job:
    """One camera to learn: its scene, and the instants (Beijing time) to draw it at."""

    key: str
    scene: SceneSpec
    instants: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What was learned of one camera: its signature, and the first picture of each phase with the instant it shows."""

    key: str
    signature: bytes
    learned: int
    pictures: Mapping[str, tuple[datetime, bytes]]


def draw_all(jobs: Sequence[Job]) -> list[View]:
    """Draw and learn cameras in several processes: drawing is most of the demo's first start."""
    # Not forked: a forked process would share our database connection.
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        return list(pool.map(draw, jobs, chunksize=max(1, len(jobs) // (HELPINGS * PROCESSES))))


def draw(job: Job) -> View:
    """Draw and learn one camera."""
    drawn = [(at, scenes.jpeg(job.scene, at, SIZE, frame=frame)) for frame, at in enumerate(job.instants, 1)]
    decoded = [decode(data) for _at, data in drawn]
    shown: dict[str, tuple[datetime, bytes]] = {}
    for picture, taken in zip(decoded, drawn, strict=True):
        shown.setdefault(phase_of(describe(picture)), taken)
    model = learn(decoded)
    return View(job.key, model.dumps(), model.count, shown)
