"""Whether a batch's faults are believed: the truth table, what "mostly lost" means, what is kept of a reading."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.causes import UNKNOWN_OURS
from monitor.probes.canary import Watch
from monitor.probes.doubt import (
    BLIND,
    DOUBTFUL,
    LAG_LIMIT_S,
    LAGGING,
    LOST_LEAST,
    Evidence,
    doubted,
    mostly_lost,
    why_unknown,
)
from monitor.probes.failure import OK, faulty, unknown
from monitor.wire import Aspect, PictureNote, Reading, Target

NONE, SEEN, LOST = Watch.NONE, Watch.SEEN, Watch.LOST
LATE = LAG_LIMIT_S + 0.01
NOTE = PictureNote("normal", 0.9, True, "day", 640, 360, 1000, "ab" * 32)


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (Evidence(LOST, SEEN), BLIND),
        (Evidence(SEEN, LOST), BLIND),
        (Evidence(SEEN, LOST, lag_s=LATE, lost=True, confirmed=True), BLIND),
        (Evidence(SEEN, SEEN, lag_s=LATE), LAGGING),
        (Evidence(NONE, NONE, lag_s=LATE, lost=True, confirmed=True), LAGGING),
        (Evidence(SEEN, SEEN, lag_s=LAG_LIMIT_S), ""),
        (Evidence(SEEN, SEEN, lost=True), ""),
        (Evidence(NONE, NONE), ""),
        (Evidence(NONE, NONE, lost=True), DOUBTFUL),
        (Evidence(NONE, NONE, lost=True, confirmed=True), ""),
    ],
)
def test_the_truth_table(evidence: Evidence, why: str) -> None:
    assert why_unknown(evidence) == why
    assert not why or why in UNKNOWN_OURS


def targets(count: int, *, parents: int = 0) -> list[Target]:
    """Endpoints 1 to `count`, hanging on so many parents in turn, or on none."""
    parent_of = [number % parents + 1 if parents else 0 for number in range(count)]
    return [Target(number + 1, "z", "10.0.0.1", 80, (), parent=parent_of[number]) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "parents", "lost", "most"),
    [
        (LOST_LEAST, 0, 6, True),
        (LOST_LEAST, 0, 5, False),
        (LOST_LEAST - 1, 0, 9, False),
        (24, 1, 24, False),
        (24, 2, 24, False),
        (24, 3, 24, True),
    ],
)
def test_most_of_a_batch_is_lost_when_it_is_more_than_a_switch(count: int, parents: int, lost: int, most: bool) -> None:
    assert mostly_lost(targets(count, parents=parents), range(1, lost + 1)) is most


def reading(**more: object) -> Reading:
    found = {Aspect.LINK: OK, Aspect.ACCESS: faulty("login_refused"), Aspect.CLOCK: faulty("clock_off")}
    given = {"passport": {"path": "/x"}, "facts": {"model": "M"}, "picture": NOTE, "lease": "L", **more}
    return Reading(1, 2, datetime(2026, 3, 1, tzinfo=UTC), 5.0, found, **given)  # type: ignore[arg-type]


def test_nothing_learned_is_kept_of_a_doubted_reading() -> None:
    kept = doubted(reading(credential="worked"), BLIND)

    assert kept.findings == {Aspect.LINK: unknown(BLIND)}
    assert (kept.passport, kept.facts, kept.picture) == ({}, {}, None)
    assert (kept.lease, kept.credential) == ("L", "worked")


def test_a_refused_login_is_kept_so_that_no_device_locks() -> None:
    kept = doubted(reading(credential="refused", hold_s=2100, owed_s=3.0), LAGGING)

    assert kept.findings == {Aspect.LINK: unknown(LAGGING), Aspect.ACCESS: faulty("login_refused")}
    assert (kept.credential, kept.hold_s, kept.owed_s) == ("refused", 2100, 3.0)
