"""What the quickstart runs, each program with only the secrets that it needs.

Probe workers get the zones' keys and the broker, and no database (DESIGN, decision 1).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.quickstart.layout import BASE, Layout
from monitor.quickstart.processes import Program

ZONES = ("local", "demo")
BROKER = ("REDIS_URL", "VIEWKEEPER_ZONE_KEYS")
TOKEN = ("VIEWKEEPER_SIMULATOR_TOKEN",)
WEB_THREADS = 8
# A thread only waits for its batch, which lasts as long as its slowest device: several seconds where one is silent.
PROBE_THREADS = 32
LOOK_THREADS = 4
MAIN_THREADS = 4
GRACE_S = 3  # for the web server's running requests; Ctrl-C must not take ten seconds
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of an installation, secrets and addresses included; never shown."""

    values: Mapping[str, str] = field(repr=False)

    def all(self) -> dict[str, str]:
        """For what has the database: web, main worker, management commands."""
        return {**_plain(), **self.values, "DJANGO_SETTINGS_MODULE": "monitor.settings"}

    def only(self, *names: str) -> dict[str, str]:
        """For what must not have everything."""
        return {**_plain(), **{name: self.values[name] for name in names}}


def _plain() -> dict[str, str]:
    """Our own environment without any address or secret, with output that does not wait in a buffer.

    Without Django's settings either: their mere name would make Celery load Django into a probe worker.
    """
    private = ("VIEWKEEPER_", "DATABASE_URL", "REDIS_URL", "PG", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(private)}
    return {**kept, "PYTHONUNBUFFERED": "1"}


def _python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def manage(environment: Environment, *arguments: str, name: str = "") -> Program:
    """One management command."""
    argv = _python(str(BASE / "manage.py"), *arguments)
    return Program(name or arguments[0], argv, environment.all(), BASE)


def web(environment: Environment, host: str, port: int) -> Program:
    """The web server: one process with threads, as a page must not wait for another."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    argv = _python("-m", "gunicorn", "monitor.wsgi", "--bind", bind, "--worker-class", "gthread", "--workers", "1")
    argv += ["--threads", str(WEB_THREADS), "--graceful-timeout", str(GRACE_S), "--no-control-socket"]
    return Program("web", argv, environment.all(), BASE)


def probe_worker(environment: Environment) -> Program:
    """The worker that dials devices, batch by batch."""
    return _collector(environment, "probe", PROBE_THREADS)


def look_worker(environment: Environment) -> Program:
    """The worker that dials a device for a person who waits: a look must not queue behind batches."""
    return _collector(environment, "look", LOOK_THREADS)


def _collector(environment: Environment, kind: str, threads: int) -> Program:
    queues = ",".join(f"{kind}.{zone}" for zone in ZONES)
    argv = _python("-m", "celery", "-A", "monitor.collector", "worker", "-P", "threads", "-c", str(threads))
    argv += ["-Q", queues, "-n", f"{kind}@%h", "-l", "INFO", *QUIET]
    return Program(kind, argv, environment.only(*BROKER), BASE)


def main_worker(environment: Environment, place: Layout) -> Program:
    """The worker that writes, with the beat in it."""
    argv = _python("-m", "celery", "-A", "monitor.celery", "worker", "-P", "threads", "-c", str(MAIN_THREADS))
    argv += ["-B", "-s", str(place.run / "beat"), "-Q", "record,alerts,default", "-n", "main@%h", "-l", "INFO", *QUIET]
    return Program("main", argv, environment.all(), BASE)


def mail_catcher(environment: Environment, place: Layout, port: int) -> Program:
    """The mail server that sends nothing on."""
    argv = _python("-m", "monitor.quickstart.mailcatcher", str(port), str(place.mail))
    return Program("mail", argv, environment.only(), BASE)


def city_plan(environment: Environment, place: Layout) -> Program:
    """Writing the plan of the virtual cameras."""
    return Program("city_plan", _python("-m", "monitor.quickstart.cityplan", str(place.plan)), environment.all(), BASE)


def simulator(environment: Environment, place: Layout, control_port: int) -> Program:
    """The virtual cameras."""
    argv = _python("-m", "monitor.simulator", str(place.plan), "--ports-out", str(place.city))
    argv += ["--control-port", str(control_port)]
    return Program("simulator", argv, environment.only(*TOKEN), BASE)
