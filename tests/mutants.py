"""How much the tests notice: random mistakes in the modules that decide, each against the tests of its module.

    python -m tests.mutants [--seed N] [--count 60] [--only PART-OF-A-PATH]

Prints each mistake that no test noticed, and at the end one JSON line; ends with 1 when too few were noticed.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.mutations import Place, mutate, places
from tests.servers import Servers

ROOT = Path(__file__).resolve().parent.parent
# Which tests belong to which modules; those of the same name come first, since they most likely notice.
BELONGS = {
    "monitor/health.py": ["tests/monitor/test_health.py"],
    "monitor/incidents.py": ["tests/monitor/test_incidents.py", "tests/monitor/test_races.py"],
    "monitor/probes": ["tests/monitor/probes"],
    "devices/visibility.py": ["tests/devices/test_visibility.py"],
    "devices/addresses.py": ["tests/devices/test_addresses.py", "tests/devices/test_address_boundaries.py"],
}
# Those start processes or other people's cameras: most mistakes are noticed before their turn.
SLOW = ("test_city.py", "test_cli.py", "test_ipycam.py", "test_fuzz.py", "test_hostile.py", "test_quirks.py")
COPIED = ("devices", "monitor", "templates", "tests", "manage.py", "pyproject.toml")
PROCESSES = 2
WANTED_SHARE = 0.85
# A mistake may make the tests slower without being wrong; this much slower is wrong (an endless loop).
PATIENCE = 3.0
LEAST_PATIENCE_S = 60.0
# How much of what the tests said is shown when they fail by themselves. Characters.
SAID = 3_000


@dataclass(frozen=True)
class Mutant:
    """One mistake in one module."""

    path: str
    place: Place


@dataclass(frozen=True)
class Outcome:
    """What the tests said to a mutant."""

    mutant: Mutant
    killed: bool
    diff: str


def modules() -> list[str]:
    """The modules that decide."""
    found: list[str] = []
    for name in BELONGS:
        path = ROOT / name
        found += [name] if path.is_file() else [str(item.relative_to(ROOT)) for item in sorted(path.glob("*.py"))]
    return found


def belonging(path: str, root: Path = ROOT) -> list[str]:
    """The tests that belong to a module, the nearest first and the slow ones last."""
    [name] = [name for name in BELONGS if path == name or path.startswith(f"{name}/")]
    nearest = f"tests/{Path(path).parent}/test_{Path(path).stem}.py"
    found = [file for item in BELONGS[name] for file in _files(root, item)]
    found.sort(key=lambda file: (file.name in SLOW, str(file) != nearest))
    return [str(file) for file in found]


def _files(root: Path, name: str) -> list[Path]:
    path = root / name
    files = sorted(path.glob("test_*.py")) if path.is_dir() else [path]
    return [file.relative_to(root) for file in files]


def choose(only: str, count: int, seed: int) -> list[Mutant]:
    """So many mutants by chance, each mistake as likely as any other; those that change nothing are passed over."""
    sources = {path: (ROOT / path).read_text(encoding="utf-8") for path in modules() if only in path}
    every = [Mutant(path, place) for path, source in sources.items() for place in places(source)]
    random.Random(seed).shuffle(every)
    real = (mutant for mutant in every if _diff(sources[mutant.path], mutate(sources[mutant.path], mutant.place)))
    return list(islice(real, count))


# -- in a process of its own


class Bench:
    """A copy of the tree, with servers of its own, in which tests are run against mutants."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="viewkeeper-mutants-"))
        for name in COPIED:
            source, target = ROOT / name, self.folder / name
            copy_file = shutil.copytree if source.is_dir() else shutil.copy2
            copy_file(source, target)
        self.said = self.folder / "said.log"
        self.servers = Servers()
        self.servers.start()
        self.databases = 0
        self.limits: dict[frozenset[str], float] = {}
        self.renew()

    def renew(self) -> None:
        """A database of another name: after a run that was killed, nobody knows what the last one holds."""
        self.databases += 1
        parts = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/mutants{self.databases}")
        os.environ["DATABASE_URL"] = urlunsplit(parts)

    def passes(self, paths: Sequence[str], limit_s: float | None = None) -> bool:
        """Whether the tests pass within their time."""
        options = ["-x", "-q", "--reuse-db", "--hypothesis-seed=0", "-p", "no:cacheprovider", "-p", "no:playwright"]
        program = [sys.executable, "-m", "pytest", *options, *paths]
        with (
            self.said.open("wb") as said,
            subprocess.Popen(program, cwd=self.folder, stdout=said, stderr=said, start_new_session=True) as run,
        ):
            try:
                return run.wait(limit_s) == 0
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                self.renew()
                return False

    def limit_s(self, paths: Sequence[str]) -> float:
        """How long the tests may take; measured on the tree as it is, which must pass."""
        key = frozenset(paths)
        if key not in self.limits:
            began = time.monotonic()
            if not self.passes(paths):
                said = self.said.read_text(encoding="utf-8", errors="replace")
                raise SystemExit(f"the tests fail without any mutant: {' '.join(paths)}\n{said[-SAID:]}")
            self.limits[key] = max(LEAST_PATIENCE_S, (time.monotonic() - began) * PATIENCE)
        return self.limits[key]

    def judge(self, mutant: Mutant) -> Outcome:
        """Make the mistake, run the tests, put it right again."""
        paths = belonging(mutant.path, self.folder)
        limit_s = self.limit_s(paths)
        file = self.folder / mutant.path
        source = file.read_text(encoding="utf-8")
        wrong = mutate(source, mutant.place)
        self.write(file, wrong)
        try:
            return Outcome(mutant, not self.passes(paths, limit_s), _diff(source, wrong))
        finally:
            self.write(file, source)

    def write(self, file: Path, source: str) -> None:
        """Write a module, and forget what was compiled of it: two writes in a second look alike to Python."""
        file.write_text(source, encoding="utf-8")
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            compiled.unlink()

    def close(self) -> None:
        """Stop the servers and remove the copy."""
        self.servers.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _diff(source: str, wrong: str) -> str:
    right = ast.unparse(ast.parse(source)).splitlines()
    return "\n".join(list(difflib.unified_diff(right, wrong.splitlines(), lineterm="", n=1))[2:])


def work(mutants: Sequence[Mutant], told: multiprocessing.Queue[Outcome | None]) -> None:
    """Judge mutants one after the other; None at the end."""
    bench = Bench()
    try:
        for mutant in mutants:
            told.put(bench.judge(mutant))
    finally:
        bench.close()
        told.put(None)


# -- the whole


def judged(mutants: Sequence[Mutant]) -> Iterator[Outcome]:
    """What the tests say, as it comes in."""
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[Outcome | None] = context.Queue()
    workers = [context.Process(target=work, args=(mutants[n::PROCESSES], told)) for n in range(PROCESSES)]
    for worker in workers:
        worker.start()
    try:
        for _worker in workers:
            yield from iter(told.get, None)
    finally:
        for worker in workers:
            worker.join()


def main() -> int:
    """Choose, judge, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--only", default="", help="part of a path: only mutants of these modules")
    asked = parser.parse_args()
    mutants = choose(asked.only, asked.count, asked.seed)
    print(f"seed {asked.seed}: {len(mutants)} mutants", flush=True)
    outcomes = []
    for outcome in judged(mutants):
        outcomes.append(outcome)
        where = f"{outcome.mutant.path}:{outcome.mutant.place.line}"
        print(f"{len(outcomes)}/{len(mutants)} {'killed' if outcome.killed else 'SURVIVED'} {where}", flush=True)
        if not outcome.killed:
            print(outcome.diff, flush=True)
    killed = sum(outcome.killed for outcome in outcomes)
    share = killed / len(mutants) if mutants else 0.0
    print(json.dumps({"seed": asked.seed, "count": len(mutants), "killed": killed, "share": round(share, 3)}))
    return 0 if share >= WANTED_SHARE and len(outcomes) == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
