"""Specification of the states: what reading after reading makes of an aspect, and which word a device gets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.health import (
    BLANKS,
    RING_BITS,
    Change,
    State,
    Status,
    Track,
    bad_now,
    settled,
    silence,
    status,
    status_of,
    step,
    wants_second_look,
)
from monitor.policy import FAILING, RECOVERING, Threshold
from monitor.wire import Aspect, Finding, Verdict

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TWO_OF_THREE, THREE_OF_FOUR, BOTH, AT_ONCE = Threshold(2, 3), Threshold(3, 4), Threshold(2, 2), Threshold(1, 1)
UNKNOWN, OK, SUSPECT, FAULTY, RECOVERS = State.UNKNOWN, State.OK, State.SUSPECT, State.FAULTY, State.RECOVERING

# One letter per reading: g good, b bad, c bad for another cause, u shows nothing.
FINDINGS = {
    "g": Finding(Verdict.OK),
    "b": Finding(Verdict.FAULTY, "no_answer", {"n": 1}),
    "c": Finding(Verdict.FAULTY, "port_closed"),
    "d": Finding(Verdict.FAULTY, "silent"),
    "u": Finding(Verdict.UNKNOWN, "late"),
}


def minute(number: int) -> datetime:
    """When reading number 0, 1, 2 … comes."""
    return START + number * MINUTE


def read(
    letters: str, failing: Threshold = TWO_OF_THREE, recovering: Threshold = BOTH
) -> tuple[list[State], list[Change], Track]:
    """The states after each reading, the changes, and the track at last."""
    track, states, changes = Track(), [], []
    for number, letter in enumerate(letters):
        track, change = step(track, FINDINGS[letter], minute(number), failing, recovering)
        states.append(track.state)
        changes += [change] if change else []
    return states, changes, track


@pytest.mark.parametrize(
    ("letters", "failing", "recovering", "states"),
    [
        # unknown
        ("g", TWO_OF_THREE, BOTH, [OK]),
        ("b", TWO_OF_THREE, BOTH, [SUSPECT]),
        ("b", AT_ONCE, AT_ONCE, [FAULTY]),
        ("u", TWO_OF_THREE, BOTH, [UNKNOWN]),
        # ok
        ("gg", TWO_OF_THREE, BOTH, [OK, OK]),
        ("gb", TWO_OF_THREE, BOTH, [OK, SUSPECT]),
        ("gb", AT_ONCE, AT_ONCE, [OK, FAULTY]),
        # suspect: faulty when N of M are bad …
        ("bb", TWO_OF_THREE, BOTH, [SUSPECT, FAULTY]),
        ("bgb", TWO_OF_THREE, BOTH, [SUSPECT, SUSPECT, FAULTY]),
        ("bbb", THREE_OF_FOUR, BOTH, [SUSPECT, SUSPECT, FAULTY]),
        ("bgbb", THREE_OF_FOUR, BOTH, [SUSPECT, SUSPECT, SUSPECT, FAULTY]),
        ("bbgb", THREE_OF_FOUR, BOTH, [SUSPECT, SUSPECT, SUSPECT, FAULTY]),
        # … ok when the old bad ones cannot make N of M any more
        ("bgg", TWO_OF_THREE, BOTH, [SUSPECT, SUSPECT, OK]),
        ("bbgg", THREE_OF_FOUR, BOTH, [SUSPECT, SUSPECT, SUSPECT, OK]),
        ("bg", BOTH, BOTH, [SUSPECT, OK]),
        ("bggb", TWO_OF_THREE, BOTH, [SUSPECT, SUSPECT, OK, SUSPECT]),
        ("bgbgb", THREE_OF_FOUR, BOTH, [SUSPECT] * 5),
        # faulty and recovering
        ("bbg", TWO_OF_THREE, BOTH, [SUSPECT, FAULTY, RECOVERS]),
        ("bbgg", TWO_OF_THREE, BOTH, [SUSPECT, FAULTY, RECOVERS, OK]),
        ("bbgb", TWO_OF_THREE, BOTH, [SUSPECT, FAULTY, RECOVERS, FAULTY]),
        ("bbgbgg", TWO_OF_THREE, BOTH, [SUSPECT, FAULTY, RECOVERS, FAULTY, RECOVERS, OK]),
        ("bg", AT_ONCE, AT_ONCE, [FAULTY, OK]),
        ("bbgbg", TWO_OF_THREE, TWO_OF_THREE, [SUSPECT, FAULTY, RECOVERS, RECOVERS, OK]),
        ("bbgbb", TWO_OF_THREE, TWO_OF_THREE, [SUSPECT, FAULTY, RECOVERS, RECOVERS, FAULTY]),
        # nothing shown: once may be a lost packet
        ("gu", TWO_OF_THREE, BOTH, [OK, OK]),
        ("guu", TWO_OF_THREE, BOTH, [OK, OK, UNKNOWN]),
        ("gugu", TWO_OF_THREE, BOTH, [OK, OK, OK, OK]),
        ("bub", TWO_OF_THREE, BOTH, [SUSPECT, SUSPECT, FAULTY]),
        ("buub", TWO_OF_THREE, BOTH, [SUSPECT, SUSPECT, UNKNOWN, SUSPECT]),
        ("bbuuu", TWO_OF_THREE, BOTH, [SUSPECT, FAULTY, FAULTY, FAULTY, FAULTY]),
        ("bbguu", TWO_OF_THREE, BOTH, [SUSPECT, FAULTY, RECOVERS, RECOVERS, FAULTY]),
        ("bbguug", TWO_OF_THREE, BOTH, [SUSPECT, FAULTY, RECOVERS, RECOVERS, FAULTY, RECOVERS]),
    ],
)
def test_the_truth_table(letters: str, failing: Threshold, recovering: Threshold, states: list[State]) -> None:
    assert read(letters, failing, recovering)[0] == states


def told(changes: Sequence[Change]) -> list[tuple[State, State, int, int]]:
    """Changes as (was, now, minute it is true from, minute it was known)."""
    return [(item.was, item.now, (item.at - START) // MINUTE, (item.decided_at - START) // MINUTE) for item in changes]


def test_a_fault_starts_at_its_first_bad_reading() -> None:
    assert told(read("gbgb")[1])[1:] == [(OK, SUSPECT, 1, 1), (SUSPECT, FAULTY, 1, 3)]


def test_a_fault_ends_at_the_first_good_reading() -> None:
    assert told(read("bbgg")[1])[2:] == [(FAULTY, RECOVERS, 2, 2), (RECOVERS, OK, 2, 3)]


def test_a_relapse_starts_the_recovery_anew() -> None:
    assert told(read("bbgbgg")[1])[3:] == [(RECOVERS, FAULTY, 3, 3), (FAULTY, RECOVERS, 4, 4), (RECOVERS, OK, 4, 5)]


def test_a_fault_does_not_start_before_the_readings_that_prove_it() -> None:
    """Half of the pictures were bad for a while; then the fault came."""
    changes = read("gbgbgbgbb", THREE_OF_FOUR)[1]

    assert told(changes)[-1] == (SUSPECT, FAULTY, 5, 8)


def test_a_recovery_does_not_start_before_the_readings_that_prove_it() -> None:
    changes = read("bb" + "gbb" + "gbg", TWO_OF_THREE, TWO_OF_THREE)[1]

    assert told(changes)[-1] == (RECOVERS, OK, 5, 7)


def test_good_readings_within_the_failing_do_not_count_for_recovering() -> None:
    assert read("bgbg", TWO_OF_THREE, TWO_OF_THREE)[0][-1] is RECOVERS


def test_a_definite_fault_is_true_and_known_at_once() -> None:
    assert told(read("gb", AT_ONCE, AT_ONCE)[1])[1:] == [(OK, FAULTY, 1, 1)]


def test_what_is_lost_is_unknown_since_it_was_last_shown() -> None:
    _, changes, track = read("gguu")

    assert told(changes)[-1] == (OK, UNKNOWN, 1, 3)
    assert changes[-1].cause == "late"
    assert (track.since, track.at, track.why, track.blanks) == (minute(1), minute(1), "late", BLANKS)


def test_what_was_suspected_before_nothing_was_shown_does_not_count_afterwards() -> None:
    assert read("buub", TWO_OF_THREE)[0][-1] is SUSPECT


def test_a_reading_that_shows_nothing_says_why_until_one_shows_something() -> None:
    assert read("gu")[2].why == "late"
    assert read("gug")[2].why == ""


def test_blank_readings_must_follow_each_other() -> None:
    assert read("gug")[2].blanks == 0


# -- cause and detail


def test_a_change_carries_the_cause_and_its_facts() -> None:
    change = read("bb")[1][-1]

    assert (change.cause, change.detail) == ("no_answer", {"n": 1})


def test_one_reading_with_another_cause_renames_nothing() -> None:
    assert read("bbc")[2].cause == "no_answer"


def test_a_suspicion_goes_under_its_latest_cause() -> None:
    assert read("bc", THREE_OF_FOUR)[2].cause == "port_closed"


def test_two_readings_with_another_cause_rename_the_fault() -> None:
    _, changes, track = read("bbcc")

    assert track.cause == "port_closed"
    assert told(changes)[-1] == (FAULTY, FAULTY, 3, 3)
    assert changes[-1].cause == "port_closed"


def test_two_other_causes_that_disagree_rename_nothing() -> None:
    assert read("bbcdcd")[2].cause == "no_answer"


def test_the_old_cause_in_between_counts_against_the_new_one() -> None:
    assert read("bbcbc")[2].cause == "no_answer"


def test_the_facts_of_a_fault_are_those_of_its_last_reading() -> None:
    track = read("bb")[2]
    track, change = step(track, Finding(Verdict.FAULTY, "no_answer", {"n": 2}), minute(2), TWO_OF_THREE, BOTH)

    assert change is None
    assert track.detail == {"n": 2}


def test_a_recovered_aspect_forgets_its_cause_but_the_change_names_it() -> None:
    _, changes, track = read("bbgg")

    assert changes[-1].cause == "no_answer"
    assert (track.cause, track.detail, track.rival) == ("", {}, "")


def test_a_good_change_carries_the_facts_of_the_good_reading() -> None:
    good = Finding(Verdict.OK, detail={"took_ms": 7})

    assert step(Track(), good, START, TWO_OF_THREE, BOTH)[1] == Change(UNKNOWN, OK, START, START, "", {"took_ms": 7})


# -- late, repeated, silent


@pytest.mark.parametrize("letter", "gbu")
@pytest.mark.parametrize("before", ["g", "b", "bb", "bbg", "gu", "guu"])
@pytest.mark.parametrize("late", [timedelta(0), MINUTE])
def test_a_late_or_repeated_reading_changes_nothing(before: str, letter: str, late: timedelta) -> None:
    track = read(before)[2]

    assert step(track, FINDINGS[letter], minute(len(before) - 1) - late, TWO_OF_THREE, BOTH) == (track, None)


def test_silence_makes_what_was_good_unknown_from_the_last_reading_on() -> None:
    track, change = silence(read("gg")[2], minute(9))

    assert change == Change(OK, UNKNOWN, minute(1), minute(9), "platform_silent", {})
    assert track == Track(since=minute(1), at=minute(1), why="platform_silent")


def test_silence_ends_a_suspicion() -> None:
    assert silence(read("b")[2], minute(9))[0].state is UNKNOWN


@pytest.mark.parametrize("letters", ["bb", "bbg", ""])
def test_silence_leaves_faults_and_the_unknown_alone(letters: str) -> None:
    track = read(letters)[2]

    assert silence(track, minute(9)) == (track, None)


def test_a_reading_from_before_the_silence_still_changes_nothing() -> None:
    track, _ = silence(read("gu")[2], minute(9))

    assert step(track, FINDINGS["g"], minute(1), TWO_OF_THREE, BOTH) == (track, None)


# -- for any readings

LETTERS = st.text("gbu", max_size=40)
SHORT = st.integers(1, 5).flatmap(lambda m: st.builds(Threshold, st.integers(1, m), st.just(m)))


@given(LETTERS, SHORT, SHORT)
def test_nothing_is_faulty_with_fewer_than_n_bad_of_the_last_m(
    letters: str, failing: Threshold, recovering: Threshold
) -> None:
    shown: list[str] = []
    track = Track()
    for number, letter in enumerate(letters):
        shown += [letter] if letter != "u" else []
        was, (track, _) = track.state, step(track, FINDINGS[letter], minute(number), failing, recovering)
        if track.state is FAULTY and was not in (FAULTY, RECOVERS):
            assert shown[-failing.m :].count("b") >= failing.n
        if track.state is OK and was in (FAULTY, RECOVERS):
            assert shown[-recovering.m :].count("g") >= recovering.n


@given(LETTERS, SHORT, SHORT)
def test_changes_follow_each_other_without_a_gap(letters: str, failing: Threshold, recovering: Threshold) -> None:
    changes = read(letters, failing, recovering)[1]

    assert [item.was for item in changes[1:]] == [item.now for item in changes[:-1]]


@given(LETTERS, SHORT, SHORT)
def test_what_a_change_is_true_from_is_a_reading_not_later_than_the_decision(
    letters: str, failing: Threshold, recovering: Threshold
) -> None:
    for change in read(letters, failing, recovering)[1]:
        assert change.at <= change.decided_at
        first = letters[(change.at - START) // MINUTE]
        if change.now is FAULTY and change.was is not RECOVERS:  # a recovery also ends when nobody sees it go on
            assert first == "b"
        if change.now is OK:
            assert first == "g"


@given(st.sampled_from([Aspect.LINK, Aspect.CLOCK, Aspect.RECORDING]), st.text("gb", max_size=6))
def test_what_fails_every_other_time_is_found(aspect: Aspect, before: str) -> None:
    assert FAULTY in read(before + "gbgbgb", FAILING[aspect], RECOVERING[aspect])[0]


@given(LETTERS, st.sampled_from(list(Aspect)))
def test_good_readings_heal_in_the_end(letters: str, aspect: Aspect) -> None:
    assert read(letters + "gggg", FAILING[aspect], RECOVERING[aspect])[0][-1] is OK


@given(LETTERS, st.sampled_from(list(Aspect)))
def test_bad_readings_are_believed_in_the_end(letters: str, aspect: Aspect) -> None:
    assert read(letters + "bbbb", FAILING[aspect], RECOVERING[aspect])[0][-1] is FAULTY


@given(st.text("gb", min_size=20, max_size=40))
def test_the_ring_stays_small(letters: str) -> None:
    track = read("g" * 20 + letters)[2]

    assert track.ring < 1 << RING_BITS
    assert track.seen <= RING_BITS


def test_the_ring_tells_the_last_readings_newest_first() -> None:
    track = read("gbgb", Threshold(4, 5))[2]

    assert (bin(track.ring), track.seen) == ("0b101", 3)


def test_marks_are_the_readings_that_speak_for_a_change() -> None:
    assert read("gbgb", THREE_OF_FOUR)[2].marks == (minute(1), minute(3))
    assert read("bbg")[2].marks == (minute(2),)
    assert read("bbgg")[2].marks == ()


# -- one word for a device

GOOD, BAD, BLANK = Verdict.OK, Verdict.FAULTY, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        ({}, Status.UNKNOWN),
        ({Aspect.LINK: BLANK, Aspect.ACCESS: BAD, Aspect.PICTURE: BAD}, Status.UNKNOWN),
        ({Aspect.PICTURE: BAD}, Status.UNKNOWN),
        ({Aspect.LINK: BAD, Aspect.ACCESS: BAD, Aspect.PICTURE: BAD}, Status.OFFLINE),
        ({Aspect.LINK: GOOD, Aspect.ACCESS: BAD, Aspect.PICTURE: BAD}, Status.AUTH_FAILED),
        ({Aspect.LINK: GOOD, Aspect.ACCESS: GOOD, Aspect.PICTURE: BAD}, Status.DEGRADED),
        ({Aspect.LINK: GOOD, Aspect.CLOCK: BAD}, Status.DEGRADED),
        ({Aspect.LINK: GOOD, Aspect.ACCESS: BLANK, Aspect.CLOCK: BLANK}, Status.ONLINE),
        ({Aspect.LINK: GOOD, Aspect.ACCESS: GOOD, Aspect.PICTURE: GOOD}, Status.ONLINE),
    ],
)
def test_the_worst_names_the_status(verdicts: dict[Aspect, Verdict], word: Status) -> None:
    assert status(verdicts) is word


@pytest.mark.parametrize(
    ("state", "verdict"), [(UNKNOWN, BLANK), (OK, GOOD), (SUSPECT, GOOD), (FAULTY, BAD), (RECOVERS, BAD)]
)
def test_a_state_stands_for_the_old_verdict_until_it_is_decided(state: State, verdict: Verdict) -> None:
    assert settled(state) is verdict
    assert status_of({Aspect.LINK: Track(state)}) is status({Aspect.LINK: verdict})


def test_only_the_undecided_is_looked_at_again_soon() -> None:
    assert {state for state in State if wants_second_look(Track(state))} == {SUSPECT, RECOVERS}


def test_what_speaks_of_something_bad() -> None:
    assert {state for state in State if bad_now(state)} == {SUSPECT, FAULTY, RECOVERS}


def test_the_words_that_tables_and_messages_hold() -> None:
    assert [*State] == ["unknown", "ok", "suspect", "faulty", "recovering"]
    assert [*Status] == ["unknown", "offline", "auth_failed", "degraded", "online"]


def test_nothing_is_known_in_the_beginning() -> None:
    track = Track()

    assert (track.state, track.ring, track.seen, track.marks, track.blanks) == (UNKNOWN, 0, 0, (), 0)
    assert (track.since, track.at, track.blank_at) == (None, None, None)
    assert (track.cause, track.detail, track.rival, track.why) == ("", {}, "", "")


def test_sixteen_readings_are_remembered() -> None:
    assert read("b" * 40, Threshold(30, 40))[2].seen == 16


def test_a_relapse_does_not_make_the_fault_younger() -> None:
    assert read("bbgb")[2].since == read("bb")[2].since == minute(0)


def test_what_nobody_saw_recover_is_faulty_again_and_not_looked_at_in_haste() -> None:
    _states, changes, track = read("bbguu")

    assert told(changes)[-1] == (RECOVERS, FAULTY, 4, 4)
    assert (track.cause, wants_second_look(track), track.since) == ("no_answer", False, minute(0))


# -- the same fault in the same place

# One letter per place: four blocks each; m and n have two in common, k has none of theirs and x is not a place.
PLACES = {"m": "f", "n": "3c", "k": "f00", "x": "nowhere"}


@pytest.mark.parametrize(
    ("places", "states"),
    [
        ("mmm", [SUSPECT, SUSPECT, FAULTY]),
        ("mnm", [SUSPECT, SUSPECT, FAULTY]),
        # A lorry here, a person there: the suspicion begins anew each time.
        ("mkm", [SUSPECT, SUSPECT, SUSPECT]),
        ("mkmkmk", [SUSPECT] * 6),
        ("mkkk", [SUSPECT, SUSPECT, SUSPECT, FAULTY]),
        # What has no place that can be read is taken for the same.
        ("mxm", [SUSPECT, SUSPECT, FAULTY]),
        # A confirmed fault may wander: what is before the lens swings in the wind.
        ("mmmk", [SUSPECT, SUSPECT, FAULTY, FAULTY]),
    ],
)
def test_a_suspicion_needs_the_same_blocks_again(places: str, states: list[State]) -> None:
    track, found = Track(), []
    for number, place in enumerate(places):
        finding = Finding(Verdict.FAULTY, "obstructed", {"where": PLACES[place]})
        track, _ = step(track, finding, minute(number), THREE_OF_FOUR, BOTH)
        found.append(track.state)

    assert found == states


def test_a_fault_that_began_elsewhere_begins_with_the_first_reading_in_its_place() -> None:
    track, changes = Track(), []
    for number, place in enumerate("mkkk"):
        finding = Finding(Verdict.FAULTY, "obstructed", {"where": PLACES[place]})
        track, change = step(track, finding, minute(number), THREE_OF_FOUR, BOTH)
        changes += [change] if change else []

    assert [(item.now, item.at) for item in changes] == [(SUSPECT, minute(0)), (FAULTY, minute(1))]
