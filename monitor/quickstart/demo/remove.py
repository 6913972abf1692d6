"""Take the demo away again: its rows and files, and nothing that is not marked as demo.

What real rows have come to hang on (a demo district with a real compound in it) stays and loses its mark: from then on
it is real. Whoever removes the demo keeps all that is theirs. A demo person who decided on something real stays as its
author, unable to sign in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from devices.models import (
    Compound,
    CompoundGroup,
    Contract,
    Credential,
    Device,
    District,
    Endpoint,
    Membership,
    Organisation,
    User,
    Zone,
)
from devices.visibility import sees_everything
from monitor.keeping import drop, last_files
from monitor.models import DeviceState, Picture, PolicyRule, Pulse, Schedule

# The pulse that stays behind, so that the next start does not bring the demo back unasked.
REMOVED = "demo removed"


@dataclass(slots=True)
class Removal:
    """What was removed, by the name of the model, and what stays because real rows need it."""

    removed: Counter[str] = field(default_factory=Counter)
    kept: list[str] = field(default_factory=list)


def is_there() -> bool:
    """Whether there is anything of the demo."""
    return Zone.objects.filter(demo=True).exists() or Compound.objects.filter(demo=True).exists()


def is_left_for(user: User) -> bool:
    """Whether this person shall be offered to remove a demo that no longer runs: an administrator, where one is."""
    return not settings.VIEWKEEPER_DEMO and sees_everything(user) and is_there()


def counts() -> dict[str, int]:
    """What removing would take away, in the words of a confirmation page: compounds, devices, people."""
    return {
        "compounds": Compound.objects.filter(demo=True).count(),
        "devices": _devices().count(),
        "people": User.objects.filter(demo=True).count(),
    }


def remove() -> Removal:
    """Remove the demo in one transaction; its files go when that is done."""
    with transaction.atomic():
        removal = Removal()
        files, mailboxes, authors = _stop_polling(), _mailboxes(), _authors()
        _remove_devices(removal)
        _remove_network(removal)
        _remove_places(removal)
        _remove_people(removal, authors)
        Pulse.objects.update_or_create(name=REMOVED, defaults={"at": timezone.now()})
        transaction.on_commit(lambda: _drop_files(files, mailboxes))
    return removal


def _devices() -> QuerySet[Device]:
    """The demo's devices: in a demo compound and behind a demo address. Either alone is somebody's real device.

    What has no address (a switch that nobody asks) belongs to the demo by its contract.
    """
    behind = Q(endpoint__zone__demo=True) | Q(endpoint=None, contract__demo=True)
    return Device.objects.filter(behind, compound__demo=True)


def _stop_polling() -> list[str]:
    """Take the schedule away first, so that no reading is written meanwhile; give the files of the demo's pictures."""
    Schedule.objects.filter(endpoint__in=_devices().values("endpoint")).delete()
    states = DeviceState.objects.select_for_update().filter(device__in=_devices())
    last = [
        file
        for device_id, named in states.values_list("device_id", "picture_file")
        for file in {named, *last_files(device_id)}
    ]
    return [*last, *Picture.objects.filter(device__in=_devices()).values_list("file", flat=True)]


def _remove_devices(removal: Removal) -> None:
    chosen = list(_devices().values_list("pk", flat=True))
    # A device that hangs on one of these hangs on nothing afterwards.
    Device.objects.filter(parent__in=chosen).update(parent=None)
    _remove(removal, Device.objects.filter(pk__in=chosen), Q(pk__in=()))


def _remove_network(removal: Removal) -> None:
    _remove(removal, Endpoint.objects.filter(zone__demo=True), Q(devices__isnull=False))
    _remove(removal, Credential.objects.filter(demo=True), Q(endpoints__isnull=False))
    _remove(removal, PolicyRule.objects.filter(demo=True), Q(pk__in=()))
    _remove(removal, Zone.objects.filter(demo=True), Q(endpoints__isnull=False))


def _remove_places(removal: Removal) -> None:
    _remove(removal, Compound.objects.filter(demo=True), Q(devices__isnull=False))
    _remove(removal, CompoundGroup.objects.filter(demo=True), Q(compounds__isnull=False))
    _remove(removal, Contract.objects.filter(demo=True), Q(devices__isnull=False))


def _authors() -> set[int]:
    """The demo's people with an entry in the log about anything but the demo; with them the record would go."""
    entries = LogEntry.objects.filter(user__demo=True).values_list("user", "content_type", "object_id")
    demo = _demo_rows() if entries.exists() else set()
    return {user for user, kind, pk in entries if (kind, pk) not in demo}


def _demo_rows() -> set[tuple[int | None, str | None]]:
    """Content type and key of each row of the demo that a log entry may be about."""
    marked = (Compound, CompoundGroup, Contract, Credential, District, Organisation, PolicyRule, User, Zone)
    rows: list[QuerySet[Any]] = [model._default_manager.filter(demo=True) for model in marked]
    rows += [_devices(), Endpoint.objects.filter(zone__demo=True)]
    kinds = ContentType.objects.get_for_models(*(found.model for found in rows))
    return {(kinds[found.model].pk, str(pk)) for found in rows for pk in found.values_list("pk", flat=True)}


def _retire(authors: Iterable[int]) -> None:
    """Leave the person's name and nothing to sign in with; the user name is free for the next demo."""
    Membership.objects.filter(user__in=authors).delete()
    for user in User.objects.filter(pk__in=authors):
        user.username, user.is_active = f"removed-{user.pk}", False
        user.is_staff = user.is_superuser = False
        user.set_unusable_password()
        user.save()


def _remove_people(removal: Removal, authors: set[int]) -> None:
    _retire(authors)
    _remove(removal, User.objects.filter(demo=True), Q(pk__in=authors))
    used = Q(memberships__isnull=False) | Q(pk__in=_needed_organisations())
    _remove(removal, Organisation.objects.filter(demo=True), used)
    _remove(
        removal,
        District.objects.filter(demo=True),
        Q(compounds__isnull=False) | Q(groups__isnull=False) | Q(membership__isnull=False),
    )


def _needed_organisations() -> set[int]:
    """Organisations that contracts and compounds still name."""
    pairs = Contract.objects.values_list("contractor", "client")
    owners = Compound.objects.exclude(owner=None).values_list("owner", flat=True)
    return {pk for pair in pairs for pk in pair} | {pk for pk in owners if pk is not None}


def _remove(removal: Removal, rows: QuerySet[Any], used: Q) -> None:
    """Delete those rows that nothing real uses, and take the mark from the others."""
    needed = rows.filter(used).distinct()
    kept: Iterable[Model] = list(needed)
    removal.kept += [str(row) for row in kept]
    pks = [row.pk for row in kept]
    _total, by_model = rows.exclude(pk__in=pks).delete()
    removal.removed.update(by_model)
    model = rows.model
    if any(item.name == "demo" for item in model._meta.get_fields()):
        model._default_manager.filter(pk__in=pks).update(demo=False)


# -- files


def _mailboxes() -> set[str]:
    return {address.lower() for address in User.objects.filter(demo=True).values_list("email", flat=True) if address}


def _drop_files(pictures: Iterable[str], mailboxes: set[str]) -> None:
    for name in pictures:
        drop(name)
    for path in Path(settings.VIEWKEEPER_DEMO_MAIL_DIR).glob("*.eml"):
        if _to(path) & mailboxes:
            path.unlink(missing_ok=True)


def _to(path: Path) -> set[str]:
    """To whom a caught mail was sent."""
    try:
        with path.open("rb") as file:
            message = BytesHeaderParser(policy=policy.default).parse(file)
    except OSError:
        return set()
    return {address.lower() for _name, address in getaddresses([str(item) for item in message.get_all("To", [])])}
