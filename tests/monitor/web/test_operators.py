"""The page of those who run the platform, the metrics, and what other pages say of a platform that does not see."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from devices.models import Device, User
from monitor import metrics
from monitor.alerts.delivery import NOT_ALLOWED
from monitor.models import Batch, Pulse, ZoneState
from tests import factories
from tests.broker import empty
from tests.monitor.web.reading import SignIn, words_of

TOKEN = "a token for tests"
S = timedelta(seconds=1)


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    store = redis.Redis.from_url(configured.REDIS_URL)
    empty(store)
    yield store
    empty(store)
    store.close()


@pytest.fixture
def working(camera: Device, broker: redis.Redis) -> ZoneState:
    """A zone in which a batch was done, and one is under way."""
    now, zone = timezone.now(), factories.zone("local")
    given = {"zone": zone, "sent_at": now - 10 * S}
    done = {"done_at": now, "took_s": 2.5, "cpu_s": 0.3, "record_s": 0.2, "lag_s": 0.0, "canary": "seen"}
    outcomes = {"ok": 90, "no_answer": 10}
    Batch.objects.create(lease=uuid.uuid4(), endpoints=100, outcomes=outcomes, collector="probe1@far", **given, **done)
    Batch.objects.create(lease=uuid.uuid4(), endpoints=5, **given)
    Pulse.objects.create(name="tick", at=now)
    broker.lpush("probe.local", json.dumps({"headers": {"sent_at": now.timestamp() - 7}}))
    broker.lpush("record", "nonsense")
    return ZoneState.objects.create(zone=zone, seen_at=now, clock_offset_s=3.25, heartbeat_stretch=1.3)


def scraped(client: Client, token: str = TOKEN) -> dict[str, float]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})
    assert answer.status_code == 200
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


# -- metrics


def test_the_figures_are_told_to_whoever_has_the_token(working: ZoneState, client: Client, settings: Settings) -> None:
    settings.VIEWKEEPER_METRICS_TOKEN = TOKEN

    told = scraped(client)

    assert told['viewkeeper_polls{outcome="no_answer",zone="local"}'] == 10
    assert told['viewkeeper_batches{state="done",zone="local"}'] == 1
    assert told['viewkeeper_batches{state="under_way",zone="local"}'] == 1
    assert told['viewkeeper_batch_seconds{quantile="0.95",zone="local"}'] == 2.5
    assert told['viewkeeper_cpu_seconds_per_poll{part="probe",zone="local"}'] == pytest.approx(0.003)
    assert told['viewkeeper_zone_stretch{tier="heartbeat",zone="local"}'] == 1.3
    assert told['viewkeeper_zone_picture_share{zone="local"}'] == 1.0
    assert told['viewkeeper_zone_clock_offset_seconds{zone="local"}'] == 3.25
    assert told['viewkeeper_zone_blind{zone="local"}'] == 0
    assert told['viewkeeper_queue_messages{queue="probe.local"}'] == 1
    assert told['viewkeeper_queue_oldest_seconds{queue="probe.local"}'] == pytest.approx(7, abs=2)
    assert 'viewkeeper_queue_oldest_seconds{queue="record"}' not in told


def test_without_the_token_no_zone_is_named(working: ZoneState, client: Client, settings: Settings) -> None:
    settings.VIEWKEEPER_METRICS_TOKEN = TOKEN

    assert set(scraped(client, "")) == {"viewkeeper_up", "viewkeeper_ok"}


@pytest.mark.parametrize(("configured_token", "header"), [(TOKEN, "Bearer wrong"), (TOKEN, TOKEN), ("", "Bearer ")])
def test_a_wrong_token_is_refused(
    db: None, client: Client, settings: Settings, configured_token: str, header: str
) -> None:
    settings.VIEWKEEPER_METRICS_TOKEN = configured_token

    assert client.get("/metrics", headers={"Authorization": header}).status_code == 401


def test_metrics_ask_the_database_as_often_for_many_zones_as_for_one(
    working: ZoneState, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        ZoneState.objects.create(zone=factories.zone(f"zone{number}"))

    with django_assert_max_num_queries(7):
        assert len(metrics.gather(timezone.now()).zones) == 6


@pytest.mark.parametrize("message", ['{"headers":{"sent_at":1' + "0" * 400 + "}}", "[" * 100_000, "{}", "[]", "7"])
def test_whatever_lies_in_a_queue_breaks_no_figures(camera: Device, broker: redis.Redis, message: str) -> None:
    broker.lpush("record", message)

    [queue] = [item for item in metrics.gather(timezone.now()).queues if item.name == "record"]
    assert (queue.length, queue.oldest_s) == (1, None)


@pytest.mark.parametrize(("share", "found"), [(0.5, 2), (0.95, 4), (0.01, 1)])
def test_percentiles_are_of_the_values_themselves(share: float, found: int) -> None:
    assert metrics.percentile([4, 2, 1, 3], share) == found
    assert metrics.percentile([], share) is None


# -- the page


@pytest.fixture
def admin() -> User:
    return factories.admin()


def test_a_clock_that_is_behind_is_said_to_be(working: ZoneState, admin: User, sign_in: SignIn) -> None:
    ZoneState.objects.update(clock_offset_s=-3.0)

    assert "3.0 s behind the broker's · allowed for" in words_of(sign_in(admin), "/operators/")


@pytest.mark.parametrize("lags", [(5.0, 0.0), (0.0, 5.0)])
def test_a_collector_s_worst_lag_is_told_whichever_batch_came_back_last(
    working: ZoneState, lags: tuple[float, float]
) -> None:
    now = timezone.now()
    for ago, lag_s in enumerate(lags):
        given = {"zone_id": working.zone_id, "sent_at": now - 9 * S, "endpoints": 1, "collector": "probe2@far"}
        Batch.objects.create(lease=uuid.uuid4(), done_at=now - ago * S, lag_s=lag_s, canary="none", **given)

    [zone] = metrics.gather(now).zones
    assert (zone.collectors["probe2@far"].lag_s, zone.collectors["probe2@far"].at) == (5.0, now)


def test_mails_that_nobody_was_to_get_any_more_are_no_alarm(camera: Device) -> None:
    event, now = factories.event(factories.incident(camera)), timezone.now()
    for fields in ({"failed_at": now}, {"failed_at": now, "error": NOT_ALLOWED}, {}):
        factories.notification(event, factories.user(), **fields)

    told = metrics.gather(now)
    assert (told.mails_waiting, told.mails_failed) == (1, 1)


def test_administrators_see_the_platform_zone_by_zone(working: ZoneState, admin: User, sign_in: SignIn) -> None:
    text = words_of(sign_in(admin), "/operators/")

    for said in (
        "Polls a minute 20",
        "Reached 90 % (90)",
        "Offline 10 % (10)",
        "1 done, 1 under way, 0 lost",
        "5.00 ms",
        "Intervals are stretched: heartbeats ×1.30, pictures ×1.00.",
        "canary seen",
        "3.3 s ahead of the broker's · allowed for, but to be put right",
        "Largest tables",
    ):
        assert said in text


def test_a_blind_zone_says_why_and_what_to_do(working: ZoneState, admin: User, sign_in: SignIn) -> None:
    ZoneState.objects.update(blind_since=timezone.now(), blind_why="canary_lost")

    text = words_of(sign_in(admin), "/operators/")

    assert "blind since" in text
    assert "does not reach the zone's canaries" in text
    assert "if a canary was taken away" in text


def test_nobody_else_is_shown_the_page_or_the_way_to_it(officer: User, admin: User, sign_in: SignIn) -> None:
    assert sign_in(officer).get("/operators/").status_code == 403
    assert 'href="/operators/"' not in sign_in(officer).get("/").content.decode()
    assert 'href="/operators/"' in sign_in(admin).get("/").content.decode()


def test_a_broker_that_does_not_answer_leaves_a_page(
    working: ZoneState, admin: User, sign_in: SignIn, settings: Settings
) -> None:
    client = sign_in(admin)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert "The broker does not answer." in words_of(client, "/operators/")


# -- other pages


@pytest.mark.parametrize("page", ["/", "/devices/{}/"])
def test_pages_say_that_the_platform_is_blind_there(camera: Device, officer: User, sign_in: SignIn, page: str) -> None:
    ZoneState.objects.create(zone=camera.endpoint.zone, blind_since=timezone.now(), blind_why="no_report")  # type: ignore[union-attr]
    ZoneState.objects.create(zone=factories.zone("elsewhere"), blind_since=timezone.now(), blind_why="no_report")

    text = words_of(sign_in(officer), page.format(camera.pk))

    assert "The platform is blind in zone local since" in text
    assert "elsewhere" not in text


@pytest.mark.parametrize(("stretch", "told"), [(1.05, False), (1.4, True)])
def test_the_trust_line_says_when_intervals_are_stretched(
    camera: Device, officer: User, sign_in: SignIn, stretch: float, told: bool
) -> None:
    ZoneState.objects.create(zone=camera.endpoint.zone, picture_stretch=stretch)  # type: ignore[union-attr]

    assert ("stretched ×1.4" in words_of(sign_in(officer), "/")) is told
