"""Whether the platform itself is well: for the machine's own watchers, without a login, with nothing secret in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from devices.models import Device
from monitor.models import Pulse, Schedule

# A beat this old means that nobody asks for anything any more: several ticks were missed. Seconds.
BEAT_LIMIT_S = 60
# An endpoint that is overdue by this much is not being polled. Seconds.
OVERDUE_LIMIT_S = 300
BROKER_PATIENCE_S = 2


@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """Database, broker, age of the beat, how long the oldest device was not polled; 503 when anything is not well."""
    told: dict[str, Any] = {"broker": _broker(), **_database(timezone.now())}
    told["ok"] = told["broker"] and told["database"] and told["beat"] and told["polling"]
    return JsonResponse(told, status=200 if told["ok"] else 503)


def _database(now: datetime) -> dict[str, Any]:
    try:
        return {"database": True, **_beat(now), **_polling(now)}
    except DatabaseError:
        return {"database": False, "beat": False, "polling": False}


def _broker() -> bool:
    store = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=BROKER_PATIENCE_S, socket_connect_timeout=BROKER_PATIENCE_S
    )
    try:
        with store:
            return bool(store.ping())
    except redis.RedisError:
        return False


def _beat(now: datetime) -> dict[str, Any]:
    pulse = Pulse.objects.filter(name="tick").first()
    age_s = (now - pulse.at).total_seconds() if pulse else None
    return {"beat": age_s is not None and age_s <= BEAT_LIMIT_S, "beat_age_s": _whole(age_s)}


def _polling(now: datetime) -> dict[str, Any]:
    """How overdue the schedule is, and how long ago the device was polled that waits longest."""
    due = Schedule.objects.aggregate(due=Min("due"))["due"]
    oldest = Device.objects.polled().aggregate(at=Min("state__looked_at"))["at"]
    overdue_s = max(0.0, (now - due).total_seconds()) if due else 0.0
    return {
        "polling": overdue_s <= OVERDUE_LIMIT_S,
        "overdue_s": _whole(overdue_s),
        "oldest_not_polled_s": _whole((now - oldest).total_seconds() if oldest else None),
    }


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)
