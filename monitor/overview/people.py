"""Whose data a page shows, and which home a person gets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db.models import Count, Q
from django.utils.translation import pgettext

from devices.models import Compound, Device, Membership, Role, User
from devices.registering import compounds_to_change

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

# Whoever is paid by a figure cannot move it (DESIGN, decision 18).
DECIDING = (Role.ADMIN, Role.OFFICER)
# Who runs the platform.
OPERATING = (Role.ADMIN,)
# The names of a person's scopes that fit in the head of a page; more are counted.
NAMED_SCOPES = 2


class Home(StrEnum):
    """The first page by what a person does."""

    POLICE = "police"
    CONTRACTOR = "contractor"
    TECHNICIAN = "technician"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose data it is: for the head of every page."""

    organisation: str
    scope: str
    compounds: int
    demo: bool
    role: str
    name: str
    home: Home
    decides: bool
    operates: bool


def whose(user: User) -> Whose:
    """Organisation, scope, number of compounds, role and name of a signed-in person."""
    items = _memberships(user)
    seen = Compound.objects.visible_to(user).aggregate(all=Count("pk"), demo=Count("pk", filter=Q(demo=True)))
    return Whose(
        organisation=items[0].organisation.name if items else "",
        scope=_scope(items),
        compounds=seen["all"],
        demo=seen["demo"] > 0,
        role=str(items[0].get_role_display()) if items else "",
        name=str(user),
        home=_home(user, items),
        decides=user.is_superuser or any(item.role in DECIDING for item in items),
        operates=user.is_superuser or any(item.role in OPERATING for item in items),
    )


def may_decide(user: User | AnonymousUser) -> bool:
    """Whether the person acts for the police anywhere; for one device `may_decide_on` says it."""
    return _has(user, DECIDING)


def may_operate(user: User | AnonymousUser) -> bool:
    """Whether the person runs the platform."""
    return _has(user, OPERATING)


def _has(user: User | AnonymousUser, roles: Collection[Role]) -> bool:
    if not user.is_authenticated or not user.is_active:
        return False
    return user.is_superuser or user.memberships.filter(role__in=roles).exists()


def may_decide_on(user: User, device: Device) -> bool:
    """Whether the person acts for the police there: seeing a device through another membership gives no say in it."""
    return compounds_to_change(user).filter(pk=device.compound_id).exists()


_ORDER = (Role.ADMIN, Role.OFFICER, Role.MANAGER, Role.TECHNICIAN, Role.VIEWER)


def _memberships(user: User) -> list[Membership]:
    """The person's memberships, the weightiest role first."""
    found = user.memberships.select_related("organisation", "district", "compound", "contract")
    return sorted(found, key=lambda item: (_ORDER.index(Role(item.role)), item.pk))


def _home(user: User, items: list[Membership]) -> Home:
    first = items[0].role if items and not user.is_superuser else Role.ADMIN
    return {Role.MANAGER: Home.CONTRACTOR, Role.TECHNICIAN: Home.TECHNICIAN}.get(Role(first), Home.POLICE)


def _scope(items: list[Membership]) -> str:
    names = [str(part) for item in items for part in (item.district, item.compound, item.contract) if part]
    told = pgettext("between names", ", ").join(names[:NAMED_SCOPES])
    return f"{told} …" if len(names) > NAMED_SCOPES else told
