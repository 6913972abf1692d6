"""Remove the demo: its rows and files, and nothing else."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from monitor.quickstart.demo.remove import counts, is_there, remove


class Command(BaseCommand):
    """`remove_demo [--yes]`: asks first, unless it is told not to."""

    help = "Remove the demo: its rows and files, and nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to ask."""
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ask, remove, and say what was done."""
        if not is_there():
            self.stdout.write("There is no demo.")
            return
        told = ", ".join(f"{number} {name}" for name, number in counts().items())
        if not options["yes"] and input(f"Remove the demo ({told}) with its history and pictures? [y/N] ") != "y":
            self.stdout.write("Nothing was removed.")
            return
        removal = remove()
        self.stdout.write(f"The demo is removed: {sum(removal.removed.values())} rows.")
        for name in removal.kept:
            self.stdout.write(f"Kept, since real rows need it: {name}")
