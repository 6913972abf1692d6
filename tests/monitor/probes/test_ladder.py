"""The ways to a picture: which is tried when, how often, and what is remembered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.probes import streams
from monitor.wire import Aspect, Reading, Subject, Target, Verdict
from tests.monitor.probes.device import CHALLENGE, JPEG, LEARNED, Script, look, uri
from tests.monitor.probes.fake import ALL_TIERS, FACTS, HEARTBEAT, PICTURE, Asked, Fake, fault, http, serving, subject
from tests.monitor.probes.fake import target as _target
from tests.monitor.probes.test_visit import causes

SIGHT, ACCESS = Aspect.PICTURE, Aspect.ACCESS
ISAPI, DAHUA = "/ISAPI/Streaming/channels/{}01/picture", "/cgi-bin/snapshot.cgi?channel={}"
REFUSES = fault("NotAuthorized", "Sender not authorized")
NOT_OFFERED = fault("ActionNotSupported", "no snapshots")
KNOWN = {**LEARNED, "snapshot_path": ""}


@pytest.fixture(autouse=True)
def no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where no decoder is installed."""
    monkeypatch.setattr(streams, "is_available", lambda: False)


def target(port: int, *subjects: Subject, **given: Any) -> Target:
    """As everywhere, with what the passport of a device that was seen before knows."""
    return _target(port, *subjects, **given)


def gated(body: bytes) -> Callable[[Asked], bytes]:
    """What a login by digest opens."""
    return lambda asked: http(200, body) if "authorization" in asked.headers else http(401, b"", CHALLENGE.format("n1"))


def without_snapshots(**more: Any) -> Script:
    """A healthy device whose ONVIF offers no snapshot."""
    return Script({"GetSnapshotUri": lambda asked: NOT_OFFERED if asked.signed else REFUSES, **more})


def gets(fake: Fake) -> list[str]:
    """The addresses of everything but ONVIF, once each in a row."""
    found = [one.path for one in fake.asked if one.method == "GET"]
    return [path for index, path in enumerate(found) if index == 0 or found[index - 1] != path]


def aged(reading: Reading, **more: Any) -> dict[str, Any]:
    """The passport after a visit."""
    return {**KNOWN, **reading.passport, **more}


def test_the_maker_s_own_snapshot_is_tried_where_the_maker_is_known() -> None:
    with serving(without_snapshots(**{DAHUA.format(1): gated(JPEG)})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport={**KNOWN, "vendor": "dahua"})))[0]
    assert causes(reading) == {}
    assert gets(fake) == [DAHUA.format(1)]
    assert reading.passport["snapshot_rung"] == "dahua_cgi"
    assert reading.passport["dahua_cgi_auth"] == "digest"


def test_the_way_that_works_costs_one_request_once_its_nonce_is_kept() -> None:
    import asyncio

    from monitor.probes.session import Session
    from monitor.probes.visit import visit

    async def thrice(port: int) -> None:
        session = Session()
        for _ in range(3):
            await visit(target(port, subject(tiers=HEARTBEAT | PICTURE, passport=passport)), session)

    passport = {**KNOWN, "vendor": "hikvision", "snapshot_rung": "isapi", "isapi_auth": "digest"}
    with serving(without_snapshots(**{ISAPI.format(1): gated(JPEG)})) as fake:
        asyncio.run(thrice(fake.port))
    assert fake.names() == [
        "GetSystemDateAndTime",
        *[ISAPI.format(1)] * 2,
        *["GetSystemDateAndTime", ISAPI.format(1)] * 2,
    ]
    assert [one.connection for one in fake.asked] == [1, 1, 1, 2, 2, 3, 3]


def test_where_the_maker_is_unknown_one_new_way_is_tried_in_a_visit() -> None:
    with serving(without_snapshots(**{DAHUA.format(1): gated(JPEG)})) as fake:
        first = look(target(fake.port, subject(tiers=PICTURE, passport=KNOWN)))[0]
        seen = gets(fake)
        second = look(target(fake.port, subject(tiers=PICTURE, passport=aged(first))))[0]
    assert causes(first) == {SIGHT: "snapshot_missing"}
    assert seen == [ISAPI.format(1)]
    assert first.passport["closed_rungs"].startswith("isapi=")
    assert causes(second) == {}
    assert second.passport["snapshot_rung"] == "dahua_cgi"


def test_a_way_that_leads_nowhere_is_closed_for_a_day() -> None:
    now = datetime.now(UTC)
    recent, old = ((now - timedelta(hours=hours)).isoformat(timespec="minutes") for hours in (23, 25))
    with serving(without_snapshots()) as fake:
        passport = {**KNOWN, "closed_rungs": f"dahua_cgi={old} isapi={recent}"}
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=passport)))[0]
    assert gets(fake) == [DAHUA.format(1)]
    assert old not in reading.passport["closed_rungs"]
    assert recent in reading.passport["closed_rungs"]


def test_a_look_for_everything_tries_all_ways_again_as_far_as_the_budget_goes() -> None:
    recent = datetime.now(UTC).isoformat(timespec="minutes")
    passport = {**KNOWN, "closed_rungs": f"dahua_cgi={recent} isapi={recent}"}
    with serving(without_snapshots()) as fake:
        look(target(fake.port, subject(tiers=ALL_TIERS, passport=passport)))
        assert gets(fake) == [ISAPI.format(1), DAHUA.format(1)]
    with serving(without_snapshots()) as fake:
        look(target(fake.port, subject(tiers=ALL_TIERS, passport=passport), burst=7, refill_s=60.0))
        assert gets(fake) == [ISAPI.format(1)]


def test_a_known_way_that_fails_is_learned_anew_once() -> None:
    onvif_again = Script({"GetSnapshotUri": lambda asked: uri("http://x/snap.jpg") if asked.signed else REFUSES})
    passport = {**KNOWN, "vendor": "hikvision", "snapshot_rung": "isapi"}
    with serving(onvif_again) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=passport)))[0]
    assert causes(reading) == {}
    assert gets(fake) == [ISAPI.format(1), "/snap.jpg"]
    assert reading.passport["snapshot_rung"] == ""


def test_a_known_way_that_fails_where_there_is_no_other_is_kept_and_told() -> None:
    passport = {**KNOWN, "vendor": "hikvision", "snapshot_rung": "isapi"}
    with serving(without_snapshots(**{ISAPI.format(1): http(200, b"<html></html>")})) as fake:
        first = look(target(fake.port, subject(tiers=PICTURE, passport=passport)))[0]
        count = len(fake.asked)
        again = look(target(fake.port, subject(tiers=PICTURE, passport={**passport, **first.passport})))[0]
    assert causes(first) == causes(again) == {SIGHT: "not_a_picture"}
    assert "snapshot_rung" not in first.passport
    assert len(fake.asked) - count == 1


def test_a_login_that_only_one_way_refuses_closes_this_way_and_nothing_else() -> None:
    refused = http(401, b"", CHALLENGE.format("n1"))
    with serving(without_snapshots(**{ISAPI.format(1): refused})) as fake:
        reading = look(target(fake.port, subject(tiers=FACTS | PICTURE, passport={**KNOWN, "vendor": "hikvision"})))[0]
    assert causes(reading) == {SIGHT: "snapshot_missing"}
    assert (reading.credential, reading.hold_s) == ("worked", 0)
    assert "isapi=" in reading.passport["closed_rungs"]
    assert sum("authorization" in one.headers for one in fake.asked) == 1


def test_one_visit_has_a_login_refused_once_however_many_ways_ask_for_it() -> None:
    refused = http(401, b"", CHALLENGE.format("n1"))
    ways = {ISAPI.format(1): refused, DAHUA.format(1): refused}
    with serving(without_snapshots(**ways)) as fake:
        passport: dict[str, Any] = dict(KNOWN)
        for _ in range(3):  # a person who looks again and again costs no further refusal on a way that has refused
            reading = look(target(fake.port, subject(tiers=ALL_TIERS, passport=passport), burst=12))[0]
            passport.update(reading.passport)
    tried = [one.path for one in fake.asked if one.method == "GET" and "authorization" in one.headers]
    assert sorted(tried) == sorted(ways)
    assert reading.credential == "worked"


def test_a_resting_login_is_used_on_no_way() -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    passport = {**KNOWN, "vendor": "hikvision", "snapshot_rung": "isapi"}
    with serving(without_snapshots()) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=passport), hold_until=until))[0]
    assert causes(reading)[SIGHT] == "login_held"
    assert fake.asked == []


def test_a_way_that_needs_no_login_is_used_while_it_rests() -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    passport = {**KNOWN, "vendor": "hikvision", "snapshot_rung": "isapi", "isapi_auth": "none"}
    with serving(without_snapshots(**{ISAPI.format(1): http(200, JPEG)})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=passport), hold_until=until))[0]
    assert SIGHT not in causes(reading)


# -- recorders


def test_what_one_channel_has_learned_the_others_use() -> None:
    ways = {ISAPI.format(number): gated(JPEG) for number in (1, 2, 3)}
    with serving(without_snapshots(**ways)) as fake:
        subjects = [subject(n, PICTURE, channel=n, passport={**KNOWN, "vendor": "hikvision"}) for n in (1, 2, 3)]
        readings = look(target(fake.port, *subjects))
    assert [causes(one) for one in readings] == [{}] * 3
    assert gets(fake) == [ISAPI.format(1), ISAPI.format(2), ISAPI.format(3)]
    assert fake.names().count("GetSnapshotUri") <= 2
    assert {one.connection for one in fake.asked} == {1}


def test_a_channel_that_its_recorder_does_not_show_closes_its_own_way_only() -> None:
    ways = {DAHUA.format(1): gated(JPEG), DAHUA.format(2): http(400, b"Bad Request")}
    passport = {**KNOWN, "vendor": "dahua", "snapshot_rung": "dahua_cgi"}
    with serving(without_snapshots(**ways)) as fake:
        subjects = [subject(n, PICTURE, channel=n, passport=passport) for n in (1, 2)]
        good, bad = look(target(fake.port, *subjects))
    assert causes(good) == {}
    assert causes(bad)[SIGHT] == "not_a_picture"


def test_channels_for_which_the_budget_does_not_suffice_are_late_and_that_is_ours() -> None:
    passport = {**LEARNED, "snapshot_auth": "none"}
    subjects = [subject(n, PICTURE, channel=n, passport={**passport, "snapshot_path": f"/{n}"}) for n in (1, 2, 3)]
    with serving(Script({f"/{n}": http(200, JPEG) for n in (1, 2, 3)})) as fake:
        readings = look(target(fake.port, *subjects, burst=2, refill_s=60.0))
    assert gets(fake) == ["/1", "/2"]
    assert [causes(one).get(SIGHT, "ok") for one in readings] == ["ok", "ok", "late"]


def test_a_profile_that_a_person_has_set_is_asked_for() -> None:
    script = Script({"GetSnapshotUri": lambda one: uri("http://x/snap.jpg") if one.signed else REFUSES})
    with serving(script) as fake:
        passport = {**KNOWN, "profile": "P1", "profile_token": "Main_7"}
        look(target(fake.port, subject(tiers=PICTURE, passport=passport)))
    asked = [one for one in fake.asked if one.operation == "GetSnapshotUri"][-1]
    assert b"Main_7" in asked.body


def test_profiles_are_asked_for_once_however_many_channels_have_none() -> None:
    with serving(Script()) as fake:
        look(target(fake.port, *(subject(n, PICTURE, channel=n) for n in (7, 8, 9))))
    assert sum(one.operation == "GetProfiles" and one.signed for one in fake.asked) == 1


# -- a login that ONVIF does not know


def _onvif_user_missing() -> Script:
    signed = dict.fromkeys(("GetDeviceInformation", "GetProfiles", "GetSnapshotUri"), REFUSES)
    return Script({**signed, ISAPI.format(1): gated(JPEG)})


def test_a_login_that_onvif_refuses_is_tried_at_the_maker_s_address_after_its_rest() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with serving(_onvif_user_missing()) as fake:
        first = look(target(fake.port, subject(passport={"vendor": "hikvision"})))[0]
        refused_once = sum(one.signed for one in fake.asked)
        before = len(fake.asked)
        goal = subject(passport={"vendor": "hikvision", **first.passport})
        second = look(target(fake.port, goal, hold_until=past, hold_cause="login_refused"))[0]
        signed = [one for one in fake.asked[before:] if one.signed]
    assert causes(first)[ACCESS] == "login_refused"
    assert refused_once == 1
    assert causes(second)[ACCESS] == "onvif_user_missing"
    assert second.findings[ACCESS].detail == {"vendor": "hikvision"}
    assert SIGHT not in causes(second)
    assert causes(second)[Aspect.IDENTITY] == "login_held"
    assert [one.path for one in signed] == [ISAPI.format(1), "/onvif/device_service"]
    assert (second.credential, second.hold_s) == ("worked", 0)


def test_a_refusal_under_load_is_no_missing_user() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with serving(Script({ISAPI.format(1): gated(JPEG)})) as fake:
        passport = {"vendor": "hikvision", "onvif_refused": "1"}
        goal = subject(tiers=HEARTBEAT | PICTURE, passport=passport)
        reading = look(target(fake.port, goal, hold_until=past, hold_cause="login_doubtful"))[0]
    assert causes(reading) == {}
    assert reading.passport["onvif_refused"] == ""


def test_a_question_beyond_the_login_s_rights_is_no_refused_login() -> None:
    with serving(Script({"GetSnapshotUri": REFUSES})) as fake:
        reading = look(target(fake.port))[0]
    assert reading.findings[ACCESS].verdict is Verdict.OK
    assert (reading.credential, reading.hold_s) == ("worked", 0)
    assert causes(reading) == {SIGHT: "snapshot_refused"}
    assert "snapshot_rests_until" in reading.passport


def test_onvif_gets_no_login_for_some_hours_then_and_pictures_go_on() -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    passport = {"vendor": "hikvision", "onvif_refused": "1", "onvif_rests_until": later, "snapshot_rung": "isapi"}
    with serving(_onvif_user_missing()) as fake:
        reading = look(target(fake.port, subject(passport=passport), worked=True))[0]
    assert causes(reading)[ACCESS] == "onvif_user_missing"
    assert SIGHT not in causes(reading)
    assert [one.path for one in fake.asked if one.signed] == [ISAPI.format(1)]


def test_after_those_hours_onvif_is_asked_once_and_a_refusal_holds_nothing_else() -> None:
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    passport = {"vendor": "hikvision", "onvif_refused": "1", "onvif_rests_until": past, "snapshot_rung": "isapi"}
    with serving(_onvif_user_missing()) as fake:
        reading = look(target(fake.port, subject(passport=passport), worked=True))[0]
    assert causes(reading)[ACCESS] == "onvif_user_missing"
    assert [one.path for one in fake.asked if one.signed] == [ISAPI.format(1), "/onvif/device_service"]
    assert (reading.credential, reading.hold_s) == ("worked", 0)
    assert datetime.fromisoformat(reading.passport["onvif_rests_until"]) > datetime.now(UTC) + timedelta(hours=5)


def test_an_onvif_user_that_was_added_ends_it() -> None:
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    passport = {"vendor": "hikvision", "onvif_refused": "1", "onvif_rests_until": past, "snapshot_rung": "isapi"}
    with serving(Script({ISAPI.format(1): gated(JPEG)})) as fake:
        reading = look(target(fake.port, subject(passport=passport), worked=True))[0]
    assert causes(reading) == {}
    assert (reading.passport["onvif_refused"], reading.passport["onvif_rests_until"]) == ("", "")


def test_a_login_that_was_changed_is_tried_at_once() -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    passport = {"vendor": "hikvision", "onvif_refused": "1", "onvif_rests_until": later, "snapshot_rung": "isapi"}
    with serving(Script({ISAPI.format(1): gated(JPEG)})) as fake:
        reading = look(target(fake.port, subject(passport=passport), worked=False))[0]
    assert causes(reading) == {}


def test_a_login_that_is_only_onvif_s_finds_its_way_back() -> None:
    """The login was changed to one that ONVIF takes and the device's own address does not."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    script = Script({ISAPI.format(1): http(401, b"", CHALLENGE.format("n1"))})
    passport = {"vendor": "hikvision", "onvif_refused": "1", "snapshot_rung": "isapi"}
    with serving(script) as fake:
        first = look(target(fake.port, subject(passport=passport)))[0]
        goal = subject(passport={**passport, **first.passport}, tiers=HEARTBEAT | PICTURE)
        second = look(target(fake.port, goal, hold_until=past, hold_cause="login_refused"))[0]
    assert causes(first)[ACCESS] == "login_refused"
    assert causes(second) == {}
