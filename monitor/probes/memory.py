"""The quirk passport during a visit: what was known before, what was learned or unlearned now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monitor.wire import Subject


class Memory:
    """Passports of the subjects of one endpoint. What is unlearned is set to ""; only changes are handed back.

    Shared keys describe the endpoint and are written to every subject; the others belong to one subject.
    """

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._old = {subject.device_id: dict(subject.passport) for subject in subjects}
        self._new: dict[int, dict[str, Any]] = {device_id: {} for device_id in self._old}

    def changes(self, subject: Subject) -> dict[str, Any]:
        """What the register of quirks should take over."""
        return self._new[subject.device_id]

    def of(self, subject: Subject, key: str) -> str:
        """What is known about one subject, "" where nothing is."""
        device_id = subject.device_id
        return str(self._new[device_id].get(key, self._old[device_id].get(key, "")) or "")

    def learn_of(self, subject: Subject, key: str, value: str) -> None:
        """Remember something about one subject."""
        old, new = self._old[subject.device_id], self._new[subject.device_id]
        new.pop(key, None)
        if old.get(key, "") != value:
            new[key] = value

    def shared(self, key: str) -> str:
        """What is known about the endpoint by any of its subjects."""
        for device_id, new in self._new.items():
            known = new[key] if key in new else self._old[device_id].get(key, "")
            if known:
                return str(known)
        return ""

    def learn(self, key: str, value: str) -> None:
        """Remember something about the endpoint."""
        for device_id, new in self._new.items():
            new.pop(key, None)
            if self._old[device_id].get(key, "") != value:
                new[key] = value
