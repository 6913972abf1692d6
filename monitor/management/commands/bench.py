"""What a visit costs the whole platform, beside the floor, the naive way and others on the same virtual cameras."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitor import env
from monitor.benching import table
from monitor.benching.scratch import platform
from monitor.quickstart.launcher import StopRequested, stop_on_signals
from monitor.quickstart.postgres import ServerError

FLEETS = (1_000, 10_000, 50_000)
LARGEST = 100_000
ROUNDS, SIZE = 4, (1920, 1080)


class Command(BaseCommand):
    """Makes a platform of its own, measures in it, leaves nothing behind."""

    help = "What a visit costs in CPU time: prints a table and, as its last line, one JSON object."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The sizes of fleet; FLEET in the environment names one."""
        parser.add_argument("--fleet", type=int, action="append", help="devices; may be given more than once")
        parser.add_argument("--rounds", type=int, default=ROUNDS, help="the figures are those of the one in the middle")
        parser.add_argument(
            "--size", type=int, nargs=2, default=SIZE, metavar="PX", help="width and height of a picture"
        )
        parser.add_argument("--profile", type=int, metavar="DEVICES", help="profile rounds of so many instead")

    def handle(self, *_args: object, **options: Any) -> None:
        """Measure and tell."""
        named = env.whole("FLEET", 0, 1, LARGEST)
        try:
            with stop_on_signals():
                if options["profile"]:
                    self.stdout.write(self._inside("profile", options["profile"]))
                else:
                    chosen = options["fleet"] or ([named] if named else [])
                    self._tell(chosen or FLEETS, [options["rounds"], *options["size"]], whole=not chosen)
        except (ServerError, StopRequested) as error:
            raise CommandError(str(error) or "stopped") from error

    def _tell(self, fleets: Sequence[int], how: Sequence[int], *, whole: bool) -> None:
        by_fleet = table.rounded({str(fleet): json.loads(self._inside(fleet, *how)) for fleet in fleets})
        self.stdout.write(table.text(by_fleet))
        growth = {"growth": json.loads(self._inside("growth"))} if whole else {}
        self.stdout.write(json.dumps({**by_fleet[str(fleets[0])], "by_fleet": by_fleet, **growth}))

    def _inside(self, *arguments: object) -> str:
        """What the bench tells, inside a platform of its own."""
        with platform() as inside:
            code, told = inside.run("monitor.benching", *map(str, arguments))
        if code:
            raise CommandError("nothing was measured", returncode=code)
        return told
