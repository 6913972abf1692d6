"""How often a device is looked at, how long a failure must last, how politely: pure values with their defaults.

The rows that an operator edits live in `monitor.models.PolicyRule`; the most specific one wins field by field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from monitor.wire import Aspect, Probe


@dataclass(frozen=True, slots=True)
class Threshold:
    """Bad (or good) in `n` of the last `m` readings."""

    n: int
    m: int


@dataclass(frozen=True, slots=True)
class Policy:
    """How one device is asked: intervals in seconds, politeness, probe. Defaults are production's (60, 600, 30, 60 s).

    `ports` are tried by the probes that only connect; none means the register's own port, which is the default, since
    another port of an address may be another device's (a switch behind NAT, a virtual camera beside others).
    """

    heartbeat_s: int = 60
    picture_s: int = 600
    facts_s: int = 86_400
    second_look_s: int = 30
    settle_s: int = 60
    deadline_s: int = 10
    burst: int = 4
    refill_s: int = 5
    clock_limit_s: int = 60
    probe: Probe = Probe.ONVIF
    ports: tuple[int, ...] = ()


# How the kinds without ONVIF are asked, by the register's word for them; cameras and recorders speak ONVIF.
PROBES: Mapping[str, Probe] = {
    "loudspeaker": Probe.HTTP,
    "access_control": Probe.HTTP,
    "barrier": Probe.HTTP,
    "switch": Probe.TCP,
    "onu": Probe.TCP,
}

# N of the last M, apart for failing and for recovering. A refused login is definite (asking again would lock the
# account), a picture may be a passer-by.
FAILING: Mapping[Aspect, Threshold] = {
    Aspect.LINK: Threshold(2, 3),
    Aspect.ACCESS: Threshold(1, 1),
    Aspect.CLOCK: Threshold(2, 3),
    Aspect.PICTURE: Threshold(3, 4),
    Aspect.IDENTITY: Threshold(2, 2),
    Aspect.RECORDING: Threshold(2, 3),
}
RECOVERING: Mapping[Aspect, Threshold] = {
    Aspect.LINK: Threshold(2, 2),
    Aspect.ACCESS: Threshold(1, 1),
    Aspect.CLOCK: Threshold(2, 2),
    Aspect.PICTURE: Threshold(2, 2),
    Aspect.IDENTITY: Threshold(1, 1),
    Aspect.RECORDING: Threshold(1, 1),
}

# A silence of ours shorter than this many intervals is bridged; a longer one becomes unknown (DESIGN, decision 14).
BRIDGED_INTERVALS = 2.5
# A picture older than this many intervals is shown grey, and no longer proves a usable view (domain notes, section 6).
STALE_INTERVALS = 3


def of_kind(kind: str) -> Policy:
    """The default policy of a kind of device."""
    return Policy(probe=PROBES.get(kind, Probe.ONVIF))


def resolve(rules: Iterable[Mapping[str, Any]], base: Policy = Policy()) -> Policy:
    """Lay rules over the defaults, the least specific first; a field left empty keeps what is below it."""
    names = {item.name for item in fields(Policy)}
    policy = base
    for rule in rules:
        policy = replace(policy, **{name: value for name, value in rule.items() if name in names and value is not None})
    return policy
