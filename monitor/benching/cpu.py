"""CPU time and memory of a process, as the operating system counts them."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")
KIB, MIB = 1024, 1024 * 1024


def measured(work: Callable[[], Result]) -> tuple[Result, float]:
    """What the work gives, and the milliseconds (user and system, all threads) it took of the processor."""
    began = time.process_time()
    return work(), (time.process_time() - began) * 1000


def resident_mb() -> float:
    """Memory that is resident now, in MB; the largest so far where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB / MIB
    return pages * resource.getpagesize() / MIB
