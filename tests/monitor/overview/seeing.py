"""What tests of the pages look at: devices with a schedule, points that are seen."""

from __future__ import annotations

from datetime import UTC, datetime

from devices.models import Compound, Device
from tests import factories

# A working day, a quarter past four in the afternoon in Beijing.
NOW = datetime(2026, 3, 10, 8, 15, tzinfo=UTC)


def watched(place: Compound, **fields: object) -> Device:
    """A device with a schedule."""
    device = factories.device(place, **fields)
    if device.endpoint is not None:
        factories.schedule(device)
    return device


def seen(place: Compound, now: datetime = NOW, **fields: object) -> Device:
    """A point that can be seen clearly at an instant."""
    device = watched(place, **fields)
    factories.state(device, looked_at=now, picture_at=now)
    return device
