"""Keeps the children running: one that dies is started again, with growing pauses, and it is said."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from monitor.quickstart import processes
from monitor.quickstart.processes import Program

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0  # a child that lived this long has recovered: its next pause is short again
# Together below the ten seconds that a person waits for Ctrl-C.
APPS_PATIENCE_S = 5.0
BASE_PATIENCE_S = 3.0


class StepFailed(Exception):
    """A step of the start that ended badly; one line for a person."""


@dataclass(slots=True)
class Child:
    """A program under supervision. `due` is when a dead one is started again."""

    program: Program
    process: subprocess.Popen[bytes]
    base: bool
    since: float
    pause_s: float = 0.0
    due: float | None = None


class Supervisor:
    """The children of one launcher. `base` ones (the servers) are stopped after all others."""

    def __init__(self, run: Path, log: Path, say: Callable[[str], None]) -> None:
        self.run = run
        self.log = log
        self.say = say
        self.children: dict[str, Child] = {}

    def log_of(self, name: str) -> Path:
        """The log of a child."""
        return self.log / f"{name}.log"

    def start(self, program: Program, base: bool = False) -> subprocess.Popen[bytes]:
        """Start a program and keep it running from now on."""
        processes.begin_log(self.log_of(program.name))
        process = self._spawn(program)
        self.children[program.name] = Child(program, process, base, time.monotonic())
        return process

    def step(self, program: Program) -> None:
        """Run a program to its end; `StepFailed` with its last line when it ends badly."""
        log = self.log_of(program.name)
        processes.begin_log(log)
        process = self._spawn(program)
        try:
            while process.poll() is None:
                self.watch()
                time.sleep(processes.POLL_S)
        finally:
            processes.stop(process, program.stop, BASE_PATIENCE_S)
            processes.forget(self.run, program.name)
        if process.returncode:
            raise StepFailed(f"{program.name} failed: {last_line(log)} (all of it: {log})")

    def watch(self) -> None:
        """Look after each child once."""
        now = time.monotonic()
        for child in self.children.values():
            processes.bound_log(self.log_of(child.program.name))
            if child.due is None and child.process.poll() is not None:
                self._lost(child, now)
            elif child.due is not None and now >= child.due:
                self._again(child, now)

    def stop(self) -> bool:
        """End all children, servers last; whether each ended when it was asked to."""
        apps = [child for child in self.children.values() if not child.base]
        base = [child for child in self.children.values() if child.base]
        return all([self._end(apps, APPS_PATIENCE_S), self._end(base, BASE_PATIENCE_S)])

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        process = processes.spawn(program, self.log_of(program.name))
        processes.note(self.run, program, process)
        return process

    def _lost(self, child: Child, now: float) -> None:
        processes.kill_family(child.process.pid)
        steady = now - child.since >= STEADY_S
        child.pause_s = FIRST_PAUSE_S if steady or not child.pause_s else min(child.pause_s * 2, LONGEST_PAUSE_S)
        child.due = now + child.pause_s
        name, code = child.program.name, child.process.returncode
        self.say(f"{name} ended (code {code}); starting it again in {child.pause_s:.0f} s; log: {self.log_of(name)}")

    def _again(self, child: Child, now: float) -> None:
        child.process = self._spawn(child.program)
        child.since, child.due = now, None

    def _end(self, children: list[Child], patience_s: float) -> bool:
        for child in children:
            processes.ask_to_stop(child.process, child.program.stop)
        deadline = time.monotonic() + patience_s
        ended = []
        for child in children:
            rest = max(0.0, deadline - time.monotonic())
            ended.append(processes.wait_until(lambda one=child: one.process.poll() is not None, rest))  # type: ignore[misc]
            processes.kill_family(child.process.pid)
            child.process.wait()
            processes.forget(self.run, child.program.name)
            del self.children[child.program.name]
        return all(ended)


def last_line(log: Path) -> str:
    """The last line of a log, for a person."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it wrote nothing"
