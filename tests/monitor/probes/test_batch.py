"""A watched batch: what is told when, with canaries that are there, away, or going while it runs."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from monitor.probes import canary
from monitor.probes.batch import Memory, Tell, Went, watched
from monitor.probes.canary import Watch
from monitor.probes.doubt import BLIND, CONFIRMS_FOR_S, DOUBTFUL, LAGGING
from monitor.probes.failure import OK, faulty, unknown
from monitor.wire import Aspect, Canary, Finding, Order, Reading, Subject, Target

AT = datetime(2026, 3, 1, tzinfo=UTC)
OFF, DIRTY = faulty("no_answer"), faulty("obstructed")
Findings = dict[Aspect, Finding]


@contextmanager
def listening() -> Iterator[Canary]:
    """A canary on loopback, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Canary("127.0.0.1", server.getsockname()[1], loopback=True)


def gone() -> Canary:
    """A canary that refuses connections."""
    with listening() as canary_:
        return canary_


def order(found: Sequence[Findings], *canaries: Canary) -> Order:
    """One endpoint for each, with a single device on it; ids count from 1."""
    numbers = range(1, len(found) + 1)
    targets = [Target(number, "z", "127.0.0.1", 9, (Subject(number, frozenset()),), lease="L") for number in numbers]
    return Order(tuple(targets), "L", canaries=canaries)


def run(
    found: Sequence[Findings],
    *canaries: Canary,
    memory: Memory | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple[Went, list[tuple[int, Findings]], list[int]]:
    """Carry out an order whose visits find this; gives how it went, what was told, and what of it at once."""
    told: list[Reading] = []
    early: list[int] = []

    async def visits(targets: Sequence[Target], tell: Tell) -> None:
        for target, findings in zip(targets, found, strict=True):
            tell([Reading(target.endpoint_id, target.endpoint_id, AT, 1.0, findings, lease="L")])
        early.extend(one.endpoint_id for one in told)
        meanwhile()

    def begin() -> Awaitable[Went]:
        return watched(order(found, *canaries), visits, told.extend, names, memory or Memory())

    async def main() -> Went:
        return await begin()

    with ThreadPoolExecutor(1) as names:
        went = asyncio.run(main())
    return went, [(one.endpoint_id, dict(one.findings)) for one in told], early


GOOD, LOST = {Aspect.LINK: OK}, {Aspect.LINK: OFF}


def test_good_news_travels_at_once_and_bad_news_when_the_canary_was_seen_again() -> None:
    with listening() as bird:
        went, told, early = run([GOOD, LOST], bird)

    assert early == [1]
    assert told == [(1, GOOD), (2, LOST)]
    assert (went.canary, went.why) == (Watch.SEEN, "")


def test_a_zone_whose_canary_is_lost_is_not_visited_at_all() -> None:
    went, told, early = run([GOOD, LOST], gone())

    assert early == []
    assert told == [(number, {Aspect.LINK: unknown(BLIND)}) for number in (1, 2)]
    assert (went.canary, went.why) == (Watch.LOST, BLIND)


def test_a_canary_lost_on_the_way_makes_every_fault_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bird = Canary("127.0.0.1", server.getsockname()[1], loopback=True)
        dirty = {Aspect.LINK: OK, Aspect.PICTURE: DIRTY}
        went, told, _ = run([GOOD, LOST, dirty], bird, meanwhile=server.close)

    assert told == [(1, GOOD), (2, {Aspect.LINK: unknown(BLIND)}), (3, {Aspect.LINK: unknown(BLIND)})]
    assert went.canary is Watch.LOST


def test_one_canary_of_several_suffices() -> None:
    with listening() as bird:
        assert run([LOST], gone(), bird)[1] == [(1, LOST)]


def test_a_canary_may_be_on_this_machine_in_the_demo_only() -> None:
    with listening() as bird:
        went, _, _ = run([LOST], Canary(bird.host, bird.port))

    assert went.canary is Watch.LOST


def test_a_canary_that_does_not_answer_is_given_up_in_time() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        crowd = [socket.socket() for _ in range(3)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(address)
        began = time.monotonic()
        went, _, _ = run([LOST], Canary(str(address[0]), int(address[1]), loopback=True))
        took = time.monotonic() - began
        for one in crowd:
            one.close()

    assert went.canary is Watch.LOST
    assert canary.PATIENCE_S <= took < canary.PATIENCE_S + 0.5


def test_a_loop_that_lags_makes_every_fault_unknown() -> None:
    went, told, _ = run([GOOD, LOST], meanwhile=lambda: time.sleep(1.4))

    assert told == [(1, GOOD), (2, {Aspect.LINK: unknown(LAGGING)})]
    assert went.lag_s == pytest.approx(1.15, abs=0.15)


def test_without_a_canary_most_of_a_batch_is_lost_only_when_the_next_says_so_too() -> None:
    memory, mostly = Memory(), [*[LOST] * 9, {Aspect.LINK: OK, Aspect.PICTURE: DIRTY}, GOOD]

    first, told, _ = run(mostly, memory=memory)
    again, confirmed, _ = run(mostly, memory=memory)

    assert (first.why, again.why) == (DOUBTFUL, "")
    assert [findings for _, findings in told] == [GOOD, *[{Aspect.LINK: unknown(DOUBTFUL)}] * 9, mostly[9]]
    assert sorted(confirmed, key=lambda one: one[0]) == list(enumerate(mostly, 1))


@pytest.mark.parametrize(
    ("lost_at", "confirms"), [(None, False), (99.0, True), (101.0, False), (99.9 - CONFIRMS_FOR_S, False)]
)
def test_only_a_batch_that_ended_before_and_not_long_ago_confirms(lost_at: float | None, confirms: bool) -> None:
    assert Memory(lost_at).confirms(100.0) is confirms
