"""The policy of each device: the defaults of its kind, lasting rules, and the occasions that tighten it for a while.

Made for one batch, one page or one round of the schedule: rules are read once, in at most two statements, and a policy
is worked out once for each zone, compound and kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.utils import timezone

from devices.models import Device
from monitor.models import PolicyRule
from monitor.policy import Policy, of_kind, resolve
from monitor.wire import Probe

_FIELDS = [item.name for item in fields(Policy)]
# What an occasion may lay down beside intervals and politeness, of which the smaller of two counts.
_WORDS = frozenset({"probe", "ports"})


class Policies:
    """The policy of any device from the rules in force at one instant, now unless another is given."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or timezone.now()
        self._known: dict[tuple[int | None, int, str], Policy] = {}
        self._listed: dict[int, Policy] = {}

    def of_device(self, device: Device) -> Policy:
        """The policy of a device whose endpoint is loaded."""
        endpoint = device.endpoint
        return self.of(endpoint.zone_id if endpoint else None, device.compound_id, device.kind, device.pk)

    def of(self, zone_id: int | None, compound_id: int, kind: str, device_id: int) -> Policy:
        """The policy of a device by what rules speak of: about a microsecond once it is known."""
        lists = self.occasions.get(device_id) if self.occasions else None
        if lists:
            if device_id not in self._listed:
                self._listed[device_id] = resolve([_tightest(lists)], self._lasting(zone_id, compound_id, kind))
            return self._listed[device_id]
        key = zone_id, compound_id, kind
        policy = self._known.get(key)
        if policy is None:
            policy = self._known[key] = self._lasting(zone_id, compound_id, kind)
        return policy

    def extremes(self, zone_id: int) -> tuple[int, int]:
        """The shortest heartbeat interval and the longest deadline that may be in force in a zone, in seconds."""
        rules = [rule for rule in self._rules if rule.zone_id in (None, zone_id)]
        # What speaks of all devices takes the place of the defaults, what is closer may hold beside it.
        closer = [rule for rule in rules if rule.name or rule.compound_id or rule.kind]
        usual = resolve(_laid_down(rule) for rule in rules if rule not in closer)
        heartbeats = [usual.heartbeat_s, *(rule.heartbeat_s for rule in closer if rule.heartbeat_s)]
        return min(heartbeats), max([usual.deadline_s, *(rule.deadline_s for rule in closer if rule.deadline_s)])

    @cached_property
    def occasions(self) -> Mapping[int, list[PolicyRule]]:
        """The occasions in force, by the devices on their lists."""
        rules = {rule.pk: rule for rule in self._rules if rule.name}
        by_device: dict[int, list[PolicyRule]] = defaultdict(list)
        if rules:
            listed = PolicyRule.devices.through.objects.filter(policyrule__in=rules)
            for rule_id, device_id in listed.values_list("policyrule", "device"):
                by_device[device_id].append(rules[rule_id])
        return dict(by_device)

    @cached_property
    def _rules(self) -> list[PolicyRule]:
        in_force = Q(name="") | Q(starts_at__lte=self._now, ends_at__gt=self._now)
        return sorted(PolicyRule.objects.filter(in_force), key=lambda rule: rule.specificity)

    def _lasting(self, zone_id: int | None, compound_id: int, kind: str) -> Policy:
        """The defaults of the kind under every lasting rule that speaks of this zone, compound and kind."""
        spoken = (
            _laid_down(rule)
            for rule in self._rules
            if not rule.name
            and rule.zone_id in (None, zone_id)
            and rule.compound_id in (None, compound_id)
            and rule.kind in ("", kind)
        )
        return resolve(spoken, of_kind(kind))


def _laid_down(rule: PolicyRule) -> dict[str, Any]:
    """What a rule says, field by field; None where it says nothing."""
    said = {name: getattr(rule, name) for name in _FIELDS}
    said["probe"] = Probe(rule.probe) if rule.probe else None
    said["ports"] = tuple(int(port) for port in rule.ports.split(",")) if rule.ports else None
    return said


def _tightest(rules: Sequence[PolicyRule]) -> dict[str, Any]:
    """Several occasions at once on one device: of each figure the smallest counts, whichever was entered last."""
    tightest: dict[str, Any] = {}
    for rule in sorted(rules, key=lambda item: item.pk):
        for name, value in _laid_down(rule).items():
            if value is not None:
                held = tightest.get(name)
                tightest[name] = value if held is None or name in _WORDS else min(held, value)
    return tightest
