"""A fleet in processes of its own while a `with` block lasts: what tests, benches and soaks start.

with RunningFleet(devices=60, script="storm", speed=10) as running:
    for member in running.fleet: …
    running.ask("POST", f"/devices/{member.index}/faults", {"off": True})
running.told["violations"]
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from monitor.simulator.fleet.cli import TOKEN_VARIABLE
from monitor.simulator.fleet.members import Fleet
from monitor.simulator.fleet.script import Script, parse

ROOT = Path(__file__).resolve().parents[3]
STOP_PATIENCE_S = 15.0
ASK_LIMIT_S = 60.0


class NoFleet(Exception):
    """The fleet did not start; the text says why."""


class Refused(Exception):
    """The control address has refused something; the text is what it said."""


class RunningFleet:
    """Starts a fleet with the options of the command (`speed=10` for `--speed 10`). `told` is its last word."""

    def __init__(self, **options: object) -> None:
        self._arguments = [
            part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))
        ]
        self._token = secrets.token_urlsafe(16)
        self.told: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "monitor.simulator.fleet", *self._arguments],
            cwd=ROOT,
            env={**os.environ, TOKEN_VARIABLE: self._token},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise NoFleet(self._process.communicate()[1].strip())
        self.greeting: dict[str, Any] = json.loads(line)
        self.pids: list[int] = [self._process.pid, *self.greeting["pids"]]
        values = {name: self.greeting[name] for name in ("devices", "hosts", "port", "seed", "mix", "block")}
        self.fleet = Fleet(**values)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            out, _ = self._process.communicate(timeout=STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, _ = self._process.communicate()
        self.told = json.loads(out) if out else {}

    def ask(self, method: str, path: str, data: object = None) -> Any:
        """What the control address answers; raises `Refused`."""
        line = http.client.HTTPConnection(urlsplit(self.greeting["control"]).netloc, timeout=ASK_LIMIT_S)
        try:
            body = json.dumps(data) if data is not None else None
            line.request(method, path, body, {"Authorization": f"Bearer {self._token}"})
            reply = line.getresponse()
            answer = json.loads(reply.read())
        finally:
            line.close()
        if reply.status != http.HTTPStatus.OK:
            raise Refused(f"{answer['error']['field']}: {answer['error']['message']}")
        return answer

    def script(self) -> tuple[Script, float]:
        """The script that the fleet follows, and the time of it that it is now."""
        plan = self.ask("GET", "/plan")
        return Script(self.fleet, parse(plan["script"])), plan["seconds"]
