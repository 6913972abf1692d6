"""Specification of how points stand: clear, faulty by category, paused, not known; the worst compound first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devices.models import Compound, Device, Kind, Life
from monitor.causes import Category
from monitor.health import State, Status, Track
from monitor.overview.points import Standing, clear, standings, total
from monitor.wire import Aspect
from tests import factories
from tests.monitor.overview.seeing import NOW, seen, watched

SECOND = timedelta(seconds=1)


def one(compound: Compound) -> Standing:
    [found] = standings(Device.objects.filter(compound=compound), NOW)
    return found


def is_clear(device: Device) -> bool:
    return Device.objects.filter(clear(NOW), pk=device.pk).exists()


def test_a_point_with_a_good_fresh_picture_is_clear(compound: Compound) -> None:
    assert is_clear(seen(compound))


@pytest.mark.parametrize(("age", "expected"), [(1800, True), (1801, False)])
def test_a_picture_proves_a_view_for_three_intervals(compound: Compound, age: int, expected: bool) -> None:
    device = watched(compound)
    factories.state(device, looked_at=NOW, picture_at=NOW - age * SECOND)

    assert is_clear(device) is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [(State.OK, True), (State.SUSPECT, True), (State.FAULTY, False), (State.RECOVERING, False), (State.UNKNOWN, False)],
)
def test_a_suspicion_does_not_take_a_view_away_and_a_first_good_look_does_not_give_it_back(
    compound: Compound, state: State, expected: bool
) -> None:
    device = watched(compound)
    tracks = {Aspect.LINK: Track(State.OK), Aspect.PICTURE: Track(state)}
    factories.state(device, tracks, looked_at=NOW, picture_at=NOW, status=Status.ONLINE)

    assert is_clear(device) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.ONLINE, True),
        (Status.DEGRADED, True),
        (Status.OFFLINE, False),
        (Status.AUTH_FAILED, False),
        (Status.UNKNOWN, False),
    ],
)
def test_a_view_needs_a_device_that_answers(compound: Compound, status: Status, expected: bool) -> None:
    device = watched(compound)
    factories.state(device, looked_at=NOW, picture_at=NOW, status=status)

    assert is_clear(device) is expected


def test_each_point_stands_in_one_group(compound: Compound) -> None:
    seen(compound)
    factories.broken(watched(compound), "obstructed")
    watched(compound)
    watched(compound, pause_reason="works in the street")

    found = one(compound)

    assert (found.total, found.clear, found.faulty.total(), found.unknown, found.paused) == (4, 1, 1, 1, 1)
    assert found.unseen == 2


def test_a_point_counts_under_its_gravest_fault(compound: Compound) -> None:
    device = watched(compound)
    factories.broken(device, "time_zone")
    factories.incident(device, "obstructed")

    assert dict(one(compound).faulty) == {Category.OBSTRUCTED: 1}


def test_a_wrong_clock_is_a_fault_of_a_point_that_is_seen(compound: Compound) -> None:
    device = seen(compound)
    factories.incident(device, "time_zone")

    found = one(compound)

    assert (found.clear, found.faulty[Category.LOGIN], found.clear_login, found.unknown) == (1, 1, 1, 0)


def test_a_refused_login_takes_the_view_away(compound: Compound) -> None:
    factories.broken(watched(compound), "login_refused")

    assert one(compound).clear_login == 0


def test_a_paused_point_counts_under_no_fault(compound: Compound) -> None:
    factories.broken(watched(compound, pause_reason="works"), "obstructed")

    found = one(compound)

    assert (found.paused, found.faulty.total(), found.unknown) == (1, 0, 0)


def test_an_ended_incident_counts_no_more(compound: Compound) -> None:
    device = seen(compound)
    factories.incident(device, "obstructed", ended_at=NOW)

    assert one(compound).faulty.total() == 0


@pytest.mark.parametrize("fields", [{"kind": Kind.LOUDSPEAKER}, {"kind": Kind.SWITCH}, {"life": Life.PLANNED}])
def test_only_installed_cameras_are_points(compound: Compound, fields: dict[str, str]) -> None:
    watched(compound, **fields)

    assert standings(Device.objects.all(), NOW) == []


@pytest.mark.parametrize(("age", "expected"), [(150, 1), (151, 0)])
def test_a_look_counts_as_recent_for_two_and_a_half_intervals(compound: Compound, age: int, expected: int) -> None:
    device = watched(compound)
    factories.state(device, looked_at=NOW - age * SECOND)

    found = one(compound)

    assert (found.polled, found.looked, found.never) == (1, expected, 0)


def test_a_point_that_was_never_looked_at_is_said_so(compound: Compound) -> None:
    watched(compound)

    found = one(compound)

    assert (found.polled, found.looked, found.never, found.unknown) == (1, 0, 1, 1)


def test_a_point_without_an_address_is_not_waited_for(compound: Compound) -> None:
    factories.device(compound, endpoint=None)

    found = one(compound)

    assert (found.polled, found.never, found.unknown) == (0, 0, 1)


@pytest.mark.django_db
def test_the_compound_with_the_most_unseen_points_comes_first_then_the_larger_share() -> None:
    large, small, fine = (factories.compound(name=name) for name in ("Large", "Small", "Fine"))
    for place, lost, good in ((large, 2, 3), (small, 2, 1), (fine, 0, 1)):
        for _ in range(lost):
            watched(place)
        for _ in range(good):
            seen(place)

    assert [row.name for row in standings(Device.objects.all(), NOW)] == ["Small", "Large", "Fine"]


def test_compounds_add_up() -> None:
    one = Standing(1, "a", "open", 3, 1, 1, 1, 2, 2, 0)
    other = Standing(2, "b", "open", 4, 2, 0, 1, 4, 3, 1)
    one.faulty[Category.OFFLINE], other.faulty[Category.OFFLINE] = 1, 2

    whole = total([one, other])

    assert (whole.total, whole.clear, whole.paused, whole.unknown) == (7, 3, 1, 2)
    assert (whole.polled, whole.looked, whole.never) == (6, 5, 1)
    assert whole.faulty[Category.OFFLINE] == 3
