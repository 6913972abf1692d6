"""Specification of the accounting: CPU time and memory of a process with all that descends from it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from monitor.benching import cpu

# A quarter of a second: the system counts in hundredths, and leaves out what is less.
BURN = "import time; began = time.process_time()\nwhile time.process_time() - began < 0.25: pass\n"
PARENT = f"""
import subprocess, sys
{BURN}
subprocess.run([sys.executable, "-c", {BURN!r}])
waits = {BURN!r} + "print('burnt', flush=True); input()"
child = subprocess.Popen([sys.executable, "-c", waits], stdin=subprocess.PIPE)
child.wait()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A process that has worked, whose one child has worked and ended, and whose other child has worked and waits."""
    argv = [sys.executable, "-c", PARENT]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "burnt\n"
        yield process
        os.killpg(process.pid, 9)


def test_a_family_s_time_is_its_own_its_living_and_its_ended_children_s(parent: subprocess.Popen[str]) -> None:
    assert cpu.family_cpu_ms(parent.pid) >= 600
    child = next(pid for pid in cpu.family(parent.pid) if pid != parent.pid)
    assert cpu.parent_of(child) == parent.pid
    assert 400 <= cpu.family_cpu_ms(parent.pid, without=[child]) < cpu.family_cpu_ms(parent.pid)


def test_memory_is_that_of_the_whole_family(parent: subprocess.Popen[str]) -> None:
    child = next(pid for pid in cpu.family(parent.pid) if pid != parent.pid)

    assert cpu.family_mb(parent.pid) > cpu.family_mb(child) > 1


def test_a_process_that_has_gone_takes_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    assert cpu.cpu_ms(process.pid) == cpu.parent_of(process.pid) == 0
    assert cpu.family_mb(process.pid) == 0


def test_the_time_of_some_work_is_told_with_its_result() -> None:
    result, spent_ms = cpu.measured(lambda: sum(math.sqrt(n) for n in range(200_000)))

    assert result > 0
    assert spent_ms > 1
