"""Specification of the comparison with the broker's clock: when it is asked, and what is believed when it is no use."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
import redis

from monitor import brokerclock
from monitor.brokerclock import AGAIN_S, EVERY_S, BrokerClock


class Clocks:
    """This machine's two clocks and the broker's, in seconds; `takes_s` is what an answer takes."""

    def __init__(self) -> None:
        self.count, self.wall, self.broker = 1000.0, 5000.0, 5000.0
        self.takes_s, self.asked, self.gone = 0.0, 0, False

    def monotonic(self) -> float:
        return self.count

    def now(self) -> float:
        return self.wall

    def pass_by(self, seconds: float) -> None:
        self.count += seconds
        self.wall += seconds
        self.broker += seconds

    def time(self) -> tuple[int, int]:
        """Redis' TIME."""
        self.asked += 1
        if self.gone:
            raise redis.ConnectionError("gone")
        self.pass_by(self.takes_s / 2)
        told = self.broker
        self.pass_by(self.takes_s / 2)
        return int(told), round(told % 1 * 1_000_000)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(brokerclock, "time", SimpleNamespace(monotonic=made.monotonic, time=made.now))
    return made


def keeping(clocks: Clocks) -> BrokerClock:
    return BrokerClock(cast(redis.Redis, clocks))  # all that it asks of a broker is the time


def test_half_of_the_way_belongs_to_each_direction(clocks: Clocks) -> None:
    clocks.wall += 7
    clocks.takes_s = 0.5

    assert keeping(clocks).keep() == pytest.approx(7)


def test_it_is_asked_now_and_then_only(clocks: Clocks) -> None:
    kept = keeping(clocks)
    for _ in range(10):
        kept.keep()
    clocks.pass_by(EVERY_S + 1)
    kept.keep()

    assert clocks.asked == 2


def test_a_clock_that_is_set_is_compared_at_once(clocks: Clocks) -> None:
    kept = keeping(clocks)
    kept.keep()
    clocks.wall += 3600

    assert kept.keep() == pytest.approx(3600)


def test_what_was_known_before_a_clock_was_set_is_not_believed_after_it(clocks: Clocks) -> None:
    kept = keeping(clocks)
    kept.keep()
    clocks.wall += 3600
    clocks.gone = True

    assert kept.keep() is None


@pytest.mark.parametrize("slow", [True, False])
def test_an_answer_that_is_no_use_leaves_the_last_one_and_is_asked_for_again_soon(clocks: Clocks, slow: bool) -> None:
    kept = keeping(clocks)
    clocks.wall += 2
    kept.keep()
    clocks.pass_by(EVERY_S + 1)
    clocks.broker -= 1
    clocks.gone, clocks.takes_s = not slow, 1.5

    assert kept.keep() == pytest.approx(2)
    clocks.gone, clocks.takes_s = False, 0.0
    assert kept.keep() == pytest.approx(2)
    clocks.pass_by(AGAIN_S)
    assert kept.keep() == pytest.approx(3)
