"""Load the demo, or follow its virtual cameras to the ports they have now."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitor.quickstart.demo.city import CityFileError
from monitor.quickstart.demo.load import Removed, load
from monitor.quickstart.demo.register import NameTaken


class Command(BaseCommand):
    """`load_demo --city FILE [--plan FILE] [--logins FILE] [--again]`: safe to run at every start."""

    help = "Load the demo, or follow its virtual cameras to the ports they have now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The files that the simulator and the launcher share with us."""
        parser.add_argument("--city", type=Path, required=True, help="the ports of the running virtual city (JSON)")
        parser.add_argument(
            "--plan", type=Path, help="the plan of the city with its passwords; plan.json beside --city"
        )
        parser.add_argument("--logins", type=Path, help="write the demo's logins here, for the owner only")
        parser.add_argument("--again", action="store_true", help="load it although a person has removed it")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Load and say what was done."""
        city: Path = options["city"]
        try:
            done = load(
                city, options["plan"] or city.with_name("plan.json"), options["logins"], timezone.now(),
                again=options["again"],
            )  # fmt: skip
        except Removed:
            self.stdout.write("The demo was removed; load_demo --again brings it back.")
            return
        except (CityFileError, NameTaken) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The demo is loaded." if done.made else f"The demo is there; {done.moved} addresses moved.")
