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
    "vendor": _("Make, by its marks"),
    "page": _("Title of its page"),
    "snapshot_rung": _("Way to the snapshot"),
    "closed_rungs": _("Ways to the snapshot that failed"),
    "stream_path": _("Stream address"),
    "rtsp_port": _("Stream port (RTSP)"),
    "login_strained": _("Refused a login that works"),
    "onvif_rests_until": _("No ONVIF login before"),
    "snapshot_rests_until": _("No snapshot before"),
}
_TIMES = frozenset({"snapshot_rests_until", "onvif_rests_until", "login_strained"})
_RUNGS: Mapping[str, Any] = {
    "onvif": "ONVIF",
    "isapi": _("Hikvision ISAPI"),
    "dahua_cgi": _("Dahua snapshot.cgi"),
    "rtsp": _("One picture of the stream (RTSP)"),
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
    if name in _TIMES:
        return words.clock(datetime.fromisoformat(value))
    if name == "snapshot_rung":
        return str(_RUNGS.get(value, value))
    if name == "closed_rungs":
        return ", ".join(str(_RUNGS.get(rung, rung)) for rung in (one.partition("=")[0] for one in value.split()))
    return str(_SCHEMES[value]) if name.endswith("_auth") and value in _SCHEMES else redact(value)
