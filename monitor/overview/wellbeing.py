"""Whether the platform itself is well: what its watchers ask on `/healthz/`, and what the heartbeat hangs on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import redis
from django.db import DatabaseError
from django.db.models import Count, F, Max, Min, Q

from devices.models import Device, Zone
from monitor.alerts.delivery import undelivered
from monitor.metrics import broker
from monitor.models import Pulse, Schedule, ZoneState

# A beat this old means that nobody asks for anything any more: several ticks were missed. Seconds.
BEAT_LIMIT_S = 60
# An endpoint that is overdue by this much is not being polled, nor is a device that was not looked at for this long
# or for so many of its heartbeats, whichever is longer. Seconds.
OVERDUE_LIMIT_S = 300
MISSED_HEARTBEATS = 5
# Duties whose age is told only: mails and housekeeping may lag while the devices are watched all the same.
DUTIES = ("deliver", "housekeep")


def wellbeing(now: datetime) -> dict[str, Any]:
    """Database, broker, beat, blind zones, how long the oldest device was not polled, mails given up; `ok` in all.

    Mails that were given up are told and do not make it ill: a person sends them again, and the devices are watched.
    """
    told: dict[str, Any] = {"broker": _broker(), **_database(now)}
    told["ok"] = told["broker"] and told["database"] and told["beat"] and told["polling"]
    return told


def _database(now: datetime) -> dict[str, Any]:
    try:
        return {"database": True, **_beat(now), **_polling(now), "mails_failed": undelivered().count()}
    except DatabaseError:
        return {"database": False, "beat": False, "polling": False}


def _broker() -> bool:
    try:
        with broker() as store:
            return bool(store.ping())
    except redis.RedisError:
        return False


def _beat(now: datetime) -> dict[str, Any]:
    pulses = dict(Pulse.objects.filter(name__in=("tick", *DUTIES)).values_list("name", "at"))
    ages = {name: (now - at).total_seconds() for name, at in pulses.items()}
    beat = ages.get("tick")
    told = {f"{name}_age_s": _whole(ages.get(name)) for name in DUTIES}
    return {"beat": beat is not None and beat <= BEAT_LIMIT_S, "beat_age_s": _whole(beat), **told}


def _polling(now: datetime) -> dict[str, Any]:
    """How overdue heartbeats are, and how long ago the device was polled that waits longest.

    Pictures give way where there is too much to do: the stretch tells of it, and the devices are watched all the same.
    """
    polled = Zone.objects.polled()
    due = Schedule.objects.filter(zone__in=polled).aggregate(due=Min("due"))["due"]
    oldest = Device.objects.polled().filter(endpoint__zone__in=polled).aggregate(at=Min("state__looked_at"))["at"]
    overdue_s = max(0.0, (now - due).total_seconds()) if due else 0.0
    blind = ZoneState.objects.exclude(blind_since=None).count()
    return {
        "polling": overdue_s <= OVERDUE_LIMIT_S and not blind and _answered(now),
        "zones_blind": blind,
        "overdue_s": _whole(overdue_s),
        "oldest_not_polled_s": _whole((now - oldest).total_seconds() if oldest else None),
    }


def _answered(now: datetime) -> bool:
    """Whether visits come back: claiming keeps the schedule fresh, although nobody may be there to look.

    A device whose turn has not come, such as one that was just resumed, is not waited for.
    """
    ahead = Q(endpoint__schedule__lease=None, endpoint__schedule__due__gt=now)
    asked = Q(endpoint__schedule__lease__isnull=False, state__looked_at=None)
    groups = (
        Device.objects.polled()
        .filter(endpoint__zone__in=Zone.objects.polled())
        .values("endpoint__zone", every=F("endpoint__schedule__heartbeat_every"))
        .annotate(
            oldest=Min("state__looked_at", filter=~ahead),
            newest=Max("state__looked_at"),
            unanswered=Count("pk", filter=asked),
        )
    )
    return not any(_silent(group, now) for group in groups)


def _silent(group: Mapping[str, Any], now: datetime) -> bool:
    """Whether devices of one zone and interval are not looked at, or were asked for and never were."""
    limit_s = max(OVERDUE_LIMIT_S, MISSED_HEARTBEATS * (group["every"] or 0))
    stale = group["oldest"] is not None and now - group["oldest"] > timedelta(seconds=limit_s)
    return stale or (group["newest"] is None and group["unanswered"] > 0)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)
