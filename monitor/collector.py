"""The probe worker: its own Celery app, with the broker and the zones' keys, without Django and without a database.

    celery -A monitor.collector worker -P threads -Q probe.<zone>
    celery -A monitor.collector worker -P threads -Q look.<zone>

A task opens the sealed targets, hands them to the process's one event loop, and sends sealed readings on to `record` as
they come in, so that one slow camera does not hold up the news of the others (DESIGN, decisions 1, 2, 9 and 10).

Messages are acknowledged when a thread takes them, not when they are done: what a killed process had taken is due again
as soon as its leases end, and a batch that was handed out twice would visit cameras that another visit is at. A message
waits in the process only while all threads are busy, and grows old there as it would at the broker.
"""

from __future__ import annotations

import logging
import queue
import resource
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any

import redis
from celery import Celery, Task
from celery.worker.request import Request as CeleryRequest
from cryptography.fernet import Fernet, MultiFernet

from monitor import env, heap
from monitor.brokerclock import BrokerClock
from monitor.probes import canary, wallclock
from monitor.probes.batch import Memory, Tell, Went, watched
from monitor.probes.canary import Watch
from monitor.probes.doubt import BLIND, bad, doubted
from monitor.probes.runner import Loop
from monitor.probes.session import Session
from monitor.probes.talk import OnStep
from monitor.sealing import Sealer
from monitor.shelf import Putting, take_order
from monitor.wire import (
    LONGEST_WAIT_S,
    Finding,
    Order,
    Reading,
    Refused,
    Report,
    Request,
    Results,
    Target,
    dump,
    open_order,
    plain,
    seal,
)

log = logging.getLogger(__name__)

# Connections of one process: its visits, their streams, the broker.
OPEN_FILES = 8_192
# Readings travel on in helpings of this many seconds.
HELPING_S = 1.0
# A step of a look that comes later than this finds nobody who watches. Seconds.
STEP_LIFE_S = 60

with env.one_line_refusals():
    _KEYS = env.zone_keys("VIEWKEEPER_ZONE_KEYS")
    _BROKER = env.redis_address("REDIS_URL")

# What was taken and not acknowledged is noted at the broker under names that only collectors of the same zones know,
# so that a collector of another zone needs no right to read it.
_OWN = "+".join(sorted(_KEYS))

app = Celery("collector", fixups=())  # Django is not loaded even where its settings are named
app.conf.update(
    broker_url=_BROKER,
    broker_transport_options={
        # One list for each queue: the rights at the broker name it exactly.
        "priority_steps": [0],
        "unacked_key": f"unacked:{_OWN}",
        "unacked_index_key": f"unacked_index:{_OWN}",
        "unacked_mutex_key": f"unacked_mutex:{_OWN}",
    },
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
)


class Ageless(CeleryRequest):  # type: ignore[misc]  # Celery has no types
    """A message to a collector. Celery would compare its expiry with this machine's clock, which may be wrong.

    Orders carry their age inside the seal, and are refused by the broker's clock.
    """

    def maybe_expire(self) -> bool:
        """Never by this machine's clock."""
        return False


class Asked(Task):  # type: ignore[misc]  # Celery has no types
    """A task that an order asks for."""

    Request = Ageless


def widen() -> None:
    """Allow as many open files as there may be visits: a service's usual limit is a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Cpu:
    """The processor time of this process, handed out in shares whose sum is the whole."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told = 0.0

    def share(self) -> float:
        """Seconds used since the last share."""
        with self._lock:
            used, self._told = time.process_time() - self._told, time.process_time()
            return used


class Collector:
    """What a probe process keeps for one zone: its key, its event loop, its way to the broker."""

    def __init__(self, zone: str) -> None:
        if zone not in _KEYS:
            raise Refused(f"zone {zone} has no key here: VIEWKEEPER_ZONE_KEYS names {', '.join(_KEYS) or 'none'}")
        self.zone = zone
        self.keys = MultiFernet([Fernet(key) for key in _KEYS[zone]])
        self.store = redis.Redis.from_url(_BROKER)
        self.shelf = Putting(self.store, Sealer(_KEYS[zone]))
        self.session = Session(keep_picture=self.shelf.put)
        self.loop = Loop(self.session)
        self.memory = Memory()
        self.clock = BrokerClock(self.store)
        widen()
        heap.settle()

    def visit(self, key: str, name: str) -> int:
        """Carry out an order and send the readings on as they come in, the report last; give how many there were."""
        order = self._open(key)
        told: queue.SimpleQueue[list[Reading] | None] = queue.SimpleQueue()
        work = self.loop.submit(watched(order, self._visits, told.put, self.session.names, self.memory))
        work.add_done_callback(lambda _work: told.put(None))
        sent = 0
        for readings, last in _helpings(told):
            self._send(readings, report=self._report(order, work, name) if last else None)
            sent += len(readings)
        work.result()  # a bug of ours is raised here
        return sent

    def look(self, key: str, look_id: int, on_step: OnStep) -> int:
        """Visit for a person who watches; give how many readings there were.

        They see each step as it is, but what a zone without its canaries shows is not held against the device.
        """
        order = self._open(key)
        sight = self.loop.submit(canary.look(order.canaries, self.session.names))
        readings = self.loop.run_batch(order.targets, on_step)
        if sight.result() is Watch.LOST:
            readings = [doubted(reading, BLIND) if bad(reading) else reading for reading in readings]
        self._send(readings, look_id)
        return len(readings)

    def send_step(self, look_id: int, number: int, step: dict[str, Any]) -> None:
        """Send one step of a look on its way to the page."""
        sealed = self.keys.encrypt_at_time(dump(step), wallclock.seconds()).decode()
        until = wallclock.now() + timedelta(seconds=STEP_LIFE_S)
        _send("monitor.tasks.look_step", [self.zone, look_id, number, sealed], expires=until)

    def _open(self, key: str) -> Order:
        """An order off the shelf, its age told by the broker's clock."""
        wallclock.correct(self.clock.keep() or 0.0)
        order = open_order(take_order(self.store, self.zone, key), self.keys, LONGEST_WAIT_S, wallclock.seconds())
        if order.sent_at and wallclock.now() - order.sent_at > timedelta(seconds=order.good_for_s):
            raise Refused("nobody waits for it any more")
        return order

    async def _visits(self, targets: Sequence[Target], tell: Tell) -> object:
        return await self.loop.batch(targets, None, tell)

    def _report(self, order: Order, work: Future[Went], name: str) -> Report | None:
        """How the batch went; None where we have failed: its leases end by themselves."""
        if work.exception() is not None:
            return None
        went = work.result()
        return Report(
            lease=order.lease,
            collector=name,
            took_s=round(went.took_s, 3),
            cpu_s=round(_cpu.share(), 4),
            lag_s=round(went.lag_s, 3),
            canary=went.canary,
            clock_offset_s=self.clock.ahead_s,
        )

    def _send(self, readings: list[Reading], look_id: int | None = None, report: Report | None = None) -> None:
        if readings or report:
            self.shelf.flush()
            sealed = seal(Results(tuple(readings), report), self.keys, wallclock.seconds())
            _send("monitor.tasks.record", [self.zone, sealed, look_id])


_cpu = Cpu()


def _send(task: str, arguments: list[Any], **options: Any) -> None:
    """Send a task to `record`. The queue is not declared: a collector has the right to put something in, no other."""
    headers = {"sent_at": wallclock.seconds()}
    app.send_task(task, arguments, queue="record", declare=[], headers=headers, argsrepr=arguments[0], **options)


@cache
def collector(zone: str) -> Collector:
    """The zone's collector of this process, made on first use."""
    return Collector(zone)


@app.task(name="probe.visit", base=Asked, bind=True)
def visit(self: Task[Any, Any], zone: str, key: str) -> str:
    """Visit a batch of endpoints of a zone."""
    try:
        return f"{collector(zone).visit(key, self.request.hostname or '')} readings from {zone}"
    except Refused as refusal:
        return _refused(zone, refusal)


@app.task(name="probe.look", base=Asked)
def look(zone: str, look_id: int, key: str) -> str:
    """Visit one endpoint for a person who watches: each step is sent as it is learned."""
    here = collector(zone)
    numbers = count(1)

    def on_step(aspect: str, finding: Finding | None, request: Request | None) -> None:
        step = {"aspect": aspect if finding else ""} | (plain(finding) if finding else {})
        here.send_step(look_id, next(numbers), step | ({"request": plain(request)} if request else {}))

    try:
        return f"look {look_id}: {here.look(key, look_id, on_step)} readings from {zone}"
    except Refused as refusal:
        return _refused(zone, refusal)


def _refused(zone: str, refusal: Refused) -> str:
    """Orders grow too old while a collector cannot keep up; anything else is somebody's mistake, or worse."""
    log.warning("an order for zone %s was refused: %s", zone, refusal)
    return f"an order for zone {zone} was refused"


def _helpings(told: queue.SimpleQueue[list[Reading] | None]) -> Iterator[tuple[list[Reading], bool]]:
    """Readings as they come in, those of a second together, and whether they are the last; the last may be none."""
    open_batch = True
    while open_batch:
        helping: list[Reading] = []
        until = 0.0
        while open_batch and (not helping or time.monotonic() < until):
            try:
                readings = told.get(timeout=max(0.0, until - time.monotonic()) if helping else None)
            except queue.Empty:
                break
            open_batch = readings is not None
            until = until or time.monotonic() + HELPING_S
            helping += readings or ()
        yield helping, not open_batch
