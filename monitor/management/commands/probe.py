"""`manage.py probe URL`: poll one device once and say what was asked, learned and concluded."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitor.policy import Policy
from monitor.probes import cli


class Command(BaseCommand):
    """Works without database and broker; exit code 0: all ok, 1: something is faulty or unknown, 2: wrong usage."""

    help = "Poll one device once, verbosely."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """As usual, but wrong usage is told in one line."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.print_usage = _say_nothing  # type: ignore[method-assign,assignment]
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """The arguments of the command."""
        parser.add_argument("url", help="http://192.0.2.10[:port][/onvif/device_service], https://… or host[:port]")
        parser.add_argument("--username", help="user of the device")
        parser.add_argument("--password-env", metavar="VAR", help="environment variable that holds the password")
        parser.add_argument("--reference", metavar="FILE", help="accepted picture to compare the view with")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        parser.add_argument(
            "--deadline", type=float, metavar="S", default=float(Policy().deadline_s), help="seconds for everything"
        )

    def handle(self, *_args: Any, **given: Any) -> None:
        """Poll, print, leave with the exit code."""
        try:
            chosen = cli.options(
                given["url"],
                environ=os.environ,
                username=given["username"],
                password_env=given["password_env"],
                reference=given["reference"],
                deadline_s=given["deadline"],
            )
        except cli.UsageError as exc:
            raise CommandError(str(exc), returncode=cli.EXIT_USAGE) from None
        code = cli.run(chosen, self.stdout, as_json=given["json"])
        if code:
            sys.exit(code)


def _say_nothing(_file: object = None) -> None:
    """Instead of the usage, which takes six lines."""
