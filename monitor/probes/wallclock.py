"""The time that a probe process goes by: its machine's, put right where that machine's clock is wrong.

A collector in a closed network may have no time server. With a clock that is off by a minute every camera's clock
would be judged wrong, and every order would be too old; so the process measures how far its clock is from the
broker's, and reads the time here (DESIGN, decision 9). A process has one clock, hence one correction.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

# A smaller difference is within what the way to the broker and back may take: the clock is left alone. Seconds.
TOLERATED_S: Final = 0.5

_ahead: timedelta = timedelta()


def now() -> datetime:
    """The time in UTC, put right."""
    return datetime.now(UTC) - _ahead


def seconds() -> int:
    """The same in whole seconds since 1970, as sealed messages carry it."""
    return int(now().timestamp())


def correct(ahead_s: float) -> None:
    """From now on the machine's clock is taken to be so many seconds ahead (negative: behind)."""
    global _ahead  # noqa: PLW0603 - the process has one clock
    _ahead = timedelta(seconds=ahead_s) if abs(ahead_s) > TOLERATED_S else timedelta()
