"""Devices from a CSV file, taken in all or none; and the register written out as CSV.

The dry run (`import_check`) names for each mistake its row, as the spreadsheet counts, its column and what to do.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from devices.import_check import DryRun, Mistake, dry_run, position_of
from devices.import_rows import COLUMNS, FORMULA, Row, Unreadable, decode
from devices.models import Compound, Credential, Device, Endpoint, Life, Slot, User, Zone
from devices.registering import compounds_to_change, zone_for

__all__ = ["DryRun", "Mistake", "MistakesLeft", "Unreadable", "decode", "dry_run", "export", "take_in", "template"]

_AT_ONCE = 500


class MistakesLeft(Exception):
    """The file cannot be taken in; `run` says why."""

    def __init__(self, run: DryRun) -> None:
        super().__init__(f"{len(run.mistakes)} mistakes")
        self.run = run


def take_in(text: str, user: User) -> list[Device]:
    """Take in all rows of a file or none; give the new devices. Raises `MistakesLeft` and `Unreadable`.

    The register may have changed since the dry run, so everything is checked again.
    """
    try:
        with transaction.atomic():
            run = dry_run(text, user)
            if run.mistakes:
                raise MistakesLeft(run)
            return _Intake(run.rows).write()
    except IntegrityError as error:
        raise Unreadable(_("Somebody changed the register at this moment; check the file once more.")) from error


class _Intake:
    """Writes checked rows, with a number of statements that does not grow with them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        compounds = {row.compound.pk: row.compound for row in rows if row.compound}
        self.zones: dict[int, Zone] = {pk: zone_for(compound) for pk, compound in compounds.items()}
        self.endpoints: dict[tuple[int, str, int], Endpoint] = {}
        self.devices: dict[int, Device] = {}

    def write(self) -> list[Device]:
        """Endpoints and slots, then devices, parents before what hangs on them."""
        self._make_endpoints()
        slots = self._make_slots()
        waiting = list(self.rows)
        while waiting:
            wave = [row for row in waiting if row.parent_row is None or row.parent_row.number in self.devices]
            made = [self._device(row, slots.get(row.number)) for row in wave]
            Device.objects.bulk_create(made, batch_size=_AT_ONCE)
            self.devices |= {row.number: device for row, device in zip(wave, made, strict=True)}
            waiting = [row for row in waiting if row.number not in self.devices]
        return list(self.devices.values())

    def _key(self, row: Row) -> tuple[int, str, int]:
        assert row.compound is not None and row.address is not None  # noqa: S101 - the dry run found no mistake
        return self.zones[row.compound.pk].pk, row.address.host, row.address.port

    def _make_endpoints(self) -> None:
        zones = {zone.pk for zone in self.zones.values()}
        hosts = {row.address.host for row in self.rows if row.address}
        for endpoint in Endpoint.objects.filter(zone__in=zones, host__in=hosts):
            self.endpoints[endpoint.zone_id, endpoint.host, endpoint.port] = endpoint
        known = set(self.endpoints)
        for row in self.rows:
            if row.address and self._key(row) not in self.endpoints:
                zone_id, host, port = self._key(row)
                self.endpoints[zone_id, host, port] = Endpoint(
                    zone_id=zone_id, scheme=row.address.scheme, host=host, port=port
                )
        self._make_logins(known)
        fresh = [endpoint for key, endpoint in self.endpoints.items() if key not in known]
        Endpoint.objects.bulk_create(fresh, batch_size=_AT_ONCE)

    def _make_logins(self, known: set[tuple[int, str, int]]) -> None:
        logins: dict[tuple[int, str, int], Credential] = {}
        for row in self.rows:
            if row.address and row["username"]:
                label = f"{row.compound} · {row['name']}"
                credential = Credential(label=label[:_LABEL], username=row["username"], password=row["password"])
                logins.setdefault(self._key(row), credential)
        Credential.objects.bulk_create(logins.values(), batch_size=_AT_ONCE)
        for key, credential in logins.items():
            self.endpoints[key].credential = credential
        Endpoint.objects.bulk_update([self.endpoints[key] for key in logins.keys() & known], ["credential"])

    def _make_slots(self) -> dict[int, Slot]:
        """The slot of each row that names one; a free one of that name is used, others are made."""
        compounds: list[Compound] = [row.compound for row in self.rows if row.compound]
        free = Slot.objects.filter(compound__in=compounds, device=None)
        have = {(slot.compound_id, slot.position): slot for slot in free}
        wanted: dict[int, Slot] = {}
        fresh: list[Slot] = []
        for row in self.rows:
            position = position_of(row)
            if position and row.compound:
                slot = have.get((row.compound.pk, position))
                if slot is None:
                    slot = Slot(compound=row.compound, kind=row.kind, position=position, sees=row["sees"])
                    fresh.append(slot)
                wanted[row.number] = slot
        Slot.objects.bulk_create(fresh, batch_size=_AT_ONCE)
        return wanted

    def _device(self, row: Row, slot: Slot | None) -> Device:
        assert row.compound is not None  # noqa: S101 - the dry run found no mistake
        parent = self.devices[row.parent_row.number] if row.parent_row else row.parent
        above = parent.endpoint if parent else None
        endpoint = self.endpoints[self._key(row)] if row.address else above
        return Device(
            compound=row.compound,
            slot=slot,
            kind=row.kind,
            name=row["name"],
            parent=parent,
            endpoint=endpoint,
            channel=row.channel,
            life=Life.INSTALLED,
        )


_LABEL = Credential._meta.get_field("label").max_length or 0

# -- writing out


def template() -> str:
    """An empty file with the right header."""
    return _csv([COLUMNS])


_REFERRED = ("compound", "endpoint", "parent", "slot")


def export(devices: QuerySet[Device], user: User) -> str:
    """Devices as a file that can be imported again, without passwords.

    Where a device is reached, and under which user name, is told only to who may take devices in there.
    """
    theirs = set(compounds_to_change(user).values_list("pk", flat=True))
    # The user name alone: no password is opened for a file that holds none.
    named = devices.select_related(*_REFERRED).annotate(login_name=F("endpoint__credential__username"))
    return _csv([COLUMNS, *(_cells(device, device.login_name or "", device.compound_id in theirs) for device in named)])


def _cells(device: Device, username: str, reached: bool) -> tuple[str, ...]:
    through_parent = bool(device.channel and device.parent)
    own = device.endpoint if reached and not through_parent else None
    values = {
        "compound": device.compound.name,
        "name": device.name,
        "kind": device.kind,
        "address": f"{own.scheme}://{_in_brackets(own.host)}" if own else "",
        "port": str(own.port) if own else "",
        "username": username if own else "",
        "parent": device.parent.name if device.parent else "",
        "channel": str(device.channel or ""),
        "position": device.slot.position if device.slot else "",
        "sees": device.slot.sees if device.slot else "",
    }
    return tuple(values.get(name, "") for name in COLUMNS)


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _csv(rows: Iterable[Sequence[str]]) -> str:
    """CSV with a byte order mark, so that spreadsheets see that it is UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerows([_harmless(cell) for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
