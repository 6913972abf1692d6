"""Frozen pictures: a fingerprint of what a picture shows, fine enough to miss even the noise of its sensor."""

from __future__ import annotations

from monitor.vision.features import Features
from monitor.vision.picture import Picture

_VERSION = b"\x01"


def fingerprint(picture: Picture, features: Features) -> bytes:
    """The trail of a picture: its digest."""
    return _VERSION + bytes.fromhex(picture.digest)


def sameness(now: bytes, before: bytes) -> float:
    """In units of the limit: 1 and more is the same picture again."""
    return 2.0 if before and now == before else 0.0
