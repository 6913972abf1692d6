"""The figures by which probes are polite and safe, and what happens exactly at them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from monitor import vision
from monitor.probes import (
    camera,
    cli,
    clock,
    digest,
    http1,
    login,
    pictures,
    refusals,
    reply,
    runner,
    service,
    session,
    snapshot,
    soap,
    talk,
    transport,
    visit,
)
from monitor.probes.failure import Garbled
from monitor.probes.pictures import Looked
from monitor.probes.reply import DeviceTime
from monitor.wire import Aspect, Finding, PictureNote, Subject, Verdict
from tests.monitor.probes.device import CHALLENGE, JPEG, LEARNED, Script, information, look
from tests.monitor.probes.fake import ENVELOPE, FACTS, HEARTBEAT, PICTURE, Asked, http, serving, subject, target
from tests.monitor.probes.fake import clock as clock_reply

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        # what a device may send
        (http1.MAX_HEAD, 32 * KIB),
        (http1.MAX_LINES, 100),
        (http1.MAX_CHUNK_LINE, 256),
        (http1.MAX_LENGTH_DIGITS, 15),
        (http1.MAX_CHUNK_LINES, 10_000),
        (http1.MAX_INTERIM, 8),
        (digest.MAX_CHALLENGE, 4096),
        (digest.MAX_CHALLENGES, 16),
        (reply.MAX_TAGS, 20_000),
        (reply.MAX_ATTRIBUTES, 20_000),
        (reply.MAX_DEPTH, 64),
        (reply.MAX_WORDS, 8),
        (reply.MAX_PROFILES, 512),
        (reply.MAX_TOKEN, 64),
        (service.MAX_LOCATION, 512),
        (talk.SOAP_CAP, 512 * KIB),
        (talk.PICTURE_CAP, 6 * MIB),
        (transport.BUFFER_HIGH, 256 * KIB),
        # what is kept of it
        (http1.FIRST_BYTES, 48),
        (refusals.EXCERPT, 160),
        (refusals.READ, 4096),
        (snapshot._SNIFF, 512),
        (snapshot._KILO, 1000),
        (session.MAX_ENDPOINTS, 60_000),
        # how long is waited, in seconds
        (transport.CONNECT_LIMIT_S, 5.0),
        (transport.ARP_GAVE_UP_S, 0.5),
        (visit.GRACE_S, 0.2),
        (visit.LEAST_SHARE, 0.5),
        (camera.JUDGE_SHARE, 0.1),
        (camera.JUDGE_RESERVE_S, 0.5),
        (cli.MAX_DEADLINE_S, 600.0),
        # how many at once
        (runner.CONCURRENCY, 1_500),
        (session.NAME_THREADS, 8),
        (session.PICTURES_AT_ONCE, 32),
        (cli.LOOK_BURST, 8),
        (cli.MAX_REFERENCE_BYTES, 32 * MIB),
        # logins
        (login.REST_S, 2100),
        (login.DOUBT_S, 90),
        (clock.REFUSES_LOGIN_S, 300),
        (soap.NONCE_BYTES, 16),
        # clocks
        (clock.MAX_ZONE_HOURS, 26),
        (clock.FIRST_YEAR, 2015),
        (clock.SAME_S, 2),
        (clock.CHINA_STANDARD_S, 28_800),
        (clock.RESET_BEHIND, timedelta(days=30)),
        (reply.LEAP, 60),
    ],
)
def test_the_figures_are_those_that_were_decided(figure: object, value: object) -> None:
    assert figure == value


# -- what a device may send


@pytest.mark.parametrize(
    ("lines", "end"), [(http1.MAX_CHUNK_LINES, None), (http1.MAX_CHUNK_LINES + 1, http1.End.BROKEN)]
)
def test_a_body_is_cut_into_so_many_pieces_and_no_more(lines: int, end: http1.End | None) -> None:
    body = http1.Body(cap=100_000, chunked=True)
    body.feed(bytearray(b"1\r\nA\r\n" * (lines // 2) + b"\r\n" * (lines % 2)))

    assert body.end is end


@pytest.mark.parametrize(("count", "status"), [(http1.MAX_INTERIM, "200"), (http1.MAX_INTERIM + 1, "protocol")])
def test_so_many_interim_replies_are_waited_through(count: int, status: str) -> None:
    said = b"HTTP/1.1 100 Continue\r\n\r\n" * count + clock_reply()
    with serving(lambda _asked: said) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT)), on_step=lambda *_step: None)[0]

    assert reading.requests[0].outcome == status


@pytest.mark.parametrize(("tags", "is_read"), [(reply.MAX_TAGS, True), (reply.MAX_TAGS + 1, False)])
def test_so_many_tags_are_read(tags: int, is_read: bool) -> None:
    data = ENVELOPE % (b"<a/>" * (tags - 4))

    assert data.count(b"<") == tags
    assert (reply.read(data) is not None) == is_read


@pytest.mark.parametrize(("equals", "is_read"), [(reply.MAX_ATTRIBUTES, True), (reply.MAX_ATTRIBUTES + 1, False)])
def test_so_many_attributes_are_read(equals: int, is_read: bool) -> None:
    data = ENVELOPE % (b"=" * (equals - ENVELOPE.count(b"=")))

    assert (reply.read(data) is not None) == is_read


def profiles_of(inner: bytes) -> list[reply.Profile]:
    """The profiles that a reply names."""
    answer = reply.read(ENVELOPE % inner)
    assert answer is not None
    return reply.profiles(answer)


@pytest.mark.parametrize(("length", "count"), [(reply.MAX_TOKEN, 1), (reply.MAX_TOKEN + 1, 0)])
def test_a_token_is_no_longer_than_onvif_allows(length: int, count: int) -> None:
    assert len(profiles_of(b'<Profiles token="%s"/>' % (b"t" * length))) == count


def test_so_many_profiles_are_read() -> None:
    assert len(profiles_of(b'<Profiles token="t"/>' * (reply.MAX_PROFILES + 1))) == reply.MAX_PROFILES


def test_a_profile_within_a_profile_is_none() -> None:
    inner = b'<Profiles token="a"><Profiles token="b"/></Profiles><Profiles token="c"/>'

    assert [profile.token for profile in profiles_of(inner)] == ["a", "c"]


@pytest.mark.parametrize(("length", "count"), [(digest.MAX_CHALLENGE, 1), (digest.MAX_CHALLENGE + 1, 0)])
def test_a_challenge_is_read_up_to_its_cap(length: int, count: int) -> None:
    header = 'Digest nonce="'
    assert len(digest.parse([header + "n" * (length - len(header) - 1) + '"'])) == count


def test_so_many_challenges_are_read() -> None:
    found = digest.parse([f"A{number}" for number in range(digest.MAX_CHALLENGES + 1)])

    assert [challenge.scheme for challenge in found] == [f"a{number}" for number in range(digest.MAX_CHALLENGES)]


def test_only_so_much_of_a_redirect_s_address_is_kept() -> None:
    said = http(302, b"", "Location: http://h/" + "x" * 2 * service.MAX_LOCATION)
    with serving(lambda _asked: said) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT)))[0]

    assert len(reading.findings[Aspect.ACCESS].detail["location"]) == service.MAX_LOCATION


def head(lines: int) -> http1.Head:
    """A head of so many lines."""
    return http1.parse_head(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (lines - 1))


def test_a_hundred_lines_of_headers_are_read_and_no_more() -> None:
    assert len(head(http1.MAX_LINES - 1).headers) == http1.MAX_LINES - 2
    with pytest.raises(Garbled):
        head(http1.MAX_LINES + 1)


@pytest.mark.parametrize(("size", "complete"), [(http1.MAX_HEAD, True), (http1.MAX_HEAD + 1, False)])
@pytest.mark.parametrize("ending", [b"\r\n\r\n", b"\n\n"])
def test_a_head_ends_within_its_cap(size: int, complete: bool, ending: bytes) -> None:
    data = bytearray(b"x" * (size - len(ending)) + ending)

    assert http1.head_end(data) == (size if complete else 0)


def test_the_first_end_of_a_head_counts() -> None:
    assert http1.head_end(bytearray(b"A\n\nbody\r\n\r\n")) == 3
    assert http1.head_end(bytearray(b"A\r\n\r\nbody\n\n")) == 5


@pytest.mark.parametrize(
    ("length", "end"), [(http1.MAX_CHUNK_LINE - 1, None), (http1.MAX_CHUNK_LINE, http1.End.BROKEN)]
)
def test_a_chunk_without_an_end_of_line_is_broken_at_its_cap(length: int, end: http1.End | None) -> None:
    body = http1.Body(cap=1000, chunked=True)
    body.feed(bytearray(b"0" * length))

    assert body.end is end


def test_a_chunk_line_just_within_its_cap_is_read() -> None:
    body = http1.Body(cap=1000, chunked=True)
    body.feed(bytearray(b"1;" + b"x" * (http1.MAX_CHUNK_LINE - 3) + b"\nA\r\n0\r\n\r\n"))

    assert (bytes(body.data), body.end) == (b"A", http1.End.WHOLE)


@pytest.mark.parametrize(("said", "length"), [("9" * 15, int("9" * 15)), ("9" * 16, None), ("7, 7", 7), ("-1", None)])
def test_a_length_is_read_up_to_fifteen_digits(said: str, length: int | None) -> None:
    framed = http1.Body.of(http1.Head(200, [("content-length", said)], "HTTP/1.1"), 1000)

    assert framed.length == length


@pytest.mark.parametrize(("cap", "end"), [(4, http1.End.WHOLE), (3, http1.End.LARGE)])
def test_a_body_may_be_as_large_as_its_cap(cap: int, end: http1.End) -> None:
    body = http1.Body(cap, length=4)
    body.feed(bytearray(b"1234"))

    assert (bytes(body.data), body.end) == (b"1234"[:cap], end)


@pytest.mark.parametrize(("status", "interim"), [(99, False), (100, True), (199, True), (200, False)])
def test_a_hundred_something_is_not_the_reply_yet(status: int, interim: bool) -> None:
    assert http1.is_interim(http1.Head(status, [], "HTTP/1.1")) is interim


def test_only_the_first_bytes_are_kept_for_a_person() -> None:
    assert http1.first_bytes(b"\x00" + b"x" * 60) == "\\x00" + "x" * (http1.FIRST_BYTES - 1)


# -- clocks


@pytest.mark.parametrize(
    ("shown", "cause"),
    [
        (datetime(2014, 12, 30, tzinfo=UTC), "clock_dead"),
        (datetime(2015, 1, 3, tzinfo=UTC), "clock_off"),
        (NOW.replace(month=1, day=1), "clock_dead"),
        (NOW.replace(month=1, day=2), "clock_dead"),
        (NOW.replace(month=1, day=3), "clock_off"),
        (NOW.replace(year=2025, month=12, day=31), "clock_dead"),
        (NOW.replace(year=2025, month=12, day=30), "clock_off"),
        (NOW.replace(year=2027, month=1, day=1), "clock_off"),
    ],
)
def test_a_clock_that_started_anew_shows_new_year(shown: datetime, cause: str) -> None:
    assert clock.judge(DeviceTime(shown, None, "raw"), NOW).cause == cause


@pytest.mark.parametrize(("days", "cause"), [(29, "clock_off"), (31, "clock_dead")])
def test_new_year_is_no_reset_shortly_after_it(days: int, cause: str) -> None:
    new_year = datetime(2026, 1, 1, tzinfo=UTC)

    assert clock.judge(DeviceTime(new_year, None, "raw"), new_year + timedelta(days=days)).cause == cause


@pytest.mark.parametrize(("apart_s", "offset_s"), [(2, 0.0), (3, 28_800.0)])
def test_two_fields_of_one_reply_are_the_same_within_two_seconds(apart_s: int, offset_s: float) -> None:
    """A device that writes Beijing time into both fields has the right time."""
    beijing = NOW + timedelta(hours=8)
    time = DeviceTime(beijing, beijing + timedelta(seconds=apart_s), "raw")

    assert clock.offset_s(time, NOW) == pytest.approx(offset_s, abs=2)


def test_a_time_that_no_calendar_has_is_signed_with_our_own() -> None:
    assert abs((clock.device_now(1e18) - datetime.now(UTC)).total_seconds()) < 5
    assert abs((clock.device_now(600) - datetime.now(UTC)).total_seconds() - 600) < 5


# -- what a judged picture becomes

DAY = vision.Judgement(
    label=vision.Label.NORMAL,
    score=0.87654,
    checkable=True,
    reason="",
    covered_share=0.0,
    shift=None,
    blocks=(),
    phase="day",
    width=1920,
    height=1080,
    trail=b"trail",
)
COVERED = replace(
    DAY, label=vision.Label.OBSTRUCTED, covered_share=0.616, blocks=(5, 6), reason="edges", shift=(0.1, 0)
)
DETAIL = {"label": "normal", "width": 1920, "height": 1080, "score": 0.877, "phase": "day"}


@dataclass
class Kept:
    """A store for pictures that remembers what it was given."""

    given: list[tuple[int, bytes, bytes | None]] = field(default_factory=list)

    def __call__(self, device_id: int, thumbnail: bytes, original: bytes | None) -> str:
        """Keep, and give a key."""
        self.given.append((device_id, thumbnail, original))
        return "picture:key"


def judged_as(judgement: vision.Judgement, monkeypatch: pytest.MonkeyPatch, **subject: Any) -> tuple[Looked, Kept]:
    """What a look at a picture gives that is judged like this."""
    monkeypatch.setattr(vision, "judge", lambda *_args: judgement)
    kept = Kept()
    return pictures.look(JPEG, Subject(4, frozenset(), **subject), kept), kept


def test_a_good_picture_is_ok_and_tells_its_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, _ = judged_as(DAY, monkeypatch)

    assert looked.finding == Finding(Verdict.OK, "", DETAIL)
    assert looked.note == PictureNote(
        label="normal",
        score=0.87654,
        checkable=True,
        phase="day",
        width=1920,
        height=1080,
        size=len(JPEG),
        sha256=sha256(JPEG).hexdigest(),
        trail=b"trail",
        key="picture:key",
    )


def test_a_covered_one_tells_how_much_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, _ = judged_as(COVERED, monkeypatch)

    detail = DETAIL | {"label": "obstructed", "reason": "edges", "share": 0.62, "where": "60"}
    assert looked.finding == Finding(Verdict.FAULTY, "obstructed", detail)
    assert looked.note is not None
    assert (looked.note.covered_share, looked.note.blocks, looked.note.shift) == (0.616, (5, 6), (0.1, 0))
    assert looked.note.reason == "edges"


def test_another_fault_tells_no_share(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, _ = judged_as(replace(COVERED, label=vision.Label.BLUR), monkeypatch)

    assert looked.finding.cause == "blur"
    assert "share" not in looked.finding.detail


def test_what_cannot_be_judged_is_unknown_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, _ = judged_as(replace(COVERED, checkable=False), monkeypatch)

    assert (looked.finding.verdict, looked.finding.cause) == (Verdict.UNKNOWN, "not_checkable")
    assert looked.finding.detail["reason"] == "edges"


@pytest.mark.parametrize(
    ("judgement", "learned", "wanted", "whole"),
    [
        (DAY, True, False, False),
        (DAY, True, True, True),
        (DAY, False, False, True),
        (COVERED, True, False, True),
        (replace(COVERED, checkable=False), True, False, False),
    ],
)
def test_the_original_is_kept_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, judgement: vision.Judgement, learned: bool, wanted: bool, whole: bool
) -> None:
    """To learn from, as a proof, or because somebody asked."""
    model = vision.learn([vision.decode(JPEG)]).dumps() if learned else b""
    _, kept = judged_as(judgement, monkeypatch, model=model, keep_original=wanted)

    [(device_id, thumbnail, original)] = kept.given
    assert device_id == 4
    assert vision.decode(thumbnail)
    assert original == (JPEG if whole else None)


def test_a_model_of_another_version_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    _, kept = judged_as(DAY, monkeypatch, model=b"from the future")

    assert kept.given[0][2] == JPEG


@pytest.mark.parametrize(
    ("data", "cause", "told"), [(b"<html>", "not_a_picture", "content"), (JPEG[: len(JPEG) // 2], "corrupt", "reason")]
)
def test_what_is_no_picture_has_no_note(data: bytes, cause: str, told: str) -> None:
    kept = Kept()
    looked = pictures.look(data, Subject(4, frozenset()), kept)

    assert (looked.finding.verdict, looked.finding.cause, looked.note) == (Verdict.FAULTY, cause, None)
    assert looked.finding.detail[told]
    assert kept.given == []


# -- logins over HTTP


def over_http(asked: Asked) -> bytes | None:
    """A device that wants HTTP digest for everything but the clock."""
    if asked.operation == "GetDeviceInformation":
        return information() if "authorization" in asked.headers else http(401, b"", CHALLENGE.format("n1"))
    return None


def test_a_login_over_http_alone_is_a_login_that_works() -> None:
    script = Script({"GetDeviceInformation": over_http})
    with serving(script) as fake:
        [reading] = look(target(fake.port, subject(tiers=FACTS)))

    assert reading.credential == "worked"
    assert reading.findings[Aspect.ACCESS].verdict is Verdict.OK
    assert reading.passport["soap_auth"] == "digest"


def test_a_snapshot_that_asks_nobody_is_remembered_as_open() -> None:
    passport = {**LEARNED, "snapshot_auth": ""}
    with serving(Script({"/snap.jpg": http(200, JPEG)})) as fake:
        [reading] = look(target(fake.port, subject(tiers=PICTURE, passport=passport)))

    assert reading.passport["snapshot_auth"] == "none"
