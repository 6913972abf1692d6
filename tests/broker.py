"""The test run's broker between tests."""

from __future__ import annotations

import redis


def empty(store: redis.Redis) -> None:
    """Take everything out but the bindings: a publisher that has declared its queue once does not do so again."""
    waiting = [key for key in store.scan_iter() if not key.startswith(b"_kombu.")]
    if waiting:
        store.delete(*waiting)
