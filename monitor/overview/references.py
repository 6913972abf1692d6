"""Accepting what a camera shows now as what it ought to show."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from devices.models import Device, User
from monitor import vision
from monitor.keeping import keep, media
from monitor.models import DeviceState, LearnedView, Picture
from monitor.overview.acts import Act, log


class NotAcceptable(Exception):
    """There is no picture that could be a reference: none was taken, it is gone, or it cannot be decoded."""


def accept(device: Device, user: User, now: datetime, version: str = "") -> Picture:
    """Make the last picture the reference of its phase and learn it; raise `NotAcceptable` where that cannot be.

    `version` is the picture the person saw (the beginning of its hash): another one that came meanwhile is not accepted
    unseen. Everything is one transaction under a lock on the device's state.
    """
    with transaction.atomic():
        state = DeviceState.objects.select_for_update().filter(device=device).first()
        if state is None or not state.picture_file or state.picture_at is None:
            raise NotAcceptable("no picture")
        if not str(state.picture["sha256"]).startswith(version):
            raise NotAcceptable("another picture came meanwhile")
        picture, data = _decoded(state)
        phase = str(state.picture["phase"])
        _retire(device, phase, now)
        _learn(device, picture, now)
        kept = _keep(state, data, user, now)
        log(user, device, Act.ACCEPT, phase)
    return kept


def _decoded(state: DeviceState) -> tuple[vision.Picture, bytes]:
    try:
        data = media(state.picture_file).read_bytes()
        return vision.decode(data), data
    except (OSError, vision.Refused) as error:
        raise NotAcceptable("the picture cannot be read") from error


def _retire(device: Device, phase: str, now: datetime) -> None:
    old = Picture.objects.select_for_update().filter(device=device, role=Picture.Role.REFERENCE, retired_at=None)
    old.filter(phase=phase).update(retired_at=now)


def _learn(device: Device, picture: vision.Picture, now: datetime) -> None:
    """Lay the picture over what is known, or begin with it; a model of another version is begun anew."""
    view = LearnedView.objects.select_for_update().filter(device=device).first()
    model = _extended(bytes(view.signature), picture) if view else vision.learn([picture])
    LearnedView.objects.update_or_create(
        device=device, defaults={"signature": model.dumps(), "learned": model.count, "updated_at": now}
    )


def _extended(signature: bytes, picture: vision.Picture) -> vision.CameraModel:
    try:
        return vision.extend(vision.CameraModel.loads(signature), picture)
    except ValueError:
        return vision.learn([picture])


def _keep(state: DeviceState, data: bytes, user: User, now: datetime) -> Picture:
    assert state.picture_at is not None  # noqa: S101 - `accept` has looked
    note = state.picture
    return Picture.objects.create(
        device_id=state.device_id,
        role=Picture.Role.REFERENCE,
        phase=note["phase"],
        taken_at=state.picture_at,
        file=keep("reference", state.device_id, str(note["sha256"]), data),
        sha256=note["sha256"],
        width=note["width"],
        height=note["height"],
        accepted_at=now,
        accepted_by=user,
    )
