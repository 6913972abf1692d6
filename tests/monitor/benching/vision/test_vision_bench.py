"""The bench of the picture engine, on a small scene: the scores, the baseline, the laid covers, the episodes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monitor.benching.vision import ablation, cost, plain, scoring
from monitor.benching.vision.__main__ import MISSING, main
from monitor.benching.vision.covers import POSITIONS, TEXTURES, Cover, coded, lay, linear, mask
from monitor.benching.vision.episodes import BANDS, Episode, figures_of
from tests.monitor.vision.drawing import Shot, blurred, covered, jpeg, take, view

COLUMNS = ("path_ref", "path_ref_night", "path_cur", "label", "severity", "scene", "note", "seq", "t")


def row(label: str, verdict: str, severity: float = 0.0, checkable: str = "1", **other: str) -> dict[str, str]:
    told = {"label": label, "verdict": verdict, "severity": str(severity), "checkable": checkable, "note": ""}
    return told | {"scene": "a", "ms_decode": "2", "ms_judge": "1"} | other


def test_the_interval_is_wilsons() -> None:
    assert scoring.wilson(6, 337) == [0.0082, 0.0383]
    assert scoring.wilson(0, 0) == [0.0, 1.0]
    assert scoring.wilson(5, 5)[1] == 1.0


def test_recall_is_of_any_fault_and_precision_of_the_exact_label() -> None:
    rows = [
        row("blur", "blur", 0.5),
        row("blur", "obstructed", 0.5),
        row("blur", "normal", 0.125),
        row("normal", "blur"),
        row("normal", "normal"),
    ]
    found = scoring.figures(rows)
    blur = found["labels"]["blur"]
    assert (blur["n"], blur["recall"], blur["precision"], blur["flagged"]["share"]) == (3, 0.3333, 0.5, 0.6667)
    assert blur["bands"][">=0.5 %"]["share"] == 1.0
    assert blur["bands"]["<0.5 %"]["share"] == 0.0
    assert found["macro_f1"] == pytest.approx((0.4 + 0.5) / 2, abs=0.001)
    assert found["ms"]["ms_decode"] == {"median": 2.0, "p95": 2.0}


def test_not_checkable_normals_are_half_a_false_alarm_and_transients_none() -> None:
    rows = [row("normal", "normal") for _ in range(8)]
    rows += [row("normal", "blur"), row("normal", "normal", checkable="0", scene="b")]
    rows += [row("normal", "obstructed", note="transient:0.3;base=day")]
    found = scoring.figures(rows)
    assert found["false_alarms"]["with_halves"] == 0.15
    assert found["false_alarms"]["in"] == {"a": 1, "b": 0}
    assert found["not_checkable"]["scenes"] == ["b"]


def test_bars_say_what_is_met_and_what_was_not_measured() -> None:
    told = scoring.bars(scoring.figures([row("normal", "normal"), row("dark", "dark"), row("cast", "normal")]))
    assert told["dark"] == {"must": 0.98, "is": 1.0, "met": True}
    assert told["cast"]["met"] is False
    assert told["black"] == {"must": 0.98, "is": None, "met": None}
    assert told["false alarms"]["met"] is True


def test_of_nothing_there_are_no_figures() -> None:
    found = scoring.figures([])
    assert (found["macro_f1"], found["ms"]["ms_judge"], found["false_alarms"]["share"]) == (None, {}, None)


@pytest.mark.parametrize("texture", TEXTURES)
@pytest.mark.parametrize("position", POSITIONS)
def test_a_cover_has_its_share_and_is_the_same_each_time(texture: str, position: str) -> None:
    cover = Cover(texture, position, 0.4, 7)
    assert mask(cover, (360, 640)).mean() == pytest.approx(0.4, abs=0.01)
    data = jpeg(take(view()))
    laid = lay(data, cover)
    assert laid == lay(data, cover)
    assert laid != lay(data, cover, frame=1)
    away = np.abs(pixels(laid) - pixels(data)).max(2)
    inside = mask(cover, (360, 640))
    assert away[inside > 0.99].mean() > 4 * away[inside < 0.01].mean()


def pixels(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(Image.open(io.BytesIO(data)), dtype=np.float32)


def test_a_grey_scene_has_grey_covers() -> None:
    laid = pixels(lay(jpeg(take(view(), Shot(infrared=True))), Cover("leaf", "side", 0.5, 3)))
    assert np.abs(laid - laid.mean(2, keepdims=True)).mean() < 2


def test_light_and_levels_are_inverse() -> None:
    levels = np.arange(256, dtype=np.float32)
    assert np.abs(coded(linear(levels)) - levels).max() < 0.01


def test_episodes_are_told_by_band_and_by_what_was_laid() -> None:
    def episode(band: str, confirmed: bool) -> Episode:
        return Episode(band, "card", "side", "a", 3, 5, confirmed, confirmed, confirmed)

    found = figures_of([episode("30-50 %", True), episode("30-50 %", False)])
    assert set(found) == set(BANDS)
    assert found["30-50 %"]["single"]["share"] == 0.6
    assert (found["30-50 %"]["confirmed"]["share"], found["30-50 %"]["confirmed_on_checkable"]["n"]) == (0.5, 1)
    assert found["30-50 %"]["by"]["texture"] == {"card": 0.5}
    assert found[">=50 %"]["confirmed"]["share"] is None


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    rows = []
    for scene, seed in (("a", 1), ("b", 2)):
        pixels = view(seed)
        for number in range(12):
            (tmp_path / f"{scene}{number}.jpg").write_bytes(jpeg(take(pixels, Shot(frame=number))))
            note = "plain;calib;real" if number < 6 else "plain;real"
            rows.append((f"{scene}0.jpg", "", f"{scene}{number}.jpg", "normal", "0", scene, note, "s", str(number)))
        for name, spoiled in (("blur", blurred(pixels, 0.01)), ("obstructed", covered(pixels, 0.6))):
            (tmp_path / f"{scene}{name}.jpg").write_bytes(jpeg(take(spoiled, Shot(frame=20))))
            rows.append((f"{scene}0.jpg", "", f"{scene}{name}.jpg", name, "0.6", scene, "card", "", ""))
        (tmp_path / f"{scene}broken.jpg").write_bytes(b"no picture")
        rows.append((f"{scene}0.jpg", "", f"{scene}broken.jpg", "corrupt", "1", scene, "bytes", "", ""))
    path = tmp_path / "labels.csv"
    with path.open("w", newline="") as target:
        csv.writer(target).writerows([COLUMNS, *rows])
    return path


def test_the_bench_measures_a_table(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--labels", str(labels), "--episodes", "4"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["scenes"]) == (18, 2)
    assert found["engine"]["macro_f1"] > 0.8
    assert found["plain"]["macro_f1"] < found["engine"]["macro_f1"]
    assert found["bars"]["corrupt"]["met"] is True
    assert set(found["plain"]["limits"]) == {"a", "b"}
    assert [band["confirmed"]["n"] for band in found["covers"].values()] == [4, 4, 4]
    assert found["covers"][">=50 %"]["confirmed"]["share"] == 1.0
    assert found["normal_series"]["false_confirmed"] == 0
    assert found["normal_series"]["single"] == {"share": 0.0, "hits": 0, "n": 12, "wilson95": [0.0, 0.2425]}
    assert found["cost"]["ratio"]["bare_decode"] == 1.0
    assert 0 < found["cost"]["ms"]["decode_and_judge"] < found["cost"]["ms"]["with_loading_the_model"] * 2


def test_costs_are_measured_on_pictures_of_a_camera_s_size() -> None:
    large = cost.enlarged(jpeg(take(view())))
    assert Image.open(io.BytesIO(large)).size == (1920, 1080)
    assert 0.8 * cost.BYTES < len(large) <= cost.BYTES


def test_without_pictures_there_is_no_cost() -> None:
    assert cost.cost([]) == {}


def test_a_mechanism_is_off_for_a_while_only(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = {name: getattr(where, attribute) for name, (where, attribute, _) in ablation.MECHANISMS.items()}
    assert main(["--labels", str(labels), "--episodes", "2", "--ablate"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"everything on", *(f"without {name}" for name in kept)}
    assert found["everything on"]["confirmed >=50 %"] == 1.0
    assert found["without evidence of neighbours"]["corrupt"] == 0.0
    assert kept == {name: getattr(where, attribute) for name, (where, attribute, _) in ablation.MECHANISMS.items()}


def test_where_there_are_no_pictures_the_bench_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--labels", str(tmp_path / "none.csv")]) == MISSING
    assert "no labelled pictures" in capsys.readouterr().err


def test_the_baseline_sees_blur_and_covers_by_limits_of_other_scenes() -> None:
    limits = plain.Limits(0.5, 0.4)
    assert plain.verdict(plain.Measured(0.4, 0.9), limits) == "blur"
    assert plain.verdict(plain.Measured(0.9, 0.3), limits) == "obstructed"
    assert plain.verdict(plain.Measured(0.9, 0.9), limits) == "normal"
    assert plain.verdict(None, limits) == "corrupt"
    rows = [{"scene": "a", "label": "normal"}, {"scene": "b", "label": "normal"}]
    measured = [plain.Measured(0.9, 0.8), plain.Measured(0.7, 0.6)]
    assert plain.fit("a", rows, measured) == plain.Limits(0.7, 0.6)
    assert plain.fit("b", rows[:1], measured[:1]) == plain.fit("a", rows[:1], measured[:1])
    assert plain.fit("a", [], []) == plain.Limits(0.0, -1.0)


def test_a_picture_is_like_itself(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(take(view())))
    found = plain.measure(tmp_path, {"path_cur": "a.jpg", "path_ref": "a.jpg", "path_ref_night": ""})
    assert found is not None
    assert (found.sharpness, round(found.similarity, 3)) == (1.0, 1.0)
