"""kill -9 at random and at named points, and how the platform gets over it.

Nothing in the product knows the points: each is a moment that can be observed from outside. When it shows, the whole
family of the process is killed at once.

    claimed        a new lease appears in the schedule: the claim has committed and its order is not sent yet
                   (orders are sealed and sent after it); the worker of the tick is killed
    half received  the probe worker has connections to devices: a visit is under way; it is killed
    before commit  a transaction that has written states is open in PostgreSQL; the record worker is killed
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from monitor.benching.cpu import family
from monitor.benching.crew import Crew
from monitor.benching.sampling import late_now
from monitor.benching.scratch import ZONE

AT_RANDOM = ("probe", "record", "postgres", "redis")
POINTS = ("claimed", "half received", "before commit")
# After so many times what is allowed, the next kill is not kept waiting.
GIVEN_UP = 6
# A point shows within so long, or it is missed this time.
PATIENCE_S = 20.0
# Between two looks for a moment that lasts some milliseconds.
GLANCE_S = 0.001
DEVICES_NET = 127  # the first number of every virtual device's address
ESTABLISHED = "01"  # in /proc/net/tcp


@dataclass(slots=True)
class Kill:
    """One kill: of what, where, whether the point showed, and after how many seconds all were seen again."""

    what: str
    point: str
    at: float
    hit: bool
    even_s: float | None = None
    orphans: int = 0


class Kills:
    """Kills in turn, each when the last one is over."""

    def __init__(self, crew: Crew, device_ids: Sequence[int], heartbeat_s: int, seed: int) -> None:
        self._crew = crew
        self._healthy = device_ids
        self._heartbeat_s = heartbeat_s
        self._dice = random.Random(seed)  # noqa: S311 - nothing is protected by it
        self._turn = 0
        self.done: list[Kill] = []

    @property
    def allowed_s(self) -> float:
        """Within two intervals all are to be seen again."""
        return 2.0 * self._heartbeat_s

    def next(self) -> Kill:
        """Kill something: one at random, then one at a point, and so on."""
        self._turn += 1
        if self._turn % 2:
            what = self._name(self._dice.choice(AT_RANDOM))
            self._crew.kill(what)
            kill = Kill(what, "any", time.time(), hit=True)
        else:
            kill = self._at_point(POINTS[self._turn // 2 % len(POINTS)])
        self.done.append(kill)
        return kill

    def follow(self, kill: Kill) -> bool:
        """Whether it is over: all healthy devices were seen since, no lease is left over; or it takes too long."""
        waited = time.time() - kill.at
        late, orphans = late_now(self._healthy, self._heartbeat_s)
        seen_s = late * self._heartbeat_s
        if seen_s < waited and not orphans:
            kill.even_s = waited
            return True
        kill.orphans = orphans
        return waited > GIVEN_UP * self.allowed_s

    def _name(self, part: str) -> str:
        same = [name for name in self._crew.workers if name.startswith(part)]
        return self._dice.choice(same) if same else part

    def _at_point(self, point: str) -> Kill:
        name = self._name("probe" if point == "half received" else "record")
        shows = self._watch(point, name)
        until = time.monotonic() + PATIENCE_S
        while not (hit := shows()) and time.monotonic() < until:
            time.sleep(GLANCE_S)
        self._crew.kill(name)
        return Kill(name, point, time.time(), hit)

    def _watch(self, point: str, name: str) -> Callable[[], bool]:
        """What is looked at again and again."""
        if point == "claimed":
            known = _leases()
            return lambda: bool(_leases() - known) and not _waiting()
        if point == "half received":
            pid = self._crew.pids()[name]
            return lambda: _dialled(pid)
        return _is_writing

    def told(self) -> dict[str, Any]:
        """All kills and how long it took to be even again."""
        late = [one for one in self.done if one.even_s is None or one.even_s > self.allowed_s]
        return {
            "kills": len(self.done),
            "by_point": {point: sum(one.point == point and one.hit for one in self.done) for point in ("any", *POINTS)},
            "allowed_s": self.allowed_s,
            "missed": sum(not one.hit for one in self.done),
            "longest_s": max((one.even_s or 0.0 for one in self.done), default=None),
            "late": len(late),
            "each": [asdict(one) for one in self.done],
        }


def _leases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT lease::text FROM monitor_schedule WHERE lease IS NOT NULL")
        return {lease for (lease,) in cursor}


def _waiting() -> int:
    """Orders that wait for a probe worker."""
    store = redis.Redis.from_url(settings.REDIS_URL)
    try:
        return int(store.llen(f"probe.{ZONE}"))
    finally:
        store.close()


def _is_writing() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() "
            "AND query ILIKE '%%monitor_devicestate%%' AND query NOT ILIKE 'select%%')"
        )
        return bool(cursor.fetchone()[0])


def _dialled(pid: int) -> bool:
    """Whether a process has a connection to a device, none of which is at 127.0.x.x where the servers are."""
    mine = {inode for one in family(pid) for inode in _sockets(one)}
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return any(_is_to_device(line.split(), mine) for line in lines)


def _sockets(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def _is_to_device(parts: Sequence[str], mine: set[str]) -> bool:
    """Columns of /proc/net/tcp: remote address, state, inode."""
    address, state, inode = parts[2].partition(":")[0], parts[3], parts[9]
    numbers = bytes.fromhex(address)[::-1]
    return state == ESTABLISHED and inode in mine and numbers[0] == DEVICES_NET and numbers[1] != 0
