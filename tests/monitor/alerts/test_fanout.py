"""Specification of who is told what: everybody who may know and wants to, once, and only what is worth a mail."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from devices.models import Device, Membership, Role, User
from monitor.alerts import fanout
from monitor.alerts.fanout import fan_out, recipients
from monitor.models import Event, Incident, Notification
from tests import factories
from tests.monitor.visits import START, minute

OPENED, CLOSED = Event.Kind.OPENED, Event.Kind.CLOSED


@pytest.fixture
def outage(camera: Device) -> Incident:
    return factories.incident(camera, started_at=START)


def tell(incident: Incident, kind: Event.Kind = OPENED, ready: float = 0) -> Event:
    return factories.event(incident, kind=kind, at=START, ready_at=minute(ready))


def outcome(event: Event) -> str:
    event.refresh_from_db()
    return event.outcome


def told() -> list[tuple[str, str]]:
    """Whom of what, in the order it was written down."""
    found = Notification.objects.order_by("pk").select_related("user", "event")
    return [(item.user.username, item.event.kind) for item in found]


# -- when


def test_an_event_is_told_when_its_settle_time_is_over(outage: Incident, officer: User) -> None:
    event = tell(outage, ready=1)

    assert fan_out(minute(1) - timedelta(microseconds=1)) == 0
    assert fan_out(minute(1)) == 1

    notification = Notification.objects.get()
    assert (notification.event, notification.user, notification.route) == (event, officer, "mail")
    assert (notification.created_at, notification.due_at) == (minute(1), minute(1))
    assert (outcome(event), event.done_at) == ("told", minute(1))


def test_an_event_is_told_once(outage: Incident, officer: User) -> None:
    tell(outage)

    assert [fan_out(START), fan_out(START)] == [1, 0]
    assert told() == [(officer.username, "opened")]


def test_one_run_takes_only_so_many_the_oldest_first(
    outage: Incident, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "EVENTS", 1)
    late = factories.event(outage, kind=CLOSED, at=minute(1), ready_at=START)
    tell(outage)

    assert fan_out(minute(2)) == 1
    assert outcome(late) == ""
    assert fan_out(minute(2)) == 1
    assert told() == [(officer.username, "opened"), (officer.username, "closed")]


# -- what need not be told


def test_a_consequence_is_adopted_silently(outage: Incident, officer: User) -> None:
    event = tell(outage)
    adopted(outage)
    fan_out(START)

    assert (outcome(event), told()) == ("adopted", [])


@pytest.fixture
def technician(camera: Device) -> User:
    """Maintains the camera, and nothing else of the compound."""
    contract = factories.contract()
    Device.objects.filter(pk=camera.pk).update(contract=contract)
    return factories.technician(contract.contractor, wants_mail=True)


def adopted(outage: Incident) -> Incident:
    """The outage is the consequence of the compound's switch, which is somebody else's."""
    outage.root = factories.incident(factories.device(outage.device.compound, kind="switch"), started_at=START)
    outage.save()
    return outage.root


def test_whoever_hears_nothing_of_the_cause_is_told_of_the_consequence(
    outage: Incident, officer: User, technician: User
) -> None:
    event, cause = tell(outage), tell(adopted(outage))
    fan_out(START)

    assert (outcome(event), outcome(cause)) == ("told", "told")
    assert sorted(told()) == sorted([(officer.username, "opened"), (technician.username, "opened")])
    assert Notification.objects.get(event=event).user == technician


def test_whoever_was_told_of_a_consequence_is_told_of_its_end(
    outage: Incident, officer: User, technician: User
) -> None:
    tell(outage)
    adopted(outage)
    fan_out(START)
    Incident.objects.filter(pk=outage.pk).update(ended_at=minute(1))
    end = tell(outage, CLOSED)
    fan_out(minute(1))

    assert outcome(end) == "told"
    assert told() == [(technician.username, "opened"), (technician.username, "closed")]


def test_a_consequence_whose_cause_has_gone_is_told_to_those_who_do_not_know_of_it(
    outage: Incident, officer: User, technician: User
) -> None:
    tell(outage)
    adopted(outage)
    fan_out(START)
    Incident.objects.filter(pk=outage.pk).update(root=None)
    tell(outage, ready=5)
    fan_out(minute(5))

    assert told() == [(technician.username, "opened"), (officer.username, "opened")]


def test_a_consequence_that_was_over_before_it_settled_is_told_to_nobody(outage: Incident, technician: User) -> None:
    event = tell(outage)
    adopted(outage)
    Incident.objects.filter(pk=outage.pk).update(ended_at=START)
    fan_out(START)

    assert (outcome(event), told()) == ("adopted", [])


def test_what_was_over_before_it_settled_is_not_told_nor_is_its_end(outage: Incident, officer: User) -> None:
    begin = tell(outage, ready=1)
    Incident.objects.update(ended_at=minute(0.5))
    end = tell(outage, CLOSED, ready=0.5)

    fan_out(minute(0.5))
    fan_out(minute(1))

    assert (outcome(begin), outcome(end), told()) == ("brief", "untold", [])


def test_the_end_is_told_to_whom_the_beginning_was(outage: Incident, officer: User) -> None:
    tell(outage)
    fan_out(START)
    newcomer = factories.officer(outage.device.compound.district, wants_mail=True)
    Incident.objects.update(ended_at=minute(1))
    tell(outage, CLOSED)
    fan_out(minute(1))

    assert newcomer in recipients(outage.device)
    assert told() == [(officer.username, "opened"), (officer.username, "closed")]


def test_whoever_no_longer_wants_mails_is_not_told_of_the_end(outage: Incident, officer: User) -> None:
    tell(outage)
    fan_out(START)
    Membership.objects.update(wants_mail=False)
    end = tell(outage, CLOSED)
    fan_out(START)

    assert (outcome(end), told()) == ("nobody", [(officer.username, "opened")])


def test_an_outage_told_before_its_cause_came_and_went_is_not_told_again(outage: Incident, officer: User) -> None:
    tell(outage)
    fan_out(START)
    again = tell(outage, ready=5)
    fan_out(minute(5))

    assert (outcome(again), told()) == ("repeated", [(officer.username, "opened")])


def test_an_outage_that_was_adopted_is_told_when_its_cause_has_gone(outage: Incident, officer: User) -> None:
    first = tell(outage)
    Event.objects.update(done_at=START, outcome="adopted")
    again = tell(outage, ready=5)
    fan_out(minute(5))

    assert (outcome(first), outcome(again)) == ("adopted", "told")


def test_an_outage_that_concerns_nobody_says_so(outage: Incident) -> None:
    event = tell(outage)
    fan_out(START)

    assert (outcome(event), told()) == ("nobody", [])


def test_the_end_of_what_concerned_nobody_is_not_told(outage: Incident) -> None:
    tell(outage)
    fan_out(START)
    factories.officer(outage.device.compound.district, wants_mail=True)
    end = tell(outage, CLOSED)
    fan_out(START)

    assert (outcome(end), told()) == ("untold", [])


# -- who


def test_an_officer_of_the_district_is_told(camera: Device, officer: User) -> None:
    assert recipients(camera) == [officer]


def test_an_officer_of_the_compound_is_told(camera: Device) -> None:
    officer = factories.member(Role.OFFICER, compound=camera.compound, wants_mail=True)

    assert recipients(camera) == [officer]


def test_an_administrator_who_wants_mails_is_told(camera: Device) -> None:
    admin = factories.member(Role.ADMIN, wants_mail=True)

    assert recipients(camera) == [admin]


def test_the_contractor_of_the_device_is_told(camera: Device) -> None:
    contract = factories.contract()
    Device.objects.update(contract=contract)
    camera.refresh_from_db()
    technician = factories.technician(contract.contractor, wants_mail=True)

    assert recipients(camera) == [technician]


def test_the_owner_of_the_compound_is_told(camera: Device) -> None:
    owner = factories.organisation("owner")
    camera.compound.owner = owner
    viewer = factories.member(Role.VIEWER, owner, wants_mail=True)
    camera.compound.save()

    assert recipients(camera) == [viewer]


def test_everybody_is_told_once_however_many_memberships(camera: Device, officer: User) -> None:
    Membership.objects.create(
        user=officer,
        organisation=factories.organisation(),
        role=Role.OFFICER,
        compound=camera.compound,
        wants_mail=True,
    )

    assert recipients(camera) == [officer]


def test_whoever_sees_the_device_but_wants_no_mail_is_not_told(camera: Device) -> None:
    factories.officer(camera.compound.district)
    factories.admin()

    assert recipients(camera) == []


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}])
def test_whoever_cannot_get_or_read_it_is_not_told(camera: Device, officer: User, change: dict[str, object]) -> None:
    User.objects.update(**change)

    assert recipients(camera) == []


def test_strangers_are_not_told(camera: Device) -> None:
    """An officer of elsewhere, a contractor without the device, another owner, a contractor's other contract."""
    contract = factories.contract()
    Device.objects.update(contract=contract)
    camera.refresh_from_db()
    factories.officer(wants_mail=True)
    factories.technician(factories.organisation("contractor"), wants_mail=True)
    factories.technician(contract.contractor, contract=factories.contract(contract.contractor), wants_mail=True)
    factories.member(Role.VIEWER, factories.organisation("owner"), wants_mail=True)

    assert recipients(camera) == []


# -- two at the same time


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_time_tell_everybody_once() -> None:
    camera = factories.device()
    factories.officer(camera.compound.district, wants_mail=True)
    for _ in range(20):
        tell(factories.incident(factories.device(camera.compound), started_at=START))
    gate, dealt = threading.Barrier(3), []

    def work() -> None:
        gate.wait()
        dealt.append(fan_out(minute(1)))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(dealt) == Notification.objects.count() == 20
