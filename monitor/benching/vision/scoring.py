"""From judged rows to figures: recall, precision, F1, false alarms, Wilson intervals, and the bars to reach.

A row is a mapping of strings, as `python -m monitor.vision judge` writes it. A fault is flagged when the verdict is any
fault; precision and F1 are of the exact label. Transients (a passer-by, a fault only if it stays) are left out.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from monitor.vision import Label

Row = Mapping[str, str]
Figures = dict[str, Any]

# The normal quantile of an interval of 95 %.
_Z = 1.959964
_HALF_ALARM = 0.5
# A scene is not checkable when this share of its rows is not.
_SCENE_SHARE = 0.5
# Bands of severity, by their lower ends: share covered, blur radius over 2 % of the width, shift over the width.
_BANDS: Mapping[Label, Sequence[tuple[str, float, float]]] = {
    Label.OBSTRUCTED: (("<30 %", 0, 0.3), ("30-50 %", 0.3, 0.5), (">=50 %", 0.5, 9), (">=80 %", 0.8, 9)),
    Label.BLUR: (("<0.5 %", 0, 0.25), (">=0.5 %", 0.25, 99)),
    Label.MOVED: (("<3 %", 0, 0.03), (">=3 %", 0.03, 99)),
}
_SEVERITY_SLACK = 1e-9


def wilson(hits: int, count: int) -> list[float]:
    """The 95 % interval of a share (Wilson, JASA 1927); of nothing it is everything."""
    if not count:
        return [0.0, 1.0]
    share, spread = hits / count, _Z * _Z / count
    middle = (share + spread / 2) / (1 + spread)
    reach = _Z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return [round(max(0.0, middle - reach), 4), round(min(1.0, middle + reach), 4)]


def share(hits: int, count: int) -> Figures:
    """A share with what it is of and its interval; None of nothing."""
    return {
        "share": round(hits / count, 4) if count else None,
        "hits": hits,
        "n": count,
        "wilson95": wilson(hits, count),
    }


def scored(rows: Iterable[Row]) -> list[Row]:
    """The rows that count."""
    return [row for row in rows if not any(note.startswith("transient") for note in row["note"].split(";"))]


def figures(rows: Sequence[Row]) -> Figures:
    """All figures of some judged rows."""
    counted = scored(rows)
    labels = {label.value: of_label(label, counted) for label in Label if _of(label, counted)}
    f1 = [one["f1"] for one in labels.values()]
    return {
        "labels": labels,
        "macro_f1": round(statistics.mean(f1), 4) if f1 else None,
        "false_alarms": false_alarms(counted),
        "not_checkable": not_checkable(counted),
        "ms": {name: _times([float(row[name]) for row in rows]) for name in ("ms_decode", "ms_judge")},
    }


def of_label(label: Label, rows: Sequence[Row]) -> Figures:
    """What was found of one label, as a whole and by bands of severity."""
    own = _of(label, rows)
    exact = sum(row["verdict"] == label for row in own)
    said = sum(row["verdict"] == label for row in rows)
    recall, precision = exact / len(own), exact / said if said else 0.0
    found: Figures = {
        "n": len(own),
        "recall": round(recall, 4),
        "precision": round(precision, 4),
        "f1": round(2 * recall * precision / (recall + precision), 4) if exact else 0.0,
    }
    if label is not Label.NORMAL:
        found["flagged"] = _flagged(own)
        found["not_checkable"] = sum(row["checkable"] == "0" for row in own)
        for name, low, high in _BANDS.get(label, ()):
            found.setdefault("bands", {})[name] = _flagged([row for row in own if low <= _severity(row) < high])
    return found


def false_alarms(rows: Sequence[Row]) -> Figures:
    """Normal pictures that were flagged; one called not checkable counts half."""
    normal = _of(Label.NORMAL, rows)
    flagged = sum(row["verdict"] != Label.NORMAL for row in normal)
    unchecked = sum(row["checkable"] == "0" for row in normal)
    counted = (flagged + _HALF_ALARM * unchecked) / len(normal) if normal else 0.0
    by_scene = {scene: sum(row["verdict"] != Label.NORMAL for row in own) for scene, own in by_scenes(normal).items()}
    return {**share(flagged, len(normal)), "not_checkable": unchecked, "with_halves": round(counted, 4), "in": by_scene}


def not_checkable(rows: Sequence[Row]) -> Figures:
    """How many rows, and which scenes, could not be checked."""
    unchecked = [row for row in rows if row["checkable"] == "0"]
    of_all = by_scenes(rows)
    blind = [scene for scene, own in by_scenes(unchecked).items() if len(own) >= _SCENE_SHARE * len(of_all[scene])]
    return {**share(len(unchecked), len(rows)), "scenes": blind, "scenes_n": len(of_all)}


def by_scenes(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by their scene."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["scene"], []).append(row)
    return found


def bars(found: Figures) -> Figures:
    """The bars of single pictures: what must be reached, what was, and whether it is."""
    labels, alarms, blind = found["labels"], found["false_alarms"], found["not_checkable"]
    musts: list[tuple[str, Callable[[], Any], float]] = [
        *((label, lambda label=label: labels[label]["flagged"]["share"], 0.98) for label in _SURE),
        ("moved >=3 %", lambda: labels["moved"]["bands"][">=3 %"]["share"], 0.98),
        ("corrupt", lambda: labels["corrupt"]["flagged"]["share"], 0.97),
        ("lowcontrast", lambda: labels["lowcontrast"]["flagged"]["share"], 0.9),
        ("blur >=0.5 %", lambda: labels["blur"]["bands"][">=0.5 %"]["share"], 0.93),
        ("obstructed 30-50 %", lambda: labels["obstructed"]["bands"]["30-50 %"]["share"], 0.65),
        ("obstructed >=50 %", lambda: labels["obstructed"]["bands"][">=50 %"]["share"], 0.90),
        ("macro F1", lambda: found["macro_f1"], 0.85),
    ]
    told = {name: _bar(value, must, lambda one, least: one >= least) for name, value, must in musts}
    told["false alarms"] = _bar(lambda: alarms["with_halves"], 0.015, lambda one, most: one <= most)
    told["not checkable rows"] = _bar(lambda: blind["share"], 0.10, lambda one, most: one <= most)
    return told


_SURE = ("black", "white", "dark", "frozen", "noise", "cast", "stripes")


def _bar(value: Callable[[], Any], must: float, meets: Callable[[float, float], bool]) -> Figures:
    try:
        reached = value()
    except KeyError:
        reached = None
    return {"must": must, "is": reached, "met": None if reached is None else meets(reached, must)}


def _flagged(rows: Sequence[Row]) -> Figures:
    return share(sum(row["verdict"] != Label.NORMAL for row in rows), len(rows))


def _of(label: Label, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["label"] == label]


def _severity(row: Row) -> float:
    return float(row["severity"] or 0) + _SEVERITY_SLACK


def _times(took: Sequence[float]) -> Figures:
    if len(took) <= 1:  # quantiles are of two and more
        return {}
    return {"median": round(statistics.median(took), 2), "p95": round(statistics.quantiles(took, n=20)[-1], 2)}
