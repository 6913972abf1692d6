"""Child processes of the launcher: started so that they end with it, noted so that a later launcher finds them.

Each child leads its own session, so that Ctrl-C reaches the launcher alone and whole families can be ended, and the
kernel sends it its stop signal when the launcher dies, however it dies. A note (process id and start time) lets the
next launcher end what was left all the same, without ever hitting a stranger that got the same process id.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
POLL_S = 0.05
KILL_WAIT_S = 2.0
LOG_LIMIT = 10_000_000  # bytes; then the log is kept as ".1" and begun anew
ZOMBIE = "Z"  # ended, and only waiting for its parent to notice
START_TIME_FIELD = 19  # of /proc/PID/stat, counted after the command name: field 22 of proc(5)

Condition = Callable[[], bool]

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Identity:
    """The account a child runs as when the launcher is root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """One child: what to run, with what, where, as whom, and how it is asked to stop."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    stop: signal.Signals = signal.SIGTERM
    identity: Identity | None = None


def nobody() -> Identity | None:
    """The unprivileged account for servers that refuse root; None when we are not root anyway."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Identity(entry.pw_uid, entry.pw_gid)


def die_with_parent(stop: signal.Signals) -> Callable[[], None]:
    """What a child does before it becomes its program: ask the kernel for `stop` at the parent's death."""
    parent = os.getpid()

    def ask() -> None:
        end_with_parent(stop)
        if os.getppid() != parent:  # it died in between, nobody would tell us
            os._exit(1)

    return ask


def end_with_parent(stop: signal.Signals) -> None:
    """Have the kernel (Linux's) send this process a signal when its parent dies."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(stop), 0, 0, 0)


def spawn(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Start a program with its output in `log`."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = program.identity
    with log.open("ab") as output:
        return subprocess.Popen(
            program.argv,
            cwd=program.cwd,
            env=dict(program.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(program.stop),  # noqa: PLW1509 - the launcher has a single thread
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
        )


def attached(program: Program) -> int:
    """Run a program at this very terminal, as it may ask a person, to its end; its exit code."""
    return subprocess.run(program.argv, cwd=program.cwd, env=dict(program.env), check=False).returncode


def stop(process: subprocess.Popen[bytes], how: signal.Signals, patience_s: float) -> bool:
    """Ask a child to end and wait; past `patience_s` its whole family is killed. Whether it ended by itself."""
    ask_to_stop(process, how)
    ended = wait_until(lambda: process.poll() is not None, patience_s)
    kill_family(process.pid)
    process.wait()
    return ended


def ask_to_stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Send a child its stop signal if it still runs."""
    if process.poll() is None:
        process.send_signal(how)


def kill_family(leader: int) -> None:
    """Kill what is left of a child's session, grandchildren included."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def wait_until(done: Condition, patience_s: float) -> bool:
    """Poll until `done` or the time is over; whether it was done."""
    deadline = time.monotonic() + patience_s
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def start_time(pid: int) -> str:
    """When a process started, in the kernel's own count; empty when it has ended (or there is no /proc)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    facts = stat.rpartition(")")[2].split()
    return "" if facts[0] == ZOMBIE else facts[START_TIME_FIELD]


def note(run_dir: Path, program: Program, process: subprocess.Popen[bytes]) -> None:
    """Write down who a child is, for a launcher that comes after a kill."""
    facts = {"pid": process.pid, "started": start_time(process.pid), "stop": int(program.stop)}
    (run_dir / f"{program.name}.pid").write_text(json.dumps(facts))


def forget(run_dir: Path, name: str) -> None:
    """Drop the note of a child that has ended."""
    (run_dir / f"{name}.pid").unlink(missing_ok=True)


def end_leftovers(run_dir: Path, patience_s: float) -> list[str]:
    """End the children that a killed launcher left; the names of those that still ran."""
    ended = []
    for path in sorted(run_dir.glob("*.pid")):
        if _end_leftover(path, patience_s):
            ended.append(path.stem)
        path.unlink(missing_ok=True)
    return ended


def _end_leftover(path: Path, patience_s: float) -> bool:
    try:
        facts = json.loads(path.read_text())
        pid, started, how = int(facts["pid"]), str(facts["started"]), int(facts["stop"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if not started or start_time(pid) != started:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)
    if not wait_until(lambda: start_time(pid) != started, patience_s):
        kill_family(pid)
        wait_until(lambda: start_time(pid) != started, KILL_WAIT_S)
    return True


def begin_log(log: Path) -> None:
    """Keep the last run's log as ".1" and begin a new one."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))


def bound_log(log: Path, limit: int = LOG_LIMIT) -> None:
    """Begin a log anew in place once it is too long; its writer keeps appending to the same file."""
    if log.exists() and log.stat().st_size > limit:
        log.with_suffix(".log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
