"""Pictures and what comes instead of them."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.probes import pictures, snapshot
from monitor.probes.session import Session, keep_nothing
from monitor.probes.visit import visit
from monitor.wire import Aspect, Reading, Verdict
from tests.monitor.probes.device import CHALLENGE, JPEG, LEARNED, Script, look, looks, services, uri
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
from tests.monitor.probes.test_visit import causes

SIGHT, ACCESS = Aspect.PICTURE, Aspect.ACCESS
OPEN = {**LEARNED, "snapshot_auth": "none"}


def _seen(said: Bytes | None, *, gap_s: float = 0.02, deadline_s: float = 2.0) -> Reading:
    """The reading of a camera whose snapshot address answers this, to the old and to the relearned address."""
    with serving(Script({"/snap.jpg": said}), gap_s=gap_s) as fake:
        return look(target(fake.port, subject(tiers=PICTURE, passport=OPEN), deadline_s=deadline_s))[0]


@pytest.mark.parametrize(
    ("said", "cause", "detail"),
    [
        (http(200, b"<!DOCTYPE html><html></html>"), "not_a_picture", {"content": "HTML"}),
        (http(200, b"\n <HTML>"), "not_a_picture", {"content": "HTML"}),
        (http(200, b"<?xml version='1.0'?><a/>"), "not_a_picture", {"content": "XML"}),
        (http(200, b'{"error": 1}'), "not_a_picture", {"content": "JSON"}),
        (http(200, b"\x89PNG\r\n\x1a\n1234"), "not_a_picture", {"content": "PNG"}),
        (http(200, b""), "empty_picture", {}),
        (http(403), "snapshot_refused", {"status": 403}),
        (http(401), "snapshot_refused", {"status": 401}),
        (http(404), "snapshot_missing", {"status": 404}),
        (http(410), "snapshot_missing", {"status": 410}),
        (http(500, b"oops"), "not_a_picture", {"content": "HTTP 500", "status": 500}),
        (http(302, b"", "Location: http://127.0.0.1:1/"), "not_a_picture", {"content": "HTTP 302", "status": 302}),
        (b"\x00\x01\x02", "not_a_picture", {"content": "\\x00\\x01\\x02"}),
        (http(200, JPEG[: len(JPEG) // 3]), "corrupt", {}),
    ],
)
def test_what_is_no_picture_is_told_by_what_it_is(said: bytes, cause: str, detail: dict[str, object]) -> None:
    finding = _seen(said).findings[SIGHT]
    assert (finding.verdict, finding.cause) == (Verdict.FAULTY, cause)
    assert detail.items() <= finding.detail.items()


@pytest.mark.parametrize("kind", ["image/jpeg", "image/jpg", "application/octet-stream", "text/html"])
def test_a_picture_is_known_by_its_bytes_not_by_its_type(kind: str) -> None:
    assert causes(_seen(http(200, JPEG, f"Content-Type: {kind}"))) == {}


def test_a_picture_without_a_length_ends_with_its_connection() -> None:
    assert causes(_seen([b"HTTP/1.0 200 OK\r\n\r\n" + JPEG, b""], gap_s=0.0, deadline_s=0.5)) == {
        SIGHT: "picture_too_slow"
    }


def test_busy_at_the_snapshot_is_a_matter_of_the_access() -> None:
    reading = _seen(http(503))
    assert causes(reading) == {ACCESS: "busy", SIGHT: "no_reply"}


def test_a_drip_is_too_slow_and_tells_its_rate() -> None:
    drip = [http(200, JPEG)[:40].partition(b"\r\n\r\n")[0] + b"\r\n\r\n", *[b"\xff"] * 100]
    reading = _seen(drip, gap_s=0.25, deadline_s=1.1)
    assert reading.findings[SIGHT].cause == "picture_too_slow"
    assert reading.findings[SIGHT].detail["rate"] in {"3 B/s", "4 B/s"}
    assert reading.findings[SIGHT].detail["limit"] == 1
    assert reading.took_ms < 1350


def test_a_drip_leaves_what_was_learned_before() -> None:
    script = Script({"/snap.jpg": [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 100]})
    with serving(script, gap_s=0.1) as fake:
        reading = look(target(fake.port, subject(passport=OPEN), deadline_s=0.8))[0]
    assert causes(reading) == {SIGHT: "picture_too_slow"}
    assert set(reading.findings) == set(Aspect) - {Aspect.RECORDING}


def test_a_silent_snapshot_is_too_slow_too() -> None:
    with serving(Script({"/snap.jpg": [b""]}), gap_s=5) as fake:
        reading = look(target(fake.port, subject(tiers=FACTS | PICTURE, passport=OPEN), deadline_s=0.6))[0]
    assert causes(reading) == {SIGHT: "picture_too_slow"}
    assert reading.findings[SIGHT].detail == {"rate": "0 B/s", "limit": 1}


@pytest.mark.parametrize(
    ("received", "seconds", "text"),
    [
        (0, 9.5, "0 B/s"),
        (1, 9.5, "1 B/s"),
        (10, 9.8, "1 B/s"),
        (999, 1, "999 B/s"),
        (12_400, 1, "12 kB/s"),
        (5, 0, "1 B/s"),
    ],
)
def test_rates_for_a_person(received: int, seconds: float, text: str) -> None:
    assert snapshot.rate(received, seconds) == text


def test_an_endless_picture_meets_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "PICTURE_CAP", 10_000)
    reading = _seen(http(200, b"\xff\xd8\xff" + b"x" * 20_000))
    assert causes(reading) == {SIGHT: "picture_too_large"}
    assert reading.findings[SIGHT].detail == {"limit_bytes": 10_000}


def test_pictures_wait_for_memory_and_are_late_where_there_is_none() -> None:
    async def go(port: int) -> tuple[Reading, Reading]:
        session = Session()
        session.picture_slots = asyncio.Semaphore(0)
        goal = target(port, subject(tiers=HEARTBEAT | PICTURE, passport=OPEN), deadline_s=0.3)
        starved = (await visit(goal, session))[0]
        session.picture_slots.release()
        return starved, (await visit(goal, session))[0]

    with serving(Script({"/snap.jpg": http(200, JPEG)})) as fake:
        starved, served = asyncio.run(go(fake.port))
    assert causes(starved) == {SIGHT: "late"}
    assert causes(served) == {}


# -- addresses


def test_only_the_register_s_host_is_dialled_whatever_the_device_says() -> None:
    script = Script(
        {
            "GetSnapshotUri": lambda asked: (
                uri("https://10.9.8.7:444/p/snap.jpg?x=1") if asked.signed else fault("NotAuthorized", "no")
            ),
            "/p/snap.jpg?x=1": http(200, JPEG),
        }
    )
    with serving(script) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE)))[0]
    assert causes(reading) == {}
    assert fake.asked[-1].path == "/p/snap.jpg?x=1"
    assert fake.asked[-1].headers["host"] == f"127.0.0.1:{fake.port}"
    assert reading.passport["snapshot_path"] == "/p/snap.jpg?x=1"


def test_an_address_with_a_password_stays_out_of_passport_and_requests() -> None:
    secret = "/snap.cgi?user=admin&amp;password=s3cret"
    script = Script(
        {
            "GetSnapshotUri": lambda asked: uri(f"http://h{secret}") if asked.signed else fault("NotAuthorized", "no"),
            "/snap.cgi?user=admin&password=s3cret": http(200, JPEG),
        }
    )
    with serving(script) as fake:
        goal = target(fake.port, subject(tiers=PICTURE))
        told: list[object] = []
        reading = look(goal, on_step=lambda *given: told.append(given))[0]
        assert causes(reading) == {}
        assert "s3cret" not in repr(reading) + repr(told)
        assert "snapshot_path" not in reading.passport
        before = len(fake.asked)
        looks(goal, target(fake.port, subject(tiers=PICTURE, passport=reading.passport)))
    assert fake.names()[-1] == "/snap.cgi?user=admin&password=s3cret"
    assert fake.names()[before:].count("GetSnapshotUri") == 1  # the second visit of a process remembers


@pytest.mark.parametrize("said", [fault("ActionNotSupported", "no"), uri(""), soap(b"<GetSnapshotUriResponse/>")])
def test_no_address_is_a_missing_snapshot(said: bytes) -> None:
    refusal = fault("NotAuthorized", "no")
    with serving(Script({"GetSnapshotUri": lambda asked: said if asked.signed else refusal})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE)))[0]
    assert causes(reading) == {SIGHT: "snapshot_missing"}
    assert reading.findings[ACCESS].verdict is Verdict.OK


def test_an_old_address_that_fails_is_learned_anew() -> None:
    with serving(Script({"/old.jpg": http(404)})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport={**LEARNED, "snapshot_path": "/old.jpg"})))[0]
    assert causes(reading) == {}
    assert reading.passport == {"snapshot_path": "/snap.jpg"}
    assert fake.names()[0] == "/old.jpg"


def test_an_address_that_goes_on_failing_is_learned_anew_once() -> None:
    html = http(200, b"<html></html>")
    with serving(Script({"/snap.jpg": html})) as fake:
        first = look(target(fake.port, subject(tiers=PICTURE, passport=OPEN)))[0]
        once = fake.names()
        again = look(target(fake.port, subject(tiers=PICTURE, passport={**OPEN, **first.passport})))[0]
    assert causes(first) == causes(again) == {SIGHT: "not_a_picture"}
    assert once == ["/snap.jpg", "GetSystemDateAndTime", "GetSnapshotUri"]
    assert first.passport == {"snapshot_fails": "1"}
    assert fake.names()[len(once) :] == ["/snap.jpg", "/ISAPI/Streaming/channels/101/picture"]  # one new way a visit


def test_what_was_found_stands_when_the_budget_ends_before_the_address_is_learned_anew() -> None:
    with serving(Script({"/snap.jpg": http(200, b"<html></html>")})) as fake:
        goal = target(fake.port, subject(tiers=PICTURE, passport=OPEN), burst=2, refill_s=60.0)
        assert causes(look(goal)[0]) == {SIGHT: "not_a_picture"}


def test_a_picture_that_comes_again_ends_the_doubt() -> None:
    with serving(Script({"/snap.jpg": http(200, JPEG)})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport={**OPEN, "snapshot_fails": "1"})))[0]
    assert reading.passport == {"snapshot_fails": ""}


def test_an_old_media_path_that_fails_is_learned_anew() -> None:
    def moved(asked: Asked) -> Bytes | None:
        return http(404) if asked.path == "/gone" else Script()(asked)

    passport = {**LEARNED, "media_path": "/gone", "snapshot_path": ""}
    with serving(moved) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=passport)))[0]
    assert causes(reading) == {}
    assert reading.passport["media_path"] == "/onvif/media"


def test_a_media_service_that_is_nowhere_is_tried_twice_at_most() -> None:
    with serving(Script({"/onvif/media": http(404)})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport={**LEARNED, "snapshot_path": ""})))[0]
    assert causes(reading)[SIGHT] == "no_reply"
    assert causes(reading)[ACCESS] == "service_missing"
    assert [one.path for one in fake.asked].count("/onvif/media") <= 2


def test_a_device_that_names_no_media_service_is_asked_at_its_device_service() -> None:
    with serving(Script({"GetServices": services(namespace="ver10/ptz"), "GetCapabilities": soap(b"<x/>")})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE)))[0]
    assert causes(reading) == {}
    assert "media_path" not in reading.passport
    assert next(one for one in fake.asked if one.operation == "GetProfiles").path == "/onvif/device_service"


# -- rights


def test_a_snapshot_refused_after_the_login_worked_is_a_matter_of_rights() -> None:
    with serving(Script({"/snap.jpg": http(401, b"", CHALLENGE.format("n1"))})) as fake:
        reading = look(target(fake.port))[0]
    assert causes(reading) == {SIGHT: "snapshot_refused"}
    assert reading.findings[SIGHT].detail["status"] == 401
    assert (reading.credential, reading.hold_s) == ("worked", 0)
    until = datetime.fromisoformat(reading.passport["snapshot_rests_until"])
    assert timedelta(minutes=34) < until - datetime.now(UTC) < timedelta(minutes=36)


def test_channels_that_refuse_a_working_login_refuse_it_once_in_a_visit() -> None:
    """Eight channels of which one may be seen: each tried in turn would lock the account."""
    refused = http(401, b"", CHALLENGE.format("n1"))
    paths: dict[str, Any] = {f"/{n}.jpg": refused for n in range(2, 9)}
    paths["/1.jpg"] = lambda asked: http(200, JPEG) if "authorization" in asked.headers else refused
    passports = {n: {**LEARNED, "snapshot_path": f"/{n}.jpg", "snapshot_auth": "digest"} for n in range(1, 9)}
    tried = []
    with serving(Script(paths)) as fake:
        for _ in range(3):
            subjects = [subject(n, PICTURE, channel=n, passport=passports[n]) for n in range(1, 9)]
            readings = look(target(fake.port, *subjects, burst=40))
            for reading in readings:
                passports[reading.device_id].update(reading.passport)
            signed = [one.path for one in fake.asked if "authorization" in one.headers and one.path != "/1.jpg"]
            tried.append(len(signed))
            assert readings[0].findings[SIGHT].verdict is Verdict.OK
    assert tried == [1, 1, 1]
    assert [readings[n].findings[SIGHT].cause for n in (1, 2)] == ["snapshot_refused", "login_held"]


def test_a_resting_snapshot_is_not_asked_for() -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    with serving(Script()) as fake:
        passport = {**LEARNED, "snapshot_rests_until": until.isoformat()}
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=passport)))[0]
    assert reading.findings[SIGHT].cause == "snapshot_refused"
    assert fake.asked == []


def test_a_rest_that_is_over_is_forgotten() -> None:
    until = datetime.now(UTC) - timedelta(seconds=1)
    with serving(Script()) as fake:
        passport = {**LEARNED, "snapshot_rests_until": until.isoformat()}
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=passport)))[0]
    assert causes(reading) == {}
    assert reading.passport["snapshot_rests_until"] == ""


def test_a_locked_snapshot_is_a_lock_though_the_login_had_worked() -> None:
    locked = Script({"/snap.jpg": lambda asked: http(401, b"locked" if asked.signed else b"", CHALLENGE.format("n1"))})
    with serving(locked) as fake:
        reading = look(target(fake.port))[0]
    assert causes(reading)[ACCESS] == "locked_out"


# -- judging


def test_a_damaged_model_counts_as_none() -> None:
    looked = pictures.look(JPEG, subject(model=b"rubbish"), keep_nothing)
    assert looked.finding.verdict is Verdict.OK


def test_a_view_is_compared_with_its_model() -> None:
    from monitor import vision

    model = vision.learn([vision.decode(JPEG)]).dumps()
    kept: list[bytes | None] = []

    def keep(_device: int, _thumbnail: bytes, original: bytes | None) -> str:
        kept.append(original)
        return "k"

    looked = pictures.look(JPEG, subject(model=model), keep)
    assert looked.finding.verdict is Verdict.OK
    assert kept == [None]  # judged normal against a model: the thumbnail is enough
    pictures.look(JPEG, subject(model=model, keep_original=True), keep)
    assert kept[1] == JPEG


def test_the_trail_of_the_last_picture_shows_a_frozen_one() -> None:
    first = pictures.look(JPEG, subject(), keep_nothing)
    assert first.note is not None
    assert first.note.trail != b""
    assert pictures.look(JPEG, subject(trail=first.note.trail), keep_nothing).note is not None


def test_no_noise_is_a_good_picture() -> None:
    chance = random.Random(7)
    for _ in range(50):
        spoiled = b"\xff\xd8\xff" + chance.randbytes(400)
        assert pictures.look(spoiled, subject(), keep_nothing).finding.verdict is not Verdict.OK
