"""Whose word counts about the view of a device: the police always, its contractor alone only before acceptance."""

from __future__ import annotations

from enum import StrEnum

from devices.models import Device, User
from devices.visibility import maintained_by
from monitor.models import Picture
from monitor.overview.people import may_decide_on


class Voice(StrEnum):
    """What comes of a person's press."""

    DECIDES = "decides"
    BEGINS = "begins"  # done at once, and yet not binding: the police have not accepted the device
    PROPOSES = "proposes"
    NONE = "none"


def voice_of(user: User, device: Device) -> Voice:
    """What this person's word about a device's view is worth now.

    | person                                     | not accepted | accepted |
    |--------------------------------------------|--------------|----------|
    | acts for the police there                  | DECIDES      | DECIDES  |
    | manager or technician of its own contract  | BEGINS       | PROPOSES |
    | anybody else                               | NONE         | NONE     |
    """
    if may_decide_on(user, device):
        return Voice.DECIDES
    if not maintains(user, device):
        return Voice.NONE
    return Voice.PROPOSES if is_accepted(device) else Voice.BEGINS


def maintains(user: User, device: Device) -> bool:
    """Whether the device stands under a contract that the person works for."""
    return Device.objects.filter(maintained_by(user), pk=device.pk).exists()


def is_accepted(device: Device) -> bool:
    """Whether a reference is in force that somebody who decides has accepted."""
    found = Picture.objects.filter(device=device, role=Picture.Role.REFERENCE, retired_at=None)
    return found.filter(accepted_at__isnull=False, by_contractor=False).exists()
