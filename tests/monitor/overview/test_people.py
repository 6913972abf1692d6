"""Specification of whose data a page shows, which home a person gets, and who decides."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from devices.models import Compound, Membership, Role, User
from monitor.overview.people import Home, may_decide, whose
from tests import factories


def test_an_officer_sees_organisation_district_compounds_and_role(compound: Compound) -> None:
    factories.compound(compound.district)
    user = factories.officer(compound.district)
    User.objects.filter(pk=user.pk).update(name="Wang Min")
    user.refresh_from_db()

    mine = whose(user)

    assert mine.organisation == user.memberships.get().organisation.name
    assert (mine.scope, mine.compounds, mine.demo) == (compound.district.name, 2, False)
    assert (mine.role, mine.name, mine.home) == ("Police tech officer", "Wang Min", Home.POLICE)


def test_demo_data_is_marked(compound: Compound) -> None:
    factories.compound(compound.district, demo=True)

    assert whose(factories.officer(compound.district)).demo


@pytest.mark.parametrize(
    ("role", "home"),
    [
        (Role.MANAGER, Home.CONTRACTOR),
        (Role.TECHNICIAN, Home.TECHNICIAN),
        (Role.ADMIN, Home.POLICE),
        (Role.VIEWER, Home.POLICE),
    ],
)
@pytest.mark.django_db
def test_the_role_chooses_the_home(role: Role, home: Home) -> None:
    assert whose(factories.member(role)).home is home


def test_of_several_roles_the_weightiest_counts(compound: Compound) -> None:
    user = factories.technician(factories.organisation("contractor"))
    police = factories.organisation("police")
    Membership.objects.create(user=user, organisation=police, role=Role.OFFICER, district=compound.district)

    assert whose(user).home is Home.POLICE


def test_many_scopes_are_not_all_named(compound: Compound) -> None:
    user = factories.officer(compound.district)
    for number in range(2):
        place = factories.compound(name=f"Scope {number}")
        police = factories.organisation("police")
        Membership.objects.create(user=user, organisation=police, role=Role.OFFICER, compound=place)

    assert whose(user).scope == f"{compound.district.name}, Scope 0 …"


@pytest.mark.django_db
def test_a_stranger_has_nothing_and_the_home_says_so() -> None:
    mine = whose(factories.user())

    assert (mine.organisation, mine.scope, mine.role, mine.compounds, mine.home) == ("", "", "", 0, Home.POLICE)


@pytest.mark.parametrize(
    ("role", "decides"),
    [
        (Role.ADMIN, True),
        (Role.OFFICER, True),
        (Role.MANAGER, False),
        (Role.TECHNICIAN, False),
        (Role.VIEWER, False),
    ],
)
@pytest.mark.django_db
def test_only_the_police_decide(role: Role, decides: bool) -> None:
    assert may_decide(factories.member(role)) is decides


@pytest.mark.django_db
def test_a_superuser_decides_and_who_left_does_not() -> None:
    assert may_decide(factories.user(is_superuser=True))
    gone = factories.admin()
    gone.is_active = False
    assert not may_decide(gone)
    assert not may_decide(AnonymousUser())
