"""CPU time and memory of processes, as the operating system counts them."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")
KB_PER_MB = 1024
MS_PER_TICK = 1000 / os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, counted after the command name: parent; user and system time, own and of children waited for.
PARENT, TIMES = 1, slice(11, 15)


def measured(work: Callable[[], Result]) -> tuple[Result, float]:
    """What the work gives, and the milliseconds (user and system, all threads) it took of the processor."""
    began = time.process_time()
    return work(), (time.process_time() - began) * 1000


def _stat(pid: int) -> list[str]:
    """The numbers of /proc/PID/stat; none when the process has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def parent_of(pid: int) -> int:
    """The process that started this one, 0 when it has gone."""
    stat = _stat(pid)
    return int(stat[PARENT]) if stat else 0


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    below: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            below[parent_of(int(entry.name))].append(int(entry.name))
    return list(_descend(pid, below))


def _descend(pid: int, below: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in below[pid]:
        yield from _descend(child, below)


def family_cpu_ms(pid: int, without: Iterable[int] = ()) -> float:
    """Milliseconds of a process, of all that descend from it, and of their children that have ended."""
    return sum(cpu_ms(one) for one in set(family(pid)) - set(without))


def cpu_ms(pid: int) -> float:
    """Milliseconds of one process, with its children that have ended; 0 when it has gone."""
    return sum(int(ticks) for ticks in _stat(pid)[TIMES]) * MS_PER_TICK


def family_mb(pid: int) -> float:
    """Megabytes resident of a process and its descendants; what several share is counted once in all."""
    return sum(_resident_kb(one) for one in family(pid)) / KB_PER_MB


def _resident_kb(pid: int) -> int:
    """Its share of resident memory; all of it where the system does not tell shares."""
    try:
        return _line(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
    except OSError:
        pass
    try:
        return _line(Path(f"/proc/{pid}/status"), "VmRSS:")
    except OSError:
        return 0


def _line(path: Path, name: str) -> int:
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
