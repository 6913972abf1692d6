"""A small fleet for all tests of a module."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.quickstart.ports import any_free
from monitor.simulator.fleet.members import Member
from monitor.simulator.fleet.running import RunningFleet

DEVICES = 60
# Small pictures of the one scene that is drawn fastest.
SMALL = {"size": "320x180", "scenes": 1}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the session's own, so that the pictures are drawn once."""
    return tmp_path_factory.mktemp("pictures")


def hosts() -> str:
    """Addresses that no other process of the tests serves."""
    number = os.getpid()
    return f"127.{64 + number % 64}.{number // 64 % 256}.0/24"


Start = Callable[..., RunningFleet]


@pytest.fixture(scope="session")
def start(pictures: Path) -> Start:
    """Makes a fleet that is not started yet."""

    def make(**options: object) -> RunningFleet:
        return RunningFleet(**{
            "devices": DEVICES, "hosts": hosts(), "port": any_free(), "pictures": pictures, **SMALL, **options,
        })  # fmt: skip

    return make


@pytest.fixture(scope="module")
def running(start: Start) -> Iterator[RunningFleet]:
    """A fleet that follows no script."""
    with start(processes=2) as fleet:
        yield fleet


@pytest.fixture
def city(running: RunningFleet) -> RunningFleet:
    """The same, with nothing wrong."""
    running.ask("PUT", "/script", {"rules": []})
    return running


def first(fleet: RunningFleet, kind: str, auth: str = "") -> Member:
    """The first device of a kind."""
    return next(member for member in fleet.fleet if member.kind == kind and auth in ("", member.auth))
