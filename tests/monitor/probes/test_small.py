"""The small parts: the token bucket, the words of refusals, the passport during a visit."""

from __future__ import annotations

import asyncio

import pytest

from monitor.probes import refusals
from monitor.probes.bucket import Bucket
from monitor.probes.failure import Late
from monitor.probes.memory import Memory
from monitor.wire import Subject


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _spend(bucket: Bucket, count: int) -> None:
    for _ in range(count):
        bucket.take()


def test_a_burst_is_free_and_the_next_waits() -> None:
    hand = Hand()
    bucket = Bucket(4, 5.0, hand)
    for _ in range(4):
        assert bucket.wait_s() == 0
        bucket.take()
    assert bucket.wait_s() == 5.0
    hand.now += 5.0
    assert bucket.wait_s() == 0
    bucket.take()
    assert bucket.wait_s() == 5.0


def test_a_rest_fills_the_bucket_to_its_burst_only() -> None:
    hand = Hand()
    bucket = Bucket(2, 5.0, hand)
    _spend(bucket, 2)
    hand.now += 1000
    _spend(bucket, 2)
    assert bucket.wait_s() == 5.0


def test_a_larger_burst_counts_what_was_used() -> None:
    bucket = Bucket(2, 5.0, Hand())
    _spend(bucket, 2)
    bucket.shape(4, 5.0)
    assert bucket.wait_s() == 0
    _spend(bucket, 2)
    assert bucket.wait_s() == 5.0


def test_no_budget_is_read_as_one_request() -> None:
    bucket = Bucket(0, -1.0, Hand())
    assert bucket.wait_s() == 0


def test_waiting_beyond_the_deadline_is_refused_at_once() -> None:
    hand = Hand()
    bucket = Bucket(1, 5.0, hand)
    bucket.take()
    with pytest.raises(Late):
        asyncio.run(bucket.acquire(hand.now + 5.0))
    assert bucket.wait_s() == 5.0


def test_a_token_is_waited_for() -> None:
    async def spend() -> float:
        loop = asyncio.get_running_loop()
        bucket = Bucket(1, 0.05, loop.time)
        began = loop.time()
        await bucket.acquire(began + 3)
        await bucket.acquire(began + 3)
        return loop.time() - began

    assert 0.04 <= asyncio.run(spend()) < 0.5


@pytest.mark.parametrize(
    ("body", "locked", "left", "wait_s"),
    [
        (b"Unauthorized", False, None, None),
        (b"You still have 5 attempt(s)", False, 5, None),
        (b"0 attempts left", True, 0, None),
        (b"attempts remaining: 2", False, 2, None),
        (b"3 login attempts before lock out", False, 3, None),
        (b"Your account is locked. Try again in 5 minutes.", True, None, 300),
        (b"The account is locked, wait 1800 seconds", True, None, 1800),
        (b"locked for 1 hour", True, None, 3600),
        (b"Please try again after 30 min", True, None, 1800),
        (b"too many failed logins", True, None, None),
        (b"<lockStatus>lock</lockStatus><unlockTime>1790</unlockTime>", True, None, 1790),
        (
            b"<lockStatus>unlock</lockStatus><unlockTime>0</unlockTime><retryLoginTime>4</retryLoginTime>",
            False,
            4,
            None,
        ),
        (b"The door is unlocked, the block is blocked", False, None, None),
        (b"\xff\xfe", False, None, None),
        (b"", False, None, None),
    ],
)
def test_the_words_of_a_refusal(body: bytes, locked: bool, left: int | None, wait_s: int | None) -> None:
    said = refusals.refusal(body)
    assert (said.locked, said.attempts_left, said.wait_s) == (locked, left, wait_s)


def test_the_text_of_a_refusal_has_no_tags_and_is_short() -> None:
    assert refusals.excerpt(b"<html><b>Locked</b>\n <i>now</i></html>") == "Locked now"
    assert len(refusals.excerpt(b"x" * 5000)) == refusals.EXCERPT


@pytest.mark.parametrize(
    ("body", "busy"),
    [
        (b"Device Busy", True),
        (b"The server is too busy", True),
        (b"Too many connections", True),
        (b"max number of users reached", True),
        (b"no more connections", True),
        (b"Unauthorized", False),
        (b"a busy street", False),
    ],
)
def test_busy_words(body: bytes, busy: bool) -> None:
    assert refusals.is_busy(body) is busy


def _memory() -> tuple[Memory, Subject, Subject]:
    one = Subject(1, frozenset(), passport={"media_path": "/m", "profile": "a"})
    two = Subject(2, frozenset(), channel=1)
    return Memory([one, two]), one, two


def test_what_one_subject_knows_of_the_endpoint_all_know() -> None:
    memory, _, _ = _memory()
    assert memory.shared("media_path") == "/m"
    assert memory.shared("other") == ""


def test_only_changes_are_handed_back() -> None:
    memory, one, two = _memory()
    memory.learn("media_path", "/m")
    assert memory.changes(one) == {}
    assert memory.changes(two) == {"media_path": "/m"}


def test_unlearning_is_a_change_too_and_can_be_taken_back() -> None:
    memory, one, two = _memory()
    memory.learn("media_path", "")
    assert (memory.shared("media_path"), memory.changes(one), memory.changes(two)) == ("", {"media_path": ""}, {})
    memory.learn("media_path", "/m")
    assert memory.changes(one) == {}


def test_a_subject_s_own_knowledge_stays_its_own() -> None:
    memory, one, two = _memory()
    memory.learn_of(two, "profile", "b")
    assert (memory.of(one, "profile"), memory.of(two, "profile")) == ("a", "b")
    assert memory.changes(one) == {}
