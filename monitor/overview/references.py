"""What can be done to the view of a camera: accept it as the reference, teach its model, let the model begin anew.

Who may do it, and whether it is done or only proposed, is decided in `proposals`; everything here runs in the
transaction of its caller, under a lock on the device's state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.models import Device, User
from monitor import vision
from monitor.causes import CAUSES
from monitor.keeping import keep, media
from monitor.models import DeviceState, Incident, LearnedView, Picture
from monitor.overview import knowledge
from monitor.overview.acts import Act
from monitor.policies import Policies
from monitor.policy import STALE_INTERVALS
from monitor.wire import Aspect


class NotAcceptable(Exception):
    """There is no picture that could be a reference: none was taken, it is gone, or it cannot be decoded."""


class Outdated(NotAcceptable):
    """The last picture is older than three picture intervals: it does not show what the camera sees now."""


class Doubtful(NotAcceptable):
    """The platform sees a fault in the picture, and nobody has said that it is as it should be."""


class Unconfirmed(NotAcceptable):
    """The model would forget what it has learned, and nobody has said that it shall."""


class Needless(NotAcceptable):
    """The picture is judged already as the person says it should be: there is nothing to teach."""


class Unlearned(NotAcceptable):
    """Too little is learned of the picture's phase to judge it by: a reference must be accepted first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The picture that an act is about. `doubt` is the cause the platform sees there, `label` the last judgement."""

    picture: vision.Picture
    data: bytes
    taken_at: datetime
    phase: str
    sha256: str
    width: int
    height: int
    doubt: str = ""
    label: str = ""


# -- the picture


def last_seen(state: DeviceState | None, device: Device, now: datetime, version: str = "") -> Seen:
    """The last picture of a device; raise `NotAcceptable` where it cannot stand for what the camera sees now.

    `version` is the picture the person saw (the beginning of its hash): of another one that came meanwhile nothing is
    decided unseen.
    """
    if state is None or not state.picture_file or state.picture_at is None:
        raise NotAcceptable("no picture")
    note = state.picture
    if not str(note["sha256"]).startswith(version):
        raise NotAcceptable("another picture came meanwhile")
    if is_outdated(device, state.picture_at, now):
        raise Outdated("the picture is old")
    picture, data = readable(state.picture_file)
    return Seen(
        picture=picture,
        data=data,
        taken_at=state.picture_at,
        phase=str(note["phase"]),
        sha256=str(note["sha256"]),
        width=note["width"],
        height=note["height"],
        doubt=doubt(state),
        label=str(note["label"]) if note.get("checkable") else "",
    )


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


def readable(name: str) -> tuple[vision.Picture, bytes]:
    """A kept picture and its bytes; raise `NotAcceptable` where it is gone or damaged."""
    try:
        data = media(name).read_bytes()
        return vision.decode(data), data
    except (OSError, vision.Refused) as error:
        raise NotAcceptable("the picture cannot be read") from error


def check(act: Act, seen: Seen, *, confirmed: bool) -> None:
    """Raise `NotAcceptable` where an act makes no sense with this picture, or wants a confirmation that was not given.

    "This is fine" is for a picture that the platform takes for faulty, "this is a fault" for one that it takes for
    normal.
    """
    if act is Act.ACCEPT and seen.doubt and not confirmed:
        raise Doubtful("the platform sees a fault")
    if act is Act.ANEW and not confirmed:
        raise Unconfirmed("not confirmed")
    if (act is Act.FINE and seen.label not in CAUSES) or (act is Act.FAULT and seen.label != vision.Label.NORMAL):
        raise Needless("judged so already")


# -- the acts


def do(act: Act, device: Device, seen: Seen, user: User, now: datetime, *, binding: bool) -> None:
    """Do what was decided with this picture; `binding` says that whoever decided acts for the police."""
    if act is Act.ACCEPT:
        _accept(device, seen, user, now, binding=binding)
    else:
        _TEACHING[act](device, seen, now)


def _accept(device: Device, seen: Seen, user: User, now: datetime, *, binding: bool) -> None:
    """Make the picture the reference of its phase and learn it.

    The old model has no part in one in which the platform sees a fault, for the two contradict each other.
    """
    old = Picture.objects.select_for_update().filter(device=device, role=Picture.Role.REFERENCE, retired_at=None)
    old.filter(phase=seen.phase).update(retired_at=now)
    model = _known(device)
    if seen.doubt:
        learned = vision.learn([seen.picture, *_kept_references(device)])
    else:
        learned = vision.extend(model, seen.picture) if model else vision.learn([seen.picture])
    _save(device, learned, now)
    kept = keep_seen(device, Picture.Role.REFERENCE, seen)
    kept.accepted_at, kept.accepted_by, kept.by_contractor = now, user, not binding
    kept.save(update_fields=["accepted_at", "accepted_by", "by_contractor"])


def _fine(device: Device, seen: Seen, now: datetime) -> None:
    """The model learns the picture. An open incident stays: the next looks decide whether it has come to an end."""
    _save(device, vision.extend(_judging(device, seen.phase), seen.picture), now)


def _fault(device: Device, seen: Seen, now: datetime) -> None:
    """The model forgets what it learned from pictures like this one; where there is nothing of the kind, it stays."""
    model = _judging(device, seen.phase)
    left = vision.forget(model, seen.picture)
    if left is not model:
        _save(device, left, now)


def _anew(device: Device, _seen: Seen, now: datetime) -> None:
    """The model forgets all but the references in force; without any it begins with nothing."""
    names = _names_of_references(device)
    references = _kept_references(device)
    if names and not references:
        raise NotAcceptable("no reference can be read")
    if references:
        _save(device, vision.learn(references), now)
    else:
        LearnedView.objects.filter(device=device).delete()


_TEACHING: Mapping[Act, Callable[[Device, Seen, datetime], None]] = {
    Act.FINE: _fine,
    Act.FAULT: _fault,
    Act.ANEW: _anew,
}


def _known(device: Device) -> vision.CameraModel | None:
    """What the camera knows, locked; a signature of another version is as good as none: it is begun anew."""
    view = LearnedView.objects.select_for_update().filter(device=device).first()
    return knowledge.model_of(bytes(view.signature)) if view else None


def _judging(device: Device, phase: str) -> vision.CameraModel:
    """What the camera knows, where it is enough to judge this phase by."""
    model = _known(device)
    if model is None or phase not in knowledge.judged(model):
        raise Unlearned("too little of this phase")
    return model


def _save(device: Device, model: vision.CameraModel, now: datetime) -> None:
    told = {"signature": model.dumps(), "learned": model.count, "updated_at": now}
    LearnedView.objects.update_or_create(device=device, defaults=told)


def _names_of_references(device: Device) -> list[str]:
    found = Picture.objects.filter(device=device, role=Picture.Role.REFERENCE, retired_at=None)
    return list(found.order_by("phase").values_list("file", flat=True))


def _kept_references(device: Device) -> list[vision.Picture]:
    """The references still in force; one that is gone must not keep the camera from learning."""
    found = []
    for name in _names_of_references(device):
        try:
            found.append(readable(name)[0])
        except NotAcceptable:
            continue
    return found


def keep_seen(device: Device, role: Picture.Role, seen: Seen) -> Picture:
    """Keep the picture for good, under its own name."""
    return Picture.objects.create(
        device=device,
        role=role,
        phase=seen.phase,
        taken_at=seen.taken_at,
        file=keep(str(role), device.pk, seen.sha256, seen.data),
        sha256=seen.sha256,
        width=seen.width,
        height=seen.height,
    )
