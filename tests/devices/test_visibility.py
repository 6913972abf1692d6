"""Specification of who sees what: one rule, the same for compounds, devices and incidents."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser

from devices.models import Compound, Contract, Device, Membership, Organisation, Role, User
from devices.visibility import sees_everything
from monitor.models import Incident
from tests import factories

pytestmark = pytest.mark.django_db
Viewer = User | AnonymousUser


@dataclass
class City:
    """Two districts: A and B in the first, C in the second; one contractor has a contract for A and C and one for B."""

    a: Compound
    b: Compound
    c: Compound
    contractor: Organisation
    first: Contract
    second: Contract


@pytest.fixture
def city() -> City:
    west, east = factories.district(name="west"), factories.district(name="east")
    a, b, c = (factories.compound(area, name=name) for area, name in ((west, "A"), (west, "B"), (east, "C")))
    contractor = factories.organisation("contractor")
    first, second = factories.contract(contractor), factories.contract(contractor)
    other = factories.contract()
    for place, contract, name in ((a, first, "a1"), (a, other, "a2"), (b, second, "b1"), (c, first, "c1")):
        factories.incident(factories.device(place, name=name, contract=contract))
    factories.incident(factories.device(c, name="c2"))
    return City(a, b, c, contractor, first, second)


def seen(user: Viewer) -> tuple[str, str]:
    """Compounds and devices that a user sees; incidents are those of the devices, always."""
    compounds = " ".join(Compound.objects.visible_to(user).order_by("name").values_list("name", flat=True))
    devices = " ".join(Device.objects.visible_to(user).order_by("name").values_list("name", flat=True))
    incidents = Incident.objects.visible_to(user).order_by("device__name").values_list("device__name", flat=True)
    assert " ".join(incidents) == devices
    return compounds, devices


EVERYTHING, NOTHING = ("A B C", "a1 a2 b1 c1 c2"), ("", "")


def test_an_administrator_sees_everything(city: City) -> None:
    assert seen(factories.admin()) == EVERYTHING


def test_a_superuser_sees_everything_without_a_membership(city: City) -> None:
    assert seen(factories.user(is_superuser=True)) == EVERYTHING


def test_an_officer_sees_the_district(city: City) -> None:
    assert seen(factories.officer(city.a.district)) == ("A B", "a1 a2 b1")


def test_an_officer_sees_the_compound(city: City) -> None:
    assert seen(factories.member(Role.OFFICER, compound=city.c)) == ("C", "c1 c2")


def test_an_officer_without_a_scope_sees_nothing(city: City) -> None:
    assert seen(factories.member(Role.OFFICER)) == NOTHING


def test_a_manager_sees_the_devices_of_the_contracts_and_where_they_are(city: City) -> None:
    assert seen(factories.manager(city.contractor)) == ("A B C", "a1 b1 c1")


def test_a_technician_sees_the_contract(city: City) -> None:
    assert seen(factories.technician(city.contractor, contract=city.first)) == ("A C", "a1 c1")


def test_a_technician_sees_the_compound_as_far_as_it_is_theirs(city: City) -> None:
    assert seen(factories.technician(city.contractor, compound=city.a)) == ("A", "a1")


def test_a_technician_sees_the_district_as_far_as_it_is_theirs(city: City) -> None:
    assert seen(factories.technician(city.contractor, district=city.a.district)) == ("A B", "a1 b1")


def test_a_contract_of_another_contractor_shows_nothing(city: City) -> None:
    stranger = factories.organisation("contractor")

    assert seen(factories.technician(stranger, contract=city.first)) == NOTHING


def test_a_contractor_without_devices_sees_nothing(city: City) -> None:
    assert seen(factories.manager(factories.organisation("contractor"))) == NOTHING


def test_an_owner_sees_what_is_theirs(city: City) -> None:
    owner = factories.organisation("owner")
    Compound.objects.filter(name__in="BC").update(owner=owner)

    assert seen(factories.member(Role.VIEWER, owner)) == ("B C", "b1 c1 c2")
    assert seen(factories.member(Role.VIEWER, owner, compound=city.b)) == ("B", "b1")
    assert seen(factories.member(Role.VIEWER, owner, compound=city.a)) == NOTHING
    assert seen(factories.member(Role.VIEWER, owner, district=city.c.district)) == ("C", "c1 c2")


def test_an_owner_narrowed_to_a_contract_sees_its_devices_only(city: City) -> None:
    owner = factories.organisation("owner")
    Compound.objects.update(owner=owner)

    assert seen(factories.member(Role.VIEWER, owner, contract=city.second))[1] == "b1"


def test_a_police_viewer_sees_the_scope(city: City) -> None:
    assert seen(factories.member(Role.VIEWER, factories.organisation("police"), compound=city.b)) == ("B", "b1")


def test_memberships_add_up(city: City) -> None:
    officer = factories.member(Role.OFFICER, compound=city.c)
    Membership.objects.create(user=officer, organisation=city.contractor, role="technician", contract=city.second)

    assert seen(officer) == ("B C", "b1 c1 c2")


def test_a_stranger_sees_nothing(city: City) -> None:
    assert seen(factories.user()) == NOTHING


def test_nobody_sees_nothing(city: City) -> None:
    assert seen(AnonymousUser()) == NOTHING


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OFFICER])
def test_whoever_has_left_sees_nothing(city: City, role: Role) -> None:
    user = factories.member(role, district=city.a.district)
    user.is_active = False
    user.save()

    assert seen(user) == NOTHING


def test_a_superuser_who_has_left_sees_nothing(city: City) -> None:
    assert seen(factories.user(is_superuser=True, is_active=False)) == NOTHING


def test_an_administrator_of_a_contractor_administers_nothing(city: City) -> None:
    """Such a membership cannot be entered; were there one, it must not open the figures to whoever is paid by them."""
    user = factories.user()
    Membership.objects.create(user=user, organisation=city.contractor, role="admin")

    assert not sees_everything(user)
    assert seen(user) == ("A B C", "a1 b1 c1")


def test_only_administrators_see_everything(city: City) -> None:
    assert sees_everything(factories.admin())
    assert not sees_everything(factories.officer(city.a.district))
    assert not sees_everything(AnonymousUser())


def test_what_is_seen_is_never_seen_twice(city: City) -> None:
    officer = factories.officer(city.a.district)
    Membership.objects.create(user=officer, organisation=factories.organisation(), role="officer", compound=city.a)

    assert seen(officer) == ("A B", "a1 a2 b1")
