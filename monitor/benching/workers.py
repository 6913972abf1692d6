"""The platform's own processes during a bench: workers as production runs them, and the servers they use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from signal import SIGTERM
from typing import Self

import redis
from django.conf import settings
from django.db import connection

from monitor.benching.cpu import cpu_ms, family_cpu_ms, family_mb, parent_of
from monitor.benching.failure import BenchFailed
from monitor.benching.scratch import ZONE
from monitor.quickstart import processes
from monitor.quickstart.layout import BASE
from monitor.quickstart.processes import Program
from monitor.quickstart.programs import BROKER, QUIET, Environment
from monitor.quickstart.supervisor import last_line

STOP_PATIENCE_S = 2.0  # nothing is on its way that anybody misses
READY_PATIENCE_S = 60.0
# As in deploy/systemd: threads for the probes' tasks, two processes that write.
PROBE_THREADS, MAIN_PROCESSES = 32, 2
READY_WORD = " ready."


@dataclass(frozen=True, slots=True)
class Usage:
    """Something of each of the four parts that a visit takes: milliseconds of CPU time, or megabytes."""

    probe: float = 0.0
    record: float = 0.0
    postgres: float = 0.0
    redis: float = 0.0

    @property
    def total(self) -> float:
        """All parts together."""
        return self.probe + self.record + self.postgres + self.redis

    def since(self, before: Self, visits: int) -> Usage:
        """What was added since, per visit."""
        return Usage(*((getattr(self, item.name) - getattr(before, item.name)) / visits for item in fields(self)))


@dataclass(frozen=True, slots=True)
class Workers:
    """The processes whose work is counted, and our own backend, whose work is not."""

    probe: int
    record: int
    postgres: int
    own_backend: int

    def cpu_ms(self) -> Usage:
        """CPU time until now."""
        return Usage(
            family_cpu_ms(self.probe),
            family_cpu_ms(self.record),
            family_cpu_ms(self.postgres, without=[self.own_backend]),
            cpu_ms(redis_process()),
        )

    def mb(self) -> Usage:
        """Resident memory now."""
        return Usage(
            family_mb(self.probe), family_mb(self.record), family_mb(self.postgres), family_mb(redis_process())
        )


class Starting:
    """Workers that start while other things are made ready."""

    def __init__(self, folder: Path) -> None:
        known = environment()
        programs = {"probe": probe_program(known), "record": record_program(known)}
        self._folder = folder
        self._running = {name: processes.spawn(one, folder / f"{name}.log") for name, one in programs.items()}

    def ready(self) -> Workers:
        """The workers, when both take tasks."""
        for name, process in self._running.items():
            self._wait(name, process)
        own = own_backend()
        return Workers(self._running["probe"].pid, self._running["record"].pid, parent_of(own), own)

    def _wait(self, name: str, process: subprocess.Popen[bytes]) -> None:
        log = self._folder / f"{name}.log"
        ready = processes.wait_until(lambda: process.poll() is not None or _is_ready(log), READY_PATIENCE_S)
        if not ready or process.poll() is not None:
            raise BenchFailed(f"the {name} worker did not start: {last_line(log)}")

    def stop(self) -> None:
        """End both."""
        for process in self._running.values():
            processes.ask_to_stop(process, SIGTERM)
        for process in self._running.values():
            processes.stop(process, SIGTERM, STOP_PATIENCE_S)


@contextmanager
def workers(folder: Path) -> Iterator[Starting]:
    """A probe worker and a record worker for as long as the block lasts; `ready()` waits for them."""
    starting = Starting(folder)
    try:
        yield starting
    finally:
        starting.stop()


_VARIABLES = (
    "DATABASE_URL",
    "REDIS_URL",
    "VIEWKEEPER_SECRET_KEY",
    "VIEWKEEPER_FIELD_KEYS",
    "VIEWKEEPER_ZONE_KEYS",
    "VIEWKEEPER_DEMO",
    "VIEWKEEPER_TICK_S",
    "VIEWKEEPER_STATIC_HASHED",
    "VIEWKEEPER_MEDIA",
    "VIEWKEEPER_EMAIL_URL",
)


def environment() -> Environment:
    """What the platform around us knows, for its workers."""
    return Environment({name: os.environ[name] for name in _VARIABLES if name in os.environ})


def probe_program(known: Environment, number: int = 0) -> Program:
    """A probe worker; several are told apart by their numbers."""
    argv = [sys.executable, "-m", "celery", "-A", "monitor.collector", "worker", "-P", "threads"]
    argv += [
        "-c",
        str(PROBE_THREADS),
        "-Q",
        f"probe.{ZONE},look.{ZONE}",
        "-n",
        f"probe{number}@%h",
        "-l",
        "INFO",
        *QUIET,
    ]
    return Program(f"probe{number}", argv, known.only(*BROKER), BASE)


def record_program(known: Environment, queues: str = "record,default") -> Program:
    """The worker that writes."""
    argv = [sys.executable, "-m", "celery", "-A", "monitor.celery", "worker", "-P", "prefork"]
    argv += ["-c", str(MAIN_PROCESSES), "-Q", queues, "-n", "main@%h", "-l", "INFO", *QUIET]
    return Program("record", argv, known.all(), BASE)


def beat_program(known: Environment) -> Program:
    """The clock of recurring tasks."""
    argv = [sys.executable, "-m", "celery", "-A", "monitor.celery", "beat"]
    argv += ["--scheduler", "redbeat.RedBeatScheduler", "--max-interval", "1", "-l", "INFO", "--pidfile="]
    return Program("beat", argv, known.all(), BASE)


def _is_ready(log: Path) -> bool:
    return READY_WORD in log.read_text(errors="replace")


def own_backend() -> int:
    """The process of PostgreSQL that works for us alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    if not parent_of(pid):
        raise BenchFailed("PostgreSQL runs on another machine: its CPU time cannot be read there; unset DATABASE_URL")
    return pid


def redis_process() -> int:
    """The process of Redis."""
    store = redis.Redis.from_url(settings.REDIS_URL)
    try:
        return int(store.info("server")["process_id"])
    finally:
        store.close()
