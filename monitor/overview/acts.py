"""What people decided about a device: read for its timeline, written by `web.decisions` in Django's own log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from devices.models import Device, User


class Act(StrEnum):
    """What a person can do to a device on its page."""

    PAUSE = "pause"
    RESUME = "resume"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class Done:
    """One act: who, when, what, and the reason or the phase."""

    at: datetime
    who: str
    act: Act
    about: str


def log(user: User, device: Device, act: Act, about: str) -> None:
    """Note who did what to a device, and when."""
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Device),
        object_id=str(device.pk),
        object_repr=str(device)[:200],
        action_flag=CHANGE,
        change_message=json.dumps({"act": act, "about": about}),
    )


def acts_on(device: Device, since: datetime) -> list[Done]:
    """What people did to a device from an instant on, the newest first."""
    kind = ContentType.objects.get_for_model(Device)
    rows = LogEntry.objects.filter(content_type=kind, object_id=str(device.pk), action_time__gte=since)
    return [done for row in rows.select_related("user") if (done := _read(row)) is not None]


def _read(row: LogEntry) -> Done | None:
    """An entry of ours; what the administration pages wrote is none."""
    try:
        told: Any = json.loads(row.change_message)
        return Done(row.action_time, str(row.user), Act(told["act"]), str(told["about"]))
    except (ValueError, TypeError, KeyError):
        return None
