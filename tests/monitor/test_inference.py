"""Specification of what is inferred about a switch without an address from the devices below it."""

from __future__ import annotations

import pytest

from monitor.health import State
from monitor.inference import Inferred, Witness, infer
from monitor.wire import Verdict
from tests.monitor.visits import minute

OK, DOWN, UNKNOWN = Verdict.OK, Verdict.FAULTY, Verdict.UNKNOWN
_STATES = {"o": State.OK, "s": State.SUSPECT, "f": State.FAULTY, "r": State.RECOVERING, "u": State.UNKNOWN}


def below(states: str) -> list[Witness]:
    """Devices that hang directly on the switch, each with an address of its own; the n-th is so since minute n."""
    return [Witness(n, n, _STATES[letter], minute(n)) for n, letter in enumerate(states, start=1)]


@pytest.mark.parametrize(
    ("states", "was", "verdict"),
    [
        ("", UNKNOWN, UNKNOWN),
        ("uuu", OK, UNKNOWN),
        ("uuu", DOWN, UNKNOWN),
        ("o", UNKNOWN, OK),
        ("offf", DOWN, OK),
        ("ou", UNKNOWN, OK),
        ("ff", OK, DOWN),
        ("fr", OK, DOWN),
        ("ffss", OK, DOWN),
        ("ffu", OK, DOWN),
        ("fsss", OK, None),
        ("s", OK, None),
        ("ffsss", UNKNOWN, None),
        ("fs", DOWN, None),
        ("f", OK, UNKNOWN),
        ("f", DOWN, None),
        ("ffuuu", OK, UNKNOWN),
        ("ffuuu", DOWN, None),
    ],
)
def test_the_table(states: str, was: Verdict, verdict: Verdict | None) -> None:
    assert infer(below(states), was).verdict is verdict


def test_a_switch_is_down_since_the_last_of_them_went() -> None:
    assert infer(below("fff"), OK).since == minute(3)


def test_a_switch_is_up_since_the_first_of_them_answered() -> None:
    assert infer(below("foo"), DOWN).since == minute(2)


def test_it_says_how_many_of_how_many() -> None:
    assert infer(below("ffsu"), OK) == Inferred(DOWN, minute(2), 2, 4)


def test_devices_behind_one_address_are_one() -> None:
    channels = [Witness(branch, 7, State.FAULTY, minute(1)) for branch in range(16)]

    assert infer(channels, OK).verdict is UNKNOWN


def test_where_all_hang_on_one_branch_the_switch_is_not_to_blame() -> None:
    assert infer([Witness(1, place, State.FAULTY, minute(1)) for place in range(8)], OK).verdict is UNKNOWN


def test_who_is_behind_a_measured_device_accuses_nobody() -> None:
    hidden = [Witness(n, n, State.FAULTY, minute(1), hidden=True) for n in range(8)]

    assert infer(hidden, OK) == Inferred(UNKNOWN, None, 0, 0)


def test_who_is_behind_a_measured_device_and_answers_clears_the_switch() -> None:
    assert infer([*below("fff"), Witness(1, 9, State.OK, minute(0), hidden=True)], DOWN).verdict is OK
