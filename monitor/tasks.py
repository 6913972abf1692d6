"""What Celery runs: each task loads, calls the next stage by name, and returns a sentence."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import redis
from celery import Task
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from devices.models import Zone
from monitor import batches, carriers, claims, heartbeat, keeping, partitions, recording, schedule, trends, zones
from monitor.alerts.delivery import deliver as deliver_due
from monitor.alerts.fanout import fan_out
from monitor.alerts.zones import tell_operators
from monitor.celery import app
from monitor.models import Batch, Look, LookStep, Pulse
from monitor.overview.wellbeing import wellbeing
from monitor.sealing import Opener
from monitor.shelf import Taking, put_order
from monitor.targets import targets
from monitor.wire import Order, load_clean, open_results, seal

log = logging.getLogger(__name__)

# Readings older than this were sealed in another life of the platform. Seconds.
READINGS_MAX_AGE_S = 600
# A person waits this long for a visit under way to end, asking again each second.
LOOK_TRIES = 20
# How long steps of a look are of use to anybody.
LOOKS_KEPT = timedelta(days=7)
# The metrics are made of the last hours' batches; a person who looks into yesterday's trouble has these.
BATCHES_KEPT = timedelta(days=2)
# A look that nobody answered within this time is over. Seconds.
LOOK_LIFE_S = 90


@app.task(name="monitor.tasks.tick", ignore_result=True)
def tick() -> str:
    """Claim what is due in every zone and send it to the zone's probe queue."""
    now = timezone.now()
    sent = sum(_send_apart(zone) for zone in Zone.objects.polled() if zone.name in settings.VIEWKEEPER_ZONE_KEYS)
    _beat("tick")
    return f"{sent} endpoints sent in {(timezone.now() - now).total_seconds():.2f} s"


@app.task(name="monitor.tasks.record", ignore_result=True)
def record(zone: str, token: str, look_id: int | None = None) -> str:
    """Write a batch of readings that came back from a zone, and end the look they belong to."""
    keys, began = keys_of(zone), time.process_time()
    results = open_results(token, keys, READINGS_MAX_AGE_S)
    readings = results.readings
    names = [reading.picture.key for reading in readings if reading.picture is not None]
    pictures = Taking(_store(), Opener(settings.VIEWKEEPER_ZONE_KEYS[zone]), names)
    counted = recording.record(readings, zone, pictures, looked=look_id is not None)
    zones.take_report(zone, results.report, readings, time.process_time() - began, timezone.now())
    if look_id is not None:
        _end_look(Look.objects.filter(device__endpoint__zone__name=zone), look_id, "done" if counted else "refused")
    return f"{counted} of {len(readings)} readings counted"


@app.task(name="monitor.tasks.deliver", ignore_result=True)
def deliver() -> str:
    """Turn settled events into notifications and send what is due."""
    told, sent = fan_out(timezone.now()), deliver_due(timezone.now()) + tell_operators(timezone.now())
    _beat("deliver")
    return f"{told} events, {sent} mails"


@app.task(name="monitor.tasks.housekeep", ignore_result=True)
def housekeep() -> str:
    """Keep the schedule in step with the register, notice our own silence, make room and forget what is old."""
    now = timezone.now()
    done = [_done(duty, now) for duty in _DUTIES]
    _beat("housekeep")
    # Outside they hear nothing of us while something is wrong here.
    if settings.VIEWKEEPER_HEARTBEAT_URL and all(done) and wellbeing(timezone.now())["ok"]:
        heartbeat.send(settings.VIEWKEEPER_HEARTBEAT_URL)
    return f"{sum(done)} of {len(done)} duties done"


@app.task(name="monitor.tasks.look", bind=True, ignore_result=True, max_retries=LOOK_TRIES)
def look(self: Task[Any, Any], look_id: int) -> str:
    """Send a person's look to the zone's look queue, as soon as no visit is under way at that endpoint."""
    row = Look.objects.select_related("device__endpoint__zone").get(pk=look_id)
    device = row.device
    if device.endpoint is None:
        _end_look(Look.objects.all(), look_id, "no_endpoint")
        return "the device has no endpoint"
    zone = device.endpoint.zone.name
    if zone not in settings.VIEWKEEPER_ZONE_KEYS:
        _end_look(Look.objects.all(), look_id, "no_key")
        return f"zone {zone} has no key"
    now = timezone.now()
    claim = claims.claim_for_look(device, now)
    if claim is None:
        if self.request.retries >= LOOK_TRIES:
            _end_look(Look.objects.all(), look_id, "busy")
            return "a visit was under way all the time"
        raise self.retry(countdown=1)
    order = Order(tuple(targets([claim], now, only=device)), claim.lease, now, batches.canaries(device.endpoint.zone))
    key = _put(zone, order)
    app.send_task("probe.look", [zone, look_id, key], queue=f"look.{zone}", expires=order.good_for_s)
    Look.objects.filter(pk=look_id).update(sent_at=timezone.now())
    return f"look {look_id} sent to {zone}"


@app.task(name="monitor.tasks.look_step", ignore_result=True)
def look_step(zone: str, look_id: int, number: int, token: str) -> str:
    """Write one step of a look, as it came from the probe."""
    step: dict[str, Any] = load_clean(keys_of(zone).decrypt(token.encode(), ttl=READINGS_MAX_AGE_S))
    found = Look.objects.filter(pk=look_id, finished_at=None, device__endpoint__zone__name=zone)
    if found.exists():
        LookStep.objects.bulk_create([LookStep(look_id=look_id, number=number, **_step(step))], ignore_conflicts=True)
    return f"step {number} of look {look_id}"


def keys_of(zone: str) -> MultiFernet:
    """The keys that seal what travels to and from a zone."""
    keys: Mapping[str, tuple[str, ...]] = settings.VIEWKEEPER_ZONE_KEYS
    return MultiFernet([Fernet(key) for key in keys[zone]])


def _done(duty: Callable[[datetime], object], now: datetime) -> bool:
    """Whether a duty was done; what goes wrong with one must not keep us from the others."""
    try:
        duty(now)
    except Exception:
        log.exception("housekeeping: %s failed", duty.__name__)
        return False
    return True


def _forget_old(now: datetime) -> None:
    partitions.drop_old(now, settings.VIEWKEEPER_RAW_DAYS)
    Batch.objects.filter(sent_at__lt=now - BATCHES_KEPT).delete()
    Look.objects.filter(asked_at__lt=now - LOOKS_KEPT).delete()


def _end_old_looks(now: datetime) -> None:
    old = Look.objects.filter(finished_at=None, asked_at__lt=now - timedelta(seconds=LOOK_LIFE_S))
    old.update(finished_at=now, outcome="unanswered")


_DUTIES: tuple[Callable[[datetime], object], ...] = (
    schedule.sync,
    recording.mark_silent,
    recording.follow_register,
    carriers.infer_all,
    partitions.ensure,
    keeping.forget_old,
    trends.measure,
    _forget_old,
    _end_old_looks,
    zones.watch,
)


def _send_apart(zone: Zone) -> int:
    """What goes wrong with one zone must not stop the others."""
    try:
        return _send_due(zone)
    except Exception:
        log.exception("nothing more is sent to zone %s in this tick", zone.name)
        return 0


def _send_due(zone: Zone) -> int:
    sent = 0
    for order in batches.due(zone, timezone.now()):
        key = _put(zone.name, order)
        app.send_task("probe.visit", [zone.name, key], queue=f"probe.{zone.name}", expires=order.good_for_s)
        sent += len(order.targets)
    return sent


def _put(zone: str, order: Order) -> str:
    """Put an order on the zone's shelf, sealed; give its key."""
    return put_order(_store(), zone, order.lease, seal(order, keys_of(zone)))


def _beat(name: str) -> None:
    Pulse.objects.update_or_create(name=name, defaults={"at": timezone.now()})


def _end_look(looks: QuerySet[Look], look_id: int, outcome: str) -> None:
    looks.filter(pk=look_id, finished_at=None).update(finished_at=timezone.now(), outcome=outcome)


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    return {name: step[name] for name in ("aspect", "verdict", "cause", "detail", "request") if name in step}


@lru_cache(maxsize=1)
def _store() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)
