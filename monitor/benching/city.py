"""Virtual cameras in a process of their own, whose CPU time nobody counts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from monitor.benching.failure import BenchFailed
from monitor.quickstart.layout import BASE

USERNAME, PASSWORD = "admin", "for-the-bench-1"
SIZE = (1920, 1080)
SCENES = ("street", "gate", "facade", "fire_lane")
START_PATIENCE_S = 30.0
STOP_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a virtual camera is, how to log in, and which pictures of the bank it shows."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    scene: int

    @property
    def address(self) -> str:
        """How it is dialled."""
        return f"http://{self.host}:{self.port}"


@contextmanager
def cameras(count: int) -> Iterator[list[Camera]]:
    """So many cameras on loopback, each with its own scene by day."""
    with TemporaryDirectory(prefix="viewkeeper-bench-") as name:
        plan, ports = Path(name) / "plan.json", Path(name) / "ports.json"
        plan.write_text(json.dumps({"devices": [_camera(number) for number in range(count)]}), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor.simulator", str(plan), "--ports-out", str(ports)],
            cwd=BASE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            found = enumerate(_ports(process, ports))
            yield [Camera("127.0.0.1", port, USERNAME, PASSWORD, number) for number, port in found]
        finally:
            process.terminate()
            try:
                process.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _camera(number: int) -> dict[str, object]:
    scene = {"kind": SCENES[number % len(SCENES)], "seed": number, "phase": "day"}
    return {"key": f"camera {number}", "username": USERNAME, "password": PASSWORD, "scene": scene, "size": SIZE}


def _ports(process: subprocess.Popen[bytes], file: Path) -> Iterator[int]:
    until = time.monotonic() + START_PATIENCE_S
    while not file.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise BenchFailed("the virtual cameras did not start: try `python -m monitor.simulator`")
        time.sleep(0.05)
    yield from json.loads(file.read_text(encoding="utf-8"))["ports"].values()
