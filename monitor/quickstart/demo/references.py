"""The demo's accepted references by day and night, as rows and files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from devices.models import Device, User
from monitor.keeping import keep
from monitor.models import LearnedView, Picture
from monitor.quickstart.demo.city import scene_of
from monitor.quickstart.demo.drawing import SIZE, Job, View
from monitor.quickstart.demo.history import BEIJING, moment
from monitor.quickstart.demo.plan import THINGS

# One picture by day and one by night, two days ago, under an even sky. Against these two, pictures of the demo's
# cameras are judged normal in all weathers from dawn to dusk, as against six; each more costs 5 s of the first start.
TAKEN_DAYS_AGO = 2
TIMES = ("12:00", "22:30")
WEATHER = "overcast"
ACCEPTED_BEFORE = timedelta(days=1)


def jobs(now: datetime) -> list[Job]:
    """What is to be drawn and learned: each camera by day and by night."""
    instants = tuple(moment(now, TAKEN_DAYS_AGO, clock).astimezone(BEIJING) for clock in TIMES)
    return [Job(item.key, replace(scene_of(item), weather=WEATHER), instants) for item in THINGS if item.scene]


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
