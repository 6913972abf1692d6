"""Pictures on disk: the last one of each device, references and proofs, under the media root.

What is kept for long is written under its final name only when it is whole, and its name carries the picture's hash.
The last picture of a device lies in one of two files, the next one is written over the other: making a file anew costs
the kernel more than all else that a picture costs `record`. What a state names is whole,
but for a power failure in the second after it was written: a picture of the next visit makes that good.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from monitor.ledger import Held
from monitor.models import Incident, Picture
from monitor.wire import Aspect, PictureNote

# Directories stay small with fifty thousand devices.
SHARDS = 256
# Proofs forgotten at once; housekeeping comes again each minute.
FORGOTTEN_AT_ONCE = 1000


def media(name: str) -> Path:
    """Where a kept picture lies."""
    return Path(settings.MEDIA_ROOT) / name


def keep(role: str, device_id: int, sha256: str, data: bytes) -> str:
    """Write a picture and give its name relative to the media root."""
    name = _name(role, device_id, sha256[:16])
    path = media(name)
    part = f"{path}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        _write(part, data)
        Path(part).replace(path)
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise
    return name


def _name(role: str, device_id: int, version: str) -> str:
    return f"{role}/{device_id % SHARDS:02x}/{device_id}-{version}.jpg"


def _write(path: str, data: bytes) -> None:
    """Write a file, or over what is there."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    except FileNotFoundError:  # the first picture of its folder
        Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.truncate()


def drop(name: str) -> None:
    """Forget a picture; one that is gone already is fine."""
    if name:
        media(name).unlink(missing_ok=True)


def drop_all(names: Iterable[str]) -> None:
    """Forget pictures."""
    for name in names:
        drop(name)


def last_files(device_id: int) -> tuple[str, str]:
    """The two files that a device's last picture lies in by turns."""
    return _name("last", device_id, "a"), _name("last", device_id, "b")


def keep_last(state: Held, note: PictureNote, at: datetime, thumbnail: bytes) -> None:
    """Keep a device's last picture and note it on its state, unsaved: until it is saved, the one before stands."""
    one, other = last_files(state.device_id)
    before, state.picture_file = state.picture_file, other if state.picture_file == one else one
    if before not in {"", one, other}:  # as earlier versions named them
        transaction.on_commit(lambda: drop(before))
    _write(str(media(state.picture_file)), thumbnail)
    state.picture_at = at
    state.picture = {
        "label": note.label,
        "score": round(note.score, 3),
        "checkable": note.checkable,
        "reason": note.reason,
        "phase": note.phase,
        "width": note.width,
        "height": note.height,
        "sha256": note.sha256,
        "covered_share": round(note.covered_share, 3),
        "blocks": list(note.blocks),
        "shift": list(note.shift) if note.shift else None,
    }


def keep_proofs(opened: Sequence[Incident], states: Mapping[int, Held], pictures: Mapping[int, bytes]) -> None:
    """A picture incident keeps the picture that confirmed it: as the camera sent it, where that was asked for.

    `pictures` came with the readings that opened it, by device: on disk the next batch may have replaced them.
    """
    proofs = []
    for incident in opened:
        state = states[incident.device_id]
        taken = pictures.get(incident.device_id)
        if incident.aspect == Aspect.PICTURE and taken and state.picture and state.picture_at == incident.decided_at:
            proofs.append(_proof(incident, state.picture, taken))
    if proofs:
        Picture.objects.bulk_create(proofs)


def _proof(incident: Incident, picture: Mapping[str, Any], data: bytes) -> Picture:
    sha256 = str(picture["sha256"])
    return Picture(
        device_id=incident.device_id,
        role=Picture.Role.PROOF,
        phase=picture["phase"],
        taken_at=incident.decided_at,
        file=keep("proof", incident.device_id, sha256, data),
        sha256=sha256,
        width=picture["width"],
        height=picture["height"],
        incident=incident,
    )


def forget_old(now: datetime) -> int:
    """Forget what was over more than `VIEWKEEPER_PROOF_DAYS` days ago: proofs of faults, and what decided proposals
    were about; give how many.

    References, proofs of what still lasts, and what still waits stay. A file that another picture is kept in stays too.
    """
    before = now - timedelta(days=settings.VIEWKEEPER_PROOF_DAYS)
    ended = Q(incident__ended_at__lt=before) | Q(incident=None, taken_at__lt=before)
    over = (ended & Q(role=Picture.Role.PROOF)) | Q(role=Picture.Role.PROPOSAL, proposal__decided_at__lt=before)
    with transaction.atomic():
        found = Picture.objects.select_for_update(of=("self",), skip_locked=True).filter(over)
        old = list(found.order_by("pk")[:FORGOTTEN_AT_ONCE])
        Picture.objects.filter(pk__in=[item.pk for item in old]).delete()
        files = {item.file for item in old}
        free = files - set(Picture.objects.filter(file__in=files).values_list("file", flat=True))
        transaction.on_commit(lambda: drop_all(free))
    return len(old)
