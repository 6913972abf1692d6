"""Specification of the tasks: what each one takes from and gives to the broker, called as a function."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from celery.exceptions import Retry
from cryptography.fernet import InvalidToken
from django.conf import settings as configured
from django.utils import timezone
from pytest_django import Settings

from devices.models import Device, Endpoint
from monitor import batches, claims, tasks
from monitor.health import Status
from monitor.keeping import media
from monitor.models import DeviceState, Event, Look, LookStep, Notification, Pulse, Schedule
from monitor.sealing import Sealer
from monitor.shelf import Putting, take_order
from monitor.wire import Finding, Reading, Refused, Results, Tier, Verdict, open_order, plain, seal
from tests import factories
from tests.broker import empty
from tests.monitor.visits import OFF, START, lease, note, reading

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def broker() -> Iterator[redis.Redis]:
    """The test run's broker, empty."""
    store = redis.Redis.from_url(configured.REDIS_URL)
    empty(store)
    yield store
    store.close()


@pytest.fixture
def camera() -> Device:
    return factories.device(endpoint=factories.endpoint(credential=factories.credential(password="geheim-7")))


@pytest.fixture
def look(camera: Device) -> Look:
    return Look.objects.create(device=camera)


def waiting(broker: redis.Redis, queue: str) -> list[tuple[str, list[Any]]]:
    """Tasks in a queue, the first one first: name and arguments."""
    found = []
    for raw in reversed(broker.lrange(queue, 0, -1)):
        message = json.loads(raw)
        arguments, _named, _embedded = json.loads(base64.b64decode(message["body"]))
        found.append((message["headers"]["task"], arguments))
    return found


def sealed(*readings: Reading, zone: str = "local") -> str:
    return seal(Results(tuple(readings)), tasks.keys_of(zone))


# -- tick


def test_a_tick_sends_what_is_due_sealed_to_the_zones_queue(camera: Device, broker: redis.Redis) -> None:
    factories.schedule(camera)

    assert tasks.tick().startswith("1 endpoints sent")

    [(name, [zone, key])] = waiting(broker, "probe.local")
    token = take_order(broker, "local", key)
    assert (name, zone) == ("probe.visit", "local")
    assert b"geheim-7" not in token
    [target] = open_order(token, tasks.keys_of("local"), 60).targets
    assert target.endpoint_id == camera.endpoint_id
    assert target.lease == str(Schedule.objects.get().lease)


def test_a_batch_that_nobody_takes_expires(camera: Device, broker: redis.Redis) -> None:
    factories.schedule(camera)
    before = datetime.now(UTC)
    tasks.tick()

    [raw] = broker.lrange("probe.local", 0, -1)
    expires = datetime.fromisoformat(json.loads(raw)["headers"]["expires"])
    assert timedelta(0) <= expires - before - timedelta(seconds=claims.PATIENCE_S) < timedelta(seconds=5)


def test_a_tick_sends_nothing_twice(camera: Device, broker: redis.Redis) -> None:
    factories.schedule(camera)
    tasks.tick()

    assert tasks.tick().startswith("0 endpoints sent")
    assert len(waiting(broker, "probe.local")) == 1


def test_a_tick_goes_on_until_nothing_is_due(
    camera: Device, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item in (camera, factories.device(), factories.device()):
        factories.schedule(item)
    monkeypatch.setattr(batches, "PICTURE_BATCH", 2)

    assert tasks.tick().startswith("3 endpoints sent")
    assert len(waiting(broker, "probe.local")) == 2


def test_each_zone_is_sealed_with_its_own_key(camera: Device, broker: redis.Redis, settings: Settings) -> None:
    other = base64.urlsafe_b64encode(b"another key, 32 bytes long, yes!").decode()
    settings.VIEWKEEPER_ZONE_KEYS = {**configured.VIEWKEEPER_ZONE_KEYS, "demo": (other,)}
    factories.schedule(camera)
    factories.schedule(factories.device(endpoint=factories.endpoint(factories.zone("demo"))))
    tasks.tick()

    [(_, [_, key])] = waiting(broker, "probe.demo")
    token = take_order(broker, "demo", key)
    assert len(open_order(token, tasks.keys_of("demo"), 60).targets) == 1
    with pytest.raises(Refused):
        open_order(token, tasks.keys_of("local"), 60)


def test_a_zone_without_a_key_is_left_alone(camera: Device, broker: redis.Redis) -> None:
    Endpoint.objects.update(zone=factories.zone("keyless"))
    camera.refresh_from_db()
    factories.schedule(camera)

    assert tasks.tick().startswith("0 endpoints sent")
    assert Schedule.objects.get().lease is None


@pytest.mark.parametrize("duty", ["tick", "deliver", "housekeep"])
def test_each_duty_shows_its_pulse(duty: str) -> None:
    before = timezone.now()
    getattr(tasks, duty)()
    getattr(tasks, duty)()

    assert Pulse.objects.get(name=duty).at >= before


# -- record


def test_readings_are_recorded_with_their_pictures(camera: Device, broker: redis.Redis) -> None:
    shelf = Putting(broker, Sealer(configured.VIEWKEEPER_ZONE_KEYS["local"]))
    name = shelf.put(camera.pk, b"thumbnail", None)
    shelf.flush()
    seen = reading(camera, START, lease(camera), picture=Finding(Verdict.OK), shot=note(name))

    assert tasks.record("local", sealed(seen)) == "1 of 1 readings counted"

    state = DeviceState.objects.get()
    assert state.status == Status.ONLINE
    assert media(state.picture_file).read_bytes() == b"thumbnail"
    assert broker.get(name) is None


def test_readings_sealed_for_another_zone_are_refused(camera: Device, settings: Settings) -> None:
    other = base64.urlsafe_b64encode(b"another key, 32 bytes long, yes!").decode()
    settings.VIEWKEEPER_ZONE_KEYS = {**configured.VIEWKEEPER_ZONE_KEYS, "demo": (other,)}
    seen = reading(camera, START, lease(camera))

    with pytest.raises(Refused):
        tasks.record("local", sealed(seen, zone="demo"))
    assert tasks.record("demo", sealed(seen, zone="demo")) == "0 of 1 readings counted"
    assert not DeviceState.objects.exists()


# -- looks


def test_a_look_is_sent_to_the_look_queue_under_a_lease(camera: Device, look: Look, broker: redis.Redis) -> None:
    assert tasks.look(look.pk) == f"look {look.pk} sent to local"

    [(name, [zone, number, key])] = waiting(broker, "look.local")
    token = take_order(broker, "local", key)
    [target] = open_order(token, tasks.keys_of("local"), 60).targets
    look.refresh_from_db()
    assert (name, zone, number) == ("probe.look", "local", look.pk)
    assert target.subjects[0].tiers == frozenset(Tier)
    assert look.sent_at is not None
    assert look.finished_at is None


def test_a_look_waits_while_a_visit_is_under_way(camera: Device, look: Look, broker: redis.Redis) -> None:
    lease(camera, timezone.now())

    with pytest.raises(Retry):
        tasks.look(look.pk)
    assert waiting(broker, "look.local") == []


def test_a_look_gives_up_when_visits_never_end(camera: Device, look: Look) -> None:
    lease(camera, timezone.now())
    tasks.look.push_request(retries=tasks.LOOK_TRIES)
    try:
        assert tasks.look.run(look.pk) == "a visit was under way all the time"
    finally:
        tasks.look.pop_request()

    look.refresh_from_db()
    assert (look.outcome, look.finished_at is None) == ("busy", False)


def test_a_look_at_what_has_no_endpoint_ends_at_once(camera: Device, look: Look, broker: redis.Redis) -> None:
    Device.objects.update(endpoint=None)
    tasks.look(look.pk)

    look.refresh_from_db()
    assert look.outcome == "no_endpoint"
    assert [key for key in broker.scan_iter() if not key.startswith(b"_kombu.")] == []


def test_a_look_into_a_zone_without_a_key_ends_at_once_and_leases_nothing(
    camera: Device, look: Look, settings: Settings
) -> None:
    settings.VIEWKEEPER_ZONE_KEYS = {}
    tasks.look(look.pk)

    look.refresh_from_db()
    assert look.outcome == "no_key"
    assert not Schedule.objects.exclude(leased_until=None).exists()


@pytest.mark.parametrize(("held", "outcome"), [(True, "done"), (False, "refused")])
def test_a_look_ends_with_its_reading(camera: Device, look: Look, held: bool, outcome: str) -> None:
    token = lease(camera)
    tasks.record("local", sealed(reading(camera, START, token if held else "")), look.pk)

    look.refresh_from_db()
    assert (look.outcome, look.finished_at is None) == (outcome, False)


def test_a_look_that_has_ended_keeps_its_outcome(camera: Device, look: Look) -> None:
    Look.objects.update(finished_at=START, outcome="unanswered")
    tasks.record("local", sealed(reading(camera, START, lease(camera))), look.pk)

    look.refresh_from_db()
    assert (look.outcome, look.finished_at) == ("unanswered", START)


def test_a_zone_cannot_end_the_look_of_another(camera: Device, look: Look) -> None:
    tasks.record("demo", sealed(zone="demo"), look.pk)

    look.refresh_from_db()
    assert look.finished_at is None


def a_step(zone: str = "local") -> str:
    step = {"aspect": "link", **plain(Finding(Verdict.FAULTY, "no_answer", {"n": 1})), "request": {"what": "GET"}}
    return tasks.keys_of(zone).encrypt(json.dumps(step | {"unheard_of": 1}).encode()).decode()


def test_a_step_is_written_as_it_comes(look: Look) -> None:
    tasks.look_step("local", look.pk, 1, a_step())

    step = LookStep.objects.get()
    assert (step.look, step.number, step.aspect) == (look, 1, "link")
    assert (step.verdict, step.cause, step.detail, step.request) == (
        "faulty",
        "no_answer",
        {"n": 1},
        {"what": "GET"},
    )


def test_a_step_that_comes_twice_is_written_once(look: Look) -> None:
    for _ in range(2):
        tasks.look_step("local", look.pk, 1, a_step())

    assert LookStep.objects.count() == 1


def test_a_step_of_a_look_that_is_over_or_not_the_zones_is_dropped(look: Look) -> None:
    tasks.look_step("demo", look.pk, 1, a_step("demo"))
    Look.objects.update(finished_at=START)
    tasks.look_step("local", look.pk, 2, a_step())

    assert not LookStep.objects.exists()


def test_a_forged_step_is_refused(look: Look) -> None:
    with pytest.raises(InvalidToken):
        tasks.look_step("local", look.pk, 1, "forged")


# -- deliver, housekeep


def test_deliver_tells_and_sends(camera: Device, mailoutbox: list[object]) -> None:
    factories.officer(camera.compound.district, wants_mail=True)
    factories.event(factories.incident(camera))

    assert tasks.deliver() == "1 events, 1 mails"
    assert len(mailoutbox) == Notification.objects.filter(sent_at__isnull=False).count() == 1


def test_housekeeping_keeps_the_schedule_in_step_and_notices_our_silence(camera: Device) -> None:
    factories.state(camera, looked_at=timezone.now() - timedelta(hours=1))

    assert tasks.housekeep() == "10 of 10 duties done"
    assert Schedule.objects.get().endpoint_id == camera.endpoint_id
    assert DeviceState.objects.get().status == Status.UNKNOWN


def test_a_duty_that_fails_keeps_housekeeping_from_no_other(
    camera: Device, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_now: datetime) -> None:
        raise PermissionError("media")

    first, *rest = tasks._DUTIES
    monkeypatch.setattr(tasks, "_DUTIES", (broken, first, *rest))

    assert tasks.housekeep() == "10 of 11 duties done"
    assert Schedule.objects.count() == 1
    assert "broken failed" in caplog.text


@pytest.mark.parametrize(
    ("age", "outcome"), [(tasks.LOOK_LIFE_S - 5, ""), (tasks.LOOK_LIFE_S + 1, "unanswered"), (7 * 86_400 + 1, None)]
)
def test_housekeeping_ends_looks_that_nobody_answered_and_forgets_old_ones(
    look: Look, age: float, outcome: str | None
) -> None:
    Look.objects.update(asked_at=timezone.now() - timedelta(seconds=age))
    tasks.housekeep()

    assert Look.objects.values_list("outcome", flat=True).first() == outcome


def test_housekeeping_leaves_answered_looks_alone(look: Look) -> None:
    Look.objects.update(asked_at=timezone.now() - timedelta(hours=1), finished_at=START, outcome="done")
    tasks.housekeep()

    assert Look.objects.get().outcome == "done"


# -- secrets


def test_no_password_shows_at_the_broker(camera: Device, look: Look, broker: redis.Redis) -> None:
    factories.schedule(camera)
    tasks.tick()
    Schedule.objects.update(lease=None, leased_until=None)
    tasks.look(look.pk)
    secret = b"geheim-7"

    dump = b"".join(broker.dump(key) or b"" for key in broker.scan_iter())

    assert broker.llen("probe.local") == broker.llen("look.local") == 1
    assert secret not in dump
    assert base64.b64encode(secret)[:8] not in dump


def test_the_incident_of_a_recorded_fault_is_told_by_the_next_delivery(camera: Device, mailoutbox: list[Any]) -> None:
    """The whole way on our side of the broker."""
    factories.officer(camera.compound.district, wants_mail=True)
    now = timezone.now()
    for number in (2, 1):
        at = now - timedelta(minutes=number)
        tasks.record("local", sealed(reading(camera, at, lease(camera, now), OFF)))

    assert tasks.deliver() == "0 events, 0 mails"  # it has not settled
    Event.objects.update(ready_at=now)
    assert tasks.deliver() == "1 events, 1 mails"
    assert "Offline" in mailoutbox[0].subject
