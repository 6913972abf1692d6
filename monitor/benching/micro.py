"""One process instead of a platform: what decoding and judging take apart, and how long a visit takes on the wall."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from devices.models import Zone
from monitor import claims
from monitor.benching.city import Camera
from monitor.benching.cpu import measured
from monitor.benching.rounds import make_due
from monitor.benching.scenes import Bank
from monitor.benching.scratch import ZONE
from monitor.probes.pictures import look
from monitor.probes.runner import Loop
from monitor.targets import targets
from monitor.wire import Subject, Target

# Visits at once: as many as a small fleet has on its way at any time.
AT_ONCE = 4
MEDIAN, ALMOST_ALL = 49, 94  # of the hundred percentiles that `quantiles` gives, from 0


@dataclass(frozen=True, slots=True)
class Wall:
    """Milliseconds that half and 95 % of the visits took at most."""

    p50: float
    p95: float


def wall(device_ids: Sequence[int]) -> Wall:
    """How long visits for a picture take, a few at once, after one to get to know the cameras."""
    loop = Loop(concurrency=AT_ONCE)
    try:
        due = leased(device_ids, pictures=True)
        loop.run_batch(due)
        took = statistics.quantiles([item.took_ms for item in loop.run_batch(due)], n=100, method="inclusive")
    finally:
        loop.close()
    return Wall(took[MEDIAN], took[ALMOST_ALL])


class Judging:
    """Decoding and judging alone: what the probe does with a picture that is there."""

    def __init__(self, device_ids: Sequence[int], cameras: Mapping[int, Camera], bank: Bank) -> None:
        subjects = [subject for target in leased(device_ids, pictures=True) for subject in target.subjects]
        self._pairs = [(data, subject) for subject in subjects for data in bank[cameras[subject.device_id].scene][-1:]]

    def round(self) -> float:
        """Milliseconds of CPU time per picture, in a thread as in a probe."""
        with ThreadPoolExecutor(1) as threads:
            _, spent_ms = measured(lambda: list(threads.map(_judged, self._pairs)))
        return spent_ms / len(self._pairs)


def _judged(pair: tuple[bytes, Subject]) -> None:
    data, subject = pair
    look(data, subject, _nowhere)


def leased(device_ids: Sequence[int], *, pictures: bool) -> list[Target]:
    """These devices as targets of a visit, as a tick would make them; the lease is given back at once."""
    make_due(device_ids, pictures=pictures)
    now = timezone.now()
    found = claim_due(now, len(device_ids), pictures=pictures)
    described = targets(found, now)
    claims.let_go(found, wanted=())
    return described


def claim_due(now: datetime, limit: int, *, pictures: bool) -> list[claims.Claim]:
    """What is due in the bench's zone, as a tick claims it."""
    claim = claims.claim_pictures if pictures else claims.claim_others
    return claim(Zone.objects.get(name=ZONE).pk, now, limit)


def _nowhere(_device_id: int, _thumbnail: bytes, _original: bytes | None) -> str:
    return ""
