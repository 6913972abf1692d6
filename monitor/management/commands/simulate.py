"""A virtual city at scale, on loopback: tens of thousands of devices from few processes, with a script of faults."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitor.simulator.fleet import cli


class Command(BaseCommand):
    """Serves until it is told to stop; knows no database."""

    help = "Serve a fleet of virtual devices on loopback: prints a line of JSON when it listens and one at its end."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """As `python -m monitor.simulator.fleet`."""
        cli.add_arguments(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Serve."""
        try:
            cli.serve(options, self._tell)
        except cli.UsageError as error:
            raise CommandError(str(error)) from error

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
