"""The bench's register: as many devices as the fleet has cameras, each with all that a device in use has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from django.db import connection

from devices.models import Compound, Credential, Device, District, Endpoint, Kind, Life, Zone
from monitor.benching.city import Camera
from monitor.benching.scratch import ZONE
from monitor.models import PolicyRule, Schedule

PER_COMPOUND = 50
ROWS_AT_ONCE = 2_000
# The bench looks at a camera more often than any platform would; its own cameras need no politeness.
BURST, REFILL_S = 1_000, 1
NEVER = datetime(2100, 1, 1, tzinfo=UTC)


def register(found: Sequence[Camera], models: Mapping[int, bytes]) -> dict[int, Camera]:
    """Enter the cameras with their learned views; nothing is due. Gives the camera of each device.

    `models` is the learned view of each scene.
    """
    zone = Zone.objects.create(name=ZONE, label="bench", demo=True)
    PolicyRule.objects.create(zone=zone, burst=BURST, refill_s=REFILL_S, demo=True)
    ends = _endpoints(zone, found)
    devices = _devices(ends)
    keep_views({device.pk: camera.scene for device, camera in zip(devices, found, strict=True)}, models)
    Schedule.objects.bulk_create((_resting(zone, end) for end in ends), ROWS_AT_ONCE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {device.pk: camera for device, camera in zip(devices, found, strict=True)}


def _endpoints(zone: Zone, found: Sequence[Camera]) -> list[Endpoint]:
    names = dict.fromkeys((camera.username, camera.password) for camera in found)
    logins = {
        pair: Credential.objects.create(label=f"bench {number}", username=pair[0], password=pair[1])
        for number, pair in enumerate(names)
    }
    rows = [
        Endpoint(
            zone=zone,
            host=camera.host,
            port=camera.port,
            credential=logins[camera.username, camera.password],
        )
        for camera in found
    ]
    return Endpoint.objects.bulk_create(rows, ROWS_AT_ONCE)


def _devices(ends: Sequence[Endpoint]) -> list[Device]:
    district = District.objects.create(code="000000", name="bench", demo=True)
    count = len(ends) // PER_COMPOUND + 1
    places = Compound.objects.bulk_create(
        Compound(district=district, name=f"bench {number}", type=Compound.Type.OPEN, demo=True)
        for number in range(count)
    )
    rows = [
        Device(
            compound=places[number // PER_COMPOUND],
            kind=Kind.ENTRANCE,
            name=f"{end.host}:{end.port}",
            endpoint=end,
            life=Life.IN_USE,
        )
        for number, end in enumerate(ends)
    ]
    return Device.objects.bulk_create(rows, ROWS_AT_ONCE)


def keep_views(scenes: Mapping[int, int], models: Mapping[int, bytes]) -> None:
    """Each device has the view of its scene. The bytes are sent once for each scene, not for each device."""
    by_scene: dict[int, list[int]] = defaultdict(list)
    for device_id, scene in scenes.items():
        by_scene[scene].append(device_id)
    with connection.cursor() as cursor:
        for scene, device_ids in by_scene.items():
            cursor.execute(_VIEWS, {"devices": device_ids, "signature": models[scene]})


_VIEWS = """
INSERT INTO monitor_learnedview (device_id, signature, learned, updated_at)
SELECT unnest(%(devices)s), %(signature)s, 1, now()
"""


def as_learned(device_ids: Sequence[int]) -> None:
    """Give all devices what one of these has learned, where they have not learned it themselves."""
    with connection.cursor() as cursor:
        cursor.execute(_PASSPORTS, {"devices": list(device_ids)})
        cursor.execute("ANALYZE")


_PASSPORTS = """
INSERT INTO monitor_passport (device_id, learned, facts)
SELECT d.id, known.learned, known.facts
FROM devices_device d, (
    SELECT learned, facts FROM monitor_passport WHERE device_id = ANY(%(devices)s) ORDER BY device_id LIMIT 1) known
ON CONFLICT DO NOTHING
"""


def _resting(zone: Zone, end: Endpoint) -> Schedule:
    """A schedule by the default policy of which nothing comes due by itself: the bench says what is due when."""
    return Schedule(
        endpoint=end,
        zone=zone,
        heartbeat_every=60,
        picture_every=600,
        facts_every=86_400,
        heartbeat_due=NEVER,
        picture_due=NEVER,
        facts_due=NEVER,
        due=NEVER,
    )
