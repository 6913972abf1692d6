"""One picture decoded and judged, and how long each took: for the commands that measure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.vision.jpeg import Refused
from monitor.vision.judge import Judgement, judge
from monitor.vision.label import Label
from monitor.vision.model import CameraModel
from monitor.vision.picture import Picture, decode

COLUMNS = ("verdict", "score", "covered_share", "checkable", "ms_decode", "ms_judge")
_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Timed:
    """A judgement, or a refusal to decode; milliseconds on the wall."""

    picture: Picture | None
    judged: Judgement | None
    refused: Refused | None
    ms_decode: float
    ms_judge: float = 0.0

    @property
    def columns(self) -> Mapping[str, str]:
        """`COLUMNS`; what cannot be decoded is corrupt."""
        found = self.judged
        told = (Label.CORRUPT.value, "1.0000", "0.0000", "1")
        if found is not None:
            share, checkable = f"{found.covered_share:.4f}", str(int(found.checkable))
            told = (found.label.value, f"{found.score:.4f}", share, checkable)
        return dict(zip(COLUMNS, (*told, f"{self.ms_decode:.2f}", f"{self.ms_judge:.2f}"), strict=True))


def timed(data: bytes, model: CameraModel | None = None, trail: bytes = b"") -> Timed:
    """Decode and judge a picture."""
    started = time.perf_counter()
    try:
        picture = decode(data)
    except Refused as refused:
        return Timed(None, None, refused, (time.perf_counter() - started) * _MS)
    decoded = time.perf_counter()
    found = judge(picture, model, trail)
    return Timed(picture, found, None, (decoded - started) * _MS, (time.perf_counter() - decoded) * _MS)
