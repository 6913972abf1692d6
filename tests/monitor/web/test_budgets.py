"""Specification of query budgets: a page asks the database as often for forty devices as for five."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devices.models import Compound, Kind, User
from tests import factories
from tests.monitor.overview.seeing import seen, watched

SignIn = Callable[[User], Client]
CAUSES = ("obstructed", "moved", "no_answer", "login_refused", "time_zone")
HOUR = timedelta(hours=1)


def fill(compound: Compound, count: int, contract: Any = None) -> None:
    """So many devices of which half have a fault, a picture, a reference and hours."""
    now = timezone.now()
    switch = watched(compound, kind=Kind.SWITCH, contract=contract)
    root = factories.broken(switch)
    for number in range(count):
        place = compound if number % 2 else factories.compound(compound.district)
        device = seen(place, now, slot=factories.slot(place), contract=contract)
        factories.hour(device, now.replace(minute=0, second=0, microsecond=0) - HOUR, blind_s=600)
        if number % 2:
            incident = factories.broken(device, CAUSES[number // 2 % len(CAUSES)])
            if number % 4 == 3:
                incident.root = root
                incident.save()
            factories.last_picture(device.state, label="obstructed", blocks=[1, 2])
            factories.picture(device)


@pytest.mark.parametrize("count", [5, 40])
@pytest.mark.parametrize(
    ("address", "budget"),
    [("/", 26), ("/devices/", 18), ("/incidents/", 16), ("/incidents/?show=ended", 15)],
)
def test_a_page_of_the_police_keeps_its_budget(
    compound: Compound, officer: User, sign_in: SignIn, address: str, budget: int, count: int,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    fill(compound, count)
    client = sign_in(officer)

    with django_assert_max_num_queries(budget):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("count", [5, 40])
def test_the_page_of_a_compound_keeps_its_budget(
    compound: Compound, officer: User, sign_in: SignIn, count: int, django_assert_max_num_queries: Any
) -> None:
    fill(compound, count)
    client = sign_in(officer)

    with django_assert_max_num_queries(26):
        client.get(reverse("compound", args=[compound.pk]))


@pytest.mark.parametrize("count", [5, 40])
@pytest.mark.parametrize("person", [factories.manager, factories.technician])
def test_the_home_of_a_contractor_keeps_its_budget(
    compound: Compound, sign_in: SignIn, person: Any, count: int, django_assert_max_num_queries: Any
) -> None:
    firm = factories.organisation("contractor")
    fill(compound, count, factories.contract(firm))
    client = sign_in(person(firm))

    with django_assert_max_num_queries(25):
        client.get("/")


def test_a_live_part_costs_less_than_the_page(
    compound: Compound, officer: User, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    fill(compound, 5)
    client = sign_in(officer)

    with django_assert_max_num_queries(24):
        client.get("/", headers={"HX-Request": "true"})


def test_the_page_of_a_device_keeps_its_budget(
    compound: Compound, officer: User, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    fill(compound, 5)
    device = compound.devices.filter(kind=Kind.ENTRANCE).first()
    assert device is not None
    client = sign_in(officer)

    with django_assert_max_num_queries(38):
        client.get(reverse("device", args=[device.pk]))


def test_the_page_of_a_device_keeps_its_budget_for_its_contractor(
    compound: Compound, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    firm = factories.organisation("contractor")
    fill(compound, 5, factories.contract(firm))
    device = compound.devices.filter(kind=Kind.ENTRANCE, pictures__role="reference").first()
    assert device is not None
    manager = factories.manager(firm)
    for act in ("fine", "fault", "anew"):
        factories.proposal(device, manager, act)
    client = sign_in(manager)

    with django_assert_max_num_queries(41):
        client.get(reverse("device", args=[device.pk]))


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_of_what_waits_keeps_its_budget(
    compound: Compound, officer: User, sign_in: SignIn, count: int, django_assert_max_num_queries: Any
) -> None:
    by = factories.user()
    for _number in range(count):
        device = watched(compound)
        factories.picture(device)
        factories.proposal(device, by)
    client = sign_in(officer)

    with django_assert_max_num_queries(12):
        assert client.get(reverse("waiting")).content.decode().count("/grant/") == count
