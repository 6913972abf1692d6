"""The quickstart: everything on one machine, for a first look, a demo or development.

python -m monitor.quickstart                  start all; Ctrl-C stops all (DEMO=0, HOST=, PORT= in the environment)
python -m monitor.quickstart manage COMMAND   a management command on its database
python -m monitor.quickstart key              a fresh key for VIEWKEEPER_FIELD_KEYS or VIEWKEEPER_ZONE_KEYS
"""

from __future__ import annotations

import sys

from cryptography.fernet import Fernet

from monitor import env
from monitor.quickstart import launcher
from monitor.quickstart.keys import KeysMissing
from monitor.quickstart.layout import AlreadyRunning, held, layout
from monitor.quickstart.ports import NoPort
from monitor.quickstart.postgres import ServerError
from monitor.quickstart.supervisor import StepFailed

FAILED = 1
INTERRUPTED = 130  # a shell's code for what Ctrl-C ended


def main(arguments: list[str]) -> int:
    """Do what the command line asks; the exit code."""
    match arguments:
        case []:
            return in_one_line(start)
        case ["key"]:
            print(Fernet.generate_key().decode())
            return 0
        case ["manage", _, *_]:
            return in_one_line(lambda: command(arguments[1:]))
    print(__doc__, file=sys.stderr)
    return env.WRONG_USAGE


def start() -> int:
    """Run everything until it is stopped."""
    place = layout()
    place.make()
    try:
        with held(place):
            launcher.run(place)
    except AlreadyRunning:
        raise StepFailed(f"it already runs from this folder ({place.var.parent}); stop it there with Ctrl-C") from None
    return 0


def command(arguments: list[str]) -> int:
    """Run a management command, beside a running installation or on servers of its own."""
    place = layout()
    place.make()
    try:
        with held(place):
            return launcher.manage(place, arguments)
    except AlreadyRunning:
        return launcher.join(place, arguments)


def in_one_line(what: launcher.Doing) -> int:
    """Do it; what went wrong is one line, not a traceback."""
    with env.one_line_refusals():
        try:
            return what()
        except (StepFailed, ServerError, NoPort, KeysMissing) as error:
            print(f"viewkeeper: {error}", file=sys.stderr)
            return FAILED
        except launcher.StopRequested:
            return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
