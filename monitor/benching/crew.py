"""The platform's processes during a soak: probe workers, a record worker, a beat, kept running as in production.

Whatever dies is started again after a second, as a service manager would.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from monitor.benching.cpu import family, family_cpu_ms, family_mb, parent_of
from monitor.benching.scratch import Server
from monitor.benching.workers import (
    beat_program,
    environment,
    own_backend,
    probe_program,
    record_program,
    redis_process,
)
from monitor.quickstart import processes
from monitor.quickstart.processes import Program

STOP_PATIENCE_S = 3.0
QUEUES = "record,default,alerts"


class Crew:
    """The workers by name, and the servers' processes, found anew after each of their deaths."""

    def __init__(self, folder: Path, probes: int) -> None:
        known = environment()
        programs = [*(probe_program(known, number) for number in range(probes)), record_program(known, QUEUES)]
        self.workers = {one.name: _started(one, folder) for one in (*programs, beat_program(known))}

    def watch(self) -> None:
        """Start again what has died."""
        for one in self.workers.values():
            one.watch()

    def stop(self) -> None:
        """End all workers."""
        for one in self.workers.values():
            processes.ask_to_stop(one.process, signal.SIGTERM)
        for one in self.workers.values():
            processes.stop(one.process, signal.SIGTERM, STOP_PATIENCE_S)

    def pids(self) -> dict[str, int]:
        """The first process of each part; raises what the servers' clients raise while those are down."""
        found = {name: one.process.pid for name, one in self.workers.items()}
        return found | {"postgres": parent_of(own_backend()), "redis": redis_process()}

    def mb(self) -> dict[str, float]:
        """Resident memory of each part."""
        return {name: family_mb(pid) for name, pid in self.pids().items()}

    def cpu_ms(self) -> dict[str, float]:
        """CPU time of each part until now, our own backend's left out."""
        own = own_backend()
        return {name: family_cpu_ms(pid, without=[own]) for name, pid in self.pids().items()}

    def kill(self, name: str) -> None:
        """kill -9, a worker with all its children; of a server only its first process, as its children notice."""
        pid = self.pids()[name]
        for one in family(pid) if name in self.workers else [pid]:
            try:
                os.kill(one, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _started(program: Program, folder: Path) -> Server:
    log = folder / f"{program.name}.log"
    return Server(program, log, processes.spawn(program, log))
