"""The bench and the soak themselves, inside the platform that `manage.py bench` or `soak` has made for them.

python -m monitor.benching FLEET ROUNDS WIDTH HEIGHT   the figures of a fleet of this size, as JSON
python -m monitor.benching soak OPTIONS                the virtual city, watched; `soaking.Options` as JSON
python -m monitor.benching growth                      how much a device makes the database grow in a day, as JSON
python -m monitor.benching profile DEVICES             where the CPU time goes in a round of so many devices
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Sequence

import django

FAILED = 1


def main(arguments: Sequence[str]) -> int:
    """Do what is asked for; whoever asks judges what is told."""
    django.setup()
    from monitor.benching import measure, profiling, soaking
    from monitor.benching.failure import BenchFailed

    try:
        match arguments:
            case ["soak", options]:
                print(json.dumps(soaking.soak(soaking.Options(**json.loads(options)), say), indent=1, default=str))
            case ["growth"]:
                print(json.dumps(_growth()))
            case ["profile", devices]:
                print(profiling.profiled(int(devices), say))
            case [fleet, rounds, width, height]:
                size = measure.Size(int(fleet), int(rounds), picture=(int(width), int(height)))
                print(json.dumps(measure.figures(size, say)))
    except BenchFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return FAILED
    return 0


def _growth() -> object:
    """The figures of `monitor.benching.growth`, null in a tree without it."""
    name = "monitor.benching.growth"
    return importlib.import_module(name).growth() if importlib.util.find_spec(name) else None


def say(line: str) -> None:
    """Tell how far it is, and when."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
