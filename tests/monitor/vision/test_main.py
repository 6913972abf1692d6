"""The command line, on a small table; and on the real pictures where they are."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.vision import replay
from monitor.vision.__main__ import main
from monitor.vision.timing import COLUMNS as ADDED
from tests.monitor.vision.drawing import Pixels, Shot, covered, jpeg, take, view

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "data" / "vision" / "labels.csv"
COLUMNS = ("path_ref", "path_ref_night", "path_cur", "label", "severity", "scene", "note", "seq", "t")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    scene = view()
    before = take(scene, Shot(frame=9))
    files = {
        "ref": take(scene, Shot(frame=0)),
        "calib": take(scene, Shot(frame=1)),
        "fine": take(scene, Shot(frame=2)),
        "covered": take(covered(scene, 0.6), Shot(frame=3)),
        "before": before,
        "again": before,
    }
    for name, pixels in files.items():
        (tmp_path / f"{name}.jpg").write_bytes(jpeg(pixels))
    (tmp_path / "broken.jpg").write_bytes(jpeg(files["fine"])[:9000])
    rows = [
        ("ref.jpg", "", "covered.jpg", "obstructed", "0.6", "a", "card", "s", "3"),
        ("ref.jpg", "", "fine.jpg", "normal", "0", "a", "plain", "s", "2"),
        ("ref.jpg", "", "calib.jpg", "normal", "0", "a", "plain;calib", "s", "1"),
        ("before.jpg", "", "again.jpg", "frozen", "1", "a", "same", "s", "10"),
        ("broken.jpg", "", "broken.jpg", "corrupt", "1", "b", "bytes", "", ""),
    ]
    path = tmp_path / "labels.csv"
    with path.open("w", newline="") as target:
        csv.writer(target).writerows([COLUMNS, *rows])
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as source:
        return list(csv.DictReader(source))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_table_is_judged_in_order_without_its_calib_rows(table: Path, jobs: str) -> None:
    out = table.with_name("out.csv")
    assert main(["judge", str(table), str(out), "--jobs", jobs]) == 0
    rows = read(out)
    assert tuple(rows[0]) == (*COLUMNS, *ADDED)
    assert [(row["path_cur"], row["verdict"]) for row in rows] == [
        ("fine.jpg", "normal"),
        ("covered.jpg", "obstructed"),
        ("again.jpg", "frozen"),
        ("broken.jpg", "corrupt"),
    ]
    assert float(rows[1]["covered_share"]) == pytest.approx(0.6, abs=0.15)
    assert all(row["checkable"] == "1" and float(row["ms_decode"]) > 0 for row in rows)


def test_a_reference_that_cannot_be_read_is_named(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["judge", str(table), str(table.with_name("out.csv"))])
    assert "broken.jpg: not learned, corrupt: truncated" in capsys.readouterr().err


def stills(folder: Path, pictures: Sequence[bytes]) -> Path:
    folder.mkdir()
    for number, data in enumerate(pictures):
        (folder / f"{number:03}.jpg").write_bytes(data)
    return folder


def shots(count: int, pixels: Pixels, first: int = 0, **shot: Any) -> list[bytes]:
    return [jpeg(take(pixels, Shot(frame=first + number, **shot))) for number in range(count)]


def replayed(tmp_path: Path, pictures: Sequence[bytes], learned: int) -> list[dict[str, str]]:
    folder, out = stills(tmp_path / "camera", pictures), tmp_path / "out.csv"
    assert main(["replay", str(folder), str(out), "--learn", str(learned)]) == 0
    return read(out)


def test_a_cover_is_confirmed_by_the_third_picture_and_over_after_two(tmp_path: Path) -> None:
    fine, hidden = view(), covered(view(), 0.6)
    rows = replayed(tmp_path, shots(7, fine) + shots(3, hidden, 20) + shots(2, fine, 40), 6)
    assert tuple(rows[0]) == replay.COLUMNS
    assert [row["name"] for row in rows] == [f"{number:03}.jpg" for number in range(6, 12)]
    assert [row["verdict"] for row in rows] == ["normal", *["obstructed"] * 3, *["normal"] * 2]
    assert [row["state"] for row in rows] == ["ok", "suspect", "suspect", "faulty", "recovering", "ok"]
    assert [row["cause"] for row in rows] == ["", *["obstructed"] * 4, ""]
    assert rows[0]["reason"] == "provisional, 6 of 20"
    assert float(rows[0]["ms_decode"]) > 0


def test_a_camera_learns_on_by_itself_but_not_from_what_is_suspect(tmp_path: Path) -> None:
    fine = view()
    rows = replayed(tmp_path, shots(4, fine) + shots(1, covered(fine, 0.6), 20) + shots(3, fine, 30), 2)
    told = [(row["state"], row["reason"]) for row in rows]
    assert told == [
        ("ok", "provisional, 2 of 20"),
        ("ok", "provisional, 3 of 20"),
        ("suspect", "provisional, 4 of 20"),
        ("suspect", "provisional, 4 of 20"),
        ("ok", "provisional, 4 of 20"),
        ("ok", "provisional, 5 of 20"),
    ]


def test_the_state_is_held_while_day_turns_to_night(tmp_path: Path) -> None:
    fine, hidden = view(), covered(view(), 0.6)
    night = {"infrared": True, "light": 0.6}
    pictures = [*shots(2, fine), *shots(2, fine, 5, **night), *shots(1, fine, 9), *shots(2, hidden, 20, **night)]
    rows = replayed(tmp_path, pictures, 4)
    assert [(row["verdict"], row["state"]) for row in rows] == [
        ("normal", "ok"),
        ("obstructed", "ok"),
        ("obstructed", "suspect"),
    ]


def test_what_cannot_be_decoded_is_corrupt_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fine = shots(2, view())
    broken = fine[0][:9000]
    rows = replayed(tmp_path, [fine[0], broken, fine[1], *[broken] * 3], 2)
    assert "001.jpg: not learned, corrupt: truncated" in capsys.readouterr().err
    assert [(row["verdict"], row["state"]) for row in rows[1:]] == [
        ("corrupt", "suspect"),
        ("corrupt", "suspect"),
        ("corrupt", "faulty"),
    ]
    assert rows[-1]["reason"] == "corrupt: truncated"


def test_the_package_runs_as_a_module_without_django() -> None:
    code = "import sys, runpy; import monitor.vision; print('django' in sys.modules, 'celery' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.skipif(not REAL.exists(), reason=f"the labelled pictures are not there: {REAL.name} beside the project")
def test_real_scenes_are_judged_within_the_bars(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert main(["judge", str(_every_third(tmp_path)), str(out), "--jobs", "2"]) == 0
    seen: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    for row in read(out):
        if "transient" in row["note"]:
            continue
        wide = row["label"] == "obstructed" and float(row["severity"]) >= 0.5
        label = "obstructed, half and more" if wide else row["label"]
        seen[label] += 1
        flagged[label] += row["verdict"] != "normal"
    share = {label: flagged[label] / seen[label] for label in seen}
    assert share["normal"] <= 0.03
    for label in ("black", "white", "dark", "frozen", "noise", "cast", "stripes", "moved", "corrupt"):
        assert share[label] >= 0.95, label
    assert share["lowcontrast"] >= 0.85
    assert share["blur"] >= 0.85
    assert share["obstructed, half and more"] >= 0.9


def _every_third(folder: Path) -> Path:
    """What a scene is learned from, and every third of the other rows: the whole table takes long."""
    rows = read(REAL)
    kept = [row for index, row in enumerate(rows) if "calib" in row["note"] or index % 3 == 0]
    path = folder / "labels.csv"
    with path.open("w", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        for row in kept:
            paths = {name: str(REAL.parent / row[name]) for name in COLUMNS[:3] if row[name]}
            writer.writerow({**row, **paths})
    return path
