"""A city without virtual cameras: its files, and views that nobody drew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from monitor.quickstart.demo import load
from monitor.quickstart.demo.city import write_plan
from monitor.quickstart.demo.drawing import Job, View
from monitor.quickstart.demo.plan import addressed
from tests import factories as make

FIRST_PORT = 20_000
SHORT_DAYS = 4


class City:
    """The files that the simulator and the launcher share with the demo."""

    def __init__(self, folder: Path) -> None:
        self.plan, self.ports_file, self.logins = (folder / f"{name}.json" for name in ("plan", "city", "logins"))
        write_plan(self.plan)
        self.listen({item.key: FIRST_PORT + number for number, item in enumerate(addressed())})

    def listen(self, ports: dict[str, int]) -> None:
        """The virtual devices listen at these ports."""
        self.ports = ports
        self.ports_file.write_text(json.dumps({"control": "http://127.0.0.1:1", "ports": ports}))

    def load(self, now: datetime | None = None, *, again: bool = False) -> load.Loaded:
        """Load the demo, or follow it."""
        return load.load(self.ports_file, self.plan, self.logins, now or timezone.now(), again=again)


def undrawn(jobs: Sequence[Job]) -> list[View]:
    """Views as `draw_all` gives them, without drawing."""
    data = make.jpeg(3)
    return [
        View(job.key, b"signature", 6, {"day": (job.instants[0], data), "night": (job.instants[-1], data)})
        for job in jobs
    ]
