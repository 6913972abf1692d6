"""Replies of real devices, of broken ones, and of nobody."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.probes import clock, refusals, reply
from monitor.wire import Verdict
from tests.monitor.probes.fake import ENVELOPE
from tests.monitor.probes.recordings import FILES, needs_recordings

SEED = 20_261_123
MUTATIONS = 2_000


def _body(inner: str) -> reply.Reply:
    found = reply.read(ENVELOPE % inner.encode())
    assert found is not None
    return found


def _read_everything(data: bytes) -> reply.Reply | None:
    """Run every reader over the bytes; what they say must be of the right shape."""
    found = reply.read(data)
    if found is None:
        return None
    told = reply.date_time(found)
    if told is not None:
        assert clock.judge(told, datetime.now(UTC)).verdict in Verdict
    for text in [*(reply.information(found) or {}).values(), reply.snapshot_uri(found)]:
        assert len(text) <= 512
        reply.path_of(text)
    reply.media_address(found)
    reply.profiles(found)
    return found


@needs_recordings
def test_every_recorded_reply_is_read_and_faults_are_told_from_replies() -> None:
    wrong = [
        file.name
        for file in FILES
        if (found := _read_everything(file.read_bytes())) is None
        or (found.fault is not None) != (".fault." in file.name)
    ]
    assert wrong == []


# Named by its own file name, not by what was asked.
_MISNAMED = {"GetCapabilitiesEncoder", "GetVideoSourcesEncoder", "SendAuxiliaryCommand", "GetDns", "GetNtp"}


@needs_recordings
def test_every_recorded_reply_is_the_one_to_its_request() -> None:
    plain = [file for file in FILES if ".fault." not in file.name]
    stray = {
        operation
        for file in plain
        if (operation := file.stem.rpartition("-")[2].rpartition("_")[2])
        and not ((found := reply.read(file.read_bytes())) and found.answers(operation))
    }
    assert len(plain) > 500
    assert stray == _MISNAMED


@needs_recordings
def test_a_recorded_fault_asks_for_a_login_or_says_what_is_not_offered() -> None:
    faults = [found.fault for file in FILES if (found := reply.read(file.read_bytes())) and found.fault]
    asking = [fault for fault in faults if fault.unauthorised]

    assert (len(faults), len(asking)) == (77, 4)
    assert all("NotAuthorized" in fault.codes for fault in asking)
    assert not any(
        refusals.is_busy(fault.text.encode()) or refusals.refusal(fault.text.encode()).locked for fault in faults
    )


@needs_recordings
@pytest.mark.parametrize("file", [file for file in FILES if file.stem.endswith("-GetSystemDateAndTime")], ids=str)
def test_recorded_clocks_are_read(file: Path) -> None:
    found = reply.read(file.read_bytes())
    told = found and reply.date_time(found)
    assert told
    assert told.utc is not None
    assert 2014 <= told.utc.year <= 2025


@needs_recordings
@pytest.mark.parametrize("ending", ["GetDeviceInformation", "GetProfiles", "GetSnapshotUri", "GetServices"])
def test_recorded_facts_are_found(ending: str) -> None:
    readers: dict[str, Callable[[reply.Reply], object]] = {
        "GetDeviceInformation": lambda one: (reply.information(one) or {})["serial"],
        "GetProfiles": lambda one: reply.profiles(one)[0].token,
        "GetSnapshotUri": lambda one: reply.path_of(reply.snapshot_uri(one)),
        "GetServices": reply.media_address,
    }
    replies = [reply.read(file.read_bytes()) for file in FILES if file.stem.endswith(ending) and "ptz" not in file.stem]
    assert len(replies) >= 8
    assert all(one is not None and readers[ending](one) for one in replies)


def mutated(data: bytes, chance: random.Random) -> bytes:
    spoiled = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(spoiled))
        kind = chance.randrange(4)
        if kind == 0:
            spoiled[place] = chance.randrange(256)
        elif kind == 1:
            del spoiled[place : place + chance.randint(1, 200)]
        elif kind == 2:
            spoiled[place:place] = bytes(chance.randrange(256) for _ in range(8))
        else:
            spoiled[place:place] = spoiled[:place][-chance.randint(1, 400) :]
        if not spoiled:
            return b""
    return bytes(spoiled)


@needs_recordings
def test_no_mutation_of_a_reply_crashes_a_reader() -> None:
    chance = random.Random(SEED)
    core = [file.read_bytes() for file in FILES if file.stat().st_size < 6_000]
    read = sum(_read_everything(mutated(chance.choice(core), chance)) is not None for _ in range(MUTATIONS))
    assert 0 < read < MUTATIONS


def test_garbage_is_never_a_reply() -> None:
    chance = random.Random(SEED)
    for _ in range(500):
        noise = chance.randbytes(chance.randint(0, 300))
        assert reply.read(noise) is None
        assert reply.read(b"<" + noise) is None


@pytest.mark.parametrize(
    "data", [b"", b" ", b"<a/>", b"<html><body>Envelope</body></html>", b"<Envelope/>", b"{}", b"\xff\xd8\xff\xe0"]
)
def test_what_has_no_envelope_and_body_is_no_reply(data: bytes) -> None:
    assert reply.read(data) is None


def test_a_dtd_is_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    assert reply.read(bomb + ENVELOPE % b"<Uri>&b;</Uri>") is None


def test_entities_are_not_expanded() -> None:
    found = reply.read(ENVELOPE % b"<Uri>&unknown;x</Uri>")
    assert found is None or "unknown" not in reply.snapshot_uri(found)


def test_depth_does_not_crash() -> None:
    deep = b"<a>" * 50_000
    found = reply.read(ENVELOPE % deep)
    assert found is None or reply.date_time(found) is None


@pytest.mark.parametrize("junk", [b"\x00\x00", b"\r\n\r\n", b"\xef\xbb\xbf", b" \t"])
def test_junk_before_the_xml_is_skipped(junk: bytes) -> None:
    assert reply.read(junk + ENVELOPE % b"<x/>") is not None


def test_a_wrong_declared_encoding_is_read_as_utf8() -> None:
    found = reply.read(b'<?xml version="1.0" encoding="utf-16"?>' + ENVELOPE % b"<Uri>http://h/x</Uri>")
    assert found is not None
    assert reply.snapshot_uri(found) == "http://h/x"


def test_broken_utf8_loses_only_its_letters() -> None:
    inner = b"<Model>A\xff\xfeB</Model><SerialNumber>S1</SerialNumber>"
    found = reply.read(ENVELOPE % (b"<GetDeviceInformationResponse>%s</GetDeviceInformationResponse>" % inner))
    assert found is not None
    facts = reply.information(found)
    assert facts is not None
    assert facts["serial"] == "S1"


def test_undeclared_prefixes_are_read() -> None:
    found = _body("<zz:GetDeviceInformationResponse><zz:Model>M</zz:Model></zz:GetDeviceInformationResponse>")
    assert reply.information(found) == {"manufacturer": "", "model": "M", "firmware": "", "serial": ""}


def test_an_empty_information_is_none() -> None:
    assert reply.information(_body("<GetDeviceInformationResponse/>")) is None
    assert reply.information(_body("<Model>M</Model>")) is None


def test_a_fault_is_found_with_its_codes_and_words() -> None:
    fault = _body(
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>"
        "<s:Reason><s:Text>Sender not Authorized</s:Text></s:Reason></s:Fault>"
    ).fault
    assert fault is not None
    assert fault.codes == ("Sender", "NotAuthorized")
    assert fault.text == "Sender not Authorized"
    assert fault.unauthorised


def test_a_soap_11_fault_is_read() -> None:
    fault = _body(
        "<s:Fault><faultcode>wsse:FailedAuthentication</faultcode><faultstring>no</faultstring></s:Fault>"
    ).fault
    assert fault is not None
    assert (fault.codes, fault.text, fault.unauthorised) == (("FailedAuthentication",), "no", True)


@pytest.mark.parametrize(
    ("words", "unauthorised"),
    [
        ("The action requested requires authorization", True),
        ("Wrong password", True),
        ("Authority failure", True),
        ("An error was discovered processing the <wsse:Security> header.", True),
        ("The security token could not be authenticated or authorized", True),
        ("Invalid username", True),
        ("Optional Action Not Implemented", False),
        ("No such profile", False),
        ("Too weak password", False),
    ],
)
def test_the_words_of_a_fault_count_too(words: str, unauthorised: bool) -> None:
    assert reply.Fault(("Receiver",), words).unauthorised is unauthorised


def test_what_is_not_supported_asks_for_no_login() -> None:
    assert not reply.Fault(("Receiver", "ActionNotSupported"), "802.1X authentication is not supported").unauthorised


@pytest.mark.parametrize("year", ["2\x12026", "20\x0026", "2\x7f026"])
def test_damaged_figures_are_not_mended(year: str) -> None:
    assert reply.date_time(_body(_time(Year=year))) is None


def _time(**parts: object) -> str:
    given = {"Hour": 1, "Minute": 2, "Second": 3, "Year": 2026, "Month": 11, "Day": 23} | parts
    return "<UTCDateTime>" + "".join(f"<{name}>{value}</{name}>" for name, value in given.items()) + "</UTCDateTime>"


def test_date_and_time_in_any_order_and_namespace() -> None:
    told = reply.date_time(_body(_time()))
    assert told == reply.DeviceTime(datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC), None, "2026-11-23T01:02:03")


def test_a_leap_second_is_the_last_of_its_minute() -> None:
    told = reply.date_time(_body(_time(Second=60)))
    assert told is not None
    assert told.utc == datetime(2026, 11, 23, 1, 2, 59, tzinfo=UTC)


@pytest.mark.parametrize("parts", [{"Month": 0}, {"Day": 32}, {"Hour": 24}, {"Year": 0}, {"Second": 61}, {"Day": -1}])
def test_an_impossible_date_is_shown_raw(parts: dict[str, int]) -> None:
    told = reply.date_time(_body(_time(**parts)))
    assert told is not None
    assert told.utc is None
    assert told.raw


@pytest.mark.parametrize("parts", [{"Month": ""}, {"Year": "x"}, {"Hour": "1.5"}, {"Year": "123456"}, {"Day": "²"}])
def test_what_is_no_number_is_no_date(parts: dict[str, str]) -> None:
    assert reply.date_time(_body(_time(**parts))) is None


def test_local_time_alone_is_kept_apart() -> None:
    told = reply.date_time(_body(_time().replace("UTCDateTime", "LocalDateTime")))
    assert told is not None
    assert (told.utc, told.local) == (None, datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC))


def _service(namespace: str, address: str) -> str:
    return f"<Service><Namespace>http://www.onvif.org/{namespace}/wsdl</Namespace><XAddr>{address}</XAddr></Service>"


def test_media1_is_preferred_to_media2() -> None:
    both = _body(_service("ver20/media", "http://h/two") + _service("ver10/media", "http://h/one"))
    assert reply.media_address(both) == ("http://h/one", False)
    assert reply.media_address(_body(_service("ver20/media", "http://h/two"))) == ("http://h/two", True)
    assert reply.media_address(_body(_service("ver10/ptz", "http://h/ptz"))) is None


def test_capabilities_name_the_media_service() -> None:
    assert reply.media_address(_body("<Media><XAddr> http://h/m </XAddr></Media>")) == ("http://h/m", False)
    assert reply.media_address(_body("<Media/>")) is None


def test_profiles_have_tokens_and_sources() -> None:
    found = reply.profiles(
        _body(
            '<Profiles token="a"><VideoSourceConfiguration><SourceToken>s1</SourceToken></VideoSourceConfiguration>'
            '</Profiles><Profiles token="b"><VideoSource><SourceToken>s2</SourceToken></VideoSource></Profiles>'
            '<Profiles/><Profiles token="c"/>'
        )
    )
    assert found == [reply.Profile("a", "s1"), reply.Profile("b", "s2"), reply.Profile("c", "")]


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("http://192.168.1.64/onvif/snap?x=1", "/onvif/snap?x=1"),
        (" http://10.0.0.1:8899/a b ", "/a%20b"),
        ("/snap.jpg", "/snap.jpg"),
        ("10.0.0.1/snap.jpg", "/snap.jpg"),
        ("http://u:p@h/x", "/x"),
        ("http://h?x=1", "/?x=1"),
        ("http://h", ""),
        ("http://h/", "/"),
        ("", ""),
        ("http://[broken/x", ""),
        ("http://h/a\r\nX-Evil: 1", "/aX-Evil:%201"),
        ("http://h/%7Esnap", "/%7Esnap"),
    ],
)
def test_only_path_and_query_of_an_address_are_believed(address: str, path: str) -> None:
    assert reply.path_of(address) == path


def test_a_path_less_service_address_means_the_default() -> None:
    assert reply.path_of("http://h/", "/onvif/media") == "/onvif/media"
    assert reply.path_of("http://h", "/onvif/media") == "/onvif/media"
