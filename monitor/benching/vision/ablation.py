"""What each mechanism of the picture engine pays: all figures again with it switched off, one at a time.

A mechanism is switched off by the value of one name in its module, in this process alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from monitor import health
from monitor.benching.vision import episodes, scoring
from monitor.vision import Judgement, features, model, replay, shift, view
from monitor.vision.planes import Plane
from monitor.vision.stats import Stats
from monitor.vision.table import judge_scene, scenes_of

NEVER, ALWAYS = float("inf"), 0.0


def _as_it_is(plane: Plane, _radius: int) -> Plane:
    return plane


def _alike(self: Stats, _bank: object) -> Plane:
    return np.ones_like(self.mean)


def _told_at_once(judged: Judgement) -> Judgement:
    return judged


Switch = tuple[ModuleType | type, str, Any]
MECHANISMS: Mapping[str, Switch] = {
    "many normal states (one a phase is kept)": (model, "MAX_STATES", 2),
    "reliability of blocks": (Stats, "reliability", _alike),
    "evidence of neighbours": (view, "box", _as_it_is),
    "contrast lost behind spray": (view, "_DIM_MOST", 0.0),
    "lasting loss (the trail)": (view, "_LASTING_LIMIT", NEVER),
    "agreement foretold from one picture": (model, "PRIOR_WEIGHT", 1e-3),
    "wider margin for few pictures": (view, "_WIDEST", ALWAYS),
    "another view altogether": (view, "_ELSEWHERE_SHARE", NEVER),
    "a peak where it was is no move": (view, "_STILL_THERE", ALWAYS),
    "height of the peak over the noise": (shift, "_PEAK", 1.0),
    "the same blocks again for a suspicion": (health, "SAME_PLACE", ALWAYS),
    "the verdict held at a switch of the filter": (replay, "held", _told_at_once),
    "noise taken off the fine detail": (features, "_NOISE_SHARE", ALWAYS),
}


@contextmanager
def without(switch: Switch) -> Iterator[None]:
    """The engine with one mechanism off."""
    where, name, value = switch
    kept = getattr(where, name)
    setattr(where, name, value)
    try:
        yield
    finally:
        setattr(where, name, kept)


def table(labels: Path, episodes_a_band: int) -> scoring.Figures:
    """The figures with everything on, and what each mechanism costs when it is off (negative: worse without)."""
    whole = _figures(labels, episodes_a_band)
    found: scoring.Figures = {"everything on": whole}
    for name, switch in MECHANISMS.items():
        with without(switch):
            told = _figures(labels, episodes_a_band)
        found[f"without {name}"] = {key: round(told[key] - whole[key], 4) for key in whole}
    return found


def _figures(labels: Path, episodes_a_band: int) -> dict[str, float]:
    with labels.open(newline="", encoding="utf-8") as source:
        scenes = scenes_of(labels.parent, csv.DictReader(source))
    single = scoring.figures([row for scene in scenes for row in judge_scene(scene)])
    laid = episodes.run(scenes, episodes_a_band, jobs=1)
    recalls = {name: bar["is"] for name, bar in scoring.bars(single).items() if bar["is"] is not None}
    confirmed = {f"confirmed {band}": one["confirmed"]["share"] for band, one in laid["covers"].items()}
    return {**recalls, **confirmed, "false episodes": laid["normal_series"]["false_confirmed"]}
