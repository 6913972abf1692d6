"""Where the quickstart keeps its things, all below one folder, for the owner only."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor import env

STOPPING_PATIENCE_S = 12.0
POLL_S = 0.1
BASE = Path(__file__).resolve().parents[2]


class AlreadyRunning(Exception):
    """Another launcher holds this installation."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of one installation."""

    var: Path

    @property
    def run(self) -> Path:
        """What belongs to one run: notes of the children, sockets, the schedule of beat."""
        return self.var / "run"

    @property
    def log(self) -> Path:
        """One log for each child."""
        return self.var / "log"

    @property
    def mail(self) -> Path:
        """The mails that were caught."""
        return self.var / "mail"

    @property
    def keys(self) -> Path:
        """The secrets of this installation."""
        return self.var / "keys.env"

    @property
    def plan(self) -> Path:
        """The demo's city as planned."""
        return self.var / "plan.json"

    @property
    def city(self) -> Path:
        """The demo's city with the ports its virtual cameras got."""
        return self.var / "city.json"

    @property
    def logins(self) -> Path:
        """The demo's people."""
        return self.var / "demo-logins.json"

    @property
    def environment(self) -> Path:
        """What a management command needs to join the installation that runs."""
        return self.run / "environment.json"

    def make(self) -> None:
        """Make the folders, closed to others."""
        for folder in (self.var, self.run, self.log, self.mail):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)


def layout() -> Layout:
    """The installation of this checkout; QUICKSTART_VAR names another place for it."""
    return Layout(env.folder("QUICKSTART_VAR", BASE / "var"))


@contextmanager
def held(place: Layout) -> Iterator[None]:
    """Hold the installation for this process alone; the kernel lets go of it however the process ends.

    One that is just stopping is waited for.
    """
    descriptor = os.open(place.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + STOPPING_PATIENCE_S
        while not _taken(descriptor):
            if place.environment.exists() or time.monotonic() >= deadline:
                raise AlreadyRunning
            time.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    half = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    half.unlink(missing_ok=True)
    half.touch(0o600)
    half.write_bytes(content.encode() if isinstance(content, str) else content)
    half.replace(path)
