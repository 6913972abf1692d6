"""What tests of the journal start from: leased endpoints, readings as a probe sends them, rounds of visits."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from devices.models import Credential, Device
from monitor import claims, recording
from monitor.claims import BATCH, Claim
from monitor.models import Schedule
from monitor.wire import Aspect, Finding, PictureNote, Reading, Verdict
from tests import factories

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GOOD = Finding(Verdict.OK)
# A picture at the broker: thumbnail and original.
Waiting = tuple[bytes, bytes | None]
BLANK = Finding(Verdict.UNKNOWN, "late")


def minute(number: float) -> datetime:
    """So many minutes after the beginning."""
    return START + number * MINUTE


def bad(cause: str, **detail: Any) -> Finding:
    """A finding that something is wrong."""
    return Finding(Verdict.FAULTY, cause, detail)


OFF = bad("no_answer")


def give_login(device: Device, changed_at: datetime) -> None:
    """Give a device a login of its own, entered at that time."""
    assert device.endpoint is not None
    device.endpoint.credential = factories.credential()
    device.endpoint.save()
    Credential.objects.update(changed_at=changed_at)


def lease(device: Device, now: datetime = START) -> str:
    """Give a device's endpoint a schedule row, if it has none, and an open lease on it."""
    assert device.endpoint is not None
    row = Schedule.objects.filter(endpoint=device.endpoint).first()
    row = row or factories.schedule(device, **dict.fromkeys(("heartbeat_due", "picture_due", "facts_due", "due"), now))
    token = uuid.uuid4()
    Schedule.objects.filter(pk=row.pk).update(lease=token, leased_until=now + MINUTE)
    return str(token)


def reading(
    device: Device, at: datetime, held: str, link: Finding = GOOD, shot: PictureNote | None = None, **more: Any
) -> Reading:
    """What a visit learned: a good link unless said otherwise; aspects by their names, the rest are the reading's."""
    findings = {Aspect.LINK: link} | {Aspect(name): more.pop(name) for name in [*Aspect] if name in more}
    return Reading(device.pk, device.endpoint_id or 0, at, 20.0, findings, lease=held, picture=shot, **more)


def claim_due(zone_id: int, now: datetime, limit: int = BATCH) -> list[Claim]:
    """Claim what is due in a zone as a tick does: what wants a picture first, then the rest."""
    found = claims.claim_pictures(zone_id, now, limit)
    return found + (claims.claim_others(zone_id, now, limit - len(found)) if len(found) < limit else [])


def visit(device: Device, at: datetime, link: Finding = GOOD, **more: Any) -> int:
    """Visit one device and record what was learned at that instant; give how many readings counted."""
    return take_in([reading(device, at, lease(device, at), link, **more)], at)


def round_of(findings: Mapping[Device, Finding], at: datetime) -> int:
    """Visit several devices, each with what its link shows, in one batch."""
    return take_in([reading(device, at, lease(device, at), found) for device, found in findings.items()], at)


def take_in(
    readings: Sequence[Reading], at: datetime, pictures: Mapping[str, Waiting] | None = None, zone: str = "local"
) -> int:
    """Record readings as they came from a zone; pictures wait under their keys."""
    return recording.record(readings, zone, dict(pictures or {}).get, at)


def note(key: str = "", sha256: str = "ab" * 32, **fields: Any) -> PictureNote:
    """A picture that shows nothing wrong."""
    given: dict[str, Any] = {
        "label": "normal",
        "score": 0.91234,
        "checkable": True,
        "phase": "day",
        "width": 1920,
        "height": 1080,
        "size": 150_000,
        **fields,
    }
    return PictureNote(sha256=sha256, key=key, **given)
