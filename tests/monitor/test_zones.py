"""Which zones the platform does not see: what batches report, when a zone is blind, when it sees again."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from devices.models import Device, Zone
from monitor import zones
from monitor.models import Batch, Pulse, ZoneState
from monitor.probes.doubt import LAG_LIMIT_S
from monitor.wire import Aspect, Finding, Reading, Report, Verdict
from monitor.zones import CANARY_LOST, NO_KEY, NO_REPORT, SLOW, Sight, blindness
from tests import factories
from tests.monitor.visits import GOOD, OFF, START, bad

pytestmark = pytest.mark.django_db
S = timedelta(seconds=1)
LIMIT = timedelta(seconds=zones.SHORTEST_S)


@pytest.fixture
def camera() -> Device:
    """A camera in zone `local` that is polled, on a platform that has been at work for an hour."""
    device = factories.device()
    factories.schedule(device)
    Pulse.objects.create(name="housekeep", at=START - 60 * S)
    Pulse.objects.create(name=zones.UP, at=START - 3600 * S)
    return device


@pytest.fixture
def local(camera: Device) -> Zone:
    return factories.zone("local")


def sent(zone: Zone, at: datetime, **fields: Any) -> Batch:
    return Batch.objects.create(lease=uuid.uuid4(), zone=zone, sent_at=at, endpoints=10, **fields)


def report(batch: Batch, **fields: Any) -> Report:
    return Report(str(batch.lease), collector="probe1@far", took_s=1.5, cpu_s=0.25, **fields)


def reading(batch: Batch, link: Finding = GOOD, **more: Finding) -> Reading:
    findings = {Aspect.LINK: link} | {Aspect(name): found for name, found in more.items()}
    return Reading(1, 1, START, 5.0, findings, lease=str(batch.lease))


def state() -> ZoneState:
    return ZoneState.objects.get()


# -- what batches report


def test_helpings_add_up_and_the_report_ends_the_batch(local: Zone) -> None:
    batch = sent(local, START)
    late = Finding(Verdict.UNKNOWN, "late")
    zones.take_report("local", None, [reading(batch), reading(batch, OFF)], 0.25, START)
    zones.take_report(
        "local", report(batch), [reading(batch, access=bad("login_refused")), reading(batch, late)], 0.5, START
    )

    batch.refresh_from_db()
    assert batch.outcomes == {"ok": 1, "no_answer": 1, "login_refused": 1, "late": 1}
    assert (batch.readings, batch.record_s, batch.done_at) == (4, 0.75, START)
    assert (batch.took_s, batch.cpu_s, batch.collector) == (1.5, 0.25, "probe1@far")


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"canary": "none"}, True),
        ({"canary": "seen", "lag_s": LAG_LIMIT_S}, True),
        ({"canary": "lost"}, False),
        ({"canary": "seen", "lag_s": LAG_LIMIT_S + 0.1}, False),
    ],
)
def test_a_zone_was_seen_when_its_canaries_were_and_its_collector_kept_up(
    local: Zone, fields: dict[str, Any], seen: bool
) -> None:
    zones.take_report("local", report(sent(local, START), clock_offset_s=7.5, **fields), [], 0.1, START)

    assert (state().seen_at is not None) is seen
    assert state().clock_offset_s == 7.5


def test_a_report_that_comes_twice_counts_once(local: Zone) -> None:
    batch = sent(local, START)
    for minute in (0, 1):
        zones.take_report("local", report(batch), [], 0.0, START + minute * 60 * S)

    assert (state().seen_at, Batch.objects.get().done_at) == (START, START)


@pytest.mark.parametrize("lease", ["", "nonsense", "0f3c9a52-7d61-4b8e-9c24-5a1be07d3f60", "another zone's"])
def test_a_report_on_what_was_not_sent_to_that_zone_is_refused(
    local: Zone, lease: str, caplog: pytest.LogCaptureFixture
) -> None:
    batch = sent(factories.zone("other"), START)
    forged = Report(str(batch.lease) if lease == "another zone's" else lease, canary="seen")

    zones.take_report("local", forged, [], 0.0, START)

    assert "refused" in caplog.text
    assert not ZoneState.objects.exists()
    assert Batch.objects.get().done_at is None


# -- when a zone is blind


def sight(**fields: Any) -> Sight:
    given = {"has_key": True, "seen_at": START, "asked_at": None, "lost_at": None, "newest": None, "limit": LIMIT}
    return Sight(**{**given, **fields})


def back(at: datetime, canary: str = "none") -> Batch:
    return Batch(done_at=at, canary=canary)


LATER = START + LIMIT + 11 * S
ASKED = START + 10 * S


@pytest.mark.parametrize(
    ("held", "found"),
    [
        ({}, None),
        ({"has_key": False}, (START, NO_KEY)),
        ({"lost_at": ASKED}, (ASKED, CANARY_LOST)),
        ({"asked_at": ASKED}, (START, NO_REPORT)),
        ({"asked_at": ASKED + S}, None),
        ({"asked_at": ASKED, "seen_at": None}, (ASKED, NO_REPORT)),
        ({"asked_at": ASKED, "newest": back(START)}, (START, NO_REPORT)),
        ({"asked_at": ASKED, "newest": back(LATER, "lost")}, (START, CANARY_LOST)),
        ({"asked_at": ASKED, "newest": back(LATER, "seen")}, (START, SLOW)),
    ],
)
def test_the_truth_table_of_blindness(held: dict[str, Any], found: tuple[datetime, str] | None) -> None:
    assert blindness(sight(**held), LATER) == found


def test_a_zone_whose_collector_went_away_is_blind_since_it_was_last_seen(local: Zone) -> None:
    ZoneState.objects.create(zone=local, seen_at=START - 300 * S)
    sent(local, START - 250 * S)

    assert zones.watch(START) == 1

    assert (state().blind_since, state().blind_why) == (START - 300 * S, NO_REPORT)
    assert zones.watch(START) == 0


@pytest.mark.parametrize(("every", "stretch", "blind"), [(60, 1.0, True), (90, 1.0, False), (60, 2.0, False)])
def test_what_is_asked_for_seldom_may_be_silent_for_longer(
    camera: Device, local: Zone, every: int, stretch: float, blind: bool
) -> None:
    camera.endpoint.schedule.heartbeat_every = every  # type: ignore[union-attr]
    camera.endpoint.schedule.save()  # type: ignore[union-attr]
    ZoneState.objects.create(zone=local, seen_at=START - 300 * S, heartbeat_stretch=stretch)
    sent(local, START - 250 * S)

    zones.watch(START)

    assert (state().blind_since is not None) is blind


def test_nothing_is_blamed_on_a_collector_while_the_platform_itself_was_down(local: Zone) -> None:
    ZoneState.objects.create(zone=local, seen_at=START - 9000 * S)
    sent(local, START - 8000 * S)
    Pulse.objects.filter(name="housekeep").update(at=START - 8000 * S)

    assert zones.watch(START) == 0
    assert Pulse.objects.get(name=zones.UP).at == START


def test_a_zone_that_was_asked_for_nothing_is_not_blind(local: Zone) -> None:
    ZoneState.objects.create(zone=local, seen_at=START - 900 * S)

    assert zones.watch(START) == 0


def test_batches_that_all_lost_their_canaries_make_a_zone_blind_at_once(local: Zone) -> None:
    ZoneState.objects.create(zone=local, seen_at=START - 20 * S)
    for age in (15, 10, 5):
        sent(local, START - age * S, done_at=START - S, canary="lost")

    zones.watch(START)

    assert (state().blind_since, state().blind_why) == (START - 15 * S, CANARY_LOST)


def test_a_zone_without_a_key_is_blind_and_says_so(local: Zone, settings: Settings) -> None:
    settings.VIEWKEEPER_ZONE_KEYS = {}

    zones.watch(START)

    assert state().blind_why == NO_KEY


def test_a_zone_that_reports_well_again_sees(local: Zone) -> None:
    ZoneState.objects.create(zone=local, seen_at=START - S, blind_since=START - 600 * S, blind_why=NO_REPORT)

    assert zones.watch(START) == 1

    assert (state().blind_since, state().blind_why) == (None, "")


def test_a_blind_zone_in_which_nothing_is_polled_any_more_is_forgotten(local: Zone, camera: Device) -> None:
    ZoneState.objects.create(zone=local, blind_since=START, blind_why=NO_REPORT)
    camera.endpoint.schedule.delete()  # type: ignore[union-attr]

    assert zones.watch(START) == 1
    assert state().blind_since is None


def test_a_new_reason_does_not_make_blindness_younger(local: Zone) -> None:
    ZoneState.objects.create(zone=local, seen_at=START - 999 * S, blind_since=START - 900 * S, blind_why=NO_REPORT)
    for age in (15, 10, 5):
        sent(local, START - age * S, done_at=START - S, canary="lost")

    zones.watch(START)

    assert (state().blind_since, state().blind_why) == (START - 900 * S, CANARY_LOST)
