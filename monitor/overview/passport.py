"""The quirk passport in words: what a device said about itself, and what was learned about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from devices.addresses import redact
from monitor import words
from monitor.models import Passport

_NAMES: Mapping[str, Any] = {
    "manufacturer": _("Manufacturer"),
    "model": _("Model"),
    "firmware": _("Firmware"),
    "serial": _("Serial number"),
    "snapshot_path": _("Snapshot address"),
    "snapshot_auth": _("Login for snapshots"),
    "soap_auth": _("Login for ONVIF"),
    "device_path": _("ONVIF address"),
    "media_path": _("Media address"),
    "media": _("Media service version"),
    "profile": _("Media profile"),
    "trouble": _("Trouble with ONVIF"),
    "snapshot_rests_until": _("No snapshot before"),
}
_SCHEMES: Mapping[str, Any] = {
    "none": _("not needed"),
    "basic": _("HTTP Basic"),
    "digest": _("HTTP Digest"),
    "wsse": _("WS-UsernameToken"),
}


@dataclass(frozen=True, slots=True)
class Learned:
    """One thing that is known, in words."""

    name: str
    value: str


def learned_of(passport: Passport | None) -> list[Learned]:
    """The device's facts, then its quirks; whatever looks like a secret is taken out of addresses."""
    known: dict[str, Any] = {**passport.learned, **passport.facts} if passport else {}
    return [Learned(str(title), _shown(name, str(known[name]))) for name, title in _NAMES.items() if known.get(name)]


def _shown(name: str, value: str) -> str:
    if name == "trouble":
        return words.title(value)
    if name == "snapshot_rests_until":
        return words.clock(datetime.fromisoformat(value))
    return str(_SCHEMES[value]) if name.endswith("_auth") and value in _SCHEMES else redact(value)
