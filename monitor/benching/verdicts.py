"""Whether the platform holds what the script of faults says, for each device whose faults have lasted long enough."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.benching.expected import ASPECTS, Held, expected
from monitor.health import State
from monitor.models import DeviceState, Transition
from monitor.models.states import read_tracks
from monitor.policy import Policy
from monitor.simulator.fleet.members import NOBODY, Fleet
from monitor.simulator.fleet.script import Script
from monitor.wire import Aspect

# What is seen only when a picture is due.
SLOW = frozenset({Aspect.PICTURE, Aspect.ACCESS})
# A picture is confirmed by three of four readings, the further ones being second looks; a login by one.
SECOND_LOOKS = 4
DESCRIBED = 40


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A device of which something else is held than what must be."""

    index: int
    device: str
    faults: Mapping[str, object]
    aspect: Aspect
    expected: str
    held: str

    def __str__(self) -> str:
        ails = ", ".join(f"{name}={value}" for name, value in self.faults.items()) or "nothing"
        return f"{self.device} ({ails}): {self.aspect} is {self.held}, expected {self.expected}"


@dataclass(slots=True)
class Verdicts:
    """Checks a fleet again and again; what was wrong at the last check, and how often it was right."""

    fleet: Fleet
    script: Script
    device_ids: Sequence[int]
    terms: Policy
    speed: float
    began: float
    checked: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    last: list[Mismatch] = field(default_factory=list)
    _rules: dict[int, float] = field(default_factory=dict)

    def settle_s(self, aspect: Aspect) -> float:
        """Seconds for which a fault must have lasted before it must be known."""
        visit_s = 2 * self.terms.heartbeat_s + self.terms.deadline_s
        if aspect not in SLOW:
            return visit_s + self.terms.second_look_s
        return visit_s + self.terms.picture_s + SECOND_LOOKS * (self.terms.second_look_s + self.terms.deadline_s)

    def check(self, now: float, polled_since: float) -> list[Mismatch]:
        """Compare all devices whose faults have not changed for long enough."""
        known = DeviceState.objects.filter(device__in=self.device_ids).only("device_id", "tracks")
        rows = {row.device_id: row for row in known.iterator()}
        found = [item for index in range(len(self.device_ids)) for item in self._check(index, rows, now, polled_since)]
        self.wrong.update(f"{item.index} {item.aspect}" for item in found)
        self.last = found
        return found

    def _check(
        self, index: int, rows: Mapping[int, DeviceState], now: float, polled_since: float
    ) -> Iterator[Mismatch]:
        kind, row = self.fleet.kind(index), rows.get(self.device_ids[index])
        due = [
            aspect
            for aspect in ASPECTS[kind]
            if now - polled_since >= self.settle_s(aspect) and self._steady(index, now - self.settle_s(aspect), now)
        ]
        if not due:
            return
        faults = self.faults_at(index, now)
        must, tracks = expected(kind, faults), read_tracks(row.tracks) if row else {}
        for aspect in due:
            self.checked += 1
            track = tracks.get(aspect)
            state, cause = (track.state, track.cause) if track else (State.UNKNOWN, "")
            if not self._fits(must[aspect], state, cause):
                said = f"{state} {cause or (track.why if track else '')}".strip()
                yield Mismatch(index, f"{kind} {index}", faults, aspect, str(must[aspect]), said)

    def _fits(self, must: Held, state: State, cause: str) -> bool:
        # One bad reading among good ones proves nothing; neither does one good one.
        settled = {State.SUSPECT: State.OK, State.RECOVERING: State.FAULTY}.get(state, state)
        return must.fits(settled, cause)

    def faults_at(self, index: int, now: float) -> dict[str, object]:
        """What ails a device, for a channel its recorder's faults, too."""
        seconds = self._seconds(now)
        found: dict[str, object] = dict(self.script.faults_at(index, seconds))
        if self.fleet.kind(index) == "channel":
            found = {**self.script.faults_at(self.fleet.parent(index), seconds), **found}
        return found

    def ever_ails(self, index: int, until: float) -> bool:
        """Whether anything is the matter with a device, or what it hangs on, at any time."""
        while index != NOBODY:
            if any(rule.begin_s <= self._seconds(until) for rule in self.script.rules_of(index)):
                return True
            index = self.fleet.parent(index)
        return False

    def wronged(self, until: float) -> list[dict[str, Any]]:
        """Devices that nothing ever ailed and that were called faulty: by us, then."""
        well = {
            self.device_ids[index]: index for index in range(len(self.device_ids)) if not self.ever_ails(index, until)
        }
        bad = Transition.objects.filter(device__in=list(well), now=State.FAULTY).order_by("decided_at")
        return [
            {
                "device": f"{self.fleet.kind(well[item.device_id])} {well[item.device_id]}",
                "aspect": item.aspect,
                "cause": item.cause,
                "decided_at": f"{item.decided_at:%H:%M:%S}",
                "detail": item.detail,
            }
            for item in bad
        ]

    def _steady(self, index: int, since: float, now: float) -> bool:
        change = math.inf
        while index != NOBODY:
            change = min(change, self.script.next_change(index, self._seconds(since)))
            index = self.fleet.parent(index)
        return change > self._seconds(now)

    def _seconds(self, at: float) -> float:
        return (at - self.began) * self.speed

    def told(self) -> dict[str, Any]:
        """How many checks, and what was wrong at the last one."""
        return {
            "checked": self.checked,
            "wrong": sum(self.wrong.values()),
            "wrong_devices": len(self.wrong),
            "mismatches": [str(item) for item in self.last[:DESCRIBED]],
        }
