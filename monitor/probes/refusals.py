"""What the words of a refusal say: locked, so many attempts left, busy. Devices differ, their English not much."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

EXCERPT = 160
READ = 4096

_BUSY: Final = re.compile(
    r"(?i)(?:device|server|system|service) (?:is )?(?:too )?busy|too many (?:connections|users|clients|sessions)"
    r"|(?:connections?|sessions?) (?:limit|exhausted|used up|exceeded)|(?:out of|no (?:more|free)) connections"
    r"|max(?:imum)?\.? (?:number of )?(?:connections|users|sessions)"
)
_LOCKED: Final = re.compile(
    r"(?i)(?<![a-z])locked(?![a-z])|(?<!un)lock[ -]?out|lockstatus\W{1,4}lock(?![a-z])"
    r"|(?:try|retry|log ?in) again (?:in|after)|too many (?:failed|wrong|invalid|login|authentication|password)"
)
_ATTEMPTS: Final = re.compile(
    r"(?i)(\d{1,3})\s*(?:more |remaining |login )*(?:attempt|tries|try\b|chance)|retryLoginTime\W{1,4}(\d{1,3})"
    r"|(?:attempts?|tries|chances)\W{1,3}(?:left|remaining)\W{1,4}(\d{1,3})"
)
_WAIT: Final = re.compile(r"(?i)(\d{1,6})\s*(second|sec|minute|min|hour)|unlockTime\W{1,4}(\d{1,6})")
_UNITS: Final = {"sec": 1, "min": 60, "hou": 3600}
_TAGS: Final = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refusing reply says in words; None where it says nothing about it. `is_fault`: it says so in SOAP."""

    locked: bool
    attempts_left: int | None
    wait_s: int | None
    text: str
    is_fault: bool = False


def _decode(body: bytes) -> str:
    return body[:READ].decode("utf-8", "replace")


def excerpt(body: bytes) -> str:
    """The words of a reply without its tags, cut short."""
    return " ".join(_TAGS.sub(" ", _decode(body)).split())[:EXCERPT]


def is_busy(body: bytes) -> bool:
    """Whether the reply says that the device has too much to do."""
    return bool(_BUSY.search(_decode(body)))


def _wait(text: str) -> int | None:
    match = _WAIT.search(text)
    if match is None:
        return None
    return int(match[3]) if match[3] else int(match[1]) * _UNITS[match[2][:3].lower()]


def refusal(body: bytes) -> Refusal:
    """Read a refusing reply: no attempts left is a lock too."""
    said = _decode(body)
    match = _ATTEMPTS.search(said)
    left = int(next(group for group in match.groups() if group)) if match else None
    locked = left == 0 or (bool(_LOCKED.search(said)) and not left)
    return Refusal(locked, left, _wait(said) if locked else None, excerpt(body), "Fault" in said)
