"""Things for tests to start from: each function makes one row, with whatever it needs around it.

Names are numbered so that nothing collides; what a test is about is passed by name.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from devices.models import (
    Compound,
    Contract,
    Credential,
    Device,
    District,
    Endpoint,
    Kind,
    Life,
    Membership,
    Organisation,
    Role,
    Slot,
    User,
    Zone,
)
from monitor.causes import CAUSES
from monitor.health import State, Track, status_of
from monitor.keeping import keep, last_files, media
from monitor.models import (
    DeviceHour,
    DeviceState,
    Event,
    Incident,
    LearnedView,
    Notification,
    Picture,
    Proposal,
    Schedule,
)
from monitor.wire import Aspect

_numbers = count(1)

PASSWORD = "a password for tests only"


def number() -> int:
    """A number that no other thing of this run has."""
    return next(_numbers)


# -- people


def organisation(kind: str = "police", **fields: Any) -> Organisation:
    """A police station, a contractor or an owner."""
    return Organisation.objects.create(**{"name": f"Organisation {number()}", "kind": kind, **fields})


def user(**fields: Any) -> User:
    """A person without any membership: a stranger."""
    n = number()
    return User.objects.create_user(
        **{
            "username": f"person{n}",
            "password": PASSWORD,
            "email": f"person{n}@example.org",
            "language": "en",
            **fields,
        }
    )


def member(role: str = Role.OFFICER, of: Organisation | None = None, **fields: Any) -> User:
    """A person with one membership; further fields are the membership's: district, compound, contract, wants_mail."""
    kind = "contractor" if role in (Role.MANAGER, Role.TECHNICIAN) else "police"
    person = user()
    Membership.objects.create(user=person, organisation=of or organisation(kind), role=role, **fields)
    return person


def admin() -> User:
    """A platform administrator."""
    return member(Role.ADMIN)


def officer(area: District | None = None, **fields: Any) -> User:
    """A police tech officer of a district."""
    return member(Role.OFFICER, district=area or district(), **fields)


def manager(of: Organisation, **fields: Any) -> User:
    """A manager of a contractor."""
    return member(Role.MANAGER, of, **fields)


def technician(of: Organisation, **fields: Any) -> User:
    """A technician of a contractor."""
    return member(Role.TECHNICIAN, of, **fields)


# -- places


def district(**fields: Any) -> District:
    """An urban district."""
    n = number()
    return District.objects.create(**{"code": f"{n % 1_000_000:06d}", "name": f"District {n}", **fields})


def compound(area: District | None = None, **fields: Any) -> Compound:
    """An open compound."""
    given = {"name": f"Compound {number()}", "type": "open", **fields}
    return Compound.objects.create(district=area or district(), **given)


def slot(place: Compound, **fields: Any) -> Slot:
    """A place of a compound at which something must be seen."""
    given = {"kind": Kind.ENTRANCE, "position": f"Position {number()}", "sees": "the way in", **fields}
    return Slot.objects.create(compound=place, **given)


def contract(contractor: Organisation | None = None, **fields: Any) -> Contract:
    """A running maintenance contract."""
    n = number()
    given: dict[str, Any] = {
        "number": f"C-{n}",
        "name": f"Contract {n}",
        "starts": date(2020, 1, 1),
        "ends": date(2099, 12, 31),
        **fields,
    }
    client = given.pop("client", None) or organisation("police")
    return Contract.objects.create(contractor=contractor or organisation("contractor"), client=client, **given)


# -- devices


def zone(name: str = "local", **fields: Any) -> Zone:
    """The zone of that name; there is one."""
    return Zone.objects.get_or_create(name=name, defaults={"label": name, **fields})[0]


def credential(**fields: Any) -> Credential:
    """A login."""
    return Credential.objects.create(**{"label": "login", "username": "admin", "password": "secret", **fields})


def endpoint(in_zone: Zone | None = None, **fields: Any) -> Endpoint:
    """An address of its own in a zone."""
    n = number()
    given = {"host": f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", **fields}
    return Endpoint.objects.create(zone=in_zone or zone(), **given)


def device(place: Compound | None = None, **fields: Any) -> Device:
    """An entrance camera in use, with an endpoint of its own unless `endpoint` says otherwise."""
    given: dict[str, Any] = {"kind": Kind.ENTRANCE, "name": f"Device {number()}", "life": Life.IN_USE, **fields}
    if "endpoint" not in given:
        given["endpoint"] = endpoint()
    return Device.objects.create(compound=place or compound(), **given)


def schedule(of: Device, **fields: Any) -> Schedule:
    """The schedule row of a device's endpoint, due now, with production's intervals."""
    assert of.endpoint is not None
    now = timezone.now()
    given: dict[str, Any] = {
        "heartbeat_every": 60,
        "picture_every": 600,
        "facts_every": 86_400,
        "heartbeat_due": now,
        "picture_due": now,
        "facts_due": now,
        "due": now,
        **fields,
    }
    return Schedule.objects.create(endpoint=of.endpoint, zone=of.endpoint.zone, **given)


# -- what was observed


def state(of: Device, tracks: Mapping[Aspect, Track] | None = None, **fields: Any) -> DeviceState:
    """What is held true of a device: link and picture good just now, unless `tracks` says otherwise."""
    now = timezone.now()
    good = Track(state=State.OK, since=now - timedelta(days=1), at=now, seen=4)
    held = {Aspect.LINK: good, Aspect.PICTURE: good} if tracks is None else tracks
    given = {
        "status": status_of(held),
        "status_since": now - timedelta(days=1),
        "looked_at": now,
        "picture_at": now,
        **fields,
    }
    row = DeviceState(device=of, **given)
    row.write_tracks(held)
    row.save()
    return row


def faulty(cause: str, since: datetime, **detail: Any) -> dict[Aspect, Track]:
    """Tracks of a device that has this fault."""
    now = timezone.now()
    good = Track(state=State.OK, since=now - timedelta(days=1), at=now, seen=4)
    bad = Track(state=State.FAULTY, ring=7, seen=4, since=since, at=now, cause=cause, detail=detail)
    return {Aspect.LINK: good, Aspect.PICTURE: good, CAUSES[cause].aspect: bad}


def incident(of: Device, cause: str = "port_closed", **fields: Any) -> Incident:
    """A fault that has lasted for an hour; further fields are the incident's."""
    started = fields.pop("started_at", None) or timezone.now() - timedelta(hours=1)
    given = {"aspect": CAUSES[cause].aspect, "started_at": started, "decided_at": started, **fields}
    return Incident.objects.create(device=of, cause=cause, **given)


def broken(of: Device, cause: str = "port_closed", since: datetime | None = None, **detail: Any) -> Incident:
    """A device with a fault, as recording leaves it: the state and the open incident."""
    began = since or timezone.now() - timedelta(hours=1)
    DeviceState.objects.filter(device=of).delete()
    state(of, faulty(cause, began, **detail))
    return incident(of, cause, started_at=began, detail=detail)


def hour(of: Device, start: datetime, **fields: Any) -> DeviceHour:
    """One hour of a device; all of it good unless said otherwise."""
    given = {"online_s": 3600, "offline_s": 0, "usable_s": 3600, "clock_ok_s": 3600, "blind_s": 0, "excluded_s": 0}
    return DeviceHour.objects.create(device=of, start=start, **{**given, "looks": 60, "pictures": 6, **fields})


def event(of: Incident, **fields: Any) -> Event:
    """An event in the outbox, ready now."""
    now = timezone.now()
    return Event.objects.create(incident=of, **{"kind": Event.Kind.OPENED, "at": now, "ready_at": now, **fields})


def notification(of: Event, to: User, **fields: Any) -> Notification:
    """A mail that is due now."""
    now = timezone.now()
    return Notification.objects.create(event=of, user=to, **{"created_at": now, "due_at": now, **fields})


# -- pictures


def jpeg(seed: int = 1, width: int = 480, height: int = 270) -> bytes:
    """A picture with edges in every part: lines whose places depend on the seed."""
    image = Image.new("RGB", (width, height), (90, 110, 100))
    draw = ImageDraw.Draw(image)
    for step in range(0, width + height, 14):
        shade = (step * 37 * seed) % 256
        draw.line((step, 0, step - height, height), fill=(shade, 255 - shade, 128), width=3)
        draw.line((0, step, width, step - 31 * seed % 90), fill=(40, shade, 60), width=2)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def last_picture(of: DeviceState, data: bytes | None = None, **note: Any) -> DeviceState:
    """Give a device a last picture, kept on disk as recording keeps it."""
    data = data or jpeg()
    digest = sha256(data).hexdigest()
    of.picture_file = last_files(of.device_id)[0]
    media(of.picture_file).parent.mkdir(parents=True, exist_ok=True)
    media(of.picture_file).write_bytes(data)
    of.picture_at = of.picture_at or timezone.now()
    of.picture = {
        "label": "normal", "score": 0.9, "checkable": True, "reason": "", "phase": "day", "width": 480, "height": 270,
        "sha256": digest, "covered_share": 0.0, "blocks": [], "shift": None, **note,
    }  # fmt: skip
    of.save(update_fields=["picture_file", "picture_at", "picture"])
    return of


def picture(of: Device, role: str = Picture.Role.REFERENCE, data: bytes | None = None, **fields: Any) -> Picture:
    """A kept picture: the accepted reference of the day unless said otherwise."""
    data = data or jpeg(2)
    digest = sha256(data).hexdigest()
    given = {"phase": "day", "taken_at": timezone.now(), "accepted_at": timezone.now(), **fields}
    file = keep(str(role), of.pk, digest, data)
    return Picture.objects.create(device=of, role=role, file=file, sha256=digest, width=480, height=270, **given)


def proposal(of: Device, by: User, act: str = "accept", data: bytes | None = None, **fields: Any) -> Proposal:
    """What a contractor would do to the view of a device, with the picture it is about; waiting unless decided."""
    kept = picture(of, Picture.Role.PROPOSAL, data, accepted_at=None)
    given = {"phase": "day", "proposed_at": timezone.now(), **fields}
    return Proposal.objects.create(device=of, act=act, picture=kept, proposed_by=by, **given)


def pictured(device_id: int, at: datetime) -> DeviceState:
    """A device whose picture was judged at that instant, and was good."""
    good = Track(state=State.OK, since=at, at=at, seen=1)
    row = DeviceState(device_id=device_id, status_since=at, looked_at=at, picture_at=at)
    row.write_tracks({Aspect.PICTURE: good})
    row.save()
    return row


def learned(of: Device, signature: bytes, count: int = 1) -> LearnedView:
    """What a camera has learned to look like."""
    return LearnedView.objects.create(device=of, signature=signature, learned=count, updated_at=timezone.now())
