"""Accepting what a camera shows now as what it ought to show."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from devices.models import Device, User
from monitor import vision
from monitor.causes import CAUSES
from monitor.keeping import keep, media
from monitor.models import DeviceState, Incident, LearnedView, Picture
from monitor.overview.acts import Act, log
from monitor.policies import Policies
from monitor.policy import STALE_INTERVALS
from monitor.wire import Aspect


class NotAcceptable(Exception):
    """There is no picture that could be a reference: none was taken, it is gone, or it cannot be decoded."""


class Outdated(NotAcceptable):
    """The last picture is older than three picture intervals: it does not show what the camera sees now."""


class Doubtful(NotAcceptable):
    """The platform sees a fault in the picture, and nobody has said that it is as it should be."""


def accept(device: Device, user: User, now: datetime, version: str = "", *, confirmed: bool = False) -> Picture:
    """Make the last picture the reference of its phase and learn it; raise `NotAcceptable` where that cannot be.

    `version` is the picture the person saw (the beginning of its hash): another one that came meanwhile is not accepted
    unseen. A picture in which the platform sees a fault is accepted only when `confirmed`; the old model has no part
    in it then, for the two contradict each other. Everything is one transaction under a lock on the device's state.
    """
    with transaction.atomic():
        state = DeviceState.objects.select_for_update().filter(device=device).first()
        if state is None or not state.picture_file or state.picture_at is None:
            raise NotAcceptable("no picture")
        if not str(state.picture["sha256"]).startswith(version):
            raise NotAcceptable("another picture came meanwhile")
        if is_outdated(device, state.picture_at, now):
            raise Outdated("the picture is old")
        anew = bool(doubt(state))
        if anew and not confirmed:
            raise Doubtful("the platform sees a fault")
        picture, data = _decoded(state)
        phase = str(state.picture["phase"])
        _retire(device, phase, now)
        _learn(device, picture, now, anew=anew)
        kept = _keep(state, data, user, now)
        log(user, device, Act.ACCEPT, phase)
    return kept


def is_outdated(device: Device, taken_at: datetime, now: datetime) -> bool:
    """Whether a picture is too old to stand for what the camera sees now."""
    limit_s = STALE_INTERVALS * Policies().of_device(device).picture_s
    return now - taken_at > timedelta(seconds=limit_s)


def doubt(state: DeviceState) -> str:
    """The cause that speaks against accepting the last picture, "" where none does."""
    label = str(state.picture.get("label", ""))
    if label in CAUSES:
        return label
    found = Incident.objects.open().filter(device=state.device_id, aspect=Aspect.PICTURE, cause__in=CAUSES)
    return found.values_list("cause", flat=True).first() or ""


def _decoded(state: DeviceState) -> tuple[vision.Picture, bytes]:
    try:
        data = media(state.picture_file).read_bytes()
        return vision.decode(data), data
    except (OSError, vision.Refused) as error:
        raise NotAcceptable("the picture cannot be read") from error


def _retire(device: Device, phase: str, now: datetime) -> None:
    old = Picture.objects.select_for_update().filter(device=device, role=Picture.Role.REFERENCE, retired_at=None)
    old.filter(phase=phase).update(retired_at=now)


def _learn(device: Device, picture: vision.Picture, now: datetime, *, anew: bool) -> None:
    """Lay the picture over what is known, or begin with it; a model of another version is begun anew."""
    view = LearnedView.objects.select_for_update().filter(device=device).first()
    if anew:
        model = vision.learn([picture, *_kept_references(device)])
    else:
        model = _extended(bytes(view.signature), picture) if view else vision.learn([picture])
    LearnedView.objects.update_or_create(
        device=device, defaults={"signature": model.dumps(), "learned": model.count, "updated_at": now}
    )


def _kept_references(device: Device) -> list[vision.Picture]:
    """The references still in force: those of the other phase, once that of this one has retired."""
    names = Picture.objects.filter(device=device, role=Picture.Role.REFERENCE, retired_at=None)
    return [picture for name in names.values_list("file", flat=True) if (picture := _readable(name)) is not None]


def _readable(name: str) -> vision.Picture | None:
    """A kept picture; None where it is gone, which must not keep the camera from learning."""
    try:
        return vision.decode(media(name).read_bytes())
    except (OSError, vision.Refused):
        return None


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
