"""Judge a table of labelled pictures, each as a single picture, to measure the engine."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from monitor.vision.jpeg import Refused
from monitor.vision.judge import judge
from monitor.vision.label import Label
from monitor.vision.model import CameraModel, learn
from monitor.vision.picture import Picture, decode
from monitor.vision.timing import COLUMNS, timed

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """One camera of the table: its rows, and the folder that their paths are relative to."""

    root: Path
    rows: Sequence[Row]


def judge_table(labels: Path, out: Path, jobs: int) -> None:
    """Judge every row of a table that is not for learning, scene by scene."""
    with labels.open(newline="", encoding="utf-8") as source:
        reader = csv.DictReader(source)
        columns = [*(reader.fieldnames or ()), *COLUMNS]
        scenes = scenes_of(labels.parent, reader)
    with out.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, columns)
        writer.writeheader()
        for rows in _each(scenes, jobs):
            writer.writerows(rows)


def scenes_of(root: Path, rows: Iterable[Row]) -> list[Scene]:
    """The rows of a table by scene."""
    by_scene: dict[str, list[Row]] = {}
    for row in rows:
        by_scene.setdefault(row["scene"], []).append(row)
    return [Scene(root, found) for found in by_scene.values()]


def _each(scenes: Sequence[Scene], jobs: int) -> Iterator[list[dict[str, str]]]:
    if jobs <= 1:
        yield from map(judge_scene, scenes)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(judge_scene, scenes)


def judge_scene(scene: Scene) -> list[dict[str, str]]:
    """Learn one camera, then judge its other rows one by one, in order of seq and t."""
    model = learn(list(normal_pictures(scene)))
    trails: dict[str, bytes] = {}
    return [{**row, **_judged(scene.root, row, model, trails)} for row in judged_rows(scene)]


def judged_rows(scene: Scene) -> list[Row]:
    """The rows that nothing is learned from, in order."""
    return in_order(row for row in scene.rows if "calib" not in notes(row))


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows in order of seq and t, and of the table where those are alike."""
    return sorted(rows, key=_order)


def normal_pictures(scene: Scene) -> Iterator[Picture]:
    """The references and the calib rows; the previous snapshots of frozen and live rows are no references."""
    paths: dict[str, None] = {}
    for row in scene.rows:
        if row["label"] != Label.FROZEN and not any(note.startswith("live:") for note in notes(row)):
            paths.update(dict.fromkeys((row["path_ref"], row.get("path_ref_night") or "")))
        if "calib" in notes(row):
            paths[row["path_cur"]] = None
    for path in filter(None, paths):
        try:
            yield decode((scene.root / path).read_bytes())
        except Refused as refused:
            print(f"{path}: not learned, {refused}", file=sys.stderr)


def _judged(root: Path, row: Row, model: CameraModel, trails: dict[str, bytes]) -> Mapping[str, str]:
    trail = _trail(root, row["path_ref"], trails)
    return timed((root / row["path_cur"]).read_bytes(), model, trail).columns


def _trail(root: Path, path: str, trails: dict[str, bytes]) -> bytes:
    """The trail of the row's earlier picture."""
    if path and path not in trails:
        try:
            trails[path] = judge(decode((root / path).read_bytes())).trail
        except Refused:
            trails[path] = b""
    return trails.get(path, b"")


def notes(row: Row) -> list[str]:
    """The notes on a row."""
    return row["note"].split(";")


def _order(row: Row) -> tuple[str, float]:
    return row.get("seq") or "", float(row.get("t") or 0)
