"""The virtual city for a while: real workers, a script of faults, kills where asked for, and every verdict checked.

Runs inside the platform that `manage.py soak` makes; `failures` of its report says what was not as it must be: anything
held that is not as scripted, a healthy device called faulty, a device asked impolitely.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis
from django.db import Error, connection
from django.utils import timezone

from devices.models import Device
from monitor import schedule, vision
from monitor.benching.city import draw, own_network
from monitor.benching.crew import Crew
from monitor.benching.failure import BenchFailed
from monitor.benching.fleet_register import burst, enter, refill_s
from monitor.benching.kills import Kills
from monitor.benching.rounds import Say
from monitor.benching.sampling import Sampler
from monitor.benching.table import rounded
from monitor.benching.verdicts import Verdicts
from monitor.policies import Policies
from monitor.simulator.fleet.bank import Gallery, read
from monitor.simulator.fleet.running import NoFleet, RunningFleet
from monitor.wire import Aspect

GLANCE_S, PROCESSES_S = 0.5, 15.0
# Often enough that hardly a device is visited twice in between: only the later visit would be seen.
VISITS_PER_INTERVAL = 30
# Between two kills, once the last one is over; the first one comes when every device was seen a few times.
PAUSE_S, WARM_INTERVALS = 5.0, 4
# Scenes that the cameras see, and pictures of each that their views are learned from.
SCENES, PICTURES_LEARNED = 4, 3
NICENESS = 10


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


def soak(options: Options, say: Say) -> dict[str, Any]:
    """The whole run; its report."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="viewkeeper-soak-")))
        gallery = Gallery(str(folder), scenes=SCENES)
        draw(gallery)
        running = stack.enter_context(_city(options, folder))
        device_ids = enter(running.fleet, _views(gallery), options.speed)
        say(f"{len(device_ids)} devices in the register")
        crew = stack.enter_context(_crew(folder, options.probes))
        report = Watch(options, running, device_ids, crew, say).run()
    report["violations"] = _violations(running.told)
    return rounded({**report, "failures": failures(report)})


@contextmanager
def _city(options: Options, pictures: Path) -> Iterator[RunningFleet]:
    try:
        with RunningFleet(
            devices=options.devices,
            hosts=own_network(),
            script=options.script,
            speed=options.speed,
            burst=burst(options.speed),
            refill=refill_s(options.speed),
            scenes=SCENES,
            pictures=pictures,
        ) as running:
            yield running
    except NoFleet as error:
        raise BenchFailed(f"the virtual city does not start: {error}") from error


def _views(gallery: Gallery) -> dict[int, bytes]:
    """The learned view of each scene."""
    return {
        scene: vision.learn([vision.decode(bytes(one)) for one in read(gallery.file(scene))[:PICTURES_LEARNED]]).dumps()
        for scene in range(gallery.scenes)
    }


@contextmanager
def _crew(folder: Path, probes: int) -> Iterator[Crew]:
    crew = Crew(folder, probes)
    try:
        yield crew
    finally:
        crew.stop()


@contextmanager
def _giving_way() -> Iterator[None]:
    """Let what is watched go before the watching, whose checks of all devices would hold it up."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.nice(NICENESS)
    try:
        yield
    finally:
        with suppress(PermissionError):  # only root may be less patient again
            os.setpriority(os.PRIO_PROCESS, 0, before)


class Watch:
    """What is looked at while the city runs."""

    def __init__(self, options: Options, running: RunningFleet, device_ids: list[int], crew: Crew, say: Say) -> None:
        self.options = options
        self.crew = crew
        self.say = say
        schedule.sync(timezone.now())
        self.since = time.time()
        self.until = self.since + options.minutes * 60
        terms = Policies().of_device(Device.objects.select_related("endpoint").get(pk=device_ids[0]))
        script, seconds = running.script()
        began = time.time() - seconds / options.speed
        self.verdicts = Verdicts(running.fleet, script, device_ids, terms, options.speed, began)
        healthy = [
            device_id
            for index, device_id in enumerate(device_ids)
            if running.fleet.kind(index) == "camera" and not self.verdicts.ever_ails(index, self.until)
        ]
        self.sampler = Sampler(crew, healthy, terms.heartbeat_s, terms.picture_s)
        self.kills = Kills(crew, healthy, terms.heartbeat_s, options.seed)
        self.heartbeat_s = terms.heartbeat_s
        # What was held up by the last kill is made good before the last check.
        self.quiet_from = self.until - self.verdicts.settle_s(Aspect.PICTURE) - self.kills.allowed_s

    def run(self) -> dict[str, Any]:
        """Watch to the end."""
        with _giving_way():
            return self._watch()

    def _watch(self) -> dict[str, Any]:
        turns = [
            Turn(self.sampler.visits, self.heartbeat_s / VISITS_PER_INTERVAL),
            Turn(self.sampler.processes, PROCESSES_S),
            Turn(self._check, self.heartbeat_s),
        ]
        if self.options.kills:
            turns.append(Turn(self._kill, GLANCE_S, first=WARM_INTERVALS * self.heartbeat_s))
        while time.time() < self.until:
            self.crew.watch()
            for turn in turns:
                turn.take()
            time.sleep(GLANCE_S)
        self._check()
        return self._report()

    def _check(self) -> None:
        wrong = self.verdicts.check(time.time(), self.since)
        self.say(f"{self.verdicts.checked} verdicts checked, {len(wrong)} wrong now")
        for item in wrong[:3]:
            self.say(f"  {item}")

    def _kill(self) -> None:
        last = self.kills.done[-1] if self.kills.done else None
        if last is not None and last.even_s is None and not self.kills.follow(last):
            return
        if time.time() > self.quiet_from:
            return
        if last is None or time.time() - last.at > (last.even_s or 0.0) + PAUSE_S:
            kill = self.kills.next()
            self.say(f"kill -9 {kill.what} ({kill.point}{'' if kill.hit else ', missed'})")

    def _report(self) -> dict[str, Any]:
        return {
            "options": asdict(self.options),
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


def _violations(told: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told.get("violations", {"total": {"the fleet told nothing": 1}, "devices": {}})
    some = dict(list(found["devices"].items())[:10])
    return {"total": found["total"], "devices": len(found["devices"]), "some": some, "counts": told.get("counts", {})}


# What a run in real time is held to; where a virtual day is hurried through, a tick alone is longer than the first.
_LIMITS: tuple[tuple[tuple[str, str], float, str], ...] = (
    (("heartbeat", "lag_p99_share"), 0.1, "heartbeats late by this share of their interval (99 of 100)"),
    (("picture", "lag_p99_share"), 0.1, "pictures late by this share of their interval (99 of 100)"),
    (("heartbeat", "max_over_min"), 1.2, "the longest interval by the shortest"),
    (("rss_mb", "most"), 1536.0, "MB of memory"),
    (("rss_mb", "growth"), 1.1, "memory at the end by that in the middle"),
    (("core_seconds_per_second", "all"), 2.0, "cores"),
)


def _beyond(report: Mapping[str, Any]) -> list[str]:
    found = [(report[part][name], limit, what) for (part, name), limit, what in _LIMITS]
    return [f"{what}: {value:.2f}, at most {limit:g}" for value, limit, what in found if value and value > limit]


def failures(report: Mapping[str, Any]) -> list[str]:
    """What was not as it must be, each in a line."""
    said = []
    if report["verdicts"]["mismatches"]:
        said.append(f"{len(report['verdicts']['mismatches'])} verdicts are wrong at the end")
    if report["wronged"]:
        said.append(f"{len(report['wronged'])} times a device was called faulty that nothing ailed")
    if report["kills"] and report["kills"]["late"]:
        said.append(f"after {report['kills']['late']} kills the platform was not even again within two intervals")
    if report["kills"] and report["kills"]["missed"]:
        said.append(f"{report['kills']['missed']} kills missed their point")
    if report["options"]["speed"] == 1:
        said += _beyond(report)
    said += [f"impolite: {rule} {count} times" for rule, count in report["violations"]["total"].items()]
    return said
