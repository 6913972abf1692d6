"""Who sees what: one rule for compounds and one for devices, used by every view through `visible_to(user)`.

- platform administrators see everything;
- police officers see the compounds of their scope (a district or one compound);
- contractors see the devices under their organisation's contracts, narrowed to a contract or compound where the
  membership names one;
- owners see the compounds they own.
Whoever has no membership sees nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from devices.models import Membership, User

NOTHING = Q(pk__in=())


def sees_everything(user: User | AnonymousUser) -> bool:
    """Whether the user administers the platform."""
    return user.is_active and (user.is_superuser or any(_administers(item) for item in _memberships(user)))


def compounds_for(user: User | AnonymousUser) -> Q:
    """The condition on `Compound` rows that a user may see."""
    if sees_everything(user):
        return Q()
    return _any(_compounds_of(item) for item in _memberships(user))


def devices_for(user: User | AnonymousUser) -> Q:
    """The condition on `Device` rows that a user may see."""
    if sees_everything(user):
        return Q()
    return _any(_devices_of(item) for item in _memberships(user))


def managed_by(user: User | AnonymousUser) -> Q:
    """The condition on `Device` rows that the user's memberships as a contractor's manager cover, and no others."""
    return _any(_devices_of(item) for item in _memberships(user) if item.role == "manager")


def maintained_by(user: User | AnonymousUser) -> Q:
    """The condition on `Device` rows under the contracts of the contractors that the user works for as such."""
    mine = (item for item in _memberships(user) if item.organisation.kind == "contractor")
    return _any(_devices_of(item) for item in mine if item.role in ("manager", "technician"))


def _memberships(user: User | AnonymousUser) -> Iterable[Membership]:
    if not user.is_authenticated or not user.is_active:
        return ()
    return user.memberships.select_related("organisation")


def _administers(item: Membership) -> bool:
    """Only for the police: whoever is paid by the figures never administers them (DESIGN, decision 18)."""
    return item.role == "admin" and item.organisation.kind == "police"


def _any(conditions: Iterable[Q]) -> Q:
    found = NOTHING
    for condition in conditions:
        found |= condition
    return found


def _compounds_of(item: Membership) -> Q:
    if item.organisation.kind == "contractor":
        from devices.models import Device  # the models import this module's conditions

        return Q(pk__in=Device.objects.filter(_devices_of(item)).values("compound"))
    if item.organisation.kind == "owner":
        return Q(owner=item.organisation_id) & _scope(item, compound="pk", district="district")
    return _scope(item, compound="pk", district="district")


def _devices_of(item: Membership) -> Q:
    scope = _scope(item, compound="compound", district="compound__district", contract="contract")
    if item.organisation.kind == "contractor":
        return Q(contract__contractor=item.organisation_id) & scope
    if item.organisation.kind == "owner":
        return Q(compound__owner=item.organisation_id) & scope
    return scope


def _scope(item: Membership, **columns: str) -> Q:
    """What a membership is narrowed to. A police membership without a scope sees nothing; others see all of theirs."""
    for name, column in columns.items():
        value = getattr(item, f"{name}_id")
        if value is not None:
            return Q(**{column: value})
    return NOTHING if item.organisation.kind == "police" or item.has_scope else Q()
