"""The demo's accepted references by day and night, as rows and files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from devices.models import Device, User
from monitor.keeping import keep
from monitor.models import LearnedView, Picture
from monitor.quickstart.demo.city import scene_of
from monitor.quickstart.demo.drawing import SIZE, Job, View
from monitor.quickstart.demo.history import BEIJING, moment
from monitor.quickstart.demo.plan import THINGS

# Beijing times of two days ago; the first of each phase is the one that is shown.
TAKEN_DAYS_AGO = 2
TIMES = ("10:20", "14:40", "17:05", "22:30", "01:15", "04:10")
ACCEPTED_BEFORE = timedelta(days=1)


def jobs(now: datetime) -> list[Job]:
    """What is to be drawn and learned: each camera at several times of day and night."""
    instants = tuple(moment(now, TAKEN_DAYS_AGO, clock).astimezone(BEIJING) for clock in TIMES)
    return [Job(item.key, scene_of(item), instants) for item in THINGS if item.scene]


def keep_views(found: Iterable[View], devices: Mapping[str, Device], accepted_by: User, now: datetime) -> None:
    """Write the signatures, and the reference pictures with their files."""
    learned: list[LearnedView] = []
    pictures: list[Picture] = []
    for view in found:
        device = devices[view.key]
        learned.append(LearnedView(device=device, signature=view.signature, learned=view.learned, updated_at=now))
        for phase, (at, data) in view.pictures.items():
            picture = _reference(device, phase, at, data)
            picture.accepted_by, picture.accepted_at = accepted_by, now - ACCEPTED_BEFORE
            pictures.append(picture)
    LearnedView.objects.bulk_create(learned)
    Picture.objects.bulk_create(pictures)


def _reference(device: Device, phase: str, at: datetime, data: bytes) -> Picture:
    sha256 = hashlib.sha256(data).hexdigest()
    return Picture(
        device=device,
        role=Picture.Role.REFERENCE,
        phase=phase,
        taken_at=at,
        file=keep("reference", device.pk, sha256, data),
        sha256=sha256,
        width=SIZE[0],
        height=SIZE[1],
    )
