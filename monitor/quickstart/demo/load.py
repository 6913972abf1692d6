"""Load the demo once, and at later starts follow its virtual cameras to their new ports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction

from devices.models import Credential, Device, Endpoint, Zone
from monitor import schedule
from monitor.models import DeviceHour, Incident, Pulse, Transition
from monitor.quickstart.demo import history, plan, references, register
from monitor.quickstart.demo.city import passwords, read_ports
from monitor.quickstart.demo.drawing import View, draw_all
from monitor.quickstart.demo.remove import REMOVED
from monitor.quickstart.layout import write_private

# Above all real ports: where endpoints wait while ports are exchanged between them.
PARKED_PORT = 100_000
HOURS_AT_ONCE = 2_000


class Removed(Exception):
    """The demo was removed by a person, and is not loaded again unasked."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did: made everything, or moved so many endpoints."""

    made: bool
    moved: int = 0


def load(city: Path, plan_file: Path, logins: Path | None, now: datetime, *, again: bool = False) -> Loaded:
    """Make the demo, or follow the ports of a demo that is there. Raises `Removed`, `NameTaken`, `CityFileError`."""
    ports, secrets = read_ports(city), passwords(plan_file)
    if Zone.objects.filter(name=plan.ZONE_NAME, demo=True).exists():
        return Loaded(made=False, moved=_follow(ports, secrets, now))
    if not again and Pulse.objects.filter(name=REMOVED).exists():
        if logins is not None:  # whoever reads it would offer logins that are gone
            logins.unlink(missing_ok=True)
        raise Removed
    # Drawing takes seconds: no transaction is open meanwhile.
    views = draw_all(references.jobs(now))
    with transaction.atomic():
        made = _make(ports, secrets, views, now)
    if logins is not None:
        write_private(logins, json.dumps([asdict(login) for login in made.logins], ensure_ascii=False, indent=1))
    return Loaded(made=True)


def _make(ports: Mapping[str, int], secrets: Mapping[str, str], views: list[View], now: datetime) -> register.Made:
    Pulse.objects.filter(name=REMOVED).delete()
    made = register.make(ports, secrets, now)
    references.keep_views(views, made.devices, made.officer, now)
    _make_past(made.devices, now)
    schedule.sync(now)
    return made


def _make_past(devices: Mapping[str, Device], now: datetime) -> None:
    found, hang = history.incidents(devices, now)
    Incident.objects.bulk_create(found)
    for item, root in hang:
        item.root = root
    Incident.objects.bulk_update([item for item, _root in hang], ["root"])
    Transition.objects.bulk_create(history.transitions(found))
    DeviceHour.objects.bulk_create(history.hours(devices, now), batch_size=HOURS_AT_ONCE)


def _follow(ports: Mapping[str, int], secrets: Mapping[str, str], now: datetime) -> int:
    """Move the demo's endpoints to where their virtual devices listen now, with the passwords of the plan."""
    with transaction.atomic():
        endpoints = _endpoints()
        moved = [endpoint for key, endpoint in endpoints.items() if endpoint.port != ports[key]]
        # First out of the way of each other: two of them may have exchanged their ports.
        for endpoint in moved:
            endpoint.port = PARKED_PORT + endpoint.pk
        Endpoint.objects.bulk_update(moved, ["port"])
        for key, endpoint in endpoints.items():
            endpoint.port = ports[key]
        Endpoint.objects.bulk_update(moved, ["port"])
        _renew_passwords(endpoints, secrets, now)
        schedule.sync(now)
    return len(moved)


def _endpoints() -> dict[str, Endpoint]:
    """The demo's endpoints by the key of the device that has the address; devices are known by their code."""
    keys = {plan.code_of(item): item.key for item in plan.addressed()}
    found = Device.objects.filter(code__in=keys, endpoint__zone__demo=True).select_related("endpoint__credential")
    return {keys[device.code]: device.endpoint for device in found if device.endpoint is not None}


def _renew_passwords(endpoints: Mapping[str, Endpoint], secrets: Mapping[str, str], now: datetime) -> None:
    changed = []
    for key, endpoint in endpoints.items():
        credential = endpoint.credential
        if credential is not None and credential.demo and key in secrets and credential.password != secrets[key]:
            credential.password, credential.changed_at = secrets[key], now
            changed.append(credential)
    Credential.objects.bulk_update(changed, ["password", "changed_at"])
