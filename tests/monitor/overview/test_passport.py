"""The quirk passport on the page of a device: facts in groups with their dates, quirks in words, never a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from monitor.models import Passport
from monitor.overview.passport import Group, Learned, groups_of

if TYPE_CHECKING:
    from devices.models import Device

ASKED = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)
AT = ASKED.isoformat()


def shown(camera: Device, **given: Any) -> dict[str, list[tuple[str, str]]]:
    """The groups of a passport, each with its lines."""
    groups = groups_of(Passport(device=camera, **given))
    return {group.key: [(item.name, item.value) for item in group.items] for group in groups}


FACTS = {
    "manufacturer": "",
    "model": "VC-2",
    "serial": "S1",
    "scopes": {"name": "North gate", "places": ["city/qingdao"], "at": AT},
    "users": {"count": 2, "at": AT},
    "audio": {"count": 0, "at": AT},
    "hostname": {"name": "cam-1", "dhcp": False, "at": AT},
    "network": {
        "interfaces": [
            {"name": "eth0", "mac": "02:00:00:00:00:01", "addresses": ["10.0.0.5/24", "fd00::5/64"], "dhcp": True},
            {"name": "", "mac": "", "addresses": [], "dhcp": False},
        ],
        "at": AT,
    },
    "streams": {
        "streams": [
            {"name": "main", "codec": "H265", "width": 2560, "height": 1440, "fps": 12.5, "kbps": 4096, "gop": 50},
            {"name": "", "codec": "H264"},
        ],
        "at": AT,
    },
    "osd": {"texts": ["North gate", "2"], "time": True, "at": AT},
    "ntp": {"servers": ["ntp.lan"], "dhcp": True, "at": AT},
    "recordings": {"oldest": "2026-02-08T00:00:00+00:00", "newest": "2026-03-10T01:00:00", "count": 4, "at": AT},
}


def test_facts_are_told_in_groups(camera: Device) -> None:
    assert shown(camera, facts=FACTS, learned={"clock_habit": "local_in_utc", "soap_auth": "wsse"}) == {
        "identity": [
            ("Model", "VC-2"),
            ("Serial number", "S1"),
            ("Name it announces", "North gate"),
            ("Place it announces", "city/qingdao"),
            ("Users on the device", "2"),
            ("Loudspeaker outputs", "0"),
        ],
        "network": [
            ("Host name", "cam-1"),
            ("eth0", "02:00:00:00:00:01 · 10.0.0.5/24, fd00::5/64 · by DHCP"),
            ("Interface", "static"),
        ],
        "streams": [
            ("main", "H265 · 2560 × 1440 · 12.5 fps · 4096 kbit/s · a key frame every 50"),
            ("Stream 2", "H264"),
        ],
        "osd": [("Text", "North gate, 2"), ("Time in the picture", "superimposed")],
        "time": [("Time servers", "ntp.lan · by DHCP"), ("Clock", "writes local time into the field for UTC")],
        "storage": [
            ("Oldest recording", "2026-02-08 08:00"),  # Beijing time
            ("Newest recording", "2026-03-10 01:00"),  # the device's own, since it names no zone
            ("Recordings", "4"),
        ],
        "learned": [("Login for ONVIF", "WS-UsernameToken")],
    }


def test_each_group_tells_when_its_oldest_fact_was_asked_for(camera: Device) -> None:
    later = ASKED.replace(hour=5)
    facts = {**FACTS, "hostname": {"name": "cam-1", "at": later.isoformat()}, "model": "VC-2"}
    groups = groups_of(Passport(device=camera, facts=facts, facts_at=later, learned={"profile": "P1"}))
    assert {group.key: group.at for group in groups} == {
        "identity": later,
        "network": ASKED,
        "streams": ASKED,
        "osd": ASKED,
        "time": ASKED,
        "storage": ASKED,
        "learned": None,
    }


def test_a_device_that_shows_nothing_says_so(camera: Device) -> None:
    facts = {"osd": {"texts": [], "time": False, "at": AT}, "ntp": {"servers": [], "dhcp": False, "at": AT}}
    assert shown(camera, facts=facts) == {
        "osd": [("Text", "none"), ("Time in the picture", "not superimposed")],
        "time": [("Time servers", "none")],
    }


@pytest.mark.parametrize(
    "facts",
    [
        dict.fromkeys(FACTS),
        {name: [] for name in FACTS},
        {name: {} for name in FACTS},
        {"network": {"interfaces": [1, None]}, "streams": {"streams": "x"}, "recordings": {"oldest": 7, "newest": "x"}},
        {"hostname": {"name": None, "at": "yesterday"}},
    ],
)
def test_what_has_not_the_form_of_a_fact_is_left_out(camera: Device, facts: dict[str, Any]) -> None:
    assert shown(camera, facts=facts) == {}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("snapshot_path", "/cgi?user=admin&pwd=secret", "/cgi?user=***&pwd=***"),
        ("stream_path", "/user=admin&password=secret&channel=1", "/user=***&password=***&channel=1"),
        ("snapshot_auth", "digest", "HTTP Digest"),
        ("snapshot_auth", "new", "new"),
        ("trouble", "protocol", "Protocol fault"),
        ("snapshot_rests_until", "2026-03-10T09:00:00+00:00", "17:00"),
        ("snapshot_rung", "isapi", "Hikvision ISAPI"),
        ("snapshot_rung", "new", "new"),
        ("closed_rungs", "isapi=2026-03-10T01:00 dahua_cgi=2026-03-10T01:00", "Hikvision ISAPI, Dahua snapshot.cgi"),
        ("facts_absent", "audio=2026-03-10,audio2=2026-03-10,services=2026-03-10,osd=2026-03-10",
         "Loudspeaker outputs, Labels in the picture (OSD)"),
        ("facts_refused", "users=2026-03-10", "Users on the device"),
    ],
)  # fmt: skip
def test_quirks_are_told_in_words_and_without_secrets(camera: Device, name: str, value: str, words: str) -> None:
    [(_title, told)] = shown(camera, learned={name: value})["learned"]
    assert told.endswith(words)


def test_what_is_told_otherwise_is_not_called_absent(camera: Device) -> None:
    learned = {"facts_absent": "streams=2026-03-10,recordings=2026-03-10"}
    assert shown(camera, facts=FACTS, learned=learned).get("learned") is None


def test_what_nobody_knows_is_not_shown(camera: Device) -> None:
    learned = {"snapshot_auth": "", "not ours": "x", "profile": "P1", "snapshot_rests_until": "soon"}
    assert shown(camera, learned=learned) == {"learned": [("Media profile", "P1")]}


def test_a_device_without_a_passport_has_nothing_to_tell() -> None:
    assert groups_of(None) == []


def test_a_line_is_a_name_and_a_value(camera: Device) -> None:
    [group] = groups_of(Passport(device=camera, learned={"profile": "P1"}))
    assert group == Group("learned", "Learned by the platform", None, [Learned("Media profile", "P1")])
