"""Batches: one loop for all threads, bounded in time, our bugs never a camera's fault."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from monitor.probes import camera, runner, session, visit
from monitor.probes.book import Book
from monitor.probes.failure import OK, faulty, unknown
from monitor.probes.onvif import Onvif
from monitor.probes.runner import Loop
from monitor.wire import Aspect, Probe, Reading, Verdict
from tests.monitor.probes.fake import HEARTBEAT, clock, serving, subject, target


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A running loop."""
    running = Loop()
    yield running
    running.close()


def test_a_batch_returns_every_reading(loop: Loop) -> None:
    with serving(lambda _: clock()) as fake:
        readings = loop.run_batch([target(fake.port, subject(number, HEARTBEAT)) for number in range(20)])
    assert sorted(one.device_id for one in readings) == list(range(20))
    assert all(one.findings[Aspect.LINK].verdict is Verdict.OK for one in readings)


def test_an_empty_batch_is_done_at_once(loop: Loop) -> None:
    assert loop.run_batch([]) == []


def test_threads_share_the_loop_and_each_visit_has_a_connection_of_its_own(loop: Loop) -> None:
    with serving(lambda _: clock()) as fake:
        goal = [target(fake.port, subject(tiers=HEARTBEAT))]
        found: list[Reading] = []
        threads = [threading.Thread(target=lambda: found.extend(loop.run_batch(goal))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 4
    assert [one.connection for one in fake.asked] == [1, 2, 3, 4]


def test_a_batch_does_not_outlast_its_longest_deadline(loop: Loop) -> None:
    with serving(lambda _: [b""], gap_s=5) as fake:
        began = time.monotonic()
        readings = loop.run_batch([target(fake.port, subject(tiers=HEARTBEAT), deadline_s=0.3) for _ in range(3)])
        took = time.monotonic() - began
    assert took < 0.3 + 0.25
    assert {one.findings[Aspect.LINK].cause for one in readings} == {"silent", "late"}


def test_who_gets_no_slot_in_time_is_late_and_ours() -> None:
    narrow = Loop(concurrency=1)
    try:
        with serving(lambda _: [b""], gap_s=5) as one, serving(lambda _: [b""], gap_s=5) as two:
            began = time.monotonic()
            readings = narrow.run_batch(
                [target(fake.port, subject(tiers=HEARTBEAT), deadline_s=0.3) for fake in (one, two)]
            )
            took = time.monotonic() - began
    finally:
        narrow.close()
    assert took < 0.3 + 0.25
    assert sorted(one.findings[Aspect.LINK].cause for one in readings) == ["late", "silent"]


def test_who_would_have_little_time_left_is_not_asked_in_a_hurry() -> None:
    narrow = Loop(concurrency=1)
    try:
        with serving(lambda _: [clock()[:20], clock()[20:]], gap_s=0.2) as fake:
            goals = [target(fake.port, subject(number, HEARTBEAT), deadline_s=0.3) for number in (1, 2)]
            readings = narrow.run_batch(goals)
    finally:
        narrow.close()
    assert [one.findings[Aspect.LINK] for one in readings] == [OK, unknown("late")]
    assert len(fake.asked) == 1


def test_a_visit_that_was_cut_off_keeps_what_it_learned_and_tells_what_it_asked(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(book: Book) -> None:
        book.talk.endpoint.bucket.take()
        book.talk.hear(None)
        await asyncio.sleep(5)

    monkeypatch.setattr(visit, "PROBES", {Probe.ONVIF: stuck})
    began = time.monotonic()
    (reading,) = loop.run_batch([target(9, subject(5), refill_s=60.0, deadline_s=0.1)])

    assert time.monotonic() - began < 0.1 + 0.25
    assert reading.findings[Aspect.LINK] == OK
    assert round(reading.owed_s) == 60


def test_a_visit_that_was_cut_off_keeps_what_ails_the_service(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    trouble = faulty("service_missing")

    async def stuck(book: Book, onvif: Onvif) -> None:
        book.talk.hear(None)
        onvif.trouble = trouble
        await asyncio.sleep(5)

    monkeypatch.setattr(camera, "_ask", stuck)
    (reading,) = loop.run_batch([target(9, subject(5), deadline_s=0.1)])

    assert reading.findings[Aspect.ACCESS] == trouble


def test_a_bug_of_ours_says_nothing_about_the_device(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_given: object) -> list[Reading]:
        raise ZeroDivisionError

    monkeypatch.setattr(runner, "visit", broken)
    readings = loop.run_batch([target(9, subject(5), lease="L")])
    finding = readings[0].findings[Aspect.LINK]
    assert (finding.verdict, finding.cause) == (Verdict.UNKNOWN, "platform_silent")
    assert (readings[0].device_id, readings[0].lease) == (5, "L")
    assert "visit of endpoint 7 failed" in caplog.text


def test_the_oldest_endpoint_is_forgotten(monkeypatch: pytest.MonkeyPatch, loop: Loop) -> None:
    monkeypatch.setattr(session, "MAX_ENDPOINTS", 1)
    with serving(lambda _: clock()) as one, serving(lambda _: clock()) as two:
        first, second = (target(fake.port, subject(tiers=HEARTBEAT), refill_s=60.0) for fake in (one, two))
        owed = [loop.run_batch([goal])[0].owed_s for goal in (first, first, second, first)]
    assert [round(seconds, -1) for seconds in owed] == [60, 120, 60, 60]
