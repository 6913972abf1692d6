"""Specification of the register: what can be entered, what cannot, and what a device is."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from devices.models import (
    Compound,
    CompoundGroup,
    Contract,
    Credential,
    Device,
    District,
    Endpoint,
    Kind,
    Life,
    Membership,
    Organisation,
    Role,
    Slot,
    User,
    Zone,
)
from devices.models.devices import MAX_PARENTS, POLLED
from devices.models.kinds import CAMERAS, INFRASTRUCTURE
from tests import factories

pytestmark = pytest.mark.django_db


def refused(row: models.Model) -> set[str]:
    """The fields that a form would mark."""
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    return set(caught.value.message_dict)


# -- devices


def test_what_has_a_picture_sees_and_what_others_hang_on_carries() -> None:
    assert {kind for kind in Kind if Device(kind=kind).sees} == set(CAMERAS)
    assert {kind for kind in Kind if Device(kind=kind).carries} == set(INFRASTRUCTURE)
    assert not set(CAMERAS) & set(INFRASTRUCTURE)


@pytest.mark.parametrize("life", Life)
def test_polled_from_installed_to_removed(life: Life) -> None:
    factories.device(life=life)

    assert Device.objects.polled().exists() == Device.objects.points().exists() == (life in POLLED)


def test_a_planned_or_removed_device_is_not_polled() -> None:
    assert set(Life) - set(POLLED) == {Life.PLANNED, Life.REMOVED}


@pytest.mark.parametrize("change", [{"endpoint": None}, {"pause_reason": "painting"}])
def test_what_cannot_or_must_not_be_reached_is_not_polled_but_stays_a_point(change: dict[str, Any]) -> None:
    factories.device(**change)

    assert not Device.objects.polled().exists()
    assert Device.objects.points().exists()


@pytest.mark.parametrize("kind", Kind)
def test_points_are_cameras(kind: Kind) -> None:
    factories.device(kind=kind)

    assert Device.objects.points().exists() == (kind in CAMERAS)


def test_a_device_of_a_demo_compound_is_demo() -> None:
    assert factories.device(factories.compound(demo=True)).demo
    assert not factories.device().demo


@pytest.mark.parametrize("kind", Kind)
def test_only_what_carries_others_can_be_a_parent(kind: Kind) -> None:
    parent = factories.device(kind=kind)
    child = factories.device(parent.compound, parent=parent)

    if kind in INFRASTRUCTURE:
        child.full_clean()
    else:
        assert refused(child) == {"parent"}


def test_a_parent_is_in_the_same_compound() -> None:
    assert refused(factories.device(parent=factories.device(kind=Kind.SWITCH))) == {"parent"}


def test_a_device_does_not_hang_on_itself() -> None:
    switch = factories.device(kind=Kind.SWITCH)
    switch.parent = switch

    assert refused(switch) == {"parent"}


def test_a_device_does_not_hang_on_what_hangs_on_it() -> None:
    upper = factories.device(kind=Kind.SWITCH)
    lower = factories.device(upper.compound, kind=Kind.SWITCH, parent=upper)
    upper.parent = lower

    assert refused(upper) == {"parent"}


def chain(length: int) -> Device:
    """The lowest of so many switches, each hanging on the one before."""
    device = factories.device(kind=Kind.SWITCH)
    for _ in range(length - 1):
        device = factories.device(device.compound, kind=Kind.SWITCH, parent=device)
    return device


@pytest.mark.parametrize(("above", "allowed"), [(MAX_PARENTS, True), (MAX_PARENTS + 1, False)])
def test_a_chain_of_parents_has_an_end(above: int, allowed: bool) -> None:
    lowest = chain(above)
    child = factories.device(lowest.compound, parent=lowest)

    if allowed:
        child.full_clean()
    else:
        assert refused(child) == {"parent"}


def test_a_new_device_can_be_checked_before_it_is_saved() -> None:
    switch = factories.device(kind=Kind.SWITCH)

    Device(compound=switch.compound, kind=Kind.ENTRANCE, name="new", parent=switch).full_clean()


def test_a_name_is_given_once_in_a_compound() -> None:
    first = factories.device(name="gate")
    factories.device(name="gate")

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.device(first.compound, name="gate")


def test_a_channel_of_an_endpoint_is_one_device_until_it_is_removed() -> None:
    first = factories.device()
    factories.device(endpoint=first.endpoint, channel=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.device(endpoint=first.endpoint)

    Device.objects.filter(pk=first.pk).update(life=Life.REMOVED)
    factories.device(endpoint=first.endpoint)


@pytest.mark.parametrize(("code", "good"), [("1" * 20, True), ("1" * 19, False), ("1" * 19 + "a", False), ("", True)])
def test_a_device_code_has_twenty_digits(code: str, good: bool) -> None:
    device = factories.device()
    device.code = code

    if good:
        device.full_clean()
    else:
        assert refused(device) == {"code"}


def test_a_device_leaves_use_but_is_never_deleted_with_its_compound() -> None:
    with pytest.raises(models.ProtectedError):
        factories.device().compound.delete()


# -- endpoints


@pytest.mark.parametrize("host", ["10.0.0.9", "192.168.1.64", "camera.example.org", "fd00::9"])
def test_an_address_that_can_be_dialled_is_taken(host: str) -> None:
    Endpoint(zone=factories.zone(), host=host).full_clean()


@pytest.mark.parametrize("host", ["", "127.0.0.1", "169.254.169.254", "0.0.0.0", "10.0.0", "a b", "localhost"])
def test_an_address_that_cannot_is_refused(host: str) -> None:
    assert refused(Endpoint(zone=factories.zone(), host=host)) == {"host"}


@pytest.mark.parametrize(("port", "good"), [(0, False), (1, True), (65_535, True), (65_536, False)])
def test_a_port_is_a_port(port: int, good: bool) -> None:
    endpoint = Endpoint(zone=factories.zone(), host="10.0.0.9", port=port)

    if good:
        endpoint.full_clean()
    else:
        assert refused(endpoint) == {"port"}


def test_an_address_is_there_once_in_a_zone() -> None:
    first = factories.endpoint(host="10.0.0.9")
    factories.endpoint(factories.zone("other"), host="10.0.0.9")
    factories.endpoint(first.zone, host="10.0.0.9", port=81)

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.endpoint(first.zone, host="10.0.0.9")


def test_an_endpoint_reads_as_an_address() -> None:
    assert str(Endpoint(scheme="https", host="10.0.0.9", port=443)) == "https://10.0.0.9:443"
    assert str(Endpoint(host="fd00::9")) == "http://[fd00::9]:80"


# -- people


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (Role.ADMIN, {"police"}),
        (Role.OFFICER, {"police"}),
        (Role.MANAGER, {"contractor"}),
        (Role.TECHNICIAN, {"contractor"}),
        (Role.VIEWER, {"police", "contractor", "owner"}),
    ],
)
@pytest.mark.parametrize("kind", Organisation.Kind)
def test_a_role_belongs_to_a_kind_of_organisation(role: Role, kinds: set[str], kind: Organisation.Kind) -> None:
    district = None if role == Role.ADMIN else factories.district()
    membership = Membership(
        user=factories.user(), organisation=factories.organisation(kind), role=role, district=district
    )

    if kind in kinds:
        membership.full_clean()
    else:
        assert refused(membership) == {"role"}


def test_an_officer_needs_a_district_or_a_compound() -> None:
    given = {"user": factories.user(), "organisation": factories.organisation(), "role": Role.OFFICER}

    assert refused(Membership(**given)) == {"district"}
    Membership(**given, district=factories.district()).full_clean()
    Membership(**given, compound=factories.compound()).full_clean()


@pytest.mark.django_db
def test_an_administrator_has_no_scope() -> None:
    given = {"user": factories.user(), "organisation": factories.organisation(), "role": Role.ADMIN}
    assert refused(Membership(**given, district=factories.district())) == {"role"}
    assert refused(Membership(**given, compound=factories.compound())) == {"role"}
    assert refused(Membership(**given, contract=factories.contract())) == {"role"}
    Membership(**given).full_clean()


@pytest.mark.parametrize("pair", [("district", "compound"), ("district", "contract"), ("compound", "contract")])
def test_a_membership_has_one_scope_at_most(pair: tuple[str, str]) -> None:
    both = {name: getattr(factories, name)() for name in pair}

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.member(Role.TECHNICIAN, **both)


@pytest.mark.parametrize("scope", ["district", "compound", "contract"])
def test_a_membership_knows_whether_it_is_narrowed(scope: str) -> None:
    factories.member(Role.TECHNICIAN, **{scope: getattr(factories, scope)()})

    assert Membership.objects.get().has_scope
    assert not Membership().has_scope


def test_a_contract_does_not_end_before_it_starts() -> None:
    contract = factories.contract()
    contract.ends = contract.starts
    contract.save()

    with pytest.raises(IntegrityError), transaction.atomic():
        Contract.objects.update(ends="2019-12-31")


# -- how things are called


def test_everything_reads_as_people_call_it() -> None:
    place = factories.compound(factories.district(name="Shibei"), name="Hefei Road")
    zone = factories.zone("street", label="the street")
    person = factories.user(name="王芳")
    membership = Membership(user=person, role=Role.OFFICER)
    rows: dict[str, models.Model] = {
        "Shibei": place.district,
        "Hefei Road": place,
        "Hefei Road · gate": Device(compound=place, name="gate"),
        "Hefei Road · in": Slot(compound=place, position="in"),
        "group": CompoundGroup(name="group"),
        "the street": zone,
        "bare": Zone(name="bare"),
        "all cameras": Credential(label="all cameras", username="u", password="geheim"),
        "7 maintenance": Contract(number="7", name="maintenance"),
        "police": Organisation(name="police"),
        "王芳": person,
        "wang": User(username="wang"),
        f"王芳 · {membership.get_role_display()}": membership,
    }

    assert {name: str(row) for name, row in rows.items()} == {name: name for name in rows}


def test_compounds_and_districts_come_in_the_order_of_their_names_and_codes() -> None:
    second = factories.district(code="900002", name="a")
    first = factories.district(code="900001", name="b")
    factories.compound(first, name="Z")
    factories.compound(second, name="Y")

    assert [item.code for item in District.objects.all()] == ["900001", "900002"]
    assert [item.name for item in Compound.objects.all()] == ["Y", "Z"]
