"""Episodes over the real series of a table: covers that stay, and nothing at all, through the platform's thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

from monitor import health
from monitor.benching.vision.covers import POSITIONS, TEXTURES, Cover, lay
from monitor.benching.vision.scoring import Figures, Row, share
from monitor.vision import Label, learn
from monitor.vision.replay import Watch
from monitor.vision.table import Scene, in_order, normal_pictures, notes

# Shares that covers are drawn from, by the name of their band.
BANDS: Mapping[str, tuple[float, float]] = {"15-30 %": (0.15, 0.30), "30-50 %": (0.30, 0.50), ">=50 %": (0.50, 0.60)}
EPISODES_A_BAND = 300
SEED = 20261
# A cover stays for this many pictures: fifty minutes, or two with second looks.
LENGTH = 5


@dataclass(frozen=True, slots=True)
class Episode:
    """A cover over successive pictures of a series: how many of them were flagged, of how many, and what came of it."""

    band: str
    texture: str
    position: str
    scene: str
    flagged: int
    looked: int
    confirmed: bool
    named: bool
    checkable: bool


@dataclass(frozen=True, slots=True)
class Quiet:
    """A real series without a fault: its pictures, those flagged, the false episodes that were confirmed."""

    scene: str
    looked: int
    flagged: int
    unchecked: int
    confirmed: int

    @property
    def checkable(self) -> bool:
        """Whether the scene is, by most of its pictures."""
        return 2 * self.unchecked < self.looked


@dataclass(frozen=True, slots=True)
class Job:
    """One scene to go through, with so many episodes of each band."""

    scene: Scene
    episodes: int
    seed: int


def run(scenes: Sequence[Scene], episodes: int, jobs: int) -> Figures:
    """The figures of laid covers and of quiet series; `episodes` a band at least, shared out among the scenes."""
    able = [scene for scene in scenes if series(scene)]
    each = -(-episodes // max(1, len(able)))
    work = [Job(scene, each, SEED + number) for number, scene in enumerate(able)]
    found = list(_each(work, jobs))
    laid = [one for episodes_of, _ in found for one in episodes_of]
    return {"covers": figures_of(laid), "normal_series": quiet_figures([quiet for _, quiet in found])}


def _each(work: Sequence[Job], jobs: int) -> Iterator[tuple[list[Episode], Quiet]]:
    if jobs <= 1:
        yield from map(go_through, work)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(go_through, work)


def series(scene: Scene) -> list[Row]:
    """The real normal pictures of a scene that nothing is learned from, in order."""
    return [
        row
        for row in in_order(scene.rows)
        if row["label"] == Label.NORMAL and {"plain", "real"} <= set(notes(row)) and "calib" not in notes(row)
    ]


def go_through(job: Job) -> tuple[list[Episode], Quiet]:
    """Lay covers over a scene's series, and watch it without."""
    scene = job.scene
    model = learn(list(normal_pictures(scene)))
    pictures = [(scene.root / row["path_cur"]).read_bytes() for row in series(scene)]
    name = scene.rows[0]["scene"]
    laid = [
        _cover(Watch(model, learns=False), pictures[at:] + pictures[:at], cover, (name, band))
        for band in BANDS
        for number, cover in enumerate(_covers(band, job))
        for at in (number * LENGTH % len(pictures),)
    ]
    return laid, _watch(name, Watch(model), pictures)


def _covers(band: str, job: Job) -> Iterator[Cover]:
    """Every texture at every position in turn, shares spread evenly over the band."""
    low, high = BANDS[band]
    kinds = list(product(TEXTURES, POSITIONS))
    for number in range(job.episodes):
        # Scenes begin with different kinds, so that all occur alike often.
        texture, position = kinds[(number + job.seed * job.episodes) % len(kinds)]
        yield Cover(texture, position, low + (high - low) * (number + 0.5) / job.episodes, job.seed * 1000 + number)


def _cover(watch: Watch, pictures: Sequence[bytes], cover: Cover, of: tuple[str, str]) -> Episode:
    """Lay a cover over the first pictures, right after the last one without; `of` which scene and band."""
    watch.look(pictures[-1])
    flagged, confirmed, named, checkable = 0, False, False, 0
    for step in range(LENGTH):
        found = watch.look(lay(pictures[step % len(pictures)], cover, step)).judged
        assert found is not None, "what was laid can be decoded"  # noqa: S101 (for the type checker)
        flagged += found.label is not Label.NORMAL
        checkable += found.checkable
        if watch.track.state is health.State.FAULTY:
            confirmed, named = True, named or watch.track.cause == Label.OBSTRUCTED
    scene, band = of
    return Episode(
        band, cover.texture, cover.position, scene, flagged, LENGTH, confirmed, named, 2 * checkable > LENGTH
    )


def _watch(name: str, watch: Watch, pictures: Sequence[bytes]) -> Quiet:
    flagged = unchecked = confirmed = 0
    for data in pictures:
        before = watch.track.state
        found = watch.look(data).judged
        flagged += found is None or found.label is not Label.NORMAL
        unchecked += found is not None and not found.checkable
        confirmed += watch.track.state is health.State.FAULTY and before not in _ENDING
    return Quiet(name, len(pictures), flagged, unchecked, confirmed)


_ENDING = (health.State.FAULTY, health.State.RECOVERING)


def figures_of(episodes: Sequence[Episode]) -> Figures:
    """Recall of single pictures and of episodes, by band; the latter by texture, position and scene, too."""
    bands = {band: [one for one in episodes if one.band == band] for band in BANDS}
    return {
        band: {
            "single": share(sum(one.flagged for one in own), sum(one.looked for one in own)),
            "confirmed": share(sum(one.confirmed for one in own), len(own)),
            "confirmed_on_checkable": _confirmed([one for one in own if one.checkable or one.confirmed]),
            "named_obstructed": share(sum(one.named for one in own), len(own)),
            "by": {name: _split(own, name) for name in ("texture", "position", "scene")},
        }
        for band, own in bands.items()
    }


def _split(episodes: Sequence[Episode], name: str) -> Figures:
    values = sorted({getattr(one, name) for one in episodes})
    return {value: _confirmed([one for one in episodes if getattr(one, name) == value])["share"] for value in values}


def _confirmed(episodes: Sequence[Episode]) -> Figures:
    return share(sum(one.confirmed for one in episodes), len(episodes))


def quiet_figures(found: Sequence[Quiet]) -> Figures:
    """False alarms over real series in order."""
    return {
        "single": share(sum(one.flagged for one in found), sum(one.looked for one in found)),
        "false_confirmed": sum(one.confirmed for one in found if one.checkable),
        "false_confirmed_not_checkable": sum(one.confirmed for one in found if not one.checkable),
        "scenes": {one.scene: {"n": one.looked, "flagged": one.flagged, "confirmed": one.confirmed} for one in found},
    }
