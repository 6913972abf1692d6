"""Writes the plan of the demo's virtual cameras: python -m monitor.quickstart.cityplan FILE

A process of its own, as the plan speaks of the register's kinds and the launcher stays free of Django.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django


def main(path: Path) -> None:
    """Set Django up and write the plan."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "monitor.settings")
    django.setup()
    from monitor.quickstart.demo.city import write_plan

    write_plan(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
