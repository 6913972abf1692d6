"""Specification of whose word counts about a camera's view: before the police accepted one, and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from devices.models import Contract, Device, Membership, Role, User
from monitor.overview.voices import Voice, voice_of
from tests import factories

BEFORE, AFTER = False, True


def person(who: str, camera: Device, contract: Contract) -> User:
    people: dict[str, Callable[[], User]] = {
        "officer": lambda: factories.officer(camera.compound.district),
        "administrator": factories.admin,
        "officer elsewhere": factories.officer,
        "manager": lambda: factories.manager(contract.contractor),
        "technician": lambda: factories.technician(contract.contractor),
        "technician of this contract": lambda: factories.technician(contract.contractor, contract=contract),
        "technician of another contract": lambda: factories.technician(
            contract.contractor, contract=factories.contract(contract.contractor)
        ),
        "manager of another firm": lambda: factories.manager(factories.organisation("contractor")),
        "viewer of the firm": lambda: factories.member(Role.VIEWER, contract.contractor),
        "viewer of the compound": lambda: factories.member(Role.VIEWER, compound=camera.compound),
        "stranger": factories.user,
    }
    return people[who]()


@pytest.mark.parametrize(
    ("who", "before", "after"),
    [
        ("officer", Voice.DECIDES, Voice.DECIDES),
        ("administrator", Voice.DECIDES, Voice.DECIDES),
        ("manager", Voice.BEGINS, Voice.PROPOSES),
        ("technician", Voice.BEGINS, Voice.PROPOSES),
        ("technician of this contract", Voice.BEGINS, Voice.PROPOSES),
        ("technician of another contract", Voice.NONE, Voice.NONE),
        ("manager of another firm", Voice.NONE, Voice.NONE),
        ("viewer of the firm", Voice.NONE, Voice.NONE),
        ("viewer of the compound", Voice.NONE, Voice.NONE),
        ("officer elsewhere", Voice.NONE, Voice.NONE),
        ("stranger", Voice.NONE, Voice.NONE),
    ],
)
def test_the_word_of_each_person(camera: Device, contract: Contract, who: str, before: Voice, after: Voice) -> None:
    asking = person(who, camera, contract)
    assert voice_of(asking, camera) is before

    factories.picture(camera)
    assert voice_of(asking, camera) is after


@pytest.mark.parametrize(
    "reference",
    [
        {"by_contractor": True},
        {"retired_at": timezone.now()},
        {"accepted_at": None},
        {"role": "proof"},
    ],
)
def test_what_binds_nobody(camera: Device, contract: Contract, reference: dict[str, Any]) -> None:
    factories.picture(camera, **reference)

    assert voice_of(factories.manager(contract.contractor), camera) is Voice.BEGINS


def test_one_phase_accepted_by_the_police_binds_all(camera: Device, contract: Contract) -> None:
    factories.picture(camera, phase="night")
    factories.picture(camera, phase="day", by_contractor=True)

    assert voice_of(factories.manager(contract.contractor), camera) is Voice.PROPOSES


def test_a_contractor_with_a_police_hat_decides_only_where_the_hat_counts(camera: Device, contract: Contract) -> None:
    both = factories.manager(contract.contractor)
    Membership.objects.create(
        user=both, organisation=factories.organisation(), role=Role.OFFICER, district=factories.district()
    )
    factories.picture(camera)

    assert voice_of(both, camera) is Voice.PROPOSES
