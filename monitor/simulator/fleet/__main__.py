"""Serve a fleet: see `cli`."""

from __future__ import annotations

import sys

from monitor.simulator.fleet.cli import main

if __name__ == "__main__":
    sys.exit(main())
