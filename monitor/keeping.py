"""Pictures on disk: the last one of each device, references and proofs, under the media root.

A file is written under its final name only when it is whole, and a name carries the picture's hash, so that what a page
shows is what was judged.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from django.conf import settings

# Directories stay small with fifty thousand devices.
SHARDS = 256


def media(name: str) -> Path:
    """Where a kept picture lies."""
    return Path(settings.MEDIA_ROOT) / name


def keep(role: str, device_id: int, sha256: str, data: bytes) -> str:
    """Write a picture and give its name relative to the media root."""
    name = f"{role}/{device_id % SHARDS:02x}/{device_id}-{sha256[:16]}.jpg"
    path = media(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink()
        raise
    return name


def drop(name: str) -> None:
    """Forget a picture; one that is gone already is fine."""
    if name:
        media(name).unlink(missing_ok=True)
