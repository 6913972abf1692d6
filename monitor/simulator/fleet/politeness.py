"""Watches how politely a device is polled (DESIGN, decisions 3 and 6), as seen from the device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from monitor.simulator.auth import Login

DESCRIBED = 5  # violations of one device that are told in full
# What polling must never ask. A subscription is told apart: it is what existing libraries leave behind (QUIRKS 17).
SUBSCRIBING = frozenset({"CreatePullPointSubscription", "Subscribe", "Renew", "PullMessages", "Unsubscribe"})
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
WRITING_QUERIES = ("action=set", "setconfig", "action=add", "action=remove", "reboot")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a device bears. Times in seconds of this machine's clock.

    `burst` requests at once and one more each `refill_s`, `look_burst` while a person looks; after a refused login
    none more for `back_off_s` (one more where it had worked before). `slack_s` is by how much a request may be early:
    what was booked in time and had to wait for a connection or a busy machine comes closer to the one behind it.
    """

    burst: int = 4
    look_burst: int = 8
    refill_s: float = 5.0
    back_off_s: float = 35 * 60.0
    slack_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Violation:
    """One impoliteness: `rule` is bucket, connections, logins, writes or subscription."""

    index: int
    at: float
    rule: str
    what: str


class Stalls:
    """How long this process was kept from its work lately: what came meanwhile is seen all at once afterwards.

    To be told the time every `STEP_S` seconds.
    """

    STEP_S = 0.25

    def __init__(self) -> None:
        self._last = math.inf
        self._until = 0.0
        self._stalled_s = 0.0

    def beat(self, now: float, memory_s: float) -> None:
        """`now` is that time; a stall is remembered for `memory_s` seconds."""
        stalled_s = now - self._last - self.STEP_S
        if now >= self._until or stalled_s > self._stalled_s:
            self._stalled_s, self._until = max(0.0, stalled_s), now + memory_s
        self._last = now

    def worst_s(self, now: float) -> float:
        """The longest stall that is remembered, the one under way included."""
        return max(0.0, now - self._last - self.STEP_S, self._stalled_s if now < self._until else 0.0)


@dataclass(slots=True)
class Watch:
    """What one endpoint has borne. All times are given by the caller."""

    index: int
    limits: Limits
    violations: dict[str, int] = field(default_factory=dict)
    described: list[Violation] = field(default_factory=list)
    _full_at: float = 0.0
    _refused_at: float = 0.0
    _refused: int = 0
    _worked: bool = False
    _look_until: float = 0.0

    def request(self, now: float, what: str, stalled_s: float = 0.0) -> None:
        """Count a request against the token bucket; it may have come so much earlier than it is seen."""
        limits = self.limits
        burst = limits.look_burst if now < self._look_until else limits.burst
        most = now + burst * limits.refill_s
        self._full_at = max(self._full_at, now) + limits.refill_s
        if self._full_at > most + limits.slack_s + stalled_s:
            self._full_at = most  # each request too many counts once, what follows is judged afresh
            self._note(now, "bucket", f"{what}: more than {burst} requests at once and one each {limits.refill_s:g} s")

    def asked(self, now: float, method: str, target: str, operation: str) -> None:
        """Judge what was asked for: only reading is allowed."""
        if operation in SUBSCRIBING:
            self._note(now, "subscription", operation)
        elif operation:
            if not operation.startswith("Get"):
                self._note(now, "writes", operation)
        elif method not in READING_METHODS or any(word in target.lower() for word in WRITING_QUERIES):
            self._note(now, "writes", f"{method} {target}")

    def login(self, now: float, outcome: Login) -> None:
        """Judge a checked login: few may be refused."""
        if outcome is Login.WORKED:
            self._refused, self._worked = 0, True
        if outcome is not Login.REFUSED:
            return
        if now - self._refused_at >= self.limits.back_off_s - self.limits.slack_s:
            if self._refused:
                self._worked = False
            self._refused = 0
        self._refused += 1
        self._refused_at = now
        allowed = 2 if self._worked else 1
        if self._refused > allowed:
            self._note(now, "logins", f"refused login {self._refused} within the back-off, {allowed} allowed")

    def connected(self, now: float, others: int) -> None:
        """Judge a new connection while `others` are open."""
        if others:
            self._note(now, "connections", f"{others + 1} connections at once")

    def look(self, until: float) -> None:
        """Bear the requests of a person's look until a time."""
        self._look_until = until

    def forget(self) -> None:
        """Start anew, as after the register's password was changed."""
        self._refused, self._worked, self._full_at, self._look_until = 0, False, 0.0, 0.0
        self.violations.clear()
        self.described.clear()

    def _note(self, now: float, rule: str, what: str) -> None:
        self.violations[rule] = self.violations.get(rule, 0) + 1
        if len(self.described) < DESCRIBED:
            self.described.append(Violation(self.index, now, rule, what))

    def told(self) -> Iterator[dict[str, Any]]:
        """The first violations as plain values."""
        return (asdict(item) for item in self.described)
