"""Specification of a seeded fleet: a register that fits the virtual devices, a past that adds up, all of it demo."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, F, Max, Min, Q, Sum

from devices.models import Compound, Device, District, Endpoint, Kind, Organisation, Slot, Zone
from monitor.benching.seeding import places
from monitor.models import DeviceHour, DeviceState, Incident, Schedule, Transition
from monitor.quickstart.demo.remove import remove
from monitor.simulator.fleet.members import Fleet
from tests import factories

pytestmark = pytest.mark.django_db
DEVICES, COMPOUNDS, DAYS = 250, 5, 10


def seed(*more: str) -> str:
    out = io.StringIO()
    known = ("--devices", str(DEVICES), "--compounds", str(COMPOUNDS), "--days", str(DAYS), "--hours-days", "3")
    call_command("seed_fleet", *known, *more, stdout=out)
    return out.getvalue()


def differing(table: str) -> list[tuple[str, str]]:
    """Indexes and constraints of a table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass"
            " UNION SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s ORDER BY 1",
            [table, table],
        )
        return list(cursor.fetchall())


# -- names


def test_a_thousand_compounds_have_a_name_of_their_own() -> None:
    assert len({(places.district_of(n), places.name_of(n)) for n in range(10_000)}) == 10_000


def test_every_type_of_compound_is_there() -> None:
    assert {places.type_of(n) for n in range(40)} == set(Compound.Type)


# -- the register


def test_each_device_is_where_its_virtual_one_is() -> None:
    seed()
    fleet = Fleet(DEVICES)
    asked = Device.objects.filter(endpoint__isnull=False).select_related("endpoint__credential")
    by_code = {int(device.code[-6:]): device for device in asked}

    assert len(by_code) > DEVICES * 0.98
    for index, device in by_code.items():
        member, end = fleet.member(index), device.endpoint
        assert end is not None
        assert (end.host, end.port, device.channel) == (member.host, member.port, member.channel)
        if end.credential:
            assert (end.credential.username, end.credential.password) == (member.username, member.password)


def test_the_tree_of_parents_stays_in_its_compound() -> None:
    seed()

    assert Device.objects.filter(parent__isnull=False).exclude(compound=F("parent__compound")).count() == 0
    below = Device.objects.filter(kind=Kind.SWITCH).annotate(n=Count("children")).values_list("n", flat=True)
    assert max(below) == 24


def test_devices_pass_the_register_s_own_checks() -> None:
    seed()

    for device in Device.objects.select_related("parent__parent", "compound", "endpoint")[:30]:
        device.full_clean()


def test_some_switches_have_no_address_and_some_slots_no_device() -> None:
    seed()

    assert Device.objects.filter(kind=Kind.SWITCH, endpoint=None).exists()
    assert Slot.objects.filter(device=None).exists()


# -- the past


def test_hours_are_booked_to_the_second_and_agree_with_the_incidents() -> None:
    seed()
    hours = DeviceHour.objects.annotate(whole=F("online_s") + F("offline_s") + F("blind_s") + F("excluded_s"))
    span = hours.aggregate(least=Min("whole"), most=Max("whole"), first=Min("start"), last=Max("start"), n=Count("pk"))
    asked = Device.objects.exclude(endpoint=None).count()

    assert (span["least"], span["most"], span["n"]) == (3600, 3600, asked * 3 * 24)
    began = span["first"]
    for incident in Incident.objects.filter(aspect="link", started_at__gte=began, device__endpoint__isnull=False)[:5]:
        end = incident.ended_at or span["last"] + timedelta(hours=1)
        booked = DeviceHour.objects.filter(device=incident.device, start__gt=incident.started_at - timedelta(hours=1))
        offline = booked.filter(start__lt=end).aggregate(total=Sum("offline_s"), blind=Sum("blind_s"))
        assert offline["total"] == pytest.approx((end - incident.started_at).total_seconds(), abs=offline["blind"] + 60)


def test_open_incidents_are_what_the_states_hold() -> None:
    seed()
    bad = DeviceState.objects.exclude(status="online")

    assert set(Incident.objects.open().values_list("device", flat=True)) == set(bad.values_list("device", flat=True))
    assert DeviceState.objects.count() == DEVICES


def test_a_switch_takes_along_what_hangs_on_it() -> None:
    seed()
    roots = Incident.objects.annotate(n=Count("consequences")).filter(n__gt=0)

    assert roots.exists()
    assert not roots.filter(~Q(device__kind__in=(Kind.SWITCH, Kind.RECORDER))).exists()


def test_the_same_seed_has_the_same_past() -> None:
    def past() -> list[tuple[object, ...]]:
        found = Incident.objects.order_by("device__code", "started_at")
        return list(found.values_list("device__code", "cause"))

    seed()
    first = past()
    remove()
    seed()

    assert past() == first


def test_the_hours_table_has_its_indexes_and_checks_again() -> None:
    before = differing("monitor_devicehour")
    seed()

    assert differing("monitor_devicehour") == before


def test_every_endpoint_is_on_the_schedule() -> None:
    seed()

    assert Schedule.objects.count() == Endpoint.objects.count()


# -- demo, and nothing else


def test_it_can_be_taken_away_again() -> None:
    districts = District.objects.count()
    seed()
    remove()

    rows = [model._default_manager.count() for model in (Device, Endpoint, Compound, Organisation, Zone, DeviceHour)]
    assert rows == [0] * 6
    assert Transition.objects.count() == 0
    assert District.objects.count() == districts


@pytest.mark.parametrize(
    ("prepare", "more", "told"),
    [
        (seed, (), "a fleet is there already"),
        (factories.compound, (), "1 real compounds"),
        (lambda: factories.zone("demo"), (), "zone demo is a real one"),
        (lambda: None, ("--compounds", "6"), "at most 5"),
        (lambda: None, ("--address-hosts", "10.0.0.0/8"), "not of 127.0.0.0/8"),
        (lambda: None, ("--hours-days", "11"), "--hours-days at most --days"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(prepare: Callable[[], object], more: tuple[str, ...], told: str) -> None:
    prepare()
    with pytest.raises(CommandError, match=told):
        seed(*more)


def test_beside_real_compounds_only_when_forced() -> None:
    real = factories.device()
    seed("--force")
    remove()

    assert list(Device.objects.all()) == [real]
