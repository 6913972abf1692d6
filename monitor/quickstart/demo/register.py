"""The demo's rows in the register: places, people, contract, devices and how they are reached."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password

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
    Slot,
    User,
    Zone,
)
from monitor.models import PolicyRule
from monitor.quickstart.demo import plan
from monitor.quickstart.demo.plan import PEOPLE, PLACES, THINGS, Person, Thing

HOST = "127.0.0.1"
PASSWORD_BYTES = 9
CONTRACT_RAN = timedelta(days=120)
CONTRACT_RUNS = timedelta(days=365)


class NameTaken(Exception):
    """Something real has the name of something in the demo; the message says what."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a visitor types to sign in as one of the demo's people."""

    role: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: devices by the keys of the plan, logins, and who accepted the references."""

    devices: dict[str, Device]
    logins: list[Login]
    officer: User


def make(ports: Mapping[str, int], passwords: Mapping[str, str], now: datetime) -> Made:
    """Make all of the demo's register. Raises `NameTaken`."""
    _refuse_taken()
    organisations = {
        name: Organisation.objects.create(name=name, kind=kind, demo=True) for name, kind in plan.ORGANISATIONS.items()
    }
    compounds = _places(organisations[plan.OWNER])
    contract = _contract(organisations, now)
    zone = Zone.objects.create(name=plan.ZONE_NAME, label=plan.ZONE_LABEL, demo=True)
    PolicyRule.objects.create(zone=zone, demo=True, **plan.POLICY)
    endpoints = _endpoints(zone, ports, passwords)
    devices = _devices(compounds, contract, endpoints)
    people = {person.username: _person(person, organisations, compounds, contract) for person in PEOPLE}
    officer = next(person.username for person in PEOPLE if person.district)
    return Made(devices, [login for _user, login in people.values()], people[officer][0])


def _refuse_taken() -> None:
    """Nothing that is not marked as demo is ever taken over."""
    taken = [
        *Organisation.objects.filter(name__in=plan.ORGANISATIONS).values_list("name", flat=True),
        *User.objects.filter(username__in=[person.username for person in PEOPLE]).values_list("username", flat=True),
        *Zone.objects.filter(name=plan.ZONE_NAME).values_list("name", flat=True),
        *Contract.objects.filter(number=plan.CONTRACT_NUMBER).values_list("number", flat=True),
        *Compound.objects.filter(
            district__code=plan.DISTRICT_CODE, name__in=[place.name for place in PLACES.values()]
        ).values_list("name", flat=True),
    ]
    if taken:
        raise NameTaken(f"the register has {', '.join(taken)} already; the demo will not touch it")


def _places(owner: Organisation) -> dict[str, Compound]:
    # A real district of that code is used as it is, and stays what it is.
    district, _made = District.objects.get_or_create(
        code=plan.DISTRICT_CODE, defaults={"name": plan.DISTRICT_NAME, "demo": True}
    )
    group = CompoundGroup.objects.create(district=district, name=plan.GROUP_NAME, demo=True)
    return {
        place.key: Compound.objects.create(
            district=district,
            group=group,
            name=place.name,
            type=place.type,
            address=place.address,
            owner=owner,
            demo=True,
        )
        for place in PLACES.values()
    }


def _contract(organisations: Mapping[str, Organisation], now: datetime) -> Contract:
    starts = now.date() - CONTRACT_RAN
    return Contract.objects.create(
        number=plan.CONTRACT_NUMBER,
        name=plan.CONTRACT_NAME,
        form=Contract.Form.FEE,
        contractor=organisations[plan.CONTRACTOR],
        client=organisations[plan.POLICE],
        starts=starts,
        ends=starts + CONTRACT_RUNS,
        response_limit_h=plan.RESPONSE_LIMIT_H,
        repair_limit_h=plan.REPAIR_LIMIT_H,
        demo=True,
    )


def _endpoints(zone: Zone, ports: Mapping[str, int], passwords: Mapping[str, str]) -> dict[str, Endpoint]:
    made = {}
    for item in plan.addressed():
        credential = None
        if item.kind is not Kind.SWITCH:  # a switch is only ever asked whether its port opens
            credential = Credential.objects.create(
                label=f"{item.place.name} · {item.name}",
                username=plan.USERNAME,
                password=passwords.get(item.key, ""),
                demo=True,
            )
        made[item.key] = Endpoint.objects.create(zone=zone, host=HOST, port=ports[item.key], credential=credential)
    return made


def _devices(
    compounds: Mapping[str, Compound], contract: Contract, endpoints: Mapping[str, Endpoint]
) -> dict[str, Device]:
    made: dict[str, Device] = {}
    for item in THINGS:
        channel = plan.channel_of(item)
        made[item.key] = Device.objects.create(
            compound=compounds[item.place.key],
            slot=_slot(item, compounds[item.place.key]),
            kind=item.kind,
            name=item.name,
            code=plan.code_of(item),
            parent=made.get(item.parent),
            endpoint=endpoints[item.parent if channel else item.key],
            channel=channel,
            life=Life.IN_USE,
            contract=contract,
            serial="" if channel else plan.serial_of(item),
        )
    return made


def _slot(item: Thing, compound: Compound) -> Slot | None:
    if not item.sees:
        return None
    return Slot.objects.create(compound=compound, kind=item.kind, position=item.name, sees=item.sees)


def _person(
    person: Person,
    organisations: Mapping[str, Organisation],
    compounds: Mapping[str, Compound],
    contract: Contract,
) -> tuple[User, Login]:
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    user = User.objects.create(
        username=person.username,
        name=person.name,
        email=person.email,
        language=User.Language.CHINESE,
        password=make_password(password),
        demo=True,
    )
    Membership.objects.create(
        user=user,
        organisation=organisations[person.organisation],
        role=person.role,
        district=next(iter(compounds.values())).district if person.district else None,
        compound=compounds[person.compound] if person.compound else None,
        contract=contract if person.role == "manager" else None,
        wants_mail=person.wants_mail,
    )
    return user, Login(person.role, person.username, password)
