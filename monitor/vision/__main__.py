"""Judge a table of labelled pictures, to measure the engine: `python -m monitor.vision judge LABELS.csv OUT.csv`."""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from monitor.vision import CameraModel, Label, Picture, Refused, decode, judge, learn

ADDED = ("verdict", "score", "covered_share", "checkable", "ms_decode", "ms_judge")
_MS = 1000.0

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """One camera of the table: its rows, and the folder that their paths are relative to."""

    root: Path
    rows: Sequence[Row]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m monitor.vision", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("judge", help="learn each scene from its calib rows, judge the others in order")
    table.add_argument(
        "labels", type=Path, help="a CSV of path_ref, path_ref_night, path_cur, label, scene, note, seq, t"
    )
    table.add_argument("out", type=Path, help="where the same columns go, with " + ", ".join(ADDED))
    table.add_argument("--jobs", type=int, default=1, help="scenes at once")
    options = parser.parse_args(arguments)
    return judge_table(options.labels, options.out, options.jobs)


def judge_table(labels: Path, out: Path, jobs: int) -> int:
    """Judge every row of a table that is not for learning, scene by scene."""
    with labels.open(newline="", encoding="utf-8") as source:
        reader = csv.DictReader(source)
        columns = [*(reader.fieldnames or ()), *ADDED]
        scenes = _scenes(labels.parent, reader)
    with out.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, columns)
        writer.writeheader()
        for rows in _each(scenes, jobs):
            writer.writerows(rows)
    return 0


def _scenes(root: Path, rows: Iterable[Row]) -> list[Scene]:
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
    model = learn(list(_normal_pictures(scene)))
    ordered = sorted((row for row in scene.rows if "calib" not in _notes(row)), key=_order)
    trails: dict[str, bytes] = {}
    return [{**row, **_judged(scene.root, row, model, trails)} for row in ordered]


def _normal_pictures(scene: Scene) -> Iterator[Picture]:
    """The references and the calib rows; the previous snapshots of frozen and live rows are no references."""
    paths: dict[str, None] = {}
    for row in scene.rows:
        if row["label"] != Label.FROZEN and not any(note.startswith("live:") for note in _notes(row)):
            paths.update(dict.fromkeys((row["path_ref"], row.get("path_ref_night") or "")))
        if "calib" in _notes(row):
            paths[row["path_cur"]] = None
    for path in filter(None, paths):
        try:
            yield decode((scene.root / path).read_bytes())
        except Refused as refused:
            print(f"{path}: not learned, {refused}", file=sys.stderr)


def _judged(root: Path, row: Row, model: CameraModel, trails: dict[str, bytes]) -> dict[str, str]:
    trail = _trail(root, row["path_ref"], trails)
    data = (root / row["path_cur"]).read_bytes()
    started = time.perf_counter()
    try:
        picture = decode(data)
    except Refused:
        took = (time.perf_counter() - started) * _MS
        return dict(zip(ADDED, (Label.CORRUPT.value, "1.0", "0.0", "1", f"{took:.2f}", "0.00"), strict=True))
    decoded = time.perf_counter()
    found = judge(picture, model, trail)
    judged = time.perf_counter()
    times = f"{(decoded - started) * _MS:.2f}", f"{(judged - decoded) * _MS:.2f}"
    share, checkable = f"{found.covered_share:.4f}", str(int(found.checkable))
    return dict(zip(ADDED, (found.label.value, f"{found.score:.4f}", share, checkable, *times), strict=True))


def _trail(root: Path, path: str, trails: dict[str, bytes]) -> bytes:
    """The trail of the row's earlier picture."""
    if path and path not in trails:
        try:
            trails[path] = judge(decode((root / path).read_bytes())).trail
        except Refused:
            trails[path] = b""
    return trails.get(path, b"")


def _notes(row: Row) -> list[str]:
    return row["note"].split(";")


def _order(row: Row) -> tuple[str, float]:
    return row.get("seq") or "", float(row.get("t") or 0)


if __name__ == "__main__":
    sys.exit(main())
