"""Why a device, or its login, is not tried at the moment, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from devices.models import Device
from devices.models.devices import POLLED
from monitor import words
from monitor.carriers import CARRIERS
from monitor.causes import CAUSES
from monitor.models import Schedule


@dataclass(frozen=True, slots=True)
class Withheld:
    """One reason: its badge, a sentence, until when, and what to do."""

    css: str
    title: str
    sentence: str
    until: datetime | None = None
    next_step: str = ""


def withheld(device: Device, now: datetime) -> list[Withheld]:
    """Every reason for which a device is not polled, or not logged in to."""
    found = [_paused(device, now)] if device.pause_reason else []
    if device.life not in POLLED:
        told = _("Devices are looked at from their installation on; this one is: %(life)s.")
        found.append(Withheld("unk", _("Not polled"), told % {"life": device.get_life_display()}))
    elif device.endpoint is None and device.kind in CARRIERS:
        told = _("It has no address of its own. How it is, is inferred from what hangs on it.")
        found.append(Withheld("unk", _("Not polled"), told))
    elif device.endpoint is None:
        told, step = _("The register has no address for it."), _("Enter its address in the register.")
        found.append(Withheld("unk", _("Not polled"), told, next_step=step))
    schedule: Schedule | None = getattr(device.endpoint, "schedule", None)
    if schedule is not None and schedule.hold_until and schedule.hold_until > now:
        found.append(_held(schedule, schedule.hold_until))
    return found


def _paused(device: Device, now: datetime) -> Withheld:
    told = _("Paused by %(who)s at %(at)s: %(reason)s") % {
        "who": device.paused_by or "–",
        "at": words.clock(device.paused_at, now) if device.paused_at else "–",
        "reason": device.pause_reason,
    }
    return Withheld("mnt", _("Polling paused"), told, next_step=_("Resume the polling when the reason is over."))


def _held(schedule: Schedule, until: datetime) -> Withheld:
    """A login that rests (DESIGN, decision 6)."""
    cause = schedule.hold_cause
    return Withheld(
        "login",
        words.title(cause) if cause in CAUSES else _("Login suspended"),
        _("The login rests so that the device does not lock it. The link is still looked at."),
        until,
        words.next_step(cause),
    )
