"""Specification of the policies: whose rules speak of a device, which of them win, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from devices.models import Device, Kind
from monitor import schedule
from monitor.models import PolicyRule, Schedule
from monitor.policies import Policies
from monitor.policy import PROBES, Policy
from monitor.wire import Probe
from tests import factories
from tests.monitor.visits import START, minute


@pytest.fixture
def camera(db: None) -> Device:
    return factories.device()


def occasion(*devices: Device, **fields: object) -> PolicyRule:
    """A list of devices under a policy of its own from minute 10 to minute 20."""
    given = {"name": "Marathon", "starts_at": minute(10), "ends_at": minute(20), **fields}
    rule = PolicyRule.objects.create(**given)
    rule.devices.set(devices)
    return rule


# -- lasting rules


@pytest.mark.parametrize(
    ("rules", "seconds"),
    [
        ([], 60),
        (["everywhere"], 1),
        (["everywhere", "zone"], 2),
        (["everywhere", "zone", "kind"], 3),
        (["everywhere", "zone", "kind", "zone and kind"], 4),
        (["compound", "zone and kind", "everywhere"], 5),
        (["compound and kind", "compound", "zone and kind"], 6),
        (["all three", "compound and kind"], 7),
        (["another zone", "another kind", "another compound"], 60),
    ],
)
def test_the_most_specific_rule_wins(camera: Device, rules: list[str], seconds: int) -> None:
    assert camera.endpoint is not None
    here = {"zone": camera.endpoint.zone, "compound": camera.compound, "kind": camera.kind}
    scopes: dict[str, dict[str, object]] = {
        "everywhere": {},
        "zone": {"zone": here["zone"]},
        "kind": {"kind": here["kind"]},
        "zone and kind": {"zone": here["zone"], "kind": here["kind"]},
        "compound": {"compound": here["compound"]},
        "compound and kind": {"compound": here["compound"], "kind": here["kind"]},
        "all three": here,
        "another zone": {"zone": factories.zone("other")},
        "another kind": {"kind": "switch"},
        "another compound": {"compound": factories.compound()},
    }
    for name in rules:
        PolicyRule.objects.create(heartbeat_s=list(scopes).index(name) + 1, **scopes[name])

    assert Policies().of_device(camera).heartbeat_s == seconds


def test_an_empty_field_keeps_what_a_wider_rule_says(camera: Device) -> None:
    PolicyRule.objects.create(heartbeat_s=30, settle_s=0)
    PolicyRule.objects.create(kind=camera.kind, picture_s=300)

    assert Policies().of_device(camera) == Policy(heartbeat_s=30, settle_s=0, picture_s=300)


def test_a_device_without_an_endpoint_has_the_policy_of_its_compound(camera: Device) -> None:
    channel = factories.device(camera.compound, endpoint=None)
    PolicyRule.objects.create(zone=factories.zone(), heartbeat_s=30)

    assert Policies().of_device(channel).heartbeat_s == 60


def test_the_kinds_without_onvif_are_kinds_of_the_register() -> None:
    assert set(PROBES) <= set(Kind)


def test_a_rule_names_another_probe_and_its_ports(camera: Device) -> None:
    PolicyRule.objects.create(kind=camera.kind, probe=Probe.TCP, ports="443,22")

    policy = Policies().of_device(camera)
    assert (policy.probe, policy.ports) == (Probe.TCP, (443, 22))


def test_only_the_register_s_own_port_is_dialled_unless_a_rule_names_others(camera: Device) -> None:
    Device.objects.update(kind=Kind.SWITCH)
    camera.refresh_from_db()

    assert Policies().of_device(camera).ports == ()


# -- occasions


@pytest.mark.parametrize(("at", "seconds"), [(9.99, 60), (10, 5), (19.99, 5), (20, 60)])
def test_an_occasion_tightens_between_its_instants(camera: Device, at: float, seconds: int) -> None:
    occasion(camera, heartbeat_s=5)

    assert Policies(minute(at)).of_device(camera).heartbeat_s == seconds


def test_an_occasion_speaks_only_of_the_devices_on_its_list(camera: Device) -> None:
    beside = factories.device(camera.compound)
    occasion(camera, heartbeat_s=5)

    assert Policies(minute(15)).of_device(beside).heartbeat_s == 60


def test_an_occasion_wins_over_every_lasting_rule_and_keeps_what_it_says_nothing_of(camera: Device) -> None:
    occasion(camera, heartbeat_s=5)
    PolicyRule.objects.create(compound=camera.compound, kind=camera.kind, heartbeat_s=30, picture_s=300)

    assert Policies(minute(15)).of_device(camera) == Policy(heartbeat_s=5, picture_s=300)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_occasions_the_tighter_figure_counts_whichever_was_entered_last(camera: Device, turned: bool) -> None:
    for seconds in (20, 10) if turned else (10, 20):
        occasion(camera, heartbeat_s=seconds, picture_s=600 // seconds)

    policy = Policies(minute(15)).of_device(camera)
    assert (policy.heartbeat_s, policy.picture_s) == (10, 30)


def test_an_occasion_reaches_the_schedule_with_the_next_round_and_leaves_it_so(camera: Device) -> None:
    occasion(camera, heartbeat_s=5)
    every = []
    for at in (START, minute(10), minute(20)):
        schedule.sync(at)
        every.append(Schedule.objects.get(endpoint=camera.endpoint_id).heartbeat_every)

    assert every == [60, 5, 60]


# -- cost


def test_a_batch_reads_the_rules_once_and_the_lists_in_force_once(
    camera: Device, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    devices = [camera, *(factories.device(camera.compound) for _number in range(3))]
    occasion(*devices[:2], heartbeat_s=5)
    occasion(devices[3], heartbeat_s=5, ends_at=minute(10) + timedelta(minutes=1))

    with django_assert_num_queries(2):
        policies = Policies(minute(15))
        found = [policies.of_device(device).heartbeat_s for device in devices]

    assert found == [5, 5, 60, 60]


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ([], (60, 10)),
        ([{"heartbeat_s": 6, "deadline_s": 2}], (6, 2)),  # of the whole zone: nobody has the defaults
        ([{"heartbeat_s": 90, "deadline_s": 5}, {"kind": "switch", "heartbeat_s": 30}], (30, 5)),
        ([{"kind": "switch", "deadline_s": 5}], (60, 10)),
        ([{"kind": "switch", "deadline_s": 20}, {"kind": "onu", "heartbeat_s": 300}], (60, 20)),
        ([{"zone": "another", "heartbeat_s": 6, "deadline_s": 2}], (60, 10)),
    ],
)
def test_the_extremes_of_a_zone_are_those_of_what_may_be_in_force_in_it(
    db: None, rules: list[dict[str, Any]], wanted: tuple[int, int]
) -> None:
    zone = factories.zone()
    for rule in rules:
        PolicyRule.objects.create(**rule | {"zone": factories.zone(name=rule["zone"]) if "zone" in rule else zone})

    assert Policies().extremes(zone.pk) == wanted
