"""Specification of who may open what: the officer of the district, a colleague elsewhere, a stranger, nobody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from devices.models import Compound, Device, Kind, Role, User
from monitor.models import Incident
from tests import factories
from tests.monitor.overview.seeing import watched

SignIn = Callable[[User], Client]

OF_A_DEVICE = ("device", "compound", "incident", "last", "day", "proof", "proposal")


@pytest.fixture
def incident(camera: Device) -> Incident:
    """An obstruction with every kind of picture."""
    found = factories.broken(camera, "obstructed", share=0.5)
    factories.last_picture(camera.state, label="obstructed", blocks=[1, 2])
    factories.picture(camera)
    factories.picture(camera, "proof", incident=found)
    factories.proposal(camera, factories.user())
    return found


def address(name: str, incident: Incident) -> str:
    device = incident.device
    if name in ("last", "day"):
        return reverse("picture", args=[device.pk, name])
    if name == "proof":
        return reverse("picture", args=[device.pk, f"proof-{incident.pk}"])
    if name == "proposal":
        return reverse("picture", args=[device.pk, f"proposal-{device.proposals.get().pk}"])
    return reverse(name, args=[{"device": device.pk, "compound": device.compound_id, "incident": incident.pk}[name]])


@pytest.mark.parametrize("name", OF_A_DEVICE)
def test_the_officer_of_the_district_sees_it(incident: Incident, officer: User, sign_in: SignIn, name: str) -> None:
    assert sign_in(officer).get(address(name, incident)).status_code == 200


@pytest.mark.parametrize("name", OF_A_DEVICE)
def test_an_administrator_sees_it(incident: Incident, sign_in: SignIn, name: str) -> None:
    assert sign_in(factories.admin()).get(address(name, incident)).status_code == 200


@pytest.mark.parametrize("name", OF_A_DEVICE)
def test_a_colleague_of_another_district_does_not(incident: Incident, sign_in: SignIn, name: str) -> None:
    assert sign_in(factories.officer()).get(address(name, incident)).status_code == 404


@pytest.mark.parametrize("name", OF_A_DEVICE)
def test_a_stranger_does_not(incident: Incident, sign_in: SignIn, name: str) -> None:
    assert sign_in(factories.user()).get(address(name, incident)).status_code == 404


@pytest.mark.parametrize("name", OF_A_DEVICE)
def test_a_contractor_without_the_contract_does_not(incident: Incident, sign_in: SignIn, name: str) -> None:
    firm = factories.organisation("contractor")
    factories.contract(firm)

    assert sign_in(factories.technician(firm)).get(address(name, incident)).status_code == 404


@pytest.mark.parametrize("name", OF_A_DEVICE)
def test_who_has_not_signed_in_is_asked_to(incident: Incident, client: Client, name: str) -> None:
    to = address(name, incident)

    assert client.get(to).headers["Location"] == f"{reverse('login')}?next={to}"


@pytest.mark.parametrize("name", ["home", "devices", "incidents"])
def test_lists_ask_for_a_login_too(db: None, client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 302


def test_a_live_page_whose_session_has_ended_is_loaded_anew(db: None, client: Client) -> None:
    answer = client.get(reverse("home"), headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Refresh"]) == (200, "true")


@pytest.mark.parametrize("name", ["home", "devices", "incidents"])
def test_lists_name_only_what_is_theirs(
    compound: Compound, officer: User, incident: Incident, sign_in: SignIn, name: str
) -> None:
    theirs = watched(factories.compound(name="Minjiang Road"), name="East gate")
    factories.broken(theirs, "obstructed")

    content = sign_in(officer).get(reverse(name)).content.decode()

    assert "Hefei Road" in content
    assert "Minjiang Road" not in content


@pytest.mark.parametrize("name", ["device", "compound", "incident"])
def test_a_contractor_sees_its_device_and_not_the_switch_above(compound: Compound, sign_in: SignIn, name: str) -> None:
    firm = factories.organisation("contractor")
    switch = watched(compound, name="Hidden switch", kind=Kind.SWITCH)
    mine = watched(compound, contract=factories.contract(firm))
    found = factories.incident(mine, root=factories.incident(switch))

    content = sign_in(factories.manager(firm)).get(address(name, found)).content.decode()

    assert "Hidden switch" not in content


@pytest.mark.parametrize("name", ["home", "devices", "incidents"])
@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.TECHNICIAN, Role.VIEWER])
def test_every_role_can_open_the_lists(db: None, sign_in: SignIn, role: Role, name: str) -> None:
    assert sign_in(factories.member(role)).get(reverse(name)).status_code == 200


def test_no_page_of_a_person_is_kept_by_a_cache(officer: User, sign_in: SignIn) -> None:
    told = sign_in(officer).get(reverse("home")).headers["Cache-Control"]

    assert "no-store" in told
    assert "private" in told
