"""The bench itself, inside the platform that `manage.py bench` has made for it.

python -m monitor.benching FLEET…            the figures of these sizes of fleet
python -m monitor.benching profile DEVICES   where the CPU time goes in a round of so many devices
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence

import django

FAILED = 1
PROFILE = "profile"


def main(arguments: Sequence[str]) -> int:
    """Measure each fleet, print the table and, as the last line, the figures as one JSON object."""
    django.setup()
    from monitor.benching import measure, profiling, table
    from monitor.benching.failure import BenchFailed

    try:
        if arguments[0] == PROFILE:
            print(profiling.profiled(int(arguments[1]), say))
            return 0
        by_fleet = {fleet: measure.figures(measure.Size(int(fleet)), say) for fleet in arguments}
    except BenchFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return FAILED
    rounded = table.rounded(by_fleet)
    print(table.text(rounded))
    print(json.dumps({**rounded[arguments[0]], "by_fleet": rounded}))
    return 0


def say(line: str) -> None:
    """Tell how far it is, and when."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
