"""What crosses the border of a zone: nothing readable on the way out, nothing forged on the way in."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from cryptography.fernet import Fernet
from django.conf import settings as configured
from django.utils import timezone
from pytest_django import Settings

from devices.models import Device
from monitor import tasks
from monitor.models import Batch, DeviceState, RawReading, Schedule, ZoneState
from monitor.wire import Reading, Refused, Report, Results, seal
from tests import factories
from tests.broker import empty
from tests.monitor.visits import lease, reading

pytestmark = pytest.mark.django_db
SECRETS = {"password": "geheim-7-Zebra", "host": "cam-77.north.example", "user": "wachmann-im-norden"}


@pytest.fixture(autouse=True)
def broker() -> Iterator[redis.Redis]:
    store = redis.Redis.from_url(configured.REDIS_URL)
    empty(store)
    yield store
    empty(store)
    store.close()


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    """Each zone has a key of its own."""
    settings.VIEWKEEPER_ZONE_KEYS = {zone: (Fernet.generate_key().decode(),) for zone in ("north", "south")}


def camera(zone: str, **fields: Any) -> Device:
    return factories.device(endpoint=factories.endpoint(factories.zone(zone), **fields))


def readable(message: bytes) -> list[bytes]:
    """A message, and all that can be read out of it without a key: nested JSON and base64, layer by layer."""
    layers, found = [message], []
    while layers:
        layer = layers.pop()
        found.append(layer)
        for word in layer.replace(b'"', b" ").replace(b",", b" ").split():
            if len(word) >= 16:
                for altchars in (None, b"-_"):
                    try:
                        layers.append(base64.b64decode(word + b"=" * (-len(word) % 4), altchars, validate=True))
                    except ValueError:
                        continue
    return found


def test_a_message_captured_at_the_broker_reveals_nothing(broker: redis.Redis) -> None:
    login = factories.credential(username=SECRETS["user"], password=SECRETS["password"])
    factories.schedule(camera("north", host=SECRETS["host"], credential=login))
    tasks.tick()

    [message] = broker.lrange("probe.north", 0, -1)
    [order] = [broker.get(name) for name in broker.scan_iter("order:*")]
    assert isinstance(message, bytes) and isinstance(order, bytes)
    layers = readable(message) + readable(order)

    assert len(layers) > 1
    assert any(b"north" in layer for layer in layers), "the nested layers were not opened"
    for secret in SECRETS.values():
        shapes = {secret.encode(), *(base64.b64encode(b"x" * shift + secret.encode())[4:-4] for shift in range(3))}
        assert not [layer for layer in layers for shape in shapes if shape in layer]


def results(*found: Reading, report: Report | None = None, key_of: str) -> str:
    return seal(Results(found, report), tasks.keys_of(key_of))


def nothing_known() -> bool:
    return not any(table.objects.exists() for table in (DeviceState, RawReading, ZoneState))


def test_readings_sealed_with_another_zones_key_are_refused() -> None:
    device = camera("south")
    forged = results(reading(device, timezone.now(), lease(device, timezone.now())), key_of="north")

    with pytest.raises(Refused):
        tasks.record("south", forged)
    assert nothing_known()


@pytest.mark.parametrize("token", ["the device's own", "one of its own", "none"])
def test_readings_of_another_zones_devices_are_refused_and_logged(token: str, caplog: pytest.LogCaptureFixture) -> None:
    """Even with a lease that is open, of that device or of one of the forger's own."""
    mine, theirs, now = camera("north"), camera("south"), timezone.now()
    held = {"the device's own": lease(theirs, now), "one of its own": lease(mine, now), "none": ""}[token]

    tasks.record("north", results(reading(theirs, now, held), key_of="north"))

    assert nothing_known()
    assert "1 readings of zone north came without an open lease and were refused" in caplog.text


def test_readings_without_an_open_lease_are_refused_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    device, now = camera("north"), timezone.now()
    lease(device, now)
    Schedule.objects.update(lease=uuid.uuid4())

    tasks.record("north", results(reading(device, now, str(uuid.uuid4())), key_of="north"))

    assert nothing_known()
    assert "refused" in caplog.text


def test_a_zone_cannot_report_for_another(caplog: pytest.LogCaptureFixture) -> None:
    theirs = Batch.objects.create(lease=uuid.uuid4(), zone=factories.zone("south"), sent_at=timezone.now(), endpoints=1)
    tasks.record("north", results(report=Report(str(theirs.lease), canary="seen"), key_of="north"))

    theirs.refresh_from_db()
    assert theirs.done_at is None
    assert nothing_known()
    assert "refused" in caplog.text


def test_junk_is_refused() -> None:
    with pytest.raises(Refused):
        tasks.record("north", json.dumps({"readings": []}))
