"""What is still to be asked of one device today, and what it does not answer; kept in its passport between visits.

`facts_plan` is when the round began and the questions still open, `facts_open` how many of them the next visit may ask
("" where there are none, or where asking soon is of no use), `facts_absent` what the device does not offer,
`facts_refused` what it does not tell to our login, each with the day on which it said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from monitor.probes.memory import Memory
from monitor.wire import Subject

# What a device does not offer comes with new firmware at best; rights are changed by people.
ABSENT: Final = timedelta(days=30)
REFUSED: Final = timedelta(days=7)
# A round that is done is not begun anew by every look of a person.
FRESH: Final = timedelta(hours=1)

Chain = tuple[str, ...]


class Agenda:
    """One subject's round of questions. A chain is a question, and those asked where the one before told nothing."""

    def __init__(self, memory: Memory, subject: Subject, chains: Sequence[Chain], now: datetime) -> None:
        self._memory = memory
        self._subject = subject
        self._chains = chains
        self._today = now.date()
        self._absent = _read_days(memory.of(subject, "facts_absent"), self._today - ABSENT)
        self._refused = _read_days(memory.of(subject, "facts_refused"), self._today - REFUSED)
        self._since, self.open = _read_plan(memory.of(subject, "facts_plan"))
        known = {key for chain in chains for key in chain}
        self.open = [key for key in self.open if key in known]
        if not self.open and not (self._since and timedelta() <= now - self._since < FRESH):
            self._since = now
            self.open = [key for chain in chains if (key := self._first(chain))]

    def _first(self, chain: Chain) -> str:
        return next((key for key in chain if key not in self._absent and key not in self._refused), "")

    def done(self, key: str) -> None:
        """A question was answered, or has had its chance today."""
        self.open.remove(key)

    def pass_on(self, key: str) -> bool:
        """A question told nothing: ask the next of its chain. Whether there is one."""
        chain = next(chain for chain in self._chains if key in chain)
        following = self._first(chain[chain.index(key) + 1 :])
        self.open = [one for one in (following if one == key else one for one in self.open) if one]
        return bool(following)

    def is_absent(self, key: str) -> None:
        """The device does not offer this."""
        self._absent[key] = self._today

    def is_refused(self, key: str) -> None:
        """The device does not tell this to our login."""
        self._refused[key] = self._today

    def write(self, *, soon: bool) -> None:
        """Keep all this; `soon` says whether what is open may be asked at the next visit already."""
        since = "" if self._since is None else self._since.astimezone(UTC).isoformat(timespec="seconds")
        for name, value in {
            "facts_plan": f"{since} {','.join(self.open)}".strip(),
            "facts_open": str(len(self.open)) if self.open and soon else "",
            "facts_absent": _days(self._absent),
            "facts_refused": _days(self._refused),
        }.items():
            self._memory.learn_of(self._subject, name, value)


def _read_plan(words: str) -> tuple[datetime | None, list[str]]:
    since, _, keys = words.partition(" ")
    try:
        return datetime.fromisoformat(since).astimezone(UTC), [key for key in keys.split(",") if key]
    except ValueError:
        return None, []


def _read_days(words: str, after: date) -> dict[str, date]:
    """What was said since a day; older news is forgotten, so that it is asked again."""
    found = {}
    for item in words.split(","):
        key, _, day = item.partition("=")
        try:
            found[key] = date.fromisoformat(day)
        except ValueError:
            continue
    return {key: day for key, day in found.items() if day > after}


def _days(said: dict[str, date]) -> str:
    return ",".join(f"{key}={day.isoformat()}" for key, day in said.items())
