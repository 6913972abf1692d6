#!/usr/bin/env python
"""Django's command line for Viewkeeper: `python manage.py COMMAND`."""

from __future__ import annotations

import os
import sys

DATABASE_FORM = (
    "postgresql://USER:PASSWORD@HOST:PORT/NAME "
    "(for the database of `make run`: .venv/bin/python -m monitor.quickstart manage COMMAND)"
)


def main() -> None:
    """Run one management command; what is wrong with a setting is one line on standard error and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "monitor.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from monitor import env

    with env.one_line_refusals():
        try:
            execute_from_command_line(sys.argv)
        except ImproperlyConfigured:
            if env.raw("DATABASE_URL"):
                raise
            raise env.SettingError("DATABASE_URL", "not set", DATABASE_FORM) from None


if __name__ == "__main__":
    main()
