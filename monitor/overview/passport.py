"""The quirk passport in words: what a device said about itself, when, and what was learned about it.

What is shown came from a device through a collector: whatever has not the form that it should have is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from devices.addresses import redact
from monitor import words
from monitor.models import Passport

_IDENTITY: Mapping[str, Any] = {
    "manufacturer": gettext_lazy("Manufacturer"),
    "model": gettext_lazy("Model"),
    "firmware": gettext_lazy("Firmware"),
    "serial": gettext_lazy("Serial number"),
}
_LEARNED: Mapping[str, Any] = {
    "snapshot_path": gettext_lazy("Snapshot address"),
    "snapshot_auth": gettext_lazy("Login for snapshots"),
    "soap_auth": gettext_lazy("Login for ONVIF"),
    "device_path": gettext_lazy("ONVIF address"),
    "media_path": gettext_lazy("Media address"),
    "media": gettext_lazy("Media service version"),
    "profile": gettext_lazy("Media profile"),
    "trouble": gettext_lazy("Trouble with ONVIF"),
    "vendor": gettext_lazy("Make, by its marks"),
    "page": gettext_lazy("Title of its page"),
    "snapshot_rung": gettext_lazy("Way to the snapshot"),
    "closed_rungs": gettext_lazy("Ways to the snapshot that failed"),
    "stream_path": gettext_lazy("Stream address"),
    "stream_shown": gettext_lazy("Stream address"),
    "rtsp_port": gettext_lazy("Stream port (RTSP)"),
    "login_strained": gettext_lazy("Refused a login that works"),
    "onvif_rests_until": gettext_lazy("No ONVIF login before"),
    "snapshot_rests_until": gettext_lazy("No snapshot before"),
    "facts_absent": gettext_lazy("Not offered by the device"),
    "facts_refused": gettext_lazy("Not told to this login"),
}
_TIMES = frozenset({"snapshot_rests_until", "onvif_rests_until", "login_strained"})
_RUNGS: Mapping[str, Any] = {
    "isapi": gettext_lazy("Hikvision ISAPI"),
    "dahua_cgi": gettext_lazy("Dahua snapshot.cgi"),
    "rtsp": gettext_lazy("One picture of the stream (RTSP)"),
}
_SCHEMES: Mapping[str, Any] = {
    "none": gettext_lazy("not needed"),
    "basic": gettext_lazy("HTTP Basic"),
    "digest": gettext_lazy("HTTP Digest"),
    "wsse": gettext_lazy("WS-UsernameToken"),
}
_HABITS: Mapping[str, Any] = {
    "utc": gettext_lazy("tells UTC"),
    "local_in_utc": gettext_lazy("writes local time into the field for UTC"),
    "local_only": gettext_lazy("tells local time only"),
    "needs_login": gettext_lazy("told after a login only"),
}
# What a question is about, for those that the device does not answer; several may be about the same.
_SUBJECTS: Mapping[str, Any] = {
    "streams": gettext_lazy("Streams"),
    "encoders": gettext_lazy("Streams"),
    "osd": gettext_lazy("Labels in the picture (OSD)"),
    "recordings": gettext_lazy("Recordings"),
    "recording_list": gettext_lazy("Recordings"),
    "ntp": gettext_lazy("Time servers"),
    "network": gettext_lazy("Network connection"),
    "users": gettext_lazy("Users on the device"),
    "audio": gettext_lazy("Loudspeaker outputs"),
    "audio2": gettext_lazy("Loudspeaker outputs"),
    "hostname": gettext_lazy("Host name"),
    "scopes": gettext_lazy("Name it announces"),
}
_FACT_OF: Mapping[str, str] = {"encoders": "streams", "recording_list": "recordings", "audio2": "audio"}

Fact = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Learned:
    """One thing that is known, in words."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs together, and when the device was asked for it; `at` is None for what is learned by and by."""

    key: str
    title: str
    at: datetime | None
    items: list[Learned]


def groups_of(passport: Passport | None) -> list[Group]:
    """The device's facts by kind, then its quirks; groups of which nothing is known are left out."""
    if passport is None:
        return []
    facts = passport.facts
    groups = [
        Group("identity", _("Identity"), passport.facts_at, list(_identity(facts))),
        Group("network", _("Network connection"), _oldest(facts, "network", "hostname"), list(_network(facts))),
        Group("streams", _("Streams"), _oldest(facts, "streams"), list(_streams(facts))),
        Group("osd", _("Labels in the picture (OSD)"), _oldest(facts, "osd"), list(_osd(_fact(facts, "osd")))),
        Group("time", _("Time source"), _oldest(facts, "ntp"), list(_time(facts, passport.learned))),
        Group("storage", _("Storage"), _oldest(facts, "recordings"), list(_storage(_fact(facts, "recordings")))),
        Group("learned", _("Learned by the platform"), None, list(_learned(passport.learned, facts))),
    ]
    return [group for group in groups if group.items]


def _fact(facts: Fact, name: str) -> Fact:
    found = facts.get(name)
    return found if isinstance(found, dict) else {}


def _list(fact: Fact, name: str) -> list[Any]:
    found = fact.get(name)
    return found if isinstance(found, list) else []


def _said(title: str, value: object) -> Iterator[Learned]:
    if value != "" and isinstance(value, str | int | float):
        yield Learned(title, str(value))


def _oldest(facts: Fact, *names: str) -> datetime | None:
    said = [_when(_fact(facts, name).get("at")) for name in names]
    return min((at for at in said if at is not None and at.tzinfo is not None), default=None)


def _when(said: object) -> datetime | None:
    try:
        return datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None


def _listed(names: Iterable[object]) -> str:
    return pgettext("between names", ", ").join(str(name) for name in names)


# -- group by group


def _identity(facts: Fact) -> Iterator[Learned]:
    for name, title in _IDENTITY.items():
        yield from _said(str(title), facts.get(name))
    scopes = _fact(facts, "scopes")
    yield from _said(_("Name it announces"), scopes.get("name"))
    yield from _said(_("Place it announces"), _listed(_list(scopes, "places")))
    yield from _said(_("Users on the device"), _fact(facts, "users").get("count"))
    yield from _said(_("Loudspeaker outputs"), _fact(facts, "audio").get("count"))


def _network(facts: Fact) -> Iterator[Learned]:
    yield from _said(_("Host name"), _fact(facts, "hostname").get("name"))
    for item in _list(_fact(facts, "network"), "interfaces"):
        if isinstance(item, dict):
            name = str(item.get("name") or _("Interface"))
            addresses = _listed(_list(item, "addresses"))
            source = _("by DHCP") if item.get("dhcp") else _("static")
            yield from _said(name, " · ".join(filter(None, (str(item.get("mac") or ""), addresses, source))))


def _streams(facts: Fact) -> Iterator[Learned]:
    for place, item in enumerate(_list(_fact(facts, "streams"), "streams"), 1):
        if isinstance(item, dict):
            name = str(item.get("name") or _("Stream %(n)s") % {"n": place})
            yield from _said(name, " · ".join(_encoder(item)))


def _encoder(item: Fact) -> Iterator[str]:
    """How a stream is encoded, as one reads it on a data sheet."""
    if item.get("codec"):
        yield str(item["codec"])
    if item.get("width") and item.get("height"):
        yield f"{item['width']} × {item['height']}"
    if item.get("fps"):
        yield _("%(n)s fps") % {"n": item["fps"]}
    if item.get("kbps"):
        yield _("%(n)s kbit/s") % {"n": item["kbps"]}
    if item.get("gop"):
        yield _("a key frame every %(n)s") % {"n": item["gop"]}


def _osd(fact: Fact) -> Iterator[Learned]:
    if fact:
        texts = _list(fact, "texts")
        yield Learned(_("Text"), _listed(texts) if texts else _("none"))
        yield Learned(_("Time in the picture"), _("superimposed") if fact.get("time") else _("not superimposed"))


def _time(facts: Fact, learned: Fact) -> Iterator[Learned]:
    fact = _fact(facts, "ntp")
    if fact:
        servers = _listed(_list(fact, "servers")) or _("none")
        yield Learned(_("Time servers"), f"{servers} · {_('by DHCP')}" if fact.get("dhcp") else servers)
    habit = learned.get("clock_habit")
    yield from _said(_("Clock"), str(_HABITS.get(str(habit), habit)) if habit else "")


def _storage(fact: Fact) -> Iterator[Learned]:
    yield from _said(_("Oldest recording"), _moment(fact.get("oldest")))
    yield from _said(_("Newest recording"), _moment(fact.get("newest")))
    yield from _said(_("Recordings"), fact.get("count"))


def _moment(said: object) -> str:
    """An instant of the device: Beijing time, or as it stands where the device named no zone."""
    at = _when(said)
    if at is None:
        return ""
    return f"{timezone.localtime(at) if at.tzinfo else at:%Y-%m-%d %H:%M}"


def _learned(learned: Fact, facts: Fact) -> Iterator[Learned]:
    for name, title in _LEARNED.items():
        value = str(learned.get(name) or "")
        if value:
            yield from _said(str(title), _SHOWN[name](value, facts) if name in _SHOWN else _plain(name, value))


def _plain(name: str, value: str) -> str:
    if name in _TIMES:
        at = _when(value)
        return words.clock(at) if at and at.tzinfo else ""
    return str(_SCHEMES[value]) if name.endswith("_auth") and value in _SCHEMES else redact(value)


def _keys(value: str, mark: str | None) -> list[str]:
    """What stands before the equals signs of a list such as "osd=2026-11-24,users=2026-11-24"."""
    return [item.partition("=")[0] for item in value.split(mark)]


def _unanswered(value: str, facts: Fact) -> str:
    """What the device does not tell in any way, each once."""
    gone = [key for key in _keys(value, ",") if key in _SUBJECTS and not facts.get(_FACT_OF.get(key, key))]
    return _listed(dict.fromkeys(str(_SUBJECTS[key]) for key in gone))


_SHOWN: Mapping[str, Callable[[str, Fact], str]] = {
    "trouble": lambda value, _facts: words.title(value),
    "snapshot_rung": lambda value, _facts: str(_RUNGS.get(value, value)),
    "closed_rungs": lambda value, _facts: _listed(_RUNGS.get(rung, rung) for rung in _keys(value, None)),
    "facts_absent": _unanswered,
    "facts_refused": _unanswered,
}
