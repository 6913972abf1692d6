"""A zone far away: a broker with rights for each collector, and collectors that reach the broker and nothing else."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from celery import Celery
from cryptography.fernet import Fernet, MultiFernet

from monitor.quickstart import valkey
from monitor.quickstart.ports import any_free
from monitor.shelf import put_order
from monitor.wire import Order, Reading, Results, open_results, seal
from tests.monitor.conftest import ROOT

ZONE = "far"
PATIENCE_S = 20.0
# Every test process has a network of its own, should it make one: names and addresses that no other one has.
OWN = os.getpid() % 16_000
NAMESPACE, HERE, FAR = f"viewkeeper-{OWN}", f"vk{OWN}a", f"vk{OWN}b"
# Where there is none, nothing is asked of it.
IP = shutil.which("ip") or "ip"
NETWORK = f"10.213.{OWN // 64}.{OWN % 64 * 4}"
RIGHTS = ROOT / "deploy" / "collector.acl"


@dataclass(frozen=True)
class Place:
    """Where collectors run: under which command, and at which address they find the broker and the devices."""

    address: str = "127.0.0.1"
    under: tuple[str, ...] = ()

    @property
    def apart(self) -> bool:
        """Whether it is a network of its own."""
        return bool(self.under)


@contextmanager
def network() -> Iterator[Place]:
    """A network namespace whose only way leads to one address of this machine; where none can be made, this machine."""
    made = os.geteuid() == 0 and shutil.which("ip") and _ip("netns", "add", NAMESPACE)
    if not made:
        yield Place()
        return
    try:
        here, there = (str(host) for host in ipaddress.ip_network(f"{NETWORK}/30").hosts())
        _ip("link", "add", HERE, "type", "veth", "peer", "name", FAR, "netns", NAMESPACE)
        _ip("addr", "add", f"{here}/30", "dev", HERE)
        _ip("link", "set", HERE, "up")
        _ip("-n", NAMESPACE, "addr", "add", f"{there}/30", "dev", FAR)
        _ip("-n", NAMESPACE, "link", "set", FAR, "up")
        yield Place(here, ("ip", "netns", "exec", NAMESPACE))
    finally:
        _ip("netns", "del", NAMESPACE)


def _ip(*words: str) -> bool:
    return subprocess.run([IP, *words], capture_output=True, check=False).returncode == 0


@dataclass
class Broker:
    """A running broker: the platform's way in, a collector's, and the zone's key."""

    address: str
    port: int
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    steps: int = 0

    def url(self, user: str = "") -> str:
        """REDIS_URL of the platform, or of a user."""
        return f"redis://{user}:{self.password}@{self.address}:{self.port}/0"

    @property
    def collector_url(self) -> str:
        """REDIS_URL as the zone's collector has it."""
        return self.url(f"collector-{ZONE}")

    @property
    def keys(self) -> MultiFernet:
        """What seals the zone's messages."""
        return MultiFernet([Fernet(self.key)])

    def store(self, url: str = "") -> redis.Redis:
        """A connection."""
        return redis.Redis.from_url(url or self.url())

    def send(self, order: Order) -> None:
        """Put an order into the zone's queue, as the platform does."""
        with Celery("platform", broker=self.url(), set_as_current=False) as platform:
            key = put_order(self.store(), ZONE, order.lease, seal(order, self.keys))
            platform.send_task("probe.visit", [ZONE, key], queue=f"probe.{ZONE}", expires=30)

    def look(self, order: Order, look_id: int) -> Results:
        """Have somebody look, and wait for what comes of it; the steps before it are counted as come."""
        with Celery("platform", broker=self.url(), set_as_current=False) as platform, self.store() as store:
            key = put_order(store, ZONE, order.lease, seal(order, self.keys))
            platform.send_task("probe.look", [ZONE, look_id, key], queue=f"look.{ZONE}", expires=30)
            self.steps = 0
            while (found := store.brpop(["record"], timeout=int(PATIENCE_S))) is not None:
                message = json.loads(found[1])
                arguments: list[Any] = json.loads(base64.b64decode(message["body"]))[0]
                if message["headers"]["task"] == "monitor.tasks.record":
                    assert arguments[2] == look_id
                    return open_results(arguments[1], self.keys, 60)
                self.steps += 1
        raise AssertionError("nothing came of the look")

    def results(self) -> Iterator[Results]:
        """What comes back, as it comes; ends when nothing comes any more for too long."""
        with self.store() as store:
            while (found := store.brpop(["record"], timeout=int(PATIENCE_S))) is not None:
                arguments: list[Any] = json.loads(base64.b64decode(json.loads(found[1])["body"]))[0]
                assert arguments[0] == ZONE
                yield open_results(arguments[1], self.keys, 60)

    def answer(self) -> Results:
        """All results of one order together."""
        readings: list[Reading] = []
        for results in self.results():
            readings += results.readings
            if results.report is not None:
                return Results(tuple(readings), results.report)
        raise AssertionError("no report came back")


@contextmanager
def broker(place: Place, folder: Path) -> Iterator[Broker]:
    """A broker whose configuration holds the zone's rights as the runbook has them."""
    running = Broker(place.address, any_free())
    rights = RIGHTS.read_text().replace("ZONE", ZONE).replace("PASSWORD", running.password)
    lines = [f"bind {place.address}", f"port {running.port}", f"requirepass {running.password}", 'save ""', rights]
    config = folder / "redis.conf"
    config.write_text("\n".join(lines))
    server = shutil.which("redis-server") or str(valkey.binary())
    with (folder / "broker.log").open("wb") as log, process([server, str(config)], {}, log):
        until(lambda: _answers(running))
        yield running


def _answers(running: Broker) -> bool:
    try:
        with running.store() as store:
            return bool(store.ping())
    except redis.RedisError:
        return False


@contextmanager
def collector(place: Place, at: Broker, log_path: Path, ahead_s: int = 0) -> Iterator[Path]:
    """A collector of the zone with the broker's address and the zone's key, and nothing else; `ahead_s` its clock."""
    words = [
        "celery",
        "-A",
        "monitor.collector",
        "worker",
        "-P",
        "threads",
        "-c",
        "2",
        "-Q",
        f"probe.{ZONE},look.{ZONE}",
    ]
    words += ["-n", f"probe{ahead_s}@%h", "-l", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    start = (
        "import sys, time, time_machine; from celery.__main__ import main;"
        f"time_machine.travel(time.time() + {ahead_s}, tick=True).start(); sys.argv = {words!r}; main()"
    )
    environ = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": at.collector_url,
        "VIEWKEEPER_ZONE_KEYS": f"{ZONE}={at.key}",
    }
    program = [sys.executable, "-c", start] if ahead_s else [sys.executable, "-m", *words]
    with log_path.open("wb") as log, process([*place.under, *program], environ, log) as running:
        until(lambda: running.poll() is not None or "ready." in log_path.read_text())
        assert running.poll() is None, log_path.read_text()
        yield log_path


@contextmanager
def process(program: list[str], environ: dict[str, str], log: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process until the block ends."""
    running = subprocess.Popen(program, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(20)


def until(holds: Any) -> None:
    """Wait for something to hold."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
