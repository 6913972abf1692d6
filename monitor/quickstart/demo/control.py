"""Turning the knobs of the virtual cameras: a client of the simulator's control address.

The web process uses it in a demo; it dials this one address, never a device.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from django.conf import settings

TIMEOUT_S = 3.0
# No answer of the control address is larger; more is not read.
LARGEST_ANSWER = 1_000_000
# The control address is on this machine: a proxy of the environment has nothing to do with it.
_OPENER = build_opener(ProxyHandler({}))


class ControlError(Exception):
    """The virtual cameras do not answer, or refuse; the message says which, without the token."""


@dataclass(frozen=True, slots=True)
class Virtual:
    """A virtual device or channel as the simulator has it."""

    key: str
    up: bool
    faults: Mapping[str, bool | float | str]


def state() -> dict[str, Virtual]:
    """All virtual devices and channels by key."""
    data = _ask("GET", "/state")
    return {item["key"]: Virtual(item["key"], item["up"], item["faults"]) for item in data["devices"]}


def set_faults(key: str, faults: Mapping[str, bool | float | str | None]) -> None:
    """Add faults to a device; None takes one away."""
    _ask("PUT", f"/devices/{quote(key, safe='')}/faults", faults)


def clear(key: str) -> None:
    """Put a device right."""
    _ask("DELETE", f"/devices/{quote(key, safe='')}/faults")


def _ask(method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    address: str = settings.VIEWKEEPER_SIMULATOR_URL
    if not address:
        raise ControlError("no address of the virtual cameras is set")
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {settings.VIEWKEEPER_SIMULATOR_TOKEN}", "Content-Type": "application/json"}
    request = Request(address + path, data, headers, method=method)  # noqa: S310 - http(s), as settings check it
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
            told: dict[str, Any] = json.loads(answer.read(LARGEST_ANSWER))
    except HTTPError as error:
        error.close()
        raise ControlError(f"the virtual cameras refuse: HTTP {error.code}") from error
    except (URLError, OSError, ValueError) as error:
        raise ControlError("the virtual cameras do not answer") from error
    return told
