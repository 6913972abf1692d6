"""The probe worker: its own Celery app, with the broker and the zones' keys, without Django and without a database.

    celery -A monitor.collector worker -P threads -Q probe.<zone>,look.<zone>

A task opens the sealed targets, hands them to the process's one event loop, and sends sealed readings on to `record` as
they come in, so that one slow camera does not hold up the news of the others (DESIGN, decisions 1, 2 and 10).
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Any

import redis
from celery import Celery
from cryptography.fernet import Fernet, MultiFernet

from monitor import env
from monitor.probes.runner import Loop
from monitor.probes.session import Session
from monitor.probes.talk import OnStep
from monitor.wire import Finding, Order, Reading, Refused, Request, Results, dump, open_order, plain, seal

# A sealed batch older than this is worthless: the targets are due again. Seconds.
TARGETS_MAX_AGE_S = 60
# How long a picture waits for `record` at the broker. Seconds.
PICTURE_LIFE_S = 600
# Readings travel on in helpings of this many seconds.
HELPING_S = 1.0
# A step of a look that comes later than this finds nobody who watches. Seconds.
STEP_LIFE_S = 60

with env.one_line_refusals():
    _KEYS = {
        zone: MultiFernet([Fernet(key) for key in keys]) for zone, keys in env.zone_keys("VIEWKEEPER_ZONE_KEYS").items()
    }
    _BROKER = env.redis_address("REDIS_URL")

app = Celery("collector", fixups=())  # Django is not loaded even where its settings are named
app.conf.update(
    broker_url=_BROKER,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
)


class Collector:
    """What a probe process keeps for one zone: its key, its event loop, its way to the broker."""

    def __init__(self, zone: str) -> None:
        if zone not in _KEYS:
            raise Refused(f"zone {zone} has no key here: VIEWKEEPER_ZONE_KEYS names {', '.join(_KEYS) or 'none'}")
        self.zone = zone
        self.keys = _KEYS[zone]
        self.store = redis.Redis.from_url(_BROKER)
        self.loop = Loop(Session(keep_picture=self.keep_picture))

    def keep_picture(self, device_id: int, thumbnail: bytes, original: bytes | None) -> str:
        """Seal a picture under a broker key with a short life, and give the key."""
        key = f"picture:{device_id}:{uuid.uuid4().hex}"
        self.store.set(key, self.keys.encrypt(dump([thumbnail, original or b""])), ex=PICTURE_LIFE_S)
        return key

    def visit(self, token: str, look_id: int | None = None, on_step: OnStep | None = None) -> int:
        """Visit sealed targets and send the readings on as they come in; give how many there were."""
        order = open_order(token, self.keys, TARGETS_MAX_AGE_S)
        done: queue.SimpleQueue[list[Reading] | None] = queue.SimpleQueue()
        work = threading.Thread(target=self._run, args=(order, done, on_step), name=f"batch-{self.zone}")
        work.start()
        return sum(self._send(readings, look_id) for readings in _helpings(done))

    def send_step(self, look_id: int, number: int, step: dict[str, Any]) -> None:
        """Send one step of a look on its way to the page."""
        sealed = self.keys.encrypt(dump(step)).decode()
        app.send_task(
            "monitor.tasks.look_step", [self.zone, look_id, number, sealed], queue="record", expires=STEP_LIFE_S
        )

    def _run(self, order: Order, done: queue.SimpleQueue[list[Reading] | None], on_step: OnStep | None) -> None:
        try:
            self.loop.run_batch(order.targets, on_step, done.put)
        finally:
            done.put(None)

    def _send(self, readings: list[Reading], look_id: int | None) -> int:
        sealed = seal(Results(tuple(readings)), self.keys)
        app.send_task("monitor.tasks.record", [self.zone, sealed, look_id], queue="record")
        return len(readings)


@cache
def collector(zone: str) -> Collector:
    """The zone's collector of this process, made on first use."""
    return Collector(zone)


@app.task(name="probe.visit")
def visit(zone: str, token: str) -> str:
    """Visit a batch of endpoints of a zone."""
    return f"{collector(zone).visit(token)} readings from {zone}"


@app.task(name="probe.look")
def look(zone: str, look_id: int, token: str) -> str:
    """Visit one endpoint for a person who watches: each step is sent as it is learned."""
    here = collector(zone)
    numbers = count(1)

    def on_step(aspect: str, finding: Finding | None, request: Request | None) -> None:
        step = {"aspect": aspect if finding else ""} | (plain(finding) if finding else {})
        here.send_step(look_id, next(numbers), step | ({"request": plain(request)} if request else {}))

    return f"look {look_id}: {here.visit(token, look_id, on_step)} readings from {zone}"


def _helpings(done: queue.SimpleQueue[list[Reading] | None]) -> Iterator[list[Reading]]:
    """Readings as they come in, those of a second together; ends with the batch."""
    open_batch = True
    while open_batch:
        helping: list[Reading] = []
        until = 0.0
        while open_batch and (not helping or time.monotonic() < until):
            try:
                readings = done.get(timeout=max(0.0, until - time.monotonic()) if helping else None)
            except queue.Empty:
                break
            open_batch = readings is not None
            until = until or time.monotonic() + HELPING_S
            helping += readings or ()
        if helping:
            yield helping
