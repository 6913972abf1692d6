"""A platform of the bench's own: servers or databases that nobody else uses, fresh keys, all tables, and no trace left.

Where DATABASE_URL or REDIS_URL name a server, a database is made there (on Redis an empty one is taken) and given back;
else PostgreSQL and Valkey are started from their wheels, as `make run` does. What runs inside knows all of it by its
environment alone.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import redis
from psycopg2 import sql

from monitor import env
from monitor.quickstart import keys, postgres, processes, valkey
from monitor.quickstart.layout import BASE
from monitor.quickstart.postgres import ServerError
from monitor.quickstart.processes import Program
from monitor.quickstart.programs import Environment, manage

ZONE = "bench"
STOP_PATIENCE_S = 10.0
RESTART_S = 1.0
# Redis has sixteen databases unless told otherwise; the first ones are the likeliest to be somebody's.
LAST_NUMBER = 15
# A key that says that a Redis database is in use, although it may hold nothing else at the moment.
TAKEN = "viewkeeper:bench"


@dataclass(slots=True)
class Server:
    """A server of our own, started again when it has died, as a service manager would: a soak kills it."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes]
    due: float = 0.0

    def watch(self) -> None:
        """Look after it once."""
        if self.process.poll() is None:
            self.due = 0.0
        elif not self.due:
            self.due = time.monotonic() + RESTART_S
        elif time.monotonic() >= self.due:
            self.process, self.due = processes.spawn(self.program, self.log), 0.0


@dataclass(frozen=True, slots=True)
class Platform:
    """What runs inside needs the environment; `servers` are those that were started for it."""

    environment: Environment
    servers: list[Server]

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a Python module inside, to its end: its exit code and what it printed. Its errors go to the terminal."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
            argv = [sys.executable, "-m", *arguments]
            process = subprocess.Popen(argv, cwd=BASE, env=self.environment.all(), stdout=told)
            try:
                while process.poll() is None:
                    for server in self.servers:
                        server.watch()
                    time.sleep(processes.POLL_S)
            finally:
                processes.ask_to_stop(process, signal.SIGTERM)
                process.wait(STOP_PATIENCE_S)
            told.seek(0)
            return process.returncode, told.read()


@contextmanager
def platform(**further: str) -> Iterator[Platform]:
    """A migrated platform, for as long as the block lasts; `further` are variables of its environment."""
    with ExitStack() as stack:
        folder = stack.enter_context(_folder())
        servers: list[Server] = []
        values = (
            keys.new_keys([ZONE])
            | further
            | {
                "VIEWKEEPER_DEMO": "1",  # its cameras are on loopback
                "VIEWKEEPER_STATIC_HASHED": "0",
                "VIEWKEEPER_MEDIA": str(folder / "media"),
                "VIEWKEEPER_EMAIL_URL": "smtp://127.0.0.1:9",
            }
        )
        database, queue = env.raw("DATABASE_URL"), env.raw("REDIS_URL")
        values["DATABASE_URL"] = stack.enter_context(_database(database) if database else _postgres(folder, servers))
        values["REDIS_URL"] = stack.enter_context(_number(queue) if queue else _valkey(folder, servers))
        environment = Environment(values)
        _migrate(environment)
        yield Platform(environment, servers)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="viewkeeper-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _postgres(folder: Path, servers: list[Server]) -> Iterator[str]:
    """A PostgreSQL of our own, with the guarantees that production has."""
    server = postgres.place(folder, keys.new_password())
    home = server.data.parent
    try:
        postgres.initialise(server)
        with _kept(server.program(), folder, signal.SIGQUIT) as kept:  # at once: the data are thrown away
            postgres.wait_ready(server, kept.process)
            servers.append(kept)
            yield server.address()
    finally:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(server.socket, ignore_errors=True)


@contextmanager
def _valkey(folder: Path, servers: list[Server]) -> Iterator[str]:
    """A Valkey of our own."""
    server = valkey.place(folder, keys.new_password())
    with _kept(server.program(), folder, signal.SIGTERM) as kept:
        valkey.wait_ready(server, kept.process)
        servers.append(kept)
        yield server.address()


@contextmanager
def _kept(program: Program, folder: Path, how: signal.Signals) -> Iterator[Server]:
    log = folder / f"{program.name}.log"
    server = Server(program, log, processes.spawn(program, log))
    try:
        yield server
    finally:
        processes.stop(server.process, how, STOP_PATIENCE_S)


def new_name() -> str:
    """A name for a database that nobody else has."""
    return f"viewkeeper_bench_{secrets.token_hex(6)}"


@contextmanager
def _database(address: str) -> Iterator[str]:
    """A database of our own on a server that is given; it is dropped again."""
    name = sql.Identifier(new_name())
    _do(address, sql.SQL("CREATE DATABASE {}").format(name))
    try:
        yield urlunsplit(urlsplit(address)._replace(path=f"/{name.string}"))
    finally:
        _do(address, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _do(address: str, statement: sql.Composed) -> None:
    try:
        connection = psycopg2.connect(address)
    except psycopg2.OperationalError as error:
        raise ServerError(f"DATABASE_URL does not lead to a database: {str(error).strip()}") from None
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except psycopg2.Error as error:
        raise ServerError(f"the user of DATABASE_URL must be allowed to create databases: {error}") from None
    finally:
        connection.close()


@contextmanager
def _number(address: str) -> Iterator[str]:
    """An empty database of a Redis that is given; it is emptied again."""
    own, store = _take_number(address)
    try:
        yield own
    finally:
        store.flushdb()
        store.close()


def _take_number(address: str) -> tuple[str, redis.Redis]:
    for number in range(LAST_NUMBER, -1, -1):
        own = urlunsplit(urlsplit(address)._replace(path=f"/{number}"))
        store = redis.Redis.from_url(own)
        try:
            # Only whoever puts the mark in has it; two that begin together would empty each other's queues.
            if not store.dbsize() and store.set(TAKEN, 1, nx=True):
                return own, store
        except redis.RedisError as error:
            raise ServerError(f"REDIS_URL does not lead to a Redis that can be used: {error}") from None
        store.close()
    raise ServerError("REDIS_URL leads to a Redis without an empty database: the bench needs one for itself")


def _migrate(environment: Environment) -> None:
    program = manage(environment, "migrate", "--no-input", "--verbosity", "0")
    done = subprocess.run(
        program.argv, cwd=program.cwd, env=dict(program.env), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ServerError(f"the tables cannot be made: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
