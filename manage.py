#!/usr/bin/env python
"""Django's command line for Viewkeeper: `python manage.py COMMAND`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run one management command; what is wrong with a setting is one line on standard error and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "monitor.settings")
    from django.core.management import execute_from_command_line

    from monitor.env import one_line_refusals

    with one_line_refusals():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
