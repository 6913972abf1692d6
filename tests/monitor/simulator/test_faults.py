"""The vocabulary of faults takes what it documents and names the field of what it does not."""

from __future__ import annotations

import pytest

from monitor.simulator.faults import CHANNEL_SCOPES, FAULTS, FaultError, number, parse_fault, parse_faults, text


@pytest.mark.parametrize("name", FAULTS)
def test_true_stands_for_the_default_and_the_default_is_allowed(name: str) -> None:
    value = parse_fault(name, True)
    assert value is not None
    assert parse_fault(name, value) == value


@pytest.mark.parametrize("absent", [None, False])
def test_a_fault_set_to_nothing_is_absent(absent: object) -> None:
    assert parse_faults({"covered": absent, "off": True}) == {"off": True}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("eaten", 1, "unknown fault"),
        ("off", 1, "must be true or false"),
        ("covered", 1.01, "must be between 0 and 1"),
        ("covered", -0.01, "must be between 0 and 1"),
        ("covered", "much", "must be a number"),
        ("clock_dead", 1969, "must be between 1970 and 2015"),
        ("lockout_after", 2.5, "must be a whole number"),
        ("covered_with", "snow", "must be one of hand, bag, leaf, cloth"),
        ("redirect", "", "must be a text"),
        ("redirect", 5, "must be a text"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field(name: str, value: object, why: str) -> None:
    with pytest.raises(FaultError) as caught:
        parse_fault(name, value)
    assert (caught.value.field, caught.value.message) == (name, why)


@pytest.mark.parametrize(("name", "value"), [("covered", 0.0), ("covered", 1.0), ("turned", -0.5), ("turned", 0.5)])
def test_bounds_belong_to_the_range(name: str, value: float) -> None:
    assert parse_fault(name, value) == value


def test_numbers_have_the_type_of_their_fault() -> None:
    parsed = parse_faults({"lockout_after": 3.0, "covered": 1})
    assert isinstance(parsed["lockout_after"], int)
    assert isinstance(parsed["covered"], float)


def test_a_channel_has_faults_of_its_picture_but_no_port_to_close() -> None:
    assert parse_faults({"covered": 0.5, "empty_picture": True}, CHANNEL_SCOPES) == {
        "covered": 0.5,
        "empty_picture": True,
    }
    with pytest.raises(FaultError, match="off"):
        parse_faults({"off": True}, CHANNEL_SCOPES)


def test_absent_faults_read_as_their_neutral_value() -> None:
    assert (number({}, "slow_s"), number({"slow_s": 2.0}, "slow_s"), number({}, "lockout_s", 9.0)) == (0.0, 2.0, 9.0)
    assert (text({}, "redirect"), text({}, "redirect", "x"), text({"redirect": "y"}, "redirect")) == ("", "x", "y")
