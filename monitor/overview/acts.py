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
    FINE = "fine"
    FAULT = "fault"
    ANEW = "anew"
    PROPOSE = "propose"
    GRANT = "grant"
    REFUSE = "refuse"


# What is done to the view of a camera, and can be proposed.
VIEW_ACTS = (Act.ACCEPT, Act.FINE, Act.FAULT, Act.ANEW)


@dataclass(frozen=True, slots=True)
class Done:
    """One act: who, when, what, and the reason or the phase; what was proposed, granted or refused is in `of`."""

    at: datetime
    who: str
    act: Act
    about: str
    of: Act | None = None


def log(user: User, device: Device, act: Act, about: str, of: Act | None = None) -> None:
    """Note who did what to a device, and when; `of` is what was proposed, granted or refused."""
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Device),
        object_id=str(device.pk),
        object_repr=str(device)[:200],
        action_flag=CHANGE,
        change_message=json.dumps({"act": act, "about": about} | ({"of": of} if of else {})),
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
        of = Act(told["of"]) if "of" in told else None
        return Done(row.action_time, str(row.user), Act(told["act"]), str(told["about"]), of)
    except (ValueError, TypeError, KeyError):
        return None
