"""Where the CPU time goes, function by function: the parts of a visit one after the other in this one process.

Shares are right, sums are not: the profiler itself makes small functions dear.
"""

from __future__ import annotations

import asyncio
import cProfile
import io
import pstats
from collections.abc import Callable, Sequence
from typing import Any

import redis
from django.conf import settings
from django.utils import timezone

from monitor import tasks
from monitor.benching import scenes
from monitor.benching.city import Camera, cameras
from monitor.benching.micro import claim_due
from monitor.benching.register import register
from monitor.benching.rounds import Say, make_due
from monitor.benching.scratch import ZONE
from monitor.collector import collector
from monitor.models import Schedule
from monitor.probes.pictures import look
from monitor.probes.session import Session
from monitor.probes.visit import visit
from monitor.targets import targets
from monitor.wire import Order, Reading, Results, Target, open_order, open_results, seal

LINES = 35
AGE_S = 600
WARM_ROUNDS = 2


def profiled(devices: int, say: Say) -> str:
    """Heartbeats and pictures of so many devices, profiled part by part."""
    with cameras(devices) as found:
        bank = scenes.fetch(found)
        owners = register(found, scenes.learned(bank))
        say("cameras in the register")
        profile = Profile(owners, bank)
        for _round in range(WARM_ROUNDS):
            profile.warm_up()
        return "\n".join(profile.parts(pictures=pictures) for pictures in (False, True))


class Profile:
    """One process that is beat, probe and record in turn."""

    def __init__(self, owners: dict[int, Camera], bank: scenes.Bank) -> None:
        self.owners = owners
        self.bank = bank
        self.collector = collector(ZONE)
        self.runner = asyncio.Runner()
        self.session = self.runner.run(_session(self.collector.shelf.put))

    def warm_up(self) -> None:
        """One round that nobody looks at."""
        sealed = seal(Results(tuple(self._visit(self._claimed(pictures=True)))), self.collector.keys)
        tasks.record(ZONE, sealed)

    def parts(self, *, pictures: bool) -> str:
        """Tick, probe (with judging apart) and record of one round."""
        kind = "picture visits" if pictures else "heartbeats"
        make_due(list(self.owners), pictures=pictures)
        told = [_top(f"tick, {len(self.owners)} {kind}", tasks.tick)[1]]
        redis.Redis.from_url(settings.REDIS_URL).flushdb()  # what was sent is claimed anew below
        due = self._claimed(pictures=pictures)
        keys = self.collector.keys
        order = seal(Order(tuple(due)), keys)
        told.append(_top("opening the order", lambda: open_order(order, keys, AGE_S))[1])
        if pictures:
            told.append(_top("decoding and judging", lambda: self._judge(due))[1])
        readings, told_visit = _top(f"the probe's event loop, {kind}", lambda: self._visit(due))
        sealed, told_seal = _top("sealing the results", lambda: seal(Results(tuple(readings)), keys))
        told += [told_visit, told_seal]
        told.append(_top("opening the results", lambda: open_results(sealed, keys, AGE_S))[1])
        told.append(_top(f"recording, {kind}", lambda: tasks.record(ZONE, sealed))[1])
        return "\n".join(told)

    def _claimed(self, *, pictures: bool) -> list[Target]:
        _give_back()
        make_due(list(self.owners), pictures=pictures)
        now = timezone.now()
        return targets(claim_due(now, len(self.owners), pictures=pictures), now)

    def _visit(self, due: Sequence[Target]) -> list[Reading]:
        return self.runner.run(_visits(due, self.session))

    def _judge(self, due: Sequence[Target]) -> None:
        for target in due:
            for subject in target.subjects:
                look(self.bank[self.owners[subject.device_id].scene][-1], subject, self.collector.shelf.put)


def _give_back() -> None:
    """Whatever an earlier part has claimed can be claimed again."""
    Schedule.objects.exclude(lease=None).update(lease=None, leased_until=None)


async def _session(keep: Callable[[int, bytes, bytes | None], str]) -> Session:
    return Session(keep)


async def _visits(due: Sequence[Target], session: Session) -> list[Reading]:
    found = await asyncio.gather(*(visit(target, session) for target in due))
    return [reading for readings in found for reading in readings]


def _top(title: str, work: Callable[[], Any]) -> tuple[Any, str]:
    """What the work gives, and the functions that it spent most time in."""
    profiler, out = cProfile.Profile(), io.StringIO()
    result = profiler.runcall(work)
    stats = pstats.Stats(profiler, stream=out).strip_dirs()
    stats.sort_stats("tottime").print_stats(LINES)
    stats.sort_stats("cumulative").print_stats(LINES)
    return result, f"==== {title}\n{out.getvalue()}"
