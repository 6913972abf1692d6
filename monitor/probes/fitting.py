"""Keeps what a device said of itself within a size, whatever it said."""

from __future__ import annotations

import json
from typing import Any, Final

# The longest text, list and path that is kept of what a device says.
MAX_TEXT: Final = 120
MAX_ITEMS: Final = 16
MAX_PATH: Final = 512
# Bytes of JSON that one kind of fact may take; together with their names they stay below 4 kB for a device.
BUDGETS: Final = {
    "identity": 640,
    "streams": 760,
    "osd": 700,
    "network": 560,
    "ntp": 350,
    "scopes": 300,
    "hostname": 200,
    "recordings": 160,
    "users": 60,
    "audio": 60,
}


def size(value: Any) -> int:
    """Bytes of a value as JSON at its longest, every letter beyond ASCII written as an escape."""
    return len(json.dumps(value))


def fit(value: Any, budget: int) -> Any:
    """A value that takes at most `budget` bytes: the longest part loses its end until it does."""
    while size(value) > budget:
        less = _less(value)
        if less == value:
            return None
        value = less
    return value


def _less(value: Any) -> Any:
    if isinstance(value, str):
        return value[: len(value) // 2]
    if isinstance(value, list):
        return value[:-1] if len(value) > 1 else [_less(item) for item in value]
    if isinstance(value, dict) and value:
        longest = max(value, key=lambda name: size(value[name]))
        return {**value, longest: _less(value[longest])}
    return value
