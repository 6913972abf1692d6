"""Take a device into the register: place, address, login and device at once, with errors that name the field.

Used by the page "add a device" and by the import. What may be dialled is decided by `addresses`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from devices.addresses import REASONS, AddressRefused, HostInvalid, check_host
from devices.models import Compound, Credential, Device, District, Endpoint, Kind, Life, Role, Slot, User, Zone
from devices.models.kinds import INFRASTRUCTURE
from devices.visibility import NOTHING, managed_by, sees_everything

HTTP, HTTPS = Endpoint.Scheme.HTTP, Endpoint.Scheme.HTTPS
PORTS = {HTTP: 80, HTTPS: 443}
LARGEST_PORT = 65_535
# The zone of an installation that has only one network (deploy/viewkeeper.env.example).
FIRST_ZONE = "local"
# Names nobody: whose device it is, is not for who asks.
IN_USE_ELSEWHERE = gettext_noop("This address is in use elsewhere; ask the platform administrator.")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


class Refused(Exception):
    """What was entered cannot be taken in: messages by the name of the field ("" where no single field is at fault)."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a device is reached."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A device as a person enters it.

    `compound` may be a new one, not yet saved. `address` is empty for a channel, which is reached through its parent.
    """

    compound: Compound
    name: str
    kind: str
    address: str = ""
    port: int | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    parent: Device | None = None
    channel: int = 0
    position: str = ""
    sees: str = ""
    zone: Zone | None = None


# -- who may


def compounds_to_change(user: User) -> QuerySet[Compound]:
    """Compounds into which this user may take devices: all for administrators, those of their scope for officers."""
    if sees_everything(user):
        return Compound.objects.all()
    condition = NOTHING
    for item in user.memberships.filter(role=Role.OFFICER):
        if item.compound_id:
            condition |= Q(pk=item.compound_id)
        elif item.district_id:
            condition |= Q(district=item.district_id)
    return Compound.objects.filter(condition) if user.is_active else Compound.objects.none()


def districts_to_change(user: User) -> QuerySet[District]:
    """Districts in which this user may found compounds."""
    if sees_everything(user):
        return District.objects.all()
    scopes = user.memberships.filter(role=Role.OFFICER, compound=None).values("district")
    return District.objects.filter(pk__in=scopes) if user.is_active else District.objects.none()


def may_register(user: User) -> bool:
    """Whether this user may take devices into the register at all; contractors may not."""
    return sees_everything(user) or (user.is_active and user.memberships.filter(role=Role.OFFICER).exists())


def may_change_login(user: User, device: Device) -> bool:
    """Whether this user may enter a device's login: who may register it, and the manager of the firm that mends it.

    The login is that of the address, so the right is needed for every device there.
    """
    concerned = Q(pk=device.pk)
    if device.endpoint_id is not None:
        concerned |= Q(endpoint=device.endpoint_id) & ~Q(life=Life.REMOVED)
    theirs = Q(compound__in=compounds_to_change(user)) | managed_by(user)
    allowed = Device.objects.filter(theirs).values("pk")
    return not Device.objects.filter(concerned).exclude(pk__in=allowed).exists()


def devices_of_others(user: User) -> QuerySet[Device]:
    """Devices in use that this user may not change: nothing of theirs is put at such a device's address."""
    return Device.objects.exclude(life=Life.REMOVED).exclude(compound__in=compounds_to_change(user))


# -- addresses


def parse_address(text: str, port: int | None = None) -> Address:
    """Read "host", "host:port" or an http(s) address; `port` is that of a field of its own. Raises `Refused`.

    A path is left out: what is asked for below the address is learned from the device.
    """
    try:
        address = _parse(text.strip(), port)
        return Address(address.scheme, check_host(address.host), address.port)
    except AddressRefused as error:
        raise Refused({"address": _(REASONS[error.reason])}) from error
    except HostInvalid as error:
        raise Refused({"address": _(str(error))}) from error


def _parse(text: str, port: int | None) -> Address:
    match = _SCHEME.match(text)
    scheme = match[1].lower() if match else HTTP.value
    if scheme not in (HTTP, HTTPS):
        raise Refused({"address": _("Only http and https are spoken; enter the device's web address.")})
    if "@" in text:
        raise Refused({"address": _("Enter user name and password in their own fields, not in the address.")})
    rest = text[match.end() :] if match else text
    if _BARE_IPV6.fullmatch(rest):
        rest = f"[{rest}]"
    host, own_port = _split(rest)
    if port is not None and own_port is not None and port != own_port:
        raise Refused({"port": _("The address names another port; enter it once.")})
    named = port if port is not None else own_port
    return Address(scheme, host, _checked(PORTS[Endpoint.Scheme(scheme)] if named is None else named, port))


def _split(rest: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{rest}")
        return parts.hostname or "", parts.port
    except ValueError:
        raise Refused({"address": _("The port is a number from 1 to 65535.")}) from None


def _checked(port: int, from_field: int | None) -> int:
    if not 1 <= port <= LARGEST_PORT:
        name = "address" if from_field is None else "port"
        raise Refused({name: _("The port is a number from 1 to 65535.")})
    return port


# -- taking in


def register(entry: Entry, user: User) -> Device:
    """Take one device in, with its compound, endpoint, login and slot as they are needed; raises `Refused`.

    That the user may change the entry's compound is for the caller to see to.
    """
    try:
        with transaction.atomic():
            return _register(entry, user)
    except IntegrityError as error:
        raise Refused({"": _("Somebody registered the same device at this moment; look at the list.")}) from error


def _register(entry: Entry, user: User) -> Device:
    if entry.compound.demo:
        raise Refused({"compound": _("This compound belongs to the demo and goes with it; choose or add another one.")})
    compound = _saved(entry.compound)
    device = Device(
        compound=compound,
        kind=entry.kind,
        name=entry.name.strip(),
        parent=entry.parent,
        channel=entry.channel,
        life=Life.INSTALLED,
    )
    if Device.objects.filter(compound=compound, name=device.name).exists():
        raise Refused({"name": _("This compound has a device of that name already.")})
    device.endpoint = _endpoint(entry, compound, user)
    device.slot = _slot(entry, compound)
    _clean(device)
    device.save()
    return device


def _saved(compound: Compound) -> Compound:
    if compound._state.adding:
        try:
            compound.full_clean()
        except ValidationError as error:
            raise Refused({"new_compound": " ".join(error.messages)}) from error
        compound.save()
    return compound


def _clean(device: Device) -> None:
    try:
        device.full_clean(exclude=["endpoint", "slot"], validate_constraints=False)
    except ValidationError as error:
        raise Refused({name: " ".join(messages) for name, messages in error.message_dict.items()}) from error


def _endpoint(entry: Entry, compound: Compound, user: User) -> Endpoint:
    if not entry.address.strip():
        return _of_parent(entry, user)
    address = parse_address(entry.address, entry.port)
    zone = entry.zone or zone_for(compound)
    endpoint = Endpoint.objects.filter(zone=zone, host=address.host, port=address.port).first()
    if endpoint is None:
        endpoint = Endpoint(zone=zone, scheme=address.scheme, host=address.host, port=address.port)
    else:
        _refuse_taken(endpoint, entry.channel, user)
    if entry.username:
        if endpoint.pk and endpoint.devices.exclude(life=Life.REMOVED).exists():
            raise Refused({"username": _("This address has a login already; change it on the page of its device.")})
        endpoint.credential = _credential(entry.username, entry.password, f"{compound} · {entry.name}")
    elif entry.password:
        raise Refused({"username": _("A password needs a user name.")})
    endpoint.save()
    return endpoint


def _of_parent(entry: Entry, user: User) -> Endpoint:
    """A channel has no address of its own; it is asked for at its recorder's."""
    if entry.parent is None or entry.channel < 1:
        raise Refused({"address": _("Enter an address; only a recorder's channel needs none.")})
    if entry.parent.kind != Kind.RECORDER or entry.parent.endpoint is None:
        raise Refused({"parent": _("A channel without an address needs a recorder that has one.")})
    if entry.username or entry.password:
        raise Refused({"username": _("A channel uses the login of its recorder; leave this empty.")})
    _refuse_taken(entry.parent.endpoint, entry.channel, user)
    return entry.parent.endpoint


def _refuse_taken(endpoint: Endpoint, channel: int, user: User) -> None:
    """Whoever is put at the address of others would share their login; who they are is not told."""
    if devices_of_others(user).filter(endpoint=endpoint).exists():
        raise Refused({"address": _(IN_USE_ELSEWHERE)})
    if endpoint.devices.filter(channel=channel).exclude(life=Life.REMOVED).exists():
        name = "channel" if channel else "address"
        raise Refused({name: _("Another device has this address and channel.")})


def _slot(entry: Entry, compound: Compound) -> Slot | None:
    position = entry.position.strip() or (entry.name.strip() if entry.sees.strip() else "")
    if not position or entry.kind in INFRASTRUCTURE:
        return None
    slot = Slot.objects.filter(compound=compound, position=position).first()
    if slot is None:
        return Slot.objects.create(compound=compound, kind=entry.kind, position=position, sees=entry.sees.strip())
    if Device.objects.filter(slot=slot).exists():
        raise Refused({"position": _("Another device stands at this position.")})
    return slot


def zone_for(compound: Compound) -> Zone:
    """The network of the compound's other devices, else the first real one; founded where there is none yet."""
    real = Zone.objects.filter(demo=False)
    if compound.pk and (neighbour := real.filter(endpoints__devices__compound=compound).order_by("pk").first()):
        return neighbour
    first = real.order_by("pk").first()
    return first or Zone.objects.create(name=FIRST_ZONE, label=_("Local network"))


# -- logins


def change_login(device: Device, username: str, password: str, now: datetime) -> None:
    """Enter a new login for the device's address. A login that other addresses use too is left to them."""
    endpoint = device.endpoint
    if endpoint is None:
        raise Refused({"": _("This device has no address, so it needs no login.")})
    with transaction.atomic():
        shared = Endpoint.objects.filter(credential=endpoint.credential_id).exclude(pk=endpoint.pk).exists()
        if endpoint.credential_id is None or shared:
            endpoint.credential = _credential(username, password, str(device))
            endpoint.save(update_fields=["credential"])
        else:
            # Not loaded: a password that no key opens any more must not stand in the way of a new one.
            changed: dict[str, Any] = {"username": username, "password": password, "changed_at": now}
            Credential.objects.filter(pk=endpoint.credential_id).update(**changed)


def username_of(device: Device) -> str:
    """The user name in the register; the password is shown to nobody."""
    found = Credential.objects.filter(endpoints=device.endpoint_id).values_list("username", flat=True)
    return found.first() or "" if device.endpoint_id else ""


def _credential(username: str, password: str, label: str) -> Credential:
    longest = Credential._meta.get_field("label").max_length or 0
    return Credential.objects.create(label=label[:longest], username=username.strip(), password=password)
