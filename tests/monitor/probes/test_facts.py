"""The daily facts: which questions in which visit, what is kept of the answers, and that nobody is harmed by asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.probes import soap as requests
from monitor.probes.bucket import Bucket
from monitor.probes.facts import QUESTIONS
from monitor.simulator.plan import ChannelPlan, CityPlan, DevicePlan, SceneSpec
from monitor.simulator.server import RunningCity
from monitor.wire import Aspect, Finding, Reading, Request, Subject, Verdict
from tests.monitor.probes.device import LEARNED, Script, information, look, profiles, services
from tests.monitor.probes.fake import (
    FACTS,
    HEARTBEAT,
    PICTURE,
    Asked,
    Bytes,
    fault,
    http,
    serving,
    soap,
    subject,
    target,
)

requests.warm()
ACCESS, IDENTITY, RECORDING = Aspect.ACCESS, Aspect.IDENTITY, Aspect.RECORDING
BEAT = "GetSystemDateAndTime"
WHO = "GetDeviceInformation"
LOGIN = {"soap_auth": "wsse", "snapshot_auth": "digest"}
# What a policy grants (see `policy.Policy`): four requests at once, one more every five seconds.
POLITE: dict[str, Any] = {"burst": 4, "refill_s": 5.0, "deadline_s": 10.0}


def yesterday(passport: dict[str, Any]) -> dict[str, Any]:
    """The passport as if its round of questions had begun a day earlier."""
    since, _, questions = str(passport["facts_plan"]).partition(" ")
    before = datetime.fromisoformat(since) - timedelta(days=1)
    return {**passport, "facts_plan": f"{before.isoformat()} {questions}".strip()}


# -- against the virtual city: which requests, in which visits


@pytest.fixture(scope="module")
def city() -> Iterator[RunningCity]:
    """A camera, one that can call out, and a recorder with two channels."""
    channels = (ChannelPlan("c1", SceneSpec(label="C1")), ChannelPlan("c2"))
    devices = (
        DevicePlan("camera", password="pw", scene=SceneSpec("hall", 1, "H1"), serial="SN-1"),
        DevicePlan("lane", password="pw", scene=SceneSpec("fire_lane", 1)),
        DevicePlan("recorder", "recorder", password="pw", channels=channels),
    )
    with RunningCity(CityPlan(devices)) as running:
        yield running


def undated(facts: dict[str, Any]) -> dict[str, Any]:
    """The dated facts without their dates."""
    dated = {name: fact for name, fact in facts.items() if isinstance(fact, dict)}
    return {name: {key: value for key, value in fact.items() if key != "at"} for name, fact in dated.items()}


def visit(
    city: RunningCity, key: str, passports: list[dict[str, Any]], *subjects: Subject
) -> tuple[list[str], list[Reading]]:
    """One visit by the policy with a full bucket; what was asked, and the readings. The passports learn."""
    city.forget_requests(key)
    readings = look(target(city.port(key), *subjects, **POLITE))
    for passport, reading in zip(passports, readings, strict=True):
        passport.update(reading.passport)
    return [one.operation for one in city.requests(key)], readings


def day(city: RunningCity, key: str, passport: dict[str, Any]) -> list[list[str]]:
    """What is asked visit by visit, a minute apart, until nothing is open."""
    asked: list[list[str]] = []
    while not asked or passport["facts_open"]:
        names, [reading] = visit(city, key, [passport], subject(tiers=HEARTBEAT | FACTS, passport=passport))
        assert reading.findings[IDENTITY].verdict is Verdict.OK  # known after each helping, or it would be doubted
        asked.append(names)
        assert len(asked) < 20
    return asked


FIRST_DAY = [
    [BEAT, WHO, "GetServices", "GetProfiles"],
    [BEAT, WHO, "GetOSDs", "GetNTP"],
    [BEAT, WHO, "GetNetworkInterfaces", "GetUsers"],
    [BEAT, WHO, "GetStreamUri", "GetAudioOutputs"],
    [BEAT, WHO, "GetHostname", "GetScopes"],
]
# The stream's address is known by then, and that there is no loudspeaker.
EVERY_DAY = [*FIRST_DAY[:3], FIRST_DAY[4]]


def test_a_day_s_questions_come_in_small_helpings_and_the_next_day_the_same_again(city: RunningCity) -> None:
    passport = dict(LOGIN)
    assert day(city, "camera", passport) == FIRST_DAY
    passport = yesterday(passport)
    assert day(city, "camera", passport) == EVERY_DAY
    passport = yesterday(passport)
    assert day(city, "camera", passport) == EVERY_DAY


def test_a_round_that_is_done_asks_nothing_more_that_hour_but_who_the_device_is(city: RunningCity) -> None:
    passport = dict(LOGIN)
    day(city, "camera", passport)
    asked, [reading] = visit(city, "camera", [passport], subject(tiers=HEARTBEAT | FACTS, passport=passport))
    assert asked == [BEAT, WHO]
    assert reading.passport == {}
    asked, [reading] = visit(city, "camera", [passport], subject(tiers=HEARTBEAT, passport=passport))
    assert (asked, reading.passport, reading.facts) == ([BEAT], {}, {})


def test_what_a_camera_says_of_itself(city: RunningCity) -> None:
    passport, facts = dict(LOGIN), dict[str, Any]()
    while not facts or passport["facts_open"]:
        _, [reading] = visit(city, "camera", [passport], subject(tiers=HEARTBEAT | FACTS, passport=passport))
        facts.update(reading.facts)
    assert undated(facts) == {
        "streams": {
            "streams": [
                {"name": "camera", "codec": "H264", "width": 1280, "height": 720, "fps": 25, "kbps": 4096, "gop": 50}
            ]
        },
        "osd": {"texts": ["H1"], "time": True},
        "ntp": {"servers": ["ntp.example"], "dhcp": False},
        "network": {"interfaces": [{"name": "eth0", "mac": "02:00:53:4e:2d:31", "addresses": [], "dhcp": False}]},
        "users": {"count": 1},
        "hostname": {"name": "camera", "dhcp": False},
        "scopes": {"name": "Viewkeeper", "places": []},
    }
    assert facts["serial"] == "SN-1"
    assert facts["audio"] is None
    assert passport["stream_path"] == "/Profile_1"
    assert passport["facts_absent"] == f"audio={datetime.now(UTC).date()}"
    assert datetime.now(UTC) - datetime.fromisoformat(facts["ntp"]["at"]) < timedelta(minutes=1)


def test_a_camera_that_can_call_out_has_a_loudspeaker(city: RunningCity) -> None:
    passport = {**LOGIN, "facts_plan": f"{datetime.now(UTC).isoformat()} audio"}
    _, [reading] = visit(city, "lane", [passport], subject(tiers=HEARTBEAT | FACTS, passport=passport))
    assert reading.facts["audio"]["count"] == 1


def test_a_recorder_and_its_channels_are_asked_together_each_for_its_own(city: RunningCity) -> None:
    passports: list[dict[str, Any]] = [dict(LOGIN) for _ in range(3)]
    facts: list[dict[str, Any]] = [{}, {}, {}]
    asked: list[list[str]] = []
    while not asked or any(one["facts_open"] for one in passports):
        tiers = HEARTBEAT | FACTS
        subjects = [subject(n + 1, tiers, channel=n, sees=n > 0, passport=passports[n]) for n in range(3)]
        names, readings = visit(city, "recorder", passports, *subjects)
        asked.append([name for name in names if name not in {BEAT, WHO}])
        for known, reading in zip(facts, readings, strict=True):
            known.update(reading.facts)
    assert asked == [
        ["GetServices", "GetProfiles"],
        ["GetOSDs", "GetRecordingSummary"],
        ["GetNTP", "GetNetworkInterfaces"],
        ["GetUsers", "GetStreamUri"],
        ["GetStreamUri", "GetAudioOutputs"],
        ["GetHostname", "GetScopes"],
    ]
    own, first, second = facts
    assert own["recordings"]["count"] == 2
    assert "streams" not in own
    assert set(first) == {"streams", "osd"}
    assert (first["osd"]["texts"], first["streams"]["streams"][0]["name"]) == (["C1"], "c1")
    assert set(second) == {"streams"}  # the recorder draws on its first channel only
    assert second["streams"]["streams"][0]["name"] == "c2"
    assert [one.get("stream_path", "") for one in passports] == ["", "/Profile_1", "/Profile_2"]


def test_heartbeat_and_picture_come_first_and_facts_never_wait_for_a_token(city: RunningCity) -> None:
    learned = {**look(target(city.port("camera"), subject(tiers=HEARTBEAT | PICTURE)))[0].passport, **LOGIN}
    asked, [reading] = visit(
        city, "camera", [dict(learned)], subject(tiers=HEARTBEAT | FACTS | PICTURE, passport=learned)
    )
    assert asked == [BEAT, WHO, "", ""]  # the picture takes two requests where the nonce is not known
    assert reading.took_ms < 2_500
    assert int(reading.passport["facts_open"]) == 11


def test_a_look_of_a_person_asks_as_many_as_its_bucket_gives(city: RunningCity) -> None:
    def on_step(_step: str, _finding: Finding | None, _request: Request | None) -> None:
        pass

    city.forget_requests("camera")
    goal = target(city.port("camera"), subject(tiers=HEARTBEAT | FACTS, passport=LOGIN), **POLITE | {"burst": 8})
    [reading] = look(goal, on_step=on_step)
    assert len(city.requests("camera")) == 8
    assert reading.took_ms < 2_500


# -- against a scripted device: what came of a question


def ask(
    replies: dict[str, Any], *open_: str, passport: dict[str, Any] | None = None, **given: Any
) -> tuple[list[str], Reading]:
    """One visit for facts with these questions open (all, where none is named); what was asked besides the usual."""
    plan = {"facts_plan": f"{datetime.now(UTC).isoformat()} {','.join(open_)}"} if open_ else {}
    known = {**LEARNED, "stream_path": "/live", **plan, **(passport or {})}
    with serving(Script(replies)) as fake:
        [reading] = look(target(fake.port, subject(tiers=HEARTBEAT | FACTS, passport=known), **given))
    return [name for name in fake.names() if name not in {BEAT, WHO}], reading


def said(operation: str, inner: str = "") -> Callable[[Asked], Bytes]:
    """A reaction that answers whoever has logged in."""
    whole = soap(f"<{operation}Response>{inner}</{operation}Response>".encode())
    return lambda asked: whole if asked.signed else fault("NotAuthorized", "Sender not authorized")


def test_what_is_not_offered_is_not_asked_again_for_thirty_days() -> None:
    today = datetime.now(UTC).date()
    asked, reading = ask({}, "osd")
    assert (asked, reading.passport["facts_absent"]) == (["GetOSDs"], f"osd={today}")
    assert reading.facts["osd"] is None  # what it once told is no longer true
    others = ",".join(f"{key}={today}" for key in QUESTIONS if key != "osd")
    for days, expected in ((29, []), (30, ["GetOSDs"])):
        absent = f"{others},osd={today - timedelta(days=days)}"
        assert ask({}, passport={"facts_absent": absent})[0] == expected


def test_a_question_that_fails_is_asked_once_a_day_and_keeps_what_was_known() -> None:
    for failure in (None, http(200, b"?"), fault("Action", "Action failed", 500), http(404)):
        asked, reading = ask({"GetOSDs": failure}, "osd", "ntp")
        assert asked[0] == "GetOSDs"
        assert "osd" not in reading.facts
        assert "osd" not in reading.passport.get("facts_plan", "")
        assert "osd" not in reading.passport.get("facts_absent", "")
        assert reading.findings[ACCESS].verdict is Verdict.OK


@pytest.mark.parametrize("passport", [{}, {"facts_open": "2"}])
def test_a_login_without_the_right_to_a_question_is_still_a_login(passport: dict[str, Any]) -> None:
    refusing = {"GetUsers": fault("NotAuthorized", "Sender not authorized")}
    asked, reading = ask(refusing, "users", "hostname", passport=passport)
    assert asked == ["GetUsers"]
    assert reading.findings[ACCESS] == Finding(Verdict.OK)
    assert (reading.credential, reading.hold_s) == ("worked", 0)
    assert "soap_auth" not in reading.passport
    assert reading.passport["facts_refused"] == f"users={datetime.now(UTC).date()}"
    # One refusal a day: what is left waits for the next one.
    assert reading.passport["facts_plan"].endswith(" hostname")
    assert reading.passport.get("facts_open", "") == ""


def test_a_lock_out_is_never_taken_for_a_lack_of_rights() -> None:
    locked = fault("NotAuthorized", "The account is locked. Try again in 600 seconds.")
    _, reading = ask({"GetUsers": locked}, "users")
    assert reading.findings[ACCESS].cause == "locked_out"
    assert reading.credential == "refused"
    assert "facts_refused" not in reading.passport


def test_what_needs_a_login_is_left_out_where_the_rest_needs_none() -> None:
    name = soap(b"<GetHostnameResponse><Name>cam</Name></GetHostnameResponse>")
    open_ones = {WHO: information(), "GetHostname": name}
    asked, reading = ask(open_ones, "users", "hostname", password=None, passport={"soap_auth": ""})
    assert asked == ["GetUsers", "GetHostname"]
    assert reading.facts["hostname"]["name"] == "cam"
    assert reading.findings[ACCESS].verdict is Verdict.OK


def test_without_a_login_nothing_is_asked_every_minute() -> None:
    asked, reading = ask({}, password=None)
    assert asked == []
    assert reading.findings[ACCESS].cause == "credential_missing"
    assert reading.passport.get("facts_open", "") == ""


def test_with_a_refused_login_the_questions_wait_for_the_next_round() -> None:
    asked, reading = ask({WHO: fault("NotAuthorized", "no")}, "ntp")
    assert (asked, reading.passport.get("facts_open", "")) == ([], "")


def test_questions_go_on_where_the_device_is_busy_and_wait_for_the_next_round_where_it_is_down() -> None:
    for replies, left in (({"*": None}, ""), ({"*": http(503)}, "2")):
        asked, reading = ask(replies, "ntp", "users")
        assert (asked, reading.passport.get("facts_open", "")) == ([], left)


def test_a_device_without_the_service_waits_for_the_next_day() -> None:
    asked, reading = ask({"*": http(404)}, "ntp")
    assert ("GetNTP" in asked, reading.passport.get("facts_open", "")) == (False, "")


def test_no_question_is_begun_when_the_visit_is_nearly_over() -> None:
    from time import sleep

    def slow(asked: Asked) -> Bytes:
        sleep(0.8)
        return information()

    asked, reading = ask({WHO: slow}, "ntp", deadline_s=1.0)
    assert (asked, reading.passport["facts_open"]) == ([], "1")
    assert reading.findings[IDENTITY].verdict is Verdict.OK


def test_another_camera_is_told_and_asked_all_the_same() -> None:
    with serving(Script({"GetHostname": said("GetHostname", "<Name>x</Name>")})) as fake:
        plan = {"facts_plan": f"{datetime.now(UTC).isoformat()} hostname"}
        goal = target(fake.port, subject(tiers=FACTS, serial="S9", passport={**LEARNED, **plan}))
        [reading] = look(goal)
    assert reading.findings[IDENTITY].cause == "identity_changed"
    assert reading.facts["hostname"]["name"] == "x"


def test_an_old_device_is_asked_for_its_capabilities_and_the_next_day_at_once() -> None:
    where = "<Search><XAddr>http://10.0.0.9/onvif/search</XAddr></Search>"
    told = said("GetCapabilities", f"<Capabilities><Extension>{where}</Extension></Capabilities>")
    replies = {"GetServices": fault("ActionNotSupported", "no"), "GetCapabilities": told}
    asked, reading = ask(replies, "services")
    assert asked == ["GetServices", "GetCapabilities"]
    assert reading.passport["search_path"] == "/onvif/search"
    assert ask(replies, passport={"facts_absent": reading.passport["facts_absent"]})[0][0] == "GetCapabilities"


def test_profiles_without_settings_lead_to_those_of_the_encoders() -> None:
    encoder = "<Configurations token='1'><Encoding>H265</Encoding></Configurations>"
    replies = {
        "GetProfiles": said("GetProfiles", "<Profiles token='P1'><Name>main</Name></Profiles>"),
        "GetVideoEncoderConfigurations": said("GetVideoEncoderConfigurations", encoder),
    }
    asked, reading = ask(replies, "streams")
    assert asked == ["GetProfiles", "GetVideoEncoderConfigurations"]
    assert reading.facts["streams"]["streams"] == [{"name": "", "codec": "H265"}]


def test_a_device_with_media2_only_is_asked_in_its_words() -> None:
    outputs = said("GetAudioOutputConfigurations", "<Configurations token='1'/>")
    replies: dict[str, Any] = {
        "GetServices": services(),
        "GetAudioOutputConfigurations": outputs,
        "GetStreamUri": said("GetStreamUri", "<Uri>rtsp://10.0.0.9:5540/live?channel=1</Uri>"),
    }
    plan = f"{datetime.now(UTC).isoformat()} audio2,stream_path"
    known = {**LEARNED, "media": "2", "facts_plan": plan}
    with serving(Script(replies)) as fake:
        [reading] = look(target(fake.port, subject(tiers=HEARTBEAT | FACTS, passport=known)))
    assert reading.facts["audio"]["count"] == 1
    assert reading.passport["stream_path"] == "/live?channel=1"
    stream = next(one for one in fake.asked if one.operation == "GetStreamUri")
    assert b"RtspUnicast" in stream.body
    assert b"StreamSetup" not in stream.body


def test_a_secret_in_the_address_of_a_stream_is_not_kept() -> None:
    told = said(
        "GetStreamUri", "<MediaUri><Uri>rtsp://h/user=admin&amp;password=hunter2&amp;channel=1</Uri></MediaUri>"
    )
    _, reading = ask({"GetStreamUri": told}, "stream_path", passport={"stream_path": ""})
    assert reading.passport["stream_shown"] == "/user=***&password=***&channel=1"
    assert reading.passport.get("stream_path", "") == ""
    asked, _ = ask({"GetStreamUri": told}, passport={"stream_path": "", **reading.passport, "facts_plan": ""})
    assert "GetStreamUri" not in asked


def test_a_profile_that_is_gone_is_learned_anew() -> None:
    replies = {"GetProfiles": lambda asked: profiles("A", "B") if asked.signed else fault("NotAuthorized", "no")}
    _, reading = ask(replies, "streams", passport={"profile": "P9"})
    assert reading.passport["profile"] == "P1"


# -- recordings

SUMMARY = (
    "<Summary><DataFrom>2026-10-25T00:00:00Z</DataFrom><DataUntil>2026-11-24T00:00:00Z</DataUntil>"
    "<NumberRecordings>3</NumberRecordings></Summary>"
)


def test_recordings_are_ok_with_the_oldest_and_the_newest() -> None:
    _, reading = ask(
        {"GetRecordingSummary": said("GetRecordingSummary", SUMMARY)}, "recordings", passport={"search_path": "/search"}
    )
    assert reading.findings[RECORDING] == Finding(
        Verdict.OK,
        "",
        {"oldest": "2026-10-25T00:00:00+00:00", "newest": "2026-11-24T00:00:00+00:00", "count": 3},
    )


@pytest.mark.parametrize(("items", "verdict"), [(1, Verdict.OK), (0, None)])
def test_without_a_summary_recordings_are_counted_and_none_is_no_verdict_yet(
    items: int, verdict: Verdict | None
) -> None:
    replies = {"GetRecordings": said("GetRecordings", "<RecordingItem/>" * items)}
    asked, reading = ask(replies, "recordings", passport={"search_path": "/search", "recording_path": "/recording"})
    assert asked == ["GetRecordingSummary", "GetRecordings"]
    assert reading.facts["recordings"]["count"] == items
    found = reading.findings.get(RECORDING)
    assert (found and found.verdict) == verdict


def test_a_camera_that_keeps_no_recordings_says_so_without_a_step_in_a_look() -> None:
    told: list[str] = []
    with serving(Script()) as fake:
        plan = {"facts_plan": f"{datetime.now(UTC).isoformat()} recordings"}
        goal = target(fake.port, subject(tiers=FACTS, passport={**LEARNED, **plan}))
        [reading] = look(goal, on_step=lambda step, *_: told.append(step))
    assert reading.findings[RECORDING] == Finding(Verdict.UNKNOWN, "not_offered")
    assert "recording" not in told


# -- what is kept in the passport


@pytest.mark.parametrize("plan", ["", "nonsense", "2026-13-01 ntp", "2999-01-01T00:00:00+00:00"])
def test_a_plan_that_cannot_be_is_begun_anew(plan: str) -> None:
    asked, reading = ask({}, passport={"facts_plan": plan, "facts_absent": "x,osd=soon,ntp"})
    assert asked
    assert reading.passport["facts_plan"]


def test_questions_that_are_no_longer_put_are_dropped() -> None:
    asked, reading = ask({}, "no_such_question", "hostname")
    assert asked == ["GetHostname"]
    assert reading.passport["facts_plan"].partition(" ")[2] == ""


# -- the bucket


def test_the_bucket_tells_how_many_requests_are_free() -> None:
    now = [0.0]
    bucket = Bucket(4, 5.0, lambda: now[0])
    assert bucket.free() == 4
    for left in (3, 2, 1, 0):
        assert bucket.wait_s() == 0
        bucket.take()
        assert bucket.free() == left
    assert bucket.wait_s() > 0
    now[0] = 5.0
    assert bucket.free() == 1
    now[0] = 1_000.0
    assert bucket.free() == 4
    assert Bucket(3, 0.0, lambda: 0.0).free() == 3


# -- the habit of the clock


@pytest.mark.parametrize(
    ("faults", "habit"),
    [({}, "utc"), ({"clock_local_in_utc": True}, "local_in_utc"), ({"clock_needs_login": True}, "needs_login")],
)
def test_the_habit_of_the_clock_is_learned(city: RunningCity, faults: dict[str, object], habit: str) -> None:
    city.set_faults("lane", **faults)
    [reading] = look(target(city.port("lane"), subject(tiers=HEARTBEAT)))
    city.clear("lane")
    assert reading.passport["clock_habit"] == habit


def test_a_clock_that_gives_no_evidence_keeps_its_habit() -> None:
    shows = datetime.now(UTC) + timedelta(minutes=7)
    with serving(Script(shows=shows)) as fake:
        [reading] = look(target(fake.port, subject(tiers=HEARTBEAT, passport={"clock_habit": "local_in_utc"})))
    assert "clock_habit" not in reading.passport
