"""The virtual city for a while, with faults and kills: every verdict is checked against the script."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from monitor import env
from monitor.benching.scratch import platform
from monitor.benching.soaking import Options
from monitor.quickstart.launcher import StopRequested, stop_on_signals
from monitor.quickstart.postgres import ServerError

MOST_MINUTES = 30


class Command(BaseCommand):
    """Makes a platform of its own, runs the city against it, leaves nothing behind."""

    help = "Run the virtual city with faults and kills; prints a report, fails when a verdict is not as scripted."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How long, how large, how fast, with what."""
        usual = Options()
        parser.add_argument("--minutes", type=float, default=usual.minutes, help=f"at most {MOST_MINUTES}")
        parser.add_argument("--devices", type=int, default=usual.devices)
        parser.add_argument("--speed", type=float, default=usual.speed, help="intervals are divided by this")
        parser.add_argument("--script", default=usual.script, help="calm, bench, storm or a JSON file")
        parser.add_argument("--kills", action="store_true", help="kill -9 workers and servers, at random and at points")
        parser.add_argument("--probes", type=int, default=usual.probes, help="probe workers")
        parser.add_argument("--seed", type=int, default=usual.seed, help="for the kills")

    def handle(self, *_args: object, **options: Any) -> None:
        """Soak and tell."""
        asked = {name: options[name] for name in Options.__slots__}
        if not 0 < options["minutes"] <= MOST_MINUTES:
            raise CommandError(f"--minutes: more than 0 and at most {MOST_MINUTES}")
        if options["kills"] and (env.raw("DATABASE_URL") or env.raw("REDIS_URL")):
            raise CommandError("--kills needs servers of its own to kill: unset DATABASE_URL and REDIS_URL")
        try:
            tick_s = max(1, round(settings.VIEWKEEPER_TICK_S / options["speed"]))
            with stop_on_signals(), platform(VIEWKEEPER_TICK_S=str(tick_s)) as inside:
                code, told = inside.run("monitor.benching", "soak", json.dumps(asked))
        except (ServerError, StopRequested) as error:
            raise CommandError(str(error) or "stopped") from error
        if code:
            raise CommandError("nothing was watched", returncode=code)
        self.stdout.write(told)
        if found := json.loads(told)["failures"]:
            raise CommandError("; ".join(found))
