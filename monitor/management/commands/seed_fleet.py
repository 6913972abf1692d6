"""A register of a whole city with history to match: for benches, and for looking at the pages at full size."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import UTC, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from monitor import schedule
from monitor.availability import hour_of
from monitor.benching.seeding import history, register
from monitor.benching.seeding.past import Window
from monitor.simulator.fleet.members import HOSTS, PORT, Fleet, FleetError

# Hours of fifty thousand devices take five seconds of CPU time for each day. So many days are made within five minutes
# on two busy cores, with room to spare; thirty take as long as that.
HOUR_DAYS = 14
DEMO_ZONE = "demo"


class Command(BaseCommand):
    """`seed_fleet --compounds 1000 --devices 50000 --days 30`; the addresses are those of `simulate`."""

    help = "Fill an empty database with a city of virtual devices and their history; `remove_demo` takes it away."
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many, how far back, and where the virtual devices listen."""
        add = parser.add_argument
        add("--compounds", type=int, default=1_000)
        add("--devices", type=int, default=50_000)
        add("--days", type=int, default=30, help="how far back incidents reach")
        add("--hours-days", type=int, default=HOUR_DAYS, help="for how many of the last days there are hours")
        add("--seed", type=int, default=1, help="as for simulate; another one gives other passwords and another past")
        add("--address-hosts", default=HOSTS, help="as --hosts of simulate")
        add("--address-port", type=int, default=PORT, help="as --port of simulate")
        add("--zone", default=DEMO_ZONE, help="the zone that the devices are in")
        add("--force", action="store_true", help="add the fleet to a database that has real compounds")

    def handle(self, *_args: object, **options: Any) -> None:
        """Make everything in one transaction, or nothing."""
        began = time.monotonic()
        if options["days"] < 1 or options["compounds"] < 1 or not 0 <= options["hours_days"] <= options["days"]:
            raise CommandError("--compounds and --days must be at least 1, --hours-days at most --days")
        try:
            fleet = Fleet(options["devices"], options["address_hosts"], options["address_port"], options["seed"])
            with transaction.atomic():
                register.refuse(options["zone"], force=options["force"])
                self._make(fleet, options, began)
        except (FleetError, register.Taken) as error:
            raise CommandError(str(error)) from error
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self._tell(began, f"{schedule.sync(timezone.now())} endpoints have their schedule")
        self._tell(began, "done; `manage.py simulate` with the same --devices, --hosts, --port and --seed answers")

    def _make(self, fleet: Fleet, options: dict[str, Any], began: float) -> None:
        now = timezone.now()
        until = hour_of(now.astimezone(UTC))
        since, first = (until - timedelta(days=options[name]) for name in ("days", "hours_days"))
        window = Window(since, first, until)
        placed = register.make(fleet, options["compounds"], options["zone"], now)
        self._tell(began, f"{len(placed)} devices in {options['compounds']} compounds")
        found = history.draw(fleet, placed, window, options["seed"])
        turns = history.write_incidents(found, placed)
        lasting = sum(item.until is None for item in found)
        self._tell(began, f"{len(found)} incidents ({lasting} of them last), {turns} transitions")
        history.write_states(found, placed, since, now)
        self._tell(began, "states and passports")
        written = history.write_hours(found, placed, window, lambda text: self._tell(began, text))
        self._tell(began, f"{written} hours of the last {options['hours_days']} days")

    def _tell(self, began: float, text: str) -> None:
        self.stdout.write(f"{time.monotonic() - began:6.1f} s  {text}")
        self.stdout.flush()
