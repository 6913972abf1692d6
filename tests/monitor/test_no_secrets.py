"""Nothing secret leaks: credentials, keys and session tokens are searched for wherever somebody could read them.

Each secret is looked for as it is, URL-encoded, and base64-encoded at every alignment.
"""

from __future__ import annotations

import base64
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import redis
from django.conf import LazySettings, settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devices.models import Credential, Device, Endpoint, Zone
from monitor import schedule, tasks
from monitor.celery import app
from monitor.health import Status
from monitor.models import Incident, Look, Notification, Schedule
from monitor.simulator.plan import CityPlan, DevicePlan, SceneSpec
from monitor.simulator.server import RunningCity
from monitor.targets import targets
from monitor.wire import Order, Target, seal
from tests import factories
from tests.monitor.conftest import Eventually, MailServer
from tests.monitor.test_pipeline import look_around, until_status
from tests.monitor.visits import claim_due

PASSWORD = "Tango-7/Zebra&Quartz#41"
PLAN = CityPlan(devices=(DevicePlan("gate", password=PASSWORD, scene=SceneSpec("gate", 1), size=(640, 360)),))


def disguises(secret: str) -> Iterator[bytes]:
    """The secret, and what it looks like inside a URL or inside base64 (whatever stands before it)."""
    plain = secret.encode()
    yield plain
    yield quote(secret, safe="").encode()
    yield quote_plus(secret).encode()
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * lead + plain)
            # The first and last groups mix with their neighbours: what lies between is the secret's alone.
            yield text[4 if lead else 0 : len(text) // 4 * 4 - 4]


def found_in(text: bytes | str, secrets: dict[str, str]) -> list[str]:
    """Names of the secrets that a text gives away."""
    data = text.encode() if isinstance(text, str) else text
    return [name for name, secret in secrets.items() if any(form in data for form in disguises(secret))]


@pytest.fixture
def gate(stillness: None, settings: LazySettings) -> Iterator[Device]:
    """A camera in the register, polled over loopback."""
    settings.VIEWKEEPER_DEMO = True
    with RunningCity(PLAN) as city:
        zone = factories.zone("demo", demo=True)
        login = factories.credential(username="admin", password=PASSWORD)
        endpoint = factories.endpoint(zone, host="127.0.0.1", port=city.port("gate"), credential=login)
        place = factories.compound()
        factories.officer(place.district, wants_mail=True)
        yield factories.device(place, kind="entrance", endpoint=endpoint, life="in_use")


@pytest.fixture
def visitor(gate: Device) -> Client:
    """An administrator who is signed in."""
    client = Client()
    client.force_login(factories.admin())
    return client


@pytest.fixture
def secrets(visitor: Client) -> dict[str, str]:
    """All that must never be seen, by name."""
    return {
        "the camera's password": PASSWORD,
        "the field key": settings.VIEWKEEPER_FIELD_KEYS[0],
        "the zone key": settings.VIEWKEEPER_ZONE_KEYS["demo"][0],
        "the session token": visitor.cookies["sessionid"].value,
        "the secret key": settings.SECRET_KEY.strip(),
    }


@pytest.mark.parametrize("lead", ["", "a", "ab", "abc"])
def test_the_search_finds_what_is_hidden(lead: str) -> None:
    hidden = base64.b64encode(f"{lead}{PASSWORD}tail".encode())

    assert found_in(hidden, {"it": PASSWORD}) == ["it"]
    assert found_in(quote(PASSWORD, safe=""), {"it": PASSWORD}) == ["it"]
    assert found_in(b"nothing here", {"it": PASSWORD}) == []


def test_nowhere_is_a_secret_to_be_read(
    gate: Device,
    visitor: Client,
    secrets: dict[str, str],
    workers: Path,
    mail_server: MailServer,
    eventually: Eventually,
) -> None:
    schedule.sync(timezone.now())
    until_status(gate, Status.ONLINE, eventually)
    look = Look.objects.create(device=gate)
    tasks.look.delay(look.pk)
    eventually(lambda: Look.objects.get(pk=look.pk).finished_at)
    Credential.objects.update(password="wrong")
    Schedule.objects.update(worked=False)
    incident = factories.broken(gate)
    factories.event(incident)
    eventually(lambda: tasks.deliver.delay() and Notification.objects.filter(sent_at__isnull=False).exists())
    Credential.objects.get().delete()
    Device.objects.filter(pk=gate.pk).update(endpoint=_endpoint_again())
    gate.refresh_from_db()

    assert {
        "logs": found_in(b"".join(path.read_bytes() for path in workers.glob("*.log")), secrets),
        "mails": found_in(b"".join(mail.as_bytes() for mail in mail_server.mails), secrets),
        "pages": _pages(visitor, gate, look, incident, secrets),
        "broker": found_in(_broker(gate), secrets),
        "database": found_in(_database(), secrets),
        "processes": found_in(_processes(), secrets),
    } == {place: [] for place in ("logs", "mails", "pages", "broker", "database", "processes")}


def test_a_crash_tells_no_secret(gate: Device, secrets: dict[str, str]) -> None:
    target = _target(gate)
    assert target.credential is not None
    assert target.credential.password == PASSWORD

    assert found_in(_crash(target), secrets) == []
    assert found_in(repr(Credential.objects.get()) + repr(vars(Credential.objects.get())), secrets) == []


def _endpoint_again() -> Endpoint:
    login = factories.credential(username="admin", password=PASSWORD)
    return factories.endpoint(Zone.objects.get(), host="127.0.0.1", port=9, credential=login)


def _target(gate: Device) -> Target:
    schedule.sync(timezone.now())
    far_future = timezone.now().replace(year=2100)
    (target,) = targets(claim_due(Zone.objects.get().pk, far_future), far_future)
    return target


def _crash(target: Target) -> str:
    """What a crash report with all local variables shows."""
    try:
        raise RuntimeError(f"cannot visit {target}")
    except RuntimeError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(told.format())


def _pages(visitor: Client, gate: Device, look: Look, incident: Incident, secrets: dict[str, str]) -> list[str]:
    """Pages that give something away."""
    addresses = [reverse(name) for name in ("home", "devices", "incidents", "device-add", "device-import", "healthz")]
    addresses += [reverse("device", args=[gate.pk]), reverse("device-credential", args=[gate.pk])]
    addresses += [reverse("look", args=[look.pk]), reverse("incident", args=[incident.pk]), reverse("device-export")]
    bad = []
    for address in addresses:
        answer = visitor.get(address)
        assert answer.status_code == 200, address
        bad += [f"{address}: {name}" for name in found_in(answer.getvalue(), secrets)]
    return bad


def _broker(gate: Device) -> bytes:
    """Everything that the broker holds while a batch waits in a queue."""
    look_around()
    Schedule.objects.all().delete()
    sealed = seal(Order((_target(gate),)), tasks.keys_of("demo"))
    app.send_task("nobody.takes.this", ["demo", sealed], queue="parked")
    store = redis.Redis.from_url(settings.REDIS_URL)
    keys = list(store.scan_iter())
    kept = "".join(str(item) for key in keys if store.type(key) == b"list" for item in store.lrange(key, 0, -1))
    assert "nobody.takes.this" in kept
    return kept.encode() + b"".join(store.dump(key) or b"" for key in keys)


def _database() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 - our own tables
            rows += [str(row[0]) for row in cursor.fetchall()]
    assert any("admin" in row for row in rows)
    return "\n".join(rows)


def _processes() -> bytes:
    """The command lines of every process on this machine."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue
    assert any(b"celery" in line for line in lines)
    return b"\n".join(lines)
