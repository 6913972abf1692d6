"""Specification of the list of incidents and of one incident: order, counts, who was told, the proof."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devices.models import Compound, Device, Kind, User
from monitor.overview.incidents import ENDED, OPEN, PER_PAGE, Asked, Told, incident_list, incident_page
from tests import factories
from tests.monitor.overview.seeing import NOW, seen, watched

HOUR = timedelta(hours=1)


@pytest.fixture
def officer(compound: Compound) -> User:
    return factories.officer(compound.district)


def listed(user: User, **asked: str) -> list[str]:
    return [item.cause for item in incident_list(user, Asked.read(asked)).page]


def test_open_causes_come_by_consequence_with_what_they_take_along(compound: Compound, officer: User) -> None:
    root = factories.incident(watched(compound, kind=Kind.SWITCH), "no_answer")
    for name in ("road", "gate"):
        factories.incident(watched(compound, name=name), "port_closed", root=root, started_at=NOW - HOUR)
    factories.incident(watched(compound), "time_zone")
    factories.incident(watched(compound), "obstructed")

    found = incident_list(officer, Asked())

    assert [row.incident.cause for row in found.rows] == ["no_answer", "obstructed", "time_zone"]
    assert [list(row.affected) for row in found.rows] == [["gate", "road"], [], []]
    assert found.open == 3


def test_a_consequence_stands_for_itself_where_its_cause_is_hidden_or_over(compound: Compound) -> None:
    firm = factories.organisation("contractor")
    switch = factories.incident(watched(compound, kind=Kind.SWITCH))
    factories.incident(watched(compound, contract=factories.contract(firm)), "port_closed", root=switch)

    assert listed(factories.manager(firm)) == ["port_closed"]


def test_ended_incidents_come_newest_first(camera: Device, officer: User) -> None:
    factories.incident(camera, "blur", started_at=NOW - 3 * HOUR, ended_at=NOW - HOUR)
    factories.incident(camera, "frozen", started_at=NOW - 2 * HOUR, ended_at=NOW)
    factories.incident(camera, "port_closed")

    assert listed(officer, show=ENDED) == ["frozen", "blur"]
    assert listed(officer) == ["port_closed"]


def test_incidents_are_narrowed_to_a_category_and_counted_in_it(camera: Device, officer: User) -> None:
    factories.incident(camera, "blur")
    factories.incident(camera, "port_closed")
    factories.incident(camera, "frozen", ended_at=NOW)

    page = incident_list(officer, Asked.read({"category": "picture"}))

    assert (page.open, page.ended, [item.cause for item in page.page]) == (1, 1, ["blur"])


@pytest.mark.parametrize("asked", [{}, {"show": "all"}, {"category": "weather"}, {"page": "x"}])
def test_nonsense_shows_what_is_open(asked: dict[str, str]) -> None:
    assert Asked.read(asked) == Asked(OPEN, "", 1)


def test_incidents_have_pages(camera: Device, officer: User) -> None:
    for number in range(PER_PAGE + 1):
        factories.incident(camera, started_at=NOW - (number + 1) * HOUR, ended_at=NOW - number * HOUR)

    first = incident_list(officer, Asked.read({"show": ENDED}))
    second = incident_list(officer, Asked.read({"show": ENDED, "page": "2"}))

    assert (first.earlier, first.later) == ("", "?show=ended&page=2")
    assert (second.earlier, second.later) == ("?show=ended&page=1", "")


def test_the_list_says_when_it_was_last_looked(compound: Compound, officer: User) -> None:
    assert incident_list(officer, Asked()).last_look is None
    seen(compound)

    assert incident_list(officer, Asked()).last_look == NOW


def test_an_incident_names_what_went_down_with_it_and_why(compound: Compound, officer: User) -> None:
    switch = factories.incident(watched(compound, kind=Kind.SWITCH))
    child = factories.incident(watched(compound, name="gate"), root=switch)

    assert [item.device.name for item in incident_page(officer, switch).consequences] == ["gate"]
    assert incident_page(officer, switch).root is None
    assert incident_page(officer, child).root == switch


def test_what_one_may_not_see_is_not_named(compound: Compound) -> None:
    firm = factories.organisation("contractor")
    switch = factories.incident(watched(compound, kind=Kind.SWITCH))
    mine = watched(compound, contract=factories.contract(firm))
    child = factories.incident(mine, root=switch)

    assert incident_page(factories.manager(firm), child).root is None


def test_an_incident_says_who_was_told_and_what_is_on_its_way(camera: Device, officer: User) -> None:
    incident = factories.incident(camera)
    event = factories.event(incident, done_at=NOW)
    people = sorted((factories.user(name=name) for name in ("Ann", "Bo", "Cy")), key=str)
    factories.notification(event, people[0], sent_at=NOW)
    factories.notification(event, people[1])
    factories.notification(event, people[2], failed_at=NOW)

    page = incident_page(officer, incident)

    assert page.told == [
        Told("Ann", "opened", NOW, failed=False),
        Told("Bo", "opened", None, failed=False),
        Told("Cy", "opened", None, failed=True),
    ]
    assert page.waiting is None


def test_an_incident_that_settles_says_until_when(camera: Device, officer: User) -> None:
    incident = factories.incident(camera)
    event = factories.event(incident, ready_at=NOW)

    assert incident_page(officer, incident).waiting == event


def test_a_picture_incident_has_its_proof_beside_the_reference(camera: Device, officer: User) -> None:
    incident = factories.incident(camera, "blur", detail={})
    factories.picture(camera, "proof", incident=incident)
    factories.picture(camera)

    page = incident_page(officer, incident)

    assert page.proof is not None
    assert (page.proof.which, page.proof.phase) == (f"proof-{incident.pk}", "day")
    assert page.reference is not None


def test_without_a_proof_there_is_nothing_beside_it(camera: Device, officer: User) -> None:
    factories.picture(camera)
    page = incident_page(officer, factories.incident(camera))

    assert (page.proof, page.reference) == (None, None)


@pytest.mark.parametrize(("cause", "unseen"), [("obstructed", "who comes in"), ("time_zone", "")])
def test_only_what_takes_the_view_away_is_called_unseen(
    compound: Compound, officer: User, cause: str, unseen: str
) -> None:
    camera = watched(compound, slot=factories.slot(compound, sees="who comes in"))

    assert incident_page(officer, factories.incident(camera, cause)).unseen == unseen
