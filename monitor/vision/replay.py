"""One camera's pictures in order, as the platform would see them: single verdicts, and what is confirmed."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor import health
from monitor.policy import FAILING, RECOVERING, Policy
from monitor.probes.pictures import finding_of, finding_of_refusal
from monitor.vision.jpeg import Refused
from monitor.vision.judge import Judgement, held
from monitor.vision.model import CameraModel, extend, learn
from monitor.vision.picture import Picture, decode
from monitor.vision.teaching import learnable
from monitor.vision.timing import Timed, timed
from monitor.wire import Aspect, Finding

COLUMNS = (
    "name", "verdict", "score", "covered_share", "checkable", "reason", "state", "cause", "ms_decode", "ms_judge",
)  # fmt: skip
_SUFFIXES = frozenset({".jpg", ".jpeg"})
# Pictures are taken to be as far apart as a device's are; the thresholds count readings, not time.
_APART = timedelta(seconds=Policy().picture_s)
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Watch:
    """What is known of one camera from picture to picture: its model, the trail, the state of the picture's aspect.

    A picture that may be learned is, while nothing is wrong or suspected. What the model says of a picture while the
    camera switches between day and night is held, as in a probe.
    """

    model: CameraModel
    learns: bool = True
    trail: bytes = b""
    track: health.Track = field(default_factory=health.Track)
    at: datetime = _BEGIN

    def look(self, data: bytes) -> Timed:
        """Judge the next picture, and take it into account."""
        found = timed(data, self.model, self.trail)
        self.at += _APART
        if found.judged is None or found.picture is None:
            self._read(finding_of_refusal(found.refused or Refused("corrupt")))
            return found
        self.take(found.judged)
        if self.learns and learnable(found.judged) and not health.bad_now(self.track.state):
            self.model = extend(self.model, found.picture, accepted=False)
        return found

    def take(self, judged: Judgement) -> None:
        """Take a judgement into account."""
        self.trail = judged.trail
        self._read(finding_of(held(judged)))

    def _read(self, finding: Finding) -> None:
        failing, recovering = FAILING[Aspect.PICTURE], RECOVERING[Aspect.PICTURE]
        self.track, _ = health.step(self.track, finding, self.at, failing, recovering)


def replay(folder: Path, out: Path, first: int) -> None:
    """Learn a camera from the first pictures of a folder, in order of name, and watch it over the others."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    watch = Watch(learn(list(_readable(paths[:first]))))
    with out.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, COLUMNS)
        writer.writeheader()
        for path in paths[first:]:
            writer.writerow({"name": path.name, **_row(watch.look(path.read_bytes()), watch)})


def _row(found: Timed, watch: Watch) -> Mapping[str, str]:
    reason = found.judged.reason if found.judged else str(found.refused)
    return {**found.columns, "reason": reason, "state": watch.track.state.value, "cause": watch.track.cause}


def _readable(paths: Sequence[Path]) -> Iterator[Picture]:
    for path in paths:
        try:
            yield decode(path.read_bytes())
        except Refused as refused:
            print(f"{path.name}: not learned, {refused}", file=sys.stderr)
