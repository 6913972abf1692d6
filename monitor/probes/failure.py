"""What can go wrong on the way to a device, as exceptions that never leave a visit: there they become findings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from monitor.wire import Finding, Verdict

OK = Finding(Verdict.OK)
# Words of a busy device that has no connection or session left, where another has too much to do (QUIRKS 6, 7).
_USED_UP: Final = re.compile(r"(?i)connection|session|too many (?:users|clients)|number of (?:users|clients)")


def faulty(cause: str, **detail: Any) -> Finding:
    """A fault of the device, with a key of `causes.CAUSES`."""
    return Finding(Verdict.FAULTY, cause, detail)


def unknown(cause: str, **detail: Any) -> Finding:
    """Nothing can be said, with a key of `causes.UNKNOWN_THEIRS` or `UNKNOWN_OURS`."""
    return Finding(Verdict.UNKNOWN, cause, detail)


class Failure(Exception):
    """A request did not lead to an answer that can be used."""

    def __init__(self, cause: str, **detail: Any) -> None:
        super().__init__(cause)
        self.cause = cause
        self.detail: Mapping[str, Any] = detail

    def finding(self) -> Finding:
        """The same as data."""
        return faulty(self.cause, **self.detail)


class LinkDown(Failure):
    """The device cannot be reached, or does not say a word."""


class Garbled(Failure):
    """Bytes came that are no reply (cause `protocol`): the link is fine, the device's software is not."""


class Busy(Failure):
    """The device says that it is busy: to be asked later, not down."""

    def __init__(self, said: str, **detail: Any) -> None:
        super().__init__("connections_used_up" if _USED_UP.search(said) else "busy", **detail)


class NoService(Failure):
    """What answers here is no ONVIF service; the cause says what it is as far as that is known."""


class Slow(Failure):
    """An answer was begun and not finished in time; `received` bytes came in `seconds`."""

    def __init__(self, received: int, seconds: float) -> None:
        super().__init__("protocol", received=received, seconds=round(seconds, 1))
        self.received = received
        self.seconds = seconds


class Refused(Failure):
    """A request with a credential was refused; the cause says how sure that is."""


class NeedsLogin(Failure):
    """The device asks for a login and none may be used: the register has none, or it rests."""


class Late(Failure):
    """We did not get round to it before the deadline: ours, no figure counts it."""

    def __init__(self) -> None:
        super().__init__("late")

    def finding(self) -> Finding:
        """Unknown, and ours."""
        return unknown("late")
