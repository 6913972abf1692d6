"""Measure the engine on pictures with labels, or on the pictures of one camera in order."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from monitor.vision import timing
from monitor.vision.replay import COLUMNS, replay
from monitor.vision.table import judge_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "judge":
        judge_table(options.labels, options.out, options.jobs)
    else:
        replay(options.folder, options.out, options.learn)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitor.vision", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("judge", help="learn each scene from its calib rows, judge the others in order")
    table.add_argument(
        "labels", type=Path, help="a CSV of path_ref, path_ref_night, path_cur, label, scene, note, seq, t"
    )
    table.add_argument("out", type=Path, help="where the same columns go, with " + ", ".join(timing.COLUMNS))
    table.add_argument("--jobs", type=int, default=1, help="scenes at once")
    camera = commands.add_parser(
        "replay",
        help="watch one camera over a folder of its pictures",
        description="Learn a camera from the first pictures of a folder (.jpg), in order of name, as if a person had "
        "accepted each; then judge every other one, and tell the state that is confirmed after it, by the thresholds "
        "of the platform. As on the platform the camera's model learns on: from pictures that are normal by a margin, "
        "while nothing is wrong or suspected. What the model says of a picture as day turns to night or back is held.",
    )
    camera.add_argument("folder", type=Path, help="the pictures of one camera")
    camera.add_argument("out", type=Path, help="a CSV of " + ", ".join(COLUMNS))
    camera.add_argument("--learn", type=int, required=True, metavar="N", help="how many pictures to begin with")
    return parser


if __name__ == "__main__":
    sys.exit(main())
