"""Specification of what happens at the same time: real threads, each with a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from devices.models import Device
from monitor import claims, incidents, recording, schedule
from monitor.alerts.fanout import fan_out
from monitor.health import Change, State
from monitor.models import DeviceState, Event, Incident, Picture, Proposal, Schedule, Transition
from monitor.overview.acts import Act
from monitor.overview.proposals import AlreadyDecided, grant, press, refuse
from monitor.wire import Aspect
from tests import factories
from tests.monitor.visits import GOOD, OFF, START, claim_due, lease, minute, reading, take_in, visit

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 10.0


class Other(threading.Thread):
    """Somebody else at work; `done()` waits for the end and raises what went wrong there."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.error = error
        finally:
            connection.close()

    def done(self) -> None:
        self.join(PATIENCE_S)
        assert not self.is_alive(), "it waits for ever"
        if self.error:
            raise self.error


def until_somebody_waits() -> None:
    """Until another connection waits for a lock that we hold."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.fixture
def switch() -> Device:
    return factories.device(kind="switch")


@pytest.fixture
def camera(switch: Device) -> Device:
    return factories.device(switch.compound, parent=switch)


def fail(device: Device) -> None:
    change = Change(State.SUSPECT, State.FAULTY, START, START, "no_answer", {})
    with transaction.atomic():
        incidents.apply([incidents.Turned(device.pk, Aspect.LINK, change, 60)], START)


@pytest.mark.parametrize("switch_first", [True, False])
def test_two_batches_that_find_a_switch_and_its_camera_down_see_each_other(
    switch: Device, camera: Device, switch_first: bool
) -> None:
    first, second = (switch, camera) if switch_first else (camera, switch)
    with transaction.atomic():
        fail(first)
        other = Other(lambda: fail(second))
        until_somebody_waits()
    other.done()

    assert Incident.objects.get(device=camera).root == Incident.objects.get(device=switch)


def test_batches_of_a_zone_do_not_wait_for_each_other(switch: Device, camera: Device) -> None:
    visit(switch, START)
    visit(camera, START)
    with transaction.atomic():
        visit(switch, minute(1))
        Other(lambda: visit(camera, minute(1))).done()

    assert DeviceState.objects.filter(looked_at=minute(1)).count() == 2


def test_the_same_reading_recorded_twice_at_once_counts_once(camera: Device) -> None:
    once = [reading(camera, START, lease(camera), OFF)]
    gate, counted = threading.Barrier(3), []

    def work() -> None:
        gate.wait()
        counted.append(take_in(once, START))

    for other in [Other(work) for _ in range(3)]:
        other.done()

    assert sorted(counted) == [0, 0, 1]
    assert Transition.objects.count() == 1


@contextmanager
def held(device: Device) -> Iterator[None]:
    """Somebody is writing the schedule row of this device."""
    with transaction.atomic():
        Schedule.objects.select_for_update().get(endpoint=device.endpoint)
        yield


def test_a_parent_that_another_batch_holds_is_not_waited_for(switch: Device, camera: Device) -> None:
    lease(switch)
    batch = [reading(camera, START, lease(camera), OFF)]
    with held(switch):
        Other(lambda: take_in(batch, START)).done()

    assert DeviceState.objects.filter(device=camera).exists()


def test_bringing_the_schedule_in_step_does_not_wait_for_a_batch_to_take_rows_away(
    switch: Device, camera: Device
) -> None:
    schedule.sync(START)
    Device.objects.update(pause_reason="painting")
    with held(camera):
        Other(lambda: schedule.sync(START)).done()

    assert [row.endpoint_id for row in Schedule.objects.all()] == [camera.endpoint_id]


def test_batches_of_the_same_devices_in_any_order_never_lock_each_other_out() -> None:
    """Recording, our silence, the tick and changed intervals, all at once and again and again."""
    place = factories.compound()
    switch = factories.device(place, kind="switch")
    cameras = [factories.device(place, parent=switch) for _ in range(12)]
    schedule.sync(START)
    zone = factories.zone().pk

    def record(offset: int) -> None:
        mine = cameras[offset::2] if offset % 2 else list(reversed(cameras[offset::2]))
        for number in range(8):
            at = minute(number + offset / 10)
            found = OFF if number % 4 < 2 else GOOD
            take_in([reading(item, at, lease(item, at), found) for item in [*mine, switch]], at)

    def keep_house() -> None:
        for number in range(8):
            recording.mark_silent(minute(number * 7))
            schedule.sync(minute(number))
            claim_due(zone, minute(number))
            fan_out(minute(number))

    for other in [Other(lambda: record(0)), Other(lambda: record(1)), Other(keep_house)]:
        other.done()

    open_links = Incident.objects.open().filter(aspect=Aspect.LINK).values_list("device", flat=True)
    offline = DeviceState.objects.filter(status="offline").values_list("device", flat=True)
    assert sorted(open_links) == sorted(offline)


def test_what_is_being_told_is_not_waited_for_by_the_next_teller(camera: Device) -> None:
    fail(camera)
    with transaction.atomic():
        Event.objects.select_for_update().get()
        Other(lambda: fan_out(minute(9))).done()

    assert Event.objects.get().done_at is None


def test_a_look_and_a_tick_never_both_hold_an_endpoint(camera: Device) -> None:
    schedule.sync(START)
    due = minute(60)
    gate, got = threading.Barrier(2), []

    def tick() -> None:
        gate.wait()
        found = claim_due(factories.zone().pk, due)
        got.append(camera.endpoint_id in {claim.endpoint_id for claim in found})

    def look() -> None:
        gate.wait()
        got.append(claims.claim_for_look(camera, due) is not None)

    for other in (Other(tick), Other(look)):
        other.done()

    assert sum(got) == 1


def test_a_visit_is_recorded_while_another_of_the_same_batch_is_claimed(switch: Device, camera: Device) -> None:
    visit(camera, START)
    lease(switch, minute(1))
    with held(switch):
        Other(lambda: visit(camera, minute(1))).done()

    assert DeviceState.objects.get(device=camera).looked_at == minute(1)


# -- the view of a camera


def test_a_press_that_waited_counts_as_what_it_is_worth_by_then(camera: Device) -> None:
    """The contractor pressed before the police had accepted anything; they were done first, so it is a proposal."""
    contract = factories.contract()
    Device.objects.filter(pk=camera.pk).update(contract=contract)
    state = factories.last_picture(factories.state(camera))
    manager, officer = factories.manager(contract.contractor), factories.officer(camera.compound.district)
    now = state.picture_at or START

    with transaction.atomic():
        press(Act.ACCEPT, camera, officer, now)
        contractor = Other(lambda: press(Act.ACCEPT, Device.objects.get(pk=camera.pk), manager, now))
        until_somebody_waits()
    contractor.done()

    assert Picture.objects.get(role="reference").accepted_by == officer
    assert Proposal.objects.get().proposed_by == manager


def test_of_two_decisions_the_first_counts(camera: Device) -> None:
    proposal = factories.proposal(camera, factories.user())
    factories.state(camera)
    officers = [factories.officer(camera.compound.district) for _ in range(2)]

    with transaction.atomic():
        refuse(proposal.pk, officers[0], START, "no")
        late = Other(lambda: grant(proposal.pk, officers[1], START))
        until_somebody_waits()
    with pytest.raises(AlreadyDecided):
        late.done()

    proposal.refresh_from_db()
    assert (proposal.outcome, proposal.decided_by) == ("refused", officers[0])
