"""What ends a bench."""

from __future__ import annotations


class BenchFailed(Exception):
    """A figure cannot be had: something does not start, or is not as it must be to be measured; one line."""
