"""The PostgreSQL and the Valkey of a test run: those given by DATABASE_URL and REDIS_URL, else embedded ones.

The process that controls the run starts them once; parallel workers inherit their addresses, and each takes a database
of its own on both. They end with the run, also when it is killed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from monitor.quickstart import postgres, processes, valkey

STOP_PATIENCE_S = 5.0
FIRST_NUMBER = 4  # of the databases of a Redis that is not ours alone: the first few may be in use


class Servers:
    """What this run has started itself."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="viewkeeper-tests-"))
        self.running: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []
        self.home: Path | None = None

    def start(self) -> None:
        """Start what is not given, and say where in the environment."""
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = self.start_postgres()
        if not os.environ.get("REDIS_URL"):
            os.environ["REDIS_URL"] = self.start_valkey()

    def start_postgres(self) -> str:
        """A fresh PostgreSQL that trades safety for speed; its address."""
        server = postgres.place(self.folder, secrets.token_hex(16), postgres.CARELESS)
        self.home = server.data.parent
        postgres.initialise(server)
        postgres.wait_ready(server, self.spawn(server.program()))
        return server.address()

    def start_valkey(self) -> str:
        """A fresh Valkey; its address."""
        server = valkey.place(self.folder, secrets.token_hex(16))
        valkey.wait_ready(server, self.spawn(server.program()))
        return server.address()

    def spawn(self, program: processes.Program) -> subprocess.Popen[bytes]:
        """Start one server and remember to stop it."""
        process = processes.spawn(program, self.folder / f"{program.name}.log")
        self.running.append((process, program.stop))
        return process

    def stop(self) -> None:
        """End the servers and remove their data."""
        for process, how in reversed(self.running):
            processes.stop(process, how, STOP_PATIENCE_S)
        for folder in (self.folder, self.home):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def own_number(address: str, worker: str) -> str:
    """The address of the Redis database that one parallel worker ("gw0", "gw1", … or "") has for itself."""
    number = FIRST_NUMBER + int(worker.removeprefix("gw") or 0)
    return urlunsplit(urlsplit(address)._replace(path=f"/{number}"))
