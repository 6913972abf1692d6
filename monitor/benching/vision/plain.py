"""The plain baseline: variance of the Laplacian and SSIM against the reference, two thresholds, no learning.

Blurred where the variance falls below a share of the reference's, obstructed where the similarity falls below a level.
Both thresholds are those that one in a hundred normal pictures of the *other* scenes lies below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from monitor.benching.vision.scoring import Row, by_scenes
from monitor.vision import Label, Refused, decode
from monitor.vision.planes import Plane, box, quantile

FALSE_ALARMS = 0.01
_SIZE = (480, 270)
# SSIM as published (Wang et al., IEEE TIP 2004), over windows of 7 x 7.
_C1, _C2, _RADIUS = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2), 3


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one picture: its Laplacian variance over the reference's, and how similar the two are (1: alike)."""

    sharpness: float
    similarity: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Below these a picture is blurred or obstructed."""

    sharpness: float
    similarity: float


def judge_plainly(root: Path, rows: Sequence[Row]) -> tuple[list[dict[str, str]], dict[str, Limits]]:
    """The rows with the baseline's verdicts, and the limits each scene was judged by."""
    measured = [measure(root, row) for row in rows]
    limits = {scene: fit(scene, rows, measured) for scene in by_scenes(rows)}
    verdicts = [verdict(one, limits[row["scene"]]) for row, one in zip(rows, measured, strict=True)]
    told = [
        {**row, "verdict": found.value, "checkable": "1", "ms_decode": "0", "ms_judge": "0"}
        for row, found in zip(rows, verdicts, strict=True)
    ]
    return told, limits


def fit(scene: str, rows: Sequence[Row], measured: Sequence[Measured | None]) -> Limits:
    """The limits from the normal pictures of all scenes but this one (of this one where there is no other)."""
    normal = [(row["scene"], one) for row, one in zip(rows, measured, strict=True) if one and row["label"] == "normal"]
    chosen = [one for other, one in normal if other != scene] or [one for _, one in normal]
    if not chosen:
        return Limits(0.0, -1.0)
    sharp, alike = (np.array([getattr(one, name) for one in chosen]) for name in ("sharpness", "similarity"))
    return Limits(quantile(sharp, FALSE_ALARMS), quantile(alike, FALSE_ALARMS))


def verdict(measured: Measured | None, limits: Limits) -> Label:
    """What the baseline says; what cannot be decoded is corrupt."""
    if measured is None:
        return Label.CORRUPT
    if measured.sharpness < limits.sharpness:
        return Label.BLUR
    return Label.OBSTRUCTED if measured.similarity < limits.similarity else Label.NORMAL


def measure(root: Path, row: Row) -> Measured | None:
    """Measure a picture against its reference; by day or by night, whichever is more alike."""
    now = _luma(root / row["path_cur"])
    if now is None:
        return None
    names = filter(None, (row["path_ref"], row.get("path_ref_night", "")))
    found = [
        Measured(laplacian(now) / max(laplacian(reference), 1.0), similarity(now, reference))
        for name in names
        if (reference := _luma(root / name)) is not None
    ]
    return max(found, key=lambda one: one.similarity, default=Measured(1.0, 1.0))


def laplacian(luma: Plane) -> float:
    """The variance of the Laplacian."""
    middle = luma[1:-1, 1:-1]
    off = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * middle
    return float(off.var())


def similarity(one: Plane, other: Plane) -> float:
    """The mean structural similarity."""
    first, second = box(one, _RADIUS), box(other, _RADIUS)
    variances = box(one * one, _RADIUS) - first * first + box(other * other, _RADIUS) - second * second
    both = box(one * other, _RADIUS) - first * second
    level = (2 * first * second + _C1) / (first * first + second * second + _C1)
    return float((level * (2 * both + _C2) / (variances + _C2)).mean())


def _luma(path: Path) -> Plane | None:
    try:
        luma = decode(path.read_bytes()).luma
    except Refused:
        return None
    return np.asarray(Image.fromarray(luma).resize(_SIZE, Image.Resampling.BOX), dtype=np.float32)
