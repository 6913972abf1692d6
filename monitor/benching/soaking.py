"""The virtual city for a while: real workers, a script of faults, kills where asked for, and every verdict checked.

    python -m monitor.benching.soaking OPTIONS   (a JSON object; see `Options`)

Runs inside the platform that `manage.py soak` makes. Prints a report as JSON; the exit code is 1 when anything that was
held was not as scripted, when a healthy device was called faulty, or when a device was asked impolitely.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import django
import redis
from django.db import Error, connection

FAILED = 1
# The fleet is on addresses of its own, apart from a bench's.
HOSTS = "127.4.0.0/14"
GLANCE_S, PROCESSES_S = 0.5, 15.0
# Between two kills, once the last one is over.
PAUSE_S = 5.0
# Scenes that the cameras see, and pictures of each that their views are learned from.
SCENES, PICTURES_LEARNED = 4, 3

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Options:
    """What a soak is asked for."""

    minutes: float = 10.0
    devices: int = 2_000
    speed: float = 1.0
    script: str = "storm"
    kills: bool = False
    probes: int = 2
    seed: int = 1


def main(arguments: Sequence[str]) -> int:
    """Soak, and tell."""
    django.setup()
    from monitor.benching.failure import BenchFailed
    from monitor.benching.sampling import rounded

    options = Options(**json.loads(arguments[0]))
    try:
        report = rounded(Soak(options).run())
    except BenchFailed as failure:
        print(f"soak: {failure}", file=sys.stderr)
        return FAILED
    print(json.dumps(report, indent=1, default=str))
    return FAILED if report["failures"] else 0


class Soak:
    """One run."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> dict[str, Any]:
        """The whole run; its report."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="viewkeeper-soak-")))
            running, device_ids = self._city(stack, folder)
            say(f"{len(device_ids)} devices in the register")
            crew = stack.enter_context(_crew(folder, self.options.probes))
            report = Watch(self.options, running, device_ids, crew).run()
        report["violations"] = _violations(running.told)
        return {**report, "failures": failures(report)}

    def _city(self, stack: ExitStack, folder: Path) -> tuple[Any, list[int]]:
        """The fleet, and the register that matches it."""
        from monitor import vision
        from monitor.benching import fleet_register
        from monitor.benching.city import draw
        from monitor.benching.failure import BenchFailed
        from monitor.simulator.fleet.bank import Gallery, read
        from monitor.simulator.fleet.running import NoFleet, RunningFleet

        asked = self.options
        gallery = Gallery(str(folder), scenes=SCENES)
        draw(gallery)
        try:
            running = stack.enter_context(
                RunningFleet(
                    devices=asked.devices,
                    hosts=HOSTS,
                    script=asked.script,
                    speed=asked.speed,
                    refill=fleet_register.refill_s(asked.speed),
                    scenes=SCENES,
                    pictures=folder,
                )
            )
        except NoFleet as error:
            raise BenchFailed(f"the virtual city does not start: {error}") from error
        models = {
            scene: vision.learn(
                [vision.decode(bytes(one)) for one in read(gallery.file(scene))[:PICTURES_LEARNED]]
            ).dumps()
            for scene in range(gallery.scenes)
        }
        return running, fleet_register.enter(running.fleet, models, asked.speed)


class Watch:
    """What is looked at while the city runs."""

    def __init__(self, options: Options, running: Any, device_ids: list[int], crew: Any) -> None:
        from django.utils import timezone

        from monitor import schedule
        from monitor.benching.kills import Kills
        from monitor.benching.sampling import Sampler
        from monitor.benching.verdicts import Verdicts
        from monitor.wire import Aspect

        self.options = options
        self.crew = crew
        schedule.sync(timezone.now())
        self.since = time.time()
        terms = _terms(device_ids[0])
        script, seconds = running.script()
        began = time.time() - seconds / options.speed
        self.verdicts = Verdicts(running.fleet, script, device_ids, terms, options.speed, began)
        until = self.since + options.minutes * 60
        healthy = [
            device_ids[index]
            for index in range(len(device_ids))
            if running.fleet.kind(index) == "camera" and not self.verdicts.ever_ails(index, until)
        ]
        self.sampler = Sampler(crew, healthy, terms.heartbeat_s, terms.picture_s)
        self.kills = Kills(crew, healthy, terms.heartbeat_s, options.seed)
        self.heartbeat_s = terms.heartbeat_s
        self.until = until
        self.quiet_from = until - self.verdicts.settle_s(Aspect.PICTURE) - self.kills.allowed_s

    def run(self) -> dict[str, Any]:
        """Watch to the end."""
        turns = [
            Turn(self.sampler.visits, self.heartbeat_s / 4),
            Turn(self.sampler.processes, PROCESSES_S),
            Turn(self._check, self.heartbeat_s),
        ]
        if self.options.kills:
            turns.append(Turn(self._kill, GLANCE_S, first=self._warm_s()))
        while time.time() < self.until:
            self.crew.watch()
            for turn in turns:
                turn.take()
            time.sleep(GLANCE_S)
        self._check()
        return self._report()

    def _warm_s(self) -> float:
        return 4.0 * float(self.heartbeat_s)

    def _check(self) -> None:
        wrong = self.verdicts.check(time.time(), self.since)
        say(f"{self.verdicts.checked} verdicts checked, {len(wrong)} wrong now")
        for item in wrong[:3]:
            say(f"  {item}")

    def _kill(self) -> None:
        last = self.kills.done[-1] if self.kills.done else None
        if last is not None and last.even_s is None and not self.kills.follow(last):
            return
        if time.time() > self.quiet_from:  # what was held up by the last kill is made good before the last check
            return
        if last is None or time.time() - last.at > (last.even_s or 0.0) + PAUSE_S:
            kill = self.kills.next()
            say(f"kill -9 {kill.what} ({kill.point}{'' if kill.hit else ', missed'})")

    def _report(self) -> dict[str, Any]:
        return {
            "options": {name: getattr(self.options, name) for name in Options.__slots__},
            "verdicts": self.verdicts.told(),
            "wronged": self.verdicts.wronged(self.until),
            "kills": self.kills.told() if self.options.kills else {},
            **self.sampler.told(),
        }


class Turn:
    """Something done every so often; while the database or the broker is down it is put off."""

    def __init__(self, work: Callable[[], None], every_s: float, first: float = 0.0) -> None:
        self._work = work
        self._every_s = every_s
        self._due = time.monotonic() + first

    def take(self) -> None:
        """Do it when it is due."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + self._every_s
        try:
            self._work()
        except (Error, redis.RedisError):
            connection.close()


@contextmanager
def _crew(folder: Path, probes: int) -> Iterator[Any]:
    from monitor.benching.crew import Crew

    crew = Crew(folder, probes)
    try:
        yield crew
    finally:
        crew.stop()


def _terms(device_id: int) -> Any:
    from devices.models import Device
    from monitor.policies import Policies

    return Policies().of_device(Device.objects.select_related("endpoint").get(pk=device_id))


def _violations(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told.get("violations", {"total": {"the fleet told nothing": 1}, "devices": {}})
    some = dict(list(found["devices"].items())[:10])
    return {"total": found["total"], "devices": len(found["devices"]), "some": some, "counts": told.get("counts", {})}


def failures(report: dict[str, Any]) -> list[str]:
    """What was not as it must be, each in a line."""
    said = []
    if report["verdicts"]["mismatches"]:
        said.append(f"{len(report['verdicts']['mismatches'])} verdicts are wrong at the end")
    if report["wronged"]:
        said.append(f"{len(report['wronged'])} times a device was called faulty that nothing ailed")
    if report["kills"] and report["kills"]["late"]:
        said.append(f"after {report['kills']['late']} kills the platform was not even again in time")
    said += [f"impolite: {rule} {count} times" for rule, count in report["violations"]["total"].items()]
    return said


def say(line: str) -> None:
    """Tell how far it is, and when."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
