"""What others take for the same cameras: rounds of the floor, the naive way, and of programs that may be installed.

Each peer is a process of its own, driven a round at a time between our own rounds, so that all of them have the
machine's same good and bad minutes. Only its own CPU time is counted, not that of what drives it.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import quote

from monitor.benching.city import Camera
from monitor.benching.cpu import cpu_ms
from monitor.benching.failure import BenchFailed
from monitor.benching.floor import CLOCK, DEVICE_PATH, HEADERS
from monitor.quickstart.layout import BASE
from monitor.quickstart.ports import any_free
from monitor.quickstart.processes import wait_until

# Milliseconds of CPU time per visit in one more round.
Round = Callable[[], float]

FLOOR_CAMERAS, NAIVE_CAMERAS, FPING_CAMERAS = 50, 8, 300
BLACKBOX_PROBES = 200
READY_PATIENCE_S = 30.0
STOP_PATIENCE_S = 5.0
BLACKBOX, FPING = "prometheus-blackbox-exporter", "fping"


class Peers:
    """The peers that are installed, and the figures of their rounds by name."""

    def __init__(self, rounds: dict[str, Round]) -> None:
        self._rounds = rounds
        self.figures: dict[str, list[float]] = {name: [] for name in NAMES}

    def round(self, *names: str) -> None:
        """One more round of these."""
        for name in names:
            if name in self._rounds:
                self.figures[name].append(self._rounds[name]())

    def warm_up(self) -> None:
        """A round that does not count: what is loaded once, connected once and learned once is then there."""
        for work in self._rounds.values():
            work()

    def ms(self, name: str) -> float | None:
        """Milliseconds of CPU time per visit, of the round in the middle; None where it is not installed."""
        return statistics.median(self.figures[name]) if self.figures[name] else None


NAMES = ("floor", "naive", "blackbox", "fping")


@contextmanager
def peers(cameras: Sequence[Camera], folder: Path) -> Iterator[Peers]:
    """The peers, ready for their rounds."""
    with ExitStack() as stack:
        rounds: dict[str, Round] = {
            "floor": stack.enter_context(_child("floor", cameras[:FLOOR_CAMERAS], folder)),
            "naive": stack.enter_context(_child("naive", _simple(cameras), folder)),
        }
        if shutil.which(BLACKBOX):
            rounds["blackbox"] = stack.enter_context(_blackbox(cameras, folder))
        if shutil.which(FPING):
            rounds["fping"] = _fping([camera.host for camera in cameras[:FPING_CAMERAS]])
        yield Peers(rounds)


# -- other ways to poll, in Python


def _simple(cameras: Sequence[Camera]) -> list[Camera]:
    """The first ones that a first script gets on with: onvif-zeep knows WS-Security only."""
    return list(islice((camera for camera in cameras if camera.wsse), NAIVE_CAMERAS))


@contextmanager
def _child(name: str, cameras: Sequence[Camera], folder: Path) -> Iterator[Round]:
    file = folder / f"{name}.json"
    file.touch(0o600)
    file.write_text(json.dumps([(item.address, item.username, item.password) for item in cameras]), encoding="utf-8")
    argv = [sys.executable, "-m", f"monitor.benching.{name}", str(file)]
    pipe = subprocess.PIPE
    with (
        (folder / f"{name}.log").open("w+", encoding="utf-8") as log,
        subprocess.Popen(argv, cwd=BASE, stdin=pipe, stdout=pipe, stderr=log, text=True) as process,
    ):
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 - asked for above
        asked, told = process.stdin, process.stdout
        yield lambda: _ask(asked, told, name, log)
        asked.close()


def _ask(asked: IO[str], told: IO[str], name: str, log: IO[str]) -> float:
    try:
        print("round", file=asked, flush=True)
        return float(told.readline())
    except (OSError, ValueError):
        raise BenchFailed(f"the {name} way failed: {_last_line(log)}") from None


def _last_line(log: IO[str]) -> str:
    log.seek(0)
    return (log.read().strip().splitlines() or ["no message"])[-1]


# -- blackbox_exporter: the heartbeat's request, as its http probe makes it


@contextmanager
def _blackbox(cameras: Sequence[Camera], folder: Path) -> Iterator[Round]:
    config = folder / "blackbox.yml"
    asks = {"method": "POST", "headers": HEADERS, "body": CLOCK.decode(), "preferred_ip_protocol": "ip4"}
    # JSON is YAML, too.
    config.write_text(json.dumps({"modules": {"clock": {"prober": "http", "timeout": "5s", "http": asks}}}))
    port = any_free()
    process = subprocess.Popen(
        [BLACKBOX, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        if not wait_until(lambda: _answers(client), READY_PATIENCE_S):
            raise BenchFailed(f"{BLACKBOX} does not start")
        turn = cycle(cameras)
        yield lambda: _probe(client, process.pid, list(islice(turn, BLACKBOX_PROBES)))
    finally:
        process.terminate()
        process.wait(STOP_PATIENCE_S)


def _answers(client: http.client.HTTPConnection) -> bool:
    try:
        client.request("GET", "/-/healthy")
        return client.getresponse().read() != b""
    except OSError:
        client.close()
        return False


def _probe(client: http.client.HTTPConnection, pid: int, cameras: Sequence[Camera]) -> float:
    before = cpu_ms(pid)
    for camera in cameras:
        client.request("GET", f"/probe?module=clock&target={quote(camera.address + DEVICE_PATH)}")
        if b"\nprobe_success 1" not in client.getresponse().read():
            raise BenchFailed(f"{BLACKBOX} does not see the virtual camera at {camera.address}")
    return (cpu_ms(pid) - before) / len(cameras)


# -- fping


def _fping(hosts: Sequence[str]) -> Round:
    def work() -> float:
        with TemporaryFile("w+", encoding="ascii") as asked:
            asked.write("\n".join(hosts))
            asked.seek(0)
            process = subprocess.Popen(
                [FPING, "-q", "-c", "1", "-i", "1", "-f", "-"],
                stdin=asked,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        _pid, _status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(_status)
        if process.returncode:
            raise BenchFailed(f"{FPING} does not reach the virtual cameras")
        return (used.ru_utime + used.ru_stime) * 1000 / len(hosts)

    return work
