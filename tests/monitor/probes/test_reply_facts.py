"""What devices say of themselves: replies of real ones, of odd ones, of hostile ones."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.probes import reply, reply_facts
from monitor.probes.fitting import BUDGETS, fit, size
from monitor.probes.reply_facts import Fact, Label, Stream
from tests.monitor.probes.fake import ENVELOPE
from tests.monitor.probes.recordings import FILES, needs_recordings
from tests.monitor.probes.test_reply import SEED, mutated


def _labels(one: reply.Reply) -> Fact | None:
    found = reply_facts.labels(one)
    return None if found is None else reply_facts.osd(found)


def _streams(one: reply.Reply) -> Fact | None:
    found = reply_facts.streams(one)
    return None if found is None else {"streams": [stream.encoder for stream in found[:16]]}


def _path(one: reply.Reply) -> str | None:
    return reply.path_of(reply.snapshot_uri(one)) or None


# Reader, and the budget of its fact, by operation.
READERS: dict[str, tuple[Callable[[reply.Reply], object], str]] = {
    "GetDeviceInformation": (reply.information, "identity"),
    "GetNetworkInterfaces": (reply_facts.network, "network"),
    "GetNTP": (reply_facts.ntp, "ntp"),
    "GetUsers": (reply_facts.users, "users"),
    "GetHostname": (reply_facts.hostname, "hostname"),
    "GetScopes": (reply_facts.scopes, "scopes"),
    "GetProfiles": (_streams, "streams"),
    "GetVideoEncoderConfigurations": (reply_facts.encoders, "streams"),
    "GetOSDs": (_labels, "osd"),
    "GetAudioOutputs": (reply_facts.audio_outputs, "audio"),
    "GetAudioOutputConfigurations": (reply_facts.audio_outputs, "audio"),
    "GetRecordingSummary": (reply_facts.recordings, "recordings"),
    "GetRecordings": (reply_facts.recordings, "recordings"),
    "GetStreamUri": (_path, "osd"),
}


def _operation(file: Path) -> str:
    name = file.stem.removesuffix(".fault").rpartition("-")[2].rpartition("_")[2]
    return "GetNTP" if name == "GetNtp" else name


OF_READERS = [file for file in FILES if _operation(file) in READERS and "-ptz_" not in file.stem]


def _read(file: Path) -> reply.Reply:
    found = reply.read(file.read_bytes())
    assert found is not None
    return found


def _recorded(vendor: str, ending: str) -> reply.Reply:
    [file] = [file for file in FILES if file.stem.startswith(vendor) and file.stem.endswith(ending)]
    return _read(file)


def said(inner: str) -> reply.Reply:
    """A reply with this in its body."""
    found = reply.read(ENVELOPE % inner.encode())
    assert found is not None
    return found


# -- recorded replies


@needs_recordings
@pytest.mark.parametrize("file", OF_READERS, ids=lambda file: file.stem)
def test_every_recorded_reply_gives_facts_within_bounds_and_a_fault_is_a_fault(file: Path) -> None:
    found, (read, budget) = _read(file), READERS[_operation(file)]
    if ".fault" in file.stem:
        assert found.fault is not None
        assert read(found) is None
        return
    fact = read(found)
    assert fact is not None
    assert size(fit(fact, BUDGETS[budget])) <= BUDGETS[budget]


@needs_recordings
def test_a_reader_takes_no_reply_to_another_question() -> None:
    for file in OF_READERS:
        others = [one for name, one in READERS.items() if one[0] is not READERS[_operation(file)][0]]
        told = [read(_read(file)) for read, _ in others if read is not _path]
        assert told == [None] * len(told), file.stem


@needs_recordings
@pytest.mark.parametrize(
    ("vendor", "ending", "read", "fact"),
    [
        (
            "AXIS",
            "-GetNetworkInterfaces",
            reply_facts.network,
            {
                "interfaces": [
                    {
                        "name": "eth0",
                        "mac": "00:40:8c:fa:b7:54",
                        "addresses": [
                            "10.10.1.20/16",
                            "192.168.0.19/24",
                            "fd00:fc:8dc7:cbf2:240:8cff:fefa:b754/64",
                        ],
                        "dhcp": True,
                    }
                ]
            },
        ),
        ("AXIS", "-GetNTP", reply_facts.ntp, {"servers": [], "dhcp": True}),
        ("HIKVISION-DS_2CD2012", "-GetNTP", reply_facts.ntp, {"servers": ["10.10.1.4"], "dhcp": True}),
        ("HikOEM", "-GetNTP", reply_facts.ntp, {"servers": ["ca.pool.ntp.org"], "dhcp": False}),
        ("Pelco", "-GetNTP", reply_facts.ntp, {"servers": [], "dhcp": False}),
        ("unnamed", "-GetHostname", reply_facts.hostname, {"name": "", "dhcp": False}),
        ("AXIS", "-GetScopes", reply_facts.scopes, {"name": "AXIS Q6045-E", "places": []}),
        (
            "HIKVISION-DS_2CD2012",
            "-GetScopes",
            reply_facts.scopes,
            {"name": "HIKVISION DS-2CD2012-I", "places": ["city/hangzhou"]},
        ),
        ("HIKVISION-DS_2DF7276", "-media_GetOSDs", _labels, {"texts": ["IPdome"], "time": True}),
        ("HIKVISION-DS_2CD2012", "-media_GetOSDs", _labels, {"texts": ["Camera 01"], "time": False}),
        ("Pelco", "-media_GetOSDs", _labels, {"texts": [], "time": True}),
        ("HIKVISION-DS_2DF7276", "-media_GetAudioOutputs", reply_facts.audio_outputs, {"count": 1}),
        ("Pelco", "-media_GetAudioOutputs", reply_facts.audio_outputs, {"count": 0}),
        ("HikOEM", "-recordings_GetRecordings", reply_facts.recordings, {"count": 1}),
        (
            "ONVIF_IPNC",
            "-media2_GetVideoEncoderConfigurations",
            reply_facts.encoders,
            {
                "streams": [
                    {
                        "name": "VEConfig_1",
                        "codec": "H265",
                        "width": 2560,
                        "height": 1920,
                        "fps": 20,
                        "kbps": 2048,
                        "gop": 100,
                    },
                    {
                        "name": "VEConfig_2",
                        "codec": "H265",
                        "width": 800,
                        "height": 448,
                        "fps": 20,
                        "kbps": 512,
                        "gop": 100,
                    },
                ]
            },
        ),
    ],
)
def test_recorded_facts(vendor: str, ending: str, read: reply_facts.Read, fact: Fact) -> None:
    assert read(_recorded(vendor, ending)) == fact


@needs_recordings
@pytest.mark.parametrize(
    ("vendor", "ending", "stream"),
    [
        (
            "HikOEM",
            "-media1_GetProfiles",
            Stream(
                "Profile_1",
                "VideoSource_1",
                "VideoSourceToken",
                {"name": "mainStream", "codec": "H265", "width": 2560, "height": 1440, "fps": 25, "kbps": 8192},
            ),
        ),
        (
            "Xiongmai",
            "-media2_GetProfiles",
            Stream(
                "000",
                "000",
                "000",
                {
                    "name": "Profile_000",
                    "codec": "H264",
                    "width": 2592,
                    "height": 1944,
                    "fps": 12,
                    "kbps": 2205,
                    "gop": 12,
                },
            ),
        ),
        ("HikOEM", "-media2_GetProfiles", Stream("Profile_1")),
    ],
)
def test_recorded_streams_of_media1_and_media2(vendor: str, ending: str, stream: Stream) -> None:
    found = reply_facts.streams(_recorded(vendor, ending))
    assert found
    assert found[0] == stream


@needs_recordings
@pytest.mark.parametrize(
    ("ending", "search"),
    [("Pelco-D6230L-GetServices", "/onvif/recording_search_service"), ("AXIS-AXIS_Q6045_E-GetCapabilities", "")],
)
def test_where_recordings_are_searched(ending: str, search: str) -> None:
    assert reply_facts.service_path(_recorded("", ending), "search") == search


@needs_recordings
def test_services_and_capabilities_of_a_device_agree_about_recordings() -> None:
    told = {
        name: reply_facts.service_path(_recorded("HikOEM", f"-{name}"), "recording")
        for name in ("GetServices", "GetCapabilities")
    }
    assert set(told.values()) == {"/onvif/Recording"}


@needs_recordings
def test_recorded_faults_say_whether_the_device_lacks_something() -> None:
    lacking = _recorded("HIKVISION-DS_2CD2012", "media_GetAudioOutputs.fault").fault
    failing = _recorded("AXIS", "media_GetOSDs.fault").fault
    assert lacking is not None
    assert failing is not None
    assert reply_facts.is_not_offered(lacking)
    assert not reply_facts.is_not_offered(failing)


@needs_recordings
def test_no_mutation_of_a_reply_crashes_a_reader_or_outgrows_its_budget() -> None:
    chance = random.Random(SEED)
    replies = [(file.read_bytes(), READERS[_operation(file)]) for file in OF_READERS]
    for _ in range(1_500):
        data, (read, budget) = chance.choice(replies)
        found = reply.read(mutated(data, chance))
        fact = None if found is None else read(found)
        assert size(fit(fact, BUDGETS[budget])) <= BUDGETS[budget]


# -- odd ones


def test_order_namespaces_and_blanks_do_not_matter() -> None:
    inner = (
        "<x:GetNtpResponse xmlns:x='urn:x'><NTPInformation><NTPManual><DNSname>\n  ntp.lan \n</DNSname></NTPManual>"
        "<NTPManual><IPv4Address>10.0.0.1</IPv4Address></NTPManual><FromDHCP> false </FromDHCP></NTPInformation>"
        "</x:GetNtpResponse>"
    )
    assert reply_facts.ntp(said(inner)) == {"servers": ["ntp.lan", "10.0.0.1"], "dhcp": False}


def test_only_the_time_servers_in_force_are_told() -> None:
    inner = (
        "<GetNTPResponse><NTPInformation><FromDHCP>true</FromDHCP><NTPManual><DNSname>old.lan</DNSname></NTPManual>"
        "<NTPFromDHCP><IPv4Address>10.0.0.2</IPv4Address></NTPFromDHCP></NTPInformation></GetNTPResponse>"
    )
    assert reply_facts.ntp(said(inner)) == {"servers": ["10.0.0.2"], "dhcp": True}


def test_users_are_counted_and_nothing_else_of_them_is_kept() -> None:
    one = "<User><Username>{}</Username><UserLevel>Administrator</UserLevel></User>"
    inner = f"<GetUsersResponse>{one.format('admin')}{one.format('police')}</GetUsersResponse>"
    assert reply_facts.users(said(inner)) == {"count": 2}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("00:40:8C:FA:B7:54", "00:40:8c:fa:b7:54"),
        ("00047D0EB85C", "00:04:7d:0e:b8:5c"),
        ("00-40-8c-fa-b7-54", "00:40:8c:fa:b7:54"),
        ("0040.8cfa.b754", "00:40:8c:fa:b7:54"),
        ("00:00:00:00:00:00", ""),
        ("eth0", ""),
        ("", ""),
    ],
)
def test_a_hardware_address_has_one_form(written: str, told: str) -> None:
    assert reply_facts.mac(written) == told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("25", 25),
        ("25.000000", 25),
        ("12.5", 12.5),
        ("0", 0),
        ("-1", None),
        ("1e9", None),
        ("9" * 40, None),
        ("x", None),
    ],
)
def test_a_number_is_one_or_none(written: str, told: float | None) -> None:
    assert reply_facts.number(written) == told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2026-11-01T08:00:00Z", "2026-11-01T08:00:00+00:00"),
        ("2026-11-01T08:00:00.123+08:00", "2026-11-01T00:00:00+00:00"),
        ("2026-11-01T08:00:00", "2026-11-01T08:00:00"),
        ("1970-01-01T00:00:00Z", ""),
        ("0001-01-01T00:00:00+14:00", ""),
        ("2026-13-01T00:00:00Z", ""),
        ("2026-11-01T08:00:00+99:00", ""),
        ("yesterday", ""),
    ],
)
def test_an_instant_of_a_recording(written: str, told: str) -> None:
    assert reply_facts.when(written) == told


def test_a_summary_tells_what_it_has() -> None:
    inner = (
        "<GetRecordingSummaryResponse><Summary><NumberRecordings>4</NumberRecordings>"
        "<DataUntil>2026-11-24T01:02:03Z</DataUntil><DataFrom>2026-10-25T00:00:00Z</DataFrom></Summary>"
        "</GetRecordingSummaryResponse>"
    )
    assert reply_facts.recordings(said(inner)) == {
        "oldest": "2026-10-25T00:00:00+00:00",
        "newest": "2026-11-24T01:02:03+00:00",
        "count": 4,
    }
    assert reply_facts.recordings(said("<GetRecordingSummaryResponse/>")) == {}


def test_labels_know_the_source_on_which_they_lie() -> None:
    inner = (
        "<GetOSDsResponse><OSDs token='1'><VideoSourceConfigurationToken>A</VideoSourceConfigurationToken><Type>Text"
        "</Type><TextString><PlainText> North  gate </PlainText><Type>Plain</Type></TextString></OSDs>"
        "<OSDs token='2'><Type>Image</Type><Image><ImgPath>x</ImgPath></Image></OSDs></GetOSDsResponse>"
    )
    assert reply_facts.labels(said(inner)) == [Label("A", "North gate", time=False), Label("", "", time=False)]


def test_all_scopes_in_one_element_are_read() -> None:
    inner = (
        "<GetScopesResponse><Scopes><ScopeItem>onvif://www.onvif.org/type/ptz ONVIF://www.onvif.org/Name/A%20B "
        "onvif://www.onvif.org/location/city/%E9%9D%92%E5%B2%9B</ScopeItem></Scopes></GetScopesResponse>"
    )
    assert reply_facts.scopes(said(inner)) == {"name": "A B", "places": ["city/青岛"]}


@pytest.mark.parametrize(
    ("codes", "text", "absent"),
    [
        (("Sender", "ActionNotSupported"), "", True),
        (("Sender", "InvalidArgVal", "AudioNotSupported"), "", True),
        (("Receiver", "Action"), "device does not support audio", True),
        (("Client",), "Method 'trt:GetOSDs' not implemented: method name or namespace not recognized", True),
        (("Receiver", "Action"), "Action failed", False),
        (("Sender", "InvalidArgVal"), "the parameter value is illegal", False),
    ],
)
def test_a_fault_of_what_is_not_offered(codes: tuple[str, ...], text: str, *, absent: bool) -> None:
    assert reply_facts.is_not_offered(reply.Fault(codes, text)) is absent


# -- hostile ones


def _huge(tag: str, inner: str, times: int = 300) -> reply.Reply:
    return said(f"<{tag}Response>{inner * times}</{tag}Response>")


WIDE = "\N{ROLLING ON THE FLOOR LAUGHING}" * 500
HUGE: dict[str, tuple[reply_facts.Read, reply.Reply]] = {
    "network": (
        reply_facts.network,
        _huge(
            "GetNetworkInterfaces",
            f"<NetworkInterfaces token='{'t' * 9_000}'><Name>{WIDE}</Name><HwAddress>00047D0EB85C</HwAddress>"
            + "".join(
                f"<Manual><Address>10.0.0.{n}</Address><PrefixLength>24</PrefixLength></Manual>" for n in range(1, 99)
            )
            + "</NetworkInterfaces>",
            20,
        ),
    ),
    "ntp": (
        reply_facts.ntp,
        _huge("GetNTP", "".join(f"<NTPManual><DNSname>{n}{WIDE}</DNSname></NTPManual>" for n in range(40)), 1),
    ),
    "users": (reply_facts.users, _huge("GetUsers", f"<User><Username>{WIDE}</Username></User>")),
    "hostname": (reply_facts.hostname, _huge("GetHostname", f"<Name>{WIDE}</Name>", 1)),
    "scopes": (
        reply_facts.scopes,
        _huge(
            "GetScopes", f"<ScopeItem>onvif://x/name/{WIDE}</ScopeItem><ScopeItem>onvif://x/location/{WIDE}</ScopeItem>"
        ),
    ),
    "streams": (
        _streams,
        _huge(
            "GetProfiles",
            f"<Profiles token='p'><Name>{WIDE}</Name><VideoEncoderConfiguration><Encoding>{WIDE}</Encoding>"
            "<Resolution><Width>999999999</Width><Height>999999999</Height></Resolution></VideoEncoderConfiguration>"
            "</Profiles>",
        ),
    ),
    "osd": (
        _labels,
        _huge(
            "GetOSDs",
            "".join(f"<OSDs><TextString><PlainText>{n}{WIDE}</PlainText></TextString></OSDs>" for n in range(60)),
            1,
        ),
    ),
    "audio": (reply_facts.audio_outputs, _huge("GetAudioOutputs", "<AudioOutputs/>", 3_000)),
    "recordings": (reply_facts.recordings, _huge("GetRecordings", "<RecordingItem/>", 3_000)),
}


def _longest(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return max([len(value) if isinstance(value, list) else 0, *map(_longest, items)], default=0)


@pytest.mark.parametrize("name", HUGE)
def test_texts_and_lists_are_cut(name: str) -> None:
    read, huge = HUGE[name]
    fact = read(huge)
    assert fact is not None
    assert _longest(fact) <= 120
    fitted = fit(fact, BUDGETS[name])
    assert fitted
    assert size(fitted) <= BUDGETS[name]


def test_everything_a_device_can_say_stays_below_four_kilobytes() -> None:
    identity = reply.information(
        said(
            "<GetDeviceInformationResponse>"
            + "".join(f"<{n}>{WIDE}</{n}>" for n in ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber"))
            + "</GetDeviceInformationResponse>"
        )
    )
    assert identity
    at = {"at": "2026-11-24T00:00:00+00:00"}
    told = {name: fit({**(read(huge) or {}), **at}, BUDGETS[name]) for name, (read, huge) in HUGE.items()}
    assert len(json.dumps({**identity, **told})) <= 4096
    assert all(fact["at"] == at["at"] for fact in told.values())


def test_what_fits_is_left_alone() -> None:
    fact = {"texts": ["North gate", "2"], "time": True}
    assert fit(fact, 700) == fact
    assert fit(fact, 36) == {"texts": ["North"], "time": True}


def test_interfaces_within_interfaces_hold_nothing_up() -> None:
    address = "<Config><Address>10.0.0.1</Address><PrefixLength>8</PrefixLength></Config>"
    nested = "<NetworkInterfaces>" * 16 + address * 3_000 + "</NetworkInterfaces>" * 16
    found = reply.read(ENVELOPE % f"<GetNetworkInterfacesResponse>{nested}</GetNetworkInterfacesResponse>".encode())
    assert found is not None
    began = time.thread_time()
    facts = reply_facts.network(found)
    assert time.thread_time() - began < 0.3
    assert facts == {"interfaces": [{"name": "", "mac": "", "addresses": ["10.0.0.1/8"], "dhcp": False}]}
