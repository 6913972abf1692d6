"""Specification of the first pages: the numbers, the sentence they make, the compounds, what to mend."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devices.models import Compound, Kind, User
from monitor.causes import Category
from monitor.models import DeviceState
from monitor.overview.compound import compound_page
from monitor.overview.home import CARDS, COMPOUNDS, Home, Others, home
from monitor.overview.rates import Rate
from monitor.overview.tasks import tasks
from tests import factories
from tests.monitor.overview.seeing import NOW, seen, watched

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def officer(compound: Compound) -> User:
    return factories.officer(compound.district)


def shown(user: User, **fields: bool) -> Home:
    return home(user, NOW, **fields)


def test_all_clear_needs_every_point_and_no_fault(compound: Compound, officer: User) -> None:
    device = seen(compound)
    assert shown(officer).all_clear

    factories.incident(device, "time_zone")

    assert not shown(officer).all_clear


def test_nothing_to_see_is_not_all_clear(officer: User) -> None:
    assert not shown(officer).all_clear
    assert shown(officer).lead is None


def test_a_point_that_is_not_known_is_not_clear(compound: Compound, officer: User) -> None:
    seen(compound)
    watched(compound)

    page = shown(officer)

    assert not page.all_clear
    assert (page.standing.total, page.standing.clear, page.rounding) == (2, 1, True)


def test_a_round_is_over_when_all_were_looked_at(compound: Compound, officer: User) -> None:
    seen(compound)

    assert not shown(officer).rounding


def test_four_numbers_with_their_denominator(compound: Compound, officer: User) -> None:
    for cause in ("no_answer", "obstructed", "blur", "frozen", "login_refused"):
        factories.broken(watched(compound), cause)
    factories.incident(seen(compound), "time_zone")

    tiles = {tile.category: (tile.count, tile.total, tile.seen) for tile in shown(officer).tiles}

    assert tiles == {
        Category.OFFLINE: (1, 6, 0),
        Category.OBSTRUCTED: (1, 6, 0),
        Category.PICTURE: (2, 6, 0),
        Category.LOGIN: (2, 6, 1),
    }


def test_the_lead_is_the_gravest_fault(compound: Compound, officer: User) -> None:
    factories.incident(watched(compound), "time_zone")
    factories.incident(watched(compound, name="gate"), "obstructed")

    lead = shown(officer).lead

    assert lead is not None
    assert lead.device.name == "gate"


def test_without_a_card_the_first_row_leads(compound: Compound, officer: User) -> None:
    factories.incident(watched(compound, name="clock"), "time_zone")

    lead = shown(officer).lead

    assert lead is not None
    assert lead.device.name == "clock"


def test_faults_and_the_devices_they_touch_are_counted(compound: Compound, officer: User) -> None:
    switch = watched(compound, kind=Kind.SWITCH)
    root = factories.incident(switch)
    for _ in range(3):
        factories.incident(watched(compound, parent=switch), root=root)
    for _ in range(CARDS):
        factories.incident(watched(compound), "blur")

    page = shown(officer)

    assert (page.faults, page.affected, len(page.cards), len(page.rows)) == (CARDS + 1, CARDS + 4, CARDS, 1)


def test_loudspeakers_are_counted_apart(compound: Compound, officer: User) -> None:
    answering, silent = watched(compound, kind=Kind.LOUDSPEAKER), watched(compound, kind=Kind.ACCESS_CONTROL)
    watched(compound, kind=Kind.SWITCH)
    factories.state(answering, looked_at=NOW)
    factories.broken(silent)
    DeviceState.objects.filter(device=silent).update(looked_at=NOW)

    page = shown(officer)

    assert page.others == Others(answer=1, total=2)
    assert page.standing.total == 0


def test_an_answer_of_long_ago_is_none(compound: Compound, officer: User) -> None:
    factories.state(watched(compound, kind=Kind.LOUDSPEAKER), looked_at=NOW - HOUR)

    assert shown(officer).others == Others(answer=0, total=1)


def test_the_worst_compounds_are_shown_and_the_rest_on_demand(compound: Compound, officer: User) -> None:
    seen(compound)
    for _ in range(COMPOUNDS):
        watched(factories.compound(compound.district))

    page = shown(officer)

    assert (len(page.compounds), page.more_compounds) == (COMPOUNDS, 1)
    assert compound.name not in [line.standing.name for line in page.compounds]
    assert len(shown(officer, all_compounds=True).compounds) == COMPOUNDS + 1
    assert shown(officer, all_compounds=True).more_compounds == 0


def test_the_trust_line_tells_oldest_and_newest_look_and_blind_time_a_point(compound: Compound, officer: User) -> None:
    first, second = seen(compound), seen(compound, NOW - MINUTE)
    watched(compound, kind=Kind.SWITCH)
    factories.hour(first, NOW.replace(minute=0) - HOUR, online_s=2400, blind_s=1200)
    factories.hour(second, NOW.replace(minute=0) - HOUR)

    trust = shown(officer).trust

    assert (trust.oldest, trust.newest) == (NOW - MINUTE, NOW)
    assert (trust.polled, trust.never) == (3, 1)
    assert trust.blind_s == 600
    assert trust.coverage == Rate(6000, 7200)


def test_others_see_nothing_of_it(compound: Compound, officer: User) -> None:
    factories.broken(watched(compound))

    page = shown(factories.officer())

    assert (page.standing.total, page.faults, page.compounds) == (0, 0, [])


# -- contractors


def test_a_contractor_sees_the_faults_of_its_devices(compound: Compound) -> None:
    firm = factories.organisation("contractor")
    contract = factories.contract(firm)
    mine = watched(compound, name="mine", contract=contract)
    factories.broken(mine, "obstructed")
    factories.incident(watched(compound, name="theirs"), "obstructed")
    factories.incident(mine, "time_zone", ended_at=NOW)
    factories.incident(mine, "clock_off", ended_at=NOW - timedelta(days=1))

    todo = tasks(factories.manager(firm), NOW, proofs=True)

    assert ([fault.device.name for fault in todo.cards], todo.faults, todo.mended) == (["mine"], 1, 1)
    assert todo.standing.total == 1


def test_a_phone_gets_a_list_without_cards(compound: Compound) -> None:
    firm = factories.organisation("contractor")
    device = watched(compound, contract=factories.contract(firm))
    factories.broken(device, "obstructed")

    todo = tasks(factories.technician(firm), NOW, proofs=False)

    assert (list(todo.cards), len(todo.all)) == ([], 1)


# -- compounds


def test_a_compound_shows_its_points_worst_first_and_what_they_hang_on(compound: Compound, officer: User) -> None:
    seen(compound, name="good")
    bad = watched(compound, name="bad")
    factories.broken(bad, "obstructed")
    factories.last_picture(bad.state)
    watched(compound, name="switch", kind=Kind.SWITCH)

    page = compound_page(officer, compound, NOW)

    assert [seen.line.device.name for seen in page.wall] == ["bad", "good"]
    assert [seen.shot is not None for seen in page.wall] == [True, False]
    assert [line.device.name for line in page.others] == ["switch"]
    assert (page.standing.total, page.strip.total) == (2, 2)


def test_a_compound_names_the_points_that_are_missing(compound: Compound, officer: User) -> None:
    factories.slot(compound, position="missing")
    factories.slot(compound, position="optional", mandatory=False)
    watched(compound, slot=factories.slot(compound, position="built"))

    assert [slot.position for slot in compound_page(officer, compound, NOW).gaps] == ["missing"]


def test_who_sees_a_part_is_told_of_no_gap(compound: Compound) -> None:
    firm = factories.organisation("contractor")
    watched(compound, contract=factories.contract(firm))
    watched(compound)
    factories.slot(compound)

    assert compound_page(factories.manager(firm), compound, NOW).gaps == []


def test_a_compound_has_figures_of_its_own(compound: Compound, officer: User) -> None:
    factories.hour(seen(compound), NOW.replace(minute=0) - HOUR, usable_s=1800)
    factories.hour(factories.device(factories.compound(compound.district)), NOW.replace(minute=0) - HOUR)

    assert compound_page(officer, compound, NOW).month.usable == Rate(1800, 3600)
