"""A collector far away: it has the broker and its zone's key, no database, few rights, and perhaps a wrong clock."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from monitor.probes.doubt import BLIND
from monitor.wire import Aspect, Canary, Order, Results, Subject, Target, Tier, Verdict
from tests.monitor import far
from tests.monitor.probes.device import JPEG, LEARNED, Script
from tests.monitor.probes.fake import Fake, clock, http, serving

HEARTBEAT = frozenset({Tier.HEARTBEAT})
AHEAD_S = 3600


@pytest.fixture(scope="module")
def place() -> Iterator[far.Place]:
    with far.network() as made:
        yield made


@pytest.fixture(scope="module")
def broker(place: far.Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[far.Broker]:
    with far.broker(place, tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(scope="module")
def log(place: far.Place, broker: far.Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A collector of the zone; its log."""
    with far.collector(place, broker, tmp_path_factory.mktemp("collector") / "log") as path:
        yield path


@pytest.fixture
def camera(place: far.Place) -> Iterator[Fake]:
    with serving(lambda _: clock(), host=place.address) as fake:
        yield fake


def order(place: far.Place, camera: Fake, *canaries: int) -> Order:
    """A heartbeat of one camera, with canaries at these ports."""
    local = not place.apart
    target = Target(7, far.ZONE, place.address, camera.port, (Subject(70, HEARTBEAT),), lease="L", loopback=local)
    birds = tuple(Canary(place.address, port, loopback=local) for port in canaries)
    return Order((target,), "L", datetime.now(UTC), birds)


def ask(broker: far.Broker, sent: Order) -> Results:
    broker.send(sent)
    return broker.answer()


def test_a_zone_is_polled_by_a_process_without_a_database(
    place: far.Place, broker: far.Broker, log: Path, camera: Fake
) -> None:
    got = ask(broker, order(place, camera, camera.port))

    [reading], report = got.readings, got.report
    assert (reading.device_id, reading.lease) == (70, "L")
    assert reading.findings[Aspect.LINK].verdict is Verdict.OK
    assert report is not None
    assert (report.lease, report.canary) == ("L", "seen")
    assert report.collector.startswith("probe0@")
    assert report.cpu_s > 0
    assert abs(report.clock_offset_s or 9) < 0.5


def test_where_networks_can_be_made_there_is_no_way_to_the_database(place: far.Place) -> None:
    if not place.apart:
        pytest.skip("needs root and the means to make a network namespace")
    port = urlsplit(os.environ["DATABASE_URL"]).port or 5432
    with socket.create_server((place.address, 0)) as other:
        dial = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
        ways = [("127.0.0.1", port), (place.address, other.getsockname()[1])]
        came = [
            subprocess.run([*place.under, "python3", "-c", dial, host, str(to)], capture_output=True, check=False)
            for host, to in ways
        ]

    assert [one.returncode for one in came] == [1, 0]


def test_a_collector_that_has_lost_its_canary_says_that_it_is_blind(
    place: far.Place, broker: far.Broker, log: Path, camera: Fake
) -> None:
    with socket.create_server((place.address, 0)) as bird:
        gone = bird.getsockname()[1]

    got = ask(broker, order(place, camera, gone))

    assert got.readings[0].findings[Aspect.LINK].cause == BLIND
    assert got.report is not None
    assert got.report.canary == "lost"
    assert camera.asked == []


def test_shares_of_the_processor_add_up(place: far.Place, broker: far.Broker, log: Path, camera: Fake) -> None:
    """What one batch was told is not told again: the second costs a fraction of what starting did."""
    shares = [got.report.cpu_s for _ in range(2) if (got := ask(broker, order(place, camera))).report]

    assert 0 < shares[1] < 0.3


def test_orders_that_are_too_old_or_forged_are_refused_and_logged(
    place: far.Place, broker: far.Broker, log: Path, camera: Fake
) -> None:
    stranger = far.Broker(broker.address, broker.port, broker.password)
    stranger.send(order(place, camera))

    far.until(lambda: "was refused" in log.read_text())
    assert camera.asked == []


def test_a_collector_goes_by_the_brokers_clock_when_its_own_is_wrong(
    place: far.Place, broker: far.Broker, camera: Fake, tmp_path: Path
) -> None:
    """An hour ahead: the order is no old one, the camera's clock is right, and readings are dated as they should be."""
    with far.collector(place, broker, tmp_path / "log", AHEAD_S):
        broker.store().delete("record")
        got = ask(broker, order(place, camera))
        while got.report and got.report.collector.startswith("probe0"):  # the other collector was quicker
            got = ask(broker, order(place, camera))

    [reading], report = got.readings, got.report
    assert report is not None
    assert report.clock_offset_s == pytest.approx(AHEAD_S, abs=2)
    assert abs((reading.at - datetime.now(UTC)).total_seconds()) < 5
    assert reading.findings[Aspect.CLOCK].verdict is Verdict.OK


@pytest.mark.parametrize(
    "command",
    [
        "BRPOP probe.near 1",
        "LRANGE probe.far2 0 -1",
        "LPUSH probe.near x",
        "LRANGE record 0 -1",
        "BRPOP record 1",
        "SET record x",
        "DEL record",
        "LPUSH default x",
        "LPUSH alerts x",
        "GET picture:1:x",
        "LPUSH picture:1:x x",
        "HGET unacked:near x",
        "HGET unacked x",
        "SADD _kombu.binding.record x",
        "SET viewkeeper:1:session x",
        "KEYS *",
        "SCAN 0",
        "FLUSHALL",
        "CONFIG GET *",
        "MONITOR",
        "ACL LIST",
        "PUBLISH x y",
    ],
)
def test_a_collector_may_do_nothing_at_the_broker_but_its_part(broker: far.Broker, command: str) -> None:
    with broker.store(broker.collector_url) as store, pytest.raises(redis.exceptions.NoPermissionError):
        store.execute_command(*command.split())


def test_nothing_is_denied_that_pictures_and_looks_need(place: far.Place, broker: far.Broker, log: Path) -> None:
    passport = {**LEARNED, "snapshot_auth": "none"}
    sight = Subject(70, frozenset({Tier.HEARTBEAT, Tier.PICTURE}), passport=passport)
    with serving(Script({"/snap.jpg": http(200, JPEG)}), host=place.address) as seen:
        goal = Target(7, far.ZONE, place.address, seen.port, (sight,), lease="L", loopback=not place.apart)
        [reading] = ask(broker, Order((goal,), "L", datetime.now(UTC))).readings
        [looked] = broker.look(Order((goal,), "L", datetime.now(UTC)), 5).readings

    assert reading.picture is not None and looked.picture is not None
    assert broker.steps > 0
    with broker.store() as store:
        assert store.exists(reading.picture.key, looked.picture.key) == 2
    assert "NOPERM" not in log.read_text()
    assert "No permission" not in log.read_text()
