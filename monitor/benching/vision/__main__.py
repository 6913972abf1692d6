"""The bench of the picture engine, as one JSON object: `make bench-vision`, or with another table

python -m monitor.benching.vision [--labels LABELS.csv] [--jobs N] [--episodes N] [--ablate]
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from monitor.benching.vision import ablation, cost, episodes, plain, scoring
from monitor.vision.table import judge_table, scenes_of

LABELS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "vision" / "labels.csv"
MISSING = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m monitor.benching.vision", description="The picture engine's bench")
    parser.add_argument("--labels", type=Path, default=LABELS, help="the labelled pictures (shared/data/vision)")
    parser.add_argument("--jobs", type=int, default=1, help="scenes at once")
    parser.add_argument("--episodes", type=int, default=episodes.EPISODES_A_BAND, help="laid covers a band, at least")
    parser.add_argument("--ablate", action="store_true", help="what each mechanism pays: all again without it")
    options = parser.parse_args(arguments)
    if not options.labels.is_file():
        print(f"bench-vision: no labelled pictures at {options.labels}", file=sys.stderr)
        return MISSING
    if options.ablate:
        found = ablation.table(options.labels, options.episodes)
    else:
        found = measured(options.labels, options.jobs, options.episodes)
    print(json.dumps(found, indent=1))
    return 0


def measured(labels: Path, jobs: int, episodes_a_band: int) -> scoring.Figures:
    """All figures of a table."""
    judged = _judged(labels, jobs)
    found = scoring.figures(judged)
    plainly, limits = plain.judge_plainly(labels.parent, judged)
    baseline = {name: value for name, value in scoring.figures(plainly).items() if name not in {"ms", "not_checkable"}}
    baseline["limits"] = {scene: asdict(one) for scene, one in limits.items()}
    with labels.open(newline="", encoding="utf-8") as source:
        scenes = scenes_of(labels.parent, csv.DictReader(source))
    return {
        "rows": len(judged),
        "scenes": len(scenes),
        "engine": found,
        "bars": scoring.bars(found),
        "plain": baseline,
        "cost": cost.cost(scenes),
        **episodes.run(scenes, episodes_a_band, jobs),
    }


def _judged(labels: Path, jobs: int) -> list[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.csv"
        judge_table(labels, out, jobs)
        with out.open(newline="", encoding="utf-8") as source:
            return list(csv.DictReader(source))


if __name__ == "__main__":
    sys.exit(main())
