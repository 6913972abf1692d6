"""When the machine is too small: intervals lengthen evenly, by one factor, and everybody keeps their turn.

A zone's heartbeats follow a clock of their own, and so do its pictures. While there is capacity it is the real one;
under overload it runs `stretch` times slower. An endpoint is due when that clock shows its phase, so that every
interval of the zone grows by the same factor, without a jump when the factor changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

_EPOCH = datetime.fromtimestamp(0, UTC)

# The longest due may be late by this share of its interval; beyond it intervals lengthen, below they shorten again.
LATE_SHARE = 0.05
# A proportional and an integral part: being late alone would swing (the backlog is itself an integral). Of each minute
# of lateness so much becomes stretch each second, and of each minute that it has grown: critical damping.
INTEGRAL, PROPORTIONAL = 0.01, 1.55
# The most in a second, up and down alike: a passing delay leaves nothing behind. Where there is capacity, intervals
# shorten by so much.
MOST, AT_LEISURE = 0.02, 0.004
# To be early by more than this says no more than that there is capacity. Minutes.
EARLIEST = -0.05
LONGEST = 20.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Showed `shown` at the real instant `since` and has run `stretch` times slower than real time from then on."""

    since: datetime = _EPOCH
    shown: datetime = _EPOCH
    stretch: float = 1.0

    def at(self, now: datetime) -> datetime:
        """What it shows at a real instant."""
        return self.shown + (now - self.since) / self.stretch

    def real(self, shown: datetime) -> datetime:
        """The real instant at which it will show this."""
        return self.since + (shown - self.shown) * self.stretch

    def turned_to(self, stretch: float, now: datetime) -> Clock:
        """The same clock, from now on at another speed."""
        return replace(self, since=now, shown=self.at(now), stretch=stretch)


REAL = Clock()


@dataclass(frozen=True, slots=True)
class Pace:
    """The two clocks of a zone."""

    heartbeat: Clock = REAL
    picture: Clock = REAL


UNHURRIED = Pace()


def next_stretch(stretch: float, late_min: float, was_late_min: float, tick_s: float) -> float:
    """The factor for the next tick. Lateness is in minutes beyond what is allowed, now and `tick_s` seconds ago."""
    now, before = max(EARLIEST, late_min), max(EARLIEST, was_late_min)
    if now == before == EARLIEST:  # not late at all, and not since just now: there is capacity
        return max(1.0, stretch * (1 - AT_LEISURE * tick_s))
    change = INTEGRAL * tick_s * now + PROPORTIONAL * (now - before)
    return max(1.0, min(LONGEST, stretch * (1 + max(-MOST * tick_s, min(MOST * tick_s, change)))))


def phase_after(phase_s: int, every_s: int, now: datetime, clock: Clock = REAL) -> datetime:
    """The next real instant after `now` at which the clock shows a time congruent to the phase, modulo the interval."""
    shown = clock.at(now)
    steps = (int(shown.timestamp()) - phase_s) // every_s + 1
    return clock.real(_EPOCH + timedelta(seconds=steps * every_s + phase_s))
