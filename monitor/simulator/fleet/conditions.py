"""What ails which device now: the script at its time, with what the control address has set on top."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from monitor.simulator.faults import CHANNEL_SCOPES, FaultValue, Scope, parse_faults
from monitor.simulator.fleet.members import NOBODY
from monitor.simulator.fleet.script import Rule, Script


class Conditions:
    """The faults of every device now. `began` is when the script's time 0 was (Unix time), `speed` how fast it runs.

    What a script calls slow is so by the script's clock.
    """

    def __init__(self, script: Script, began: float, speed: float = 1.0) -> None:
        self.script = script
        self.speed = speed
        self.began = began
        self._set: dict[int, dict[str, FaultValue | None]] = {}

    def seconds(self) -> float:
        """The time of the script."""
        return (time.time() - self.began) * self.speed

    def delay(self, seconds: float) -> float:
        """How many seconds of ours remain until a time of the script."""
        return max(0.0, self.began + seconds / self.speed - time.time())

    def replace(self, script: Script, began: float) -> None:
        """Follow another script from its beginning; what was set by hand is forgotten."""
        self.script, self.began = script, began
        self._set.clear()

    def change(self, index: int, changes: Mapping[str, object]) -> None:
        """Set faults of a device by hand (false or null: it has not got this one); raises `FaultError`."""
        scopes = CHANNEL_SCOPES if self.script.fleet.kind(index) == "channel" else frozenset(Scope)
        typed = parse_faults(changes, scopes)
        self._set.setdefault(index, {}).update({name: typed.get(name) for name in changes})

    def clear(self, index: int) -> None:
        """Leave a device to the script again."""
        self._set.pop(index, None)

    def own(self, index: int, seconds: float) -> dict[str, FaultValue]:
        """The faults of the device itself."""
        faults = self.script.own_faults_at(index, seconds)
        if "slow_s" in faults:
            faults["slow_s"] = float(faults["slow_s"]) / self.speed
        for name, value in self._set.get(index, {}).items():
            if value is None:
                faults.pop(name, None)
            else:
                faults[name] = value
        return faults

    def faults(self, index: int, seconds: float) -> dict[str, FaultValue]:
        """The faults of a device; it is off as well while anything is that it hangs on."""
        faults = self.own(index, seconds)
        above = self.script.fleet.parent(index)
        while above != NOBODY:
            if "off" in self.own(above, seconds):
                faults["off"] = True
            above = self.script.fleet.parent(above)
        return faults

    def next_change(self, index: int, seconds: float) -> float:
        """The first time after `seconds` at which the script may change the device or what it hangs on."""
        change = math.inf
        while index != NOBODY:
            change = min(change, self.script.next_change(index, seconds))
            index = self.script.fleet.parent(index)
        return change

    @property
    def is_steady(self) -> bool:
        """Whether the script never changes anything."""
        return all(_is_steady(rule) for rule in self.script.rules.rules)


def _is_steady(rule: Rule) -> bool:
    return not rule.begin_s and not rule.every_s and math.isinf(rule.end_s)
