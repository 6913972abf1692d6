"""A script of faults: which device of a fleet has which faults at which second, computed from the script alone.

A script is a list of rules. Each rule takes a fraction of the devices of its kinds, chosen by a seeded hash; rules
that throw the same die (the default) never take the same device. Who knows the script and the fleet can tell every
fault at every time: the simulator, a bench, a soak that checks verdicts.

    script = Script(fleet, load("storm"))
    script.faults_at(17, 305.0)     # {"clock_offset_s": 600.0}

As JSON: {"name": "mine", "seed": 1, "rules": [{"name": "off", "fraction": 0.05, "faults": {"off": true}}, …]}, a rule
with these fields:

    name, faults       what it is called; faults of the vocabulary (`monitor.simulator.faults`)
    fraction           share of the devices of its kinds, or
    devices            the indices themselves
    kinds              ["camera", "recorder", …]; all that have an address except switches unless given
    begin_s, end_s     seconds of the script's time from which on and until when (never ends unless given)
    every_s            holds during every other period of this length, at a phase of its own for each device
    die                rules with another die are thrown apart, and may meet on one device
    follows            instead of fraction or devices: takes the devices of the earlier rule of this name
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from monitor.simulator.faults import CHANNEL_SCOPES, FaultError, FaultValue, FieldError, Scope, parse_faults
from monitor.simulator.fleet.members import KINDS, NOBODY, Fleet

DEFAULT_KINDS = ("camera", "recorder", "speaker", "access_control")
_ROUNDING = 1e-9


class ScriptError(FieldError):
    """A script that makes no sense; `field` says where, such as `rules[3].fraction`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Some devices have these faults for some time. Times in seconds of the script."""

    name: str
    faults: Mapping[str, FaultValue]
    fraction: float = 0.0
    devices: tuple[int, ...] = ()
    kinds: tuple[str, ...] = DEFAULT_KINDS
    begin_s: float = 0.0
    end_s: float = math.inf
    every_s: float = 0.0
    die: str = ""
    follows: str = ""

    def holds(self, seconds: float, phase: float) -> bool:
        """Whether the rule holds at a time; `phase` (0..1) is the device's own."""
        if not self.begin_s <= seconds < self.end_s:
            return False
        return not self.every_s or self._period(seconds, phase) % 2 == 0

    def _period(self, seconds: float, phase: float) -> int:
        return math.floor(seconds / self.every_s + 2 * phase)

    def next_change(self, seconds: float, phase: float) -> float:
        """The first time after `seconds` at which it may begin or cease to hold; infinite where there is none."""
        if seconds < self.begin_s:
            return self.begin_s
        if seconds >= self.end_s:
            return math.inf
        if not self.every_s:
            return self.end_s
        flip = (self._period(seconds, phase) + 1 - 2 * phase) * self.every_s
        return min(max(flip, math.nextafter(seconds, math.inf)), self.end_s)

    @property
    def values(self) -> dict[str, Any]:
        """The rule as plain values, those that are defaults left out."""
        told = {item.name: getattr(self, item.name) for item in fields(self)}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
        plain["faults"] = dict(self.faults)
        if not math.isfinite(self.end_s):
            del plain["end_s"]
        return plain


@dataclass(frozen=True)
class Rules:
    """A script apart from any fleet: a name, a seed, its rules."""

    name: str = "calm"
    seed: int = 1
    rules: tuple[Rule, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """The script as plain values, which `parse` reads back."""
        return {"name": self.name, "seed": self.seed, "rules": [rule.values for rule in self.rules]}


@dataclass(frozen=True)
class Script:
    """The rules of a script, applied to a fleet."""

    fleet: Fleet
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        for number, rule in enumerate(self.rules.rules):
            for index in rule.devices:
                if not 0 <= index < self.fleet.devices:
                    raise ScriptError(f"rules[{number}].devices", f"the fleet has no device {index}")
                _check_scopes(f"rules[{number}].faults", rule.faults, (self.fleet.kind(index),))

    def rules_of(self, index: int) -> tuple[Rule, ...]:
        """The rules that take a device, at whatever time they hold."""
        kind = self.fleet.kind(index)
        slices = self._slices.get(kind, ())
        draws = {die: self._draw(index, die) for die in {rule.die for rule, _, _ in slices}}
        drawn = [rule for rule, low, high in slices if low <= draws[rule.die] < high]
        return (*drawn, *self._named.get(index, ()))

    def own_faults_at(self, index: int, seconds: float) -> dict[str, FaultValue]:
        """The faults of the device itself, whatever ails what it hangs on."""
        phase = self._phase(index)
        found: dict[str, FaultValue] = {}
        for rule in self.rules_of(index):
            if rule.holds(seconds, phase):
                found.update(rule.faults)
        return found

    def faults_at(self, index: int, seconds: float) -> dict[str, FaultValue]:
        """The faults of a device at a time of the script; it is off as well while what it hangs on is off."""
        found = self.own_faults_at(index, seconds)
        if self.cut_off_by(index, seconds) != NOBODY:
            found["off"] = True
        return found

    def cut_off_by(self, index: int, seconds: float) -> int:
        """The index of the topmost device that is off and takes this one down, or `NOBODY`."""
        root, above = NOBODY, self.fleet.parent(index)
        while above != NOBODY:
            if "off" in self.own_faults_at(above, seconds):
                root = above
            above = self.fleet.parent(above)
        return root

    def next_change(self, index: int, seconds: float) -> float:
        """The first time after `seconds` at which the device's own faults may change; infinite where they stay."""
        phase = self._phase(index)
        return min((rule.next_change(seconds, phase) for rule in self.rules_of(index)), default=math.inf)

    # -- dice

    @cached_property
    def _slices(self) -> dict[str, tuple[tuple[Rule, float, float], ...]]:
        """For each kind the rules with the part of their die that they take."""
        return {kind: tuple(self._slices_of(kind)) for kind in KINDS}

    def _slices_of(self, kind: str) -> Iterator[tuple[Rule, float, float]]:
        used: dict[str, float] = {}
        spans: dict[str, tuple[float, float]] = {}
        for rule in self.rules.rules:
            if rule.follows and rule.follows in spans:
                yield rule, *spans[rule.follows]
            elif rule.fraction and kind in rule.kinds:
                low = used.get(rule.die, 0.0)
                used[rule.die] = low + rule.fraction
                spans[rule.name] = low, used[rule.die]
                yield rule, *spans[rule.name]

    @cached_property
    def _named(self) -> dict[int, tuple[Rule, ...]]:
        """The rules that name a device by its index."""
        found: dict[int, tuple[Rule, ...]] = {}
        indices: dict[str, tuple[int, ...]] = {}
        for rule in self.rules.rules:
            indices[rule.name] = indices[rule.follows] if rule.follows else rule.devices
            for index in indices[rule.name]:
                found[index] = (*found.get(index, ()), rule)
        return found

    def _draw(self, index: int, die: str) -> float:
        """From 0 to 1, the same for ever for a seed, a die and a device."""
        text = f"{self.rules.seed}:{die}:{index}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest()) / (1 << 48)

    def _phase(self, index: int) -> float:
        return self._draw(index, "phase of a device")


# -- reading


def parse(data: object) -> Rules:
    """The rules in a JSON value; raises `ScriptError` that names the place."""
    if not isinstance(data, Mapping):
        raise ScriptError("script", "must be an object with rules")
    _only(data, ("name", "seed", "rules"), "")
    rules = data.get("rules", [])
    if not isinstance(rules, Sequence) or isinstance(rules, str):
        raise ScriptError("rules", "must be a list")
    seed = data.get("seed", 1)
    if not isinstance(seed, int):
        raise ScriptError("seed", "must be a whole number")
    parsed = tuple(_completed([_rule(f"rules[{number}]", item) for number, item in enumerate(rules)]))
    _check_fractions(parsed)
    return Rules(str(data.get("name", "")), seed, parsed)


def _completed(rules: Sequence[Rule]) -> Iterator[Rule]:
    """The rules, those that follow another one with its kinds and die."""
    known: dict[str, Rule] = {}
    for number, rule in enumerate(rules):
        where, done = f"rules[{number}]", rule
        if rule.follows:
            if rule.follows not in known:
                raise ScriptError(f"{where}.follows", f"no earlier rule is called {rule.follows}")
            done = replace(rule, kinds=known[rule.follows].kinds, die=known[rule.follows].die)
        elif not rule.fraction and not rule.devices:
            raise ScriptError(where, "takes no device: give a fraction or devices")
        if done.fraction or done.follows:
            _check_scopes(f"{where}.faults", done.faults, done.kinds)
        known[rule.name] = done
        yield done


def load(name: str) -> Rules:
    """A built-in script by its name, or a JSON file by its path."""
    from monitor.simulator.fleet.scripts import BUILT_IN

    if name in BUILT_IN:
        return parse({"name": name, **BUILT_IN[name]})
    try:
        return parse(json.loads(Path(name).read_text(encoding="utf-8")))
    except OSError as error:
        known = ", ".join(BUILT_IN)
        raise ScriptError("script", f"{name} is none of {known} and no file that can be read: {error}") from None
    except ValueError as error:
        if isinstance(error, ScriptError):
            raise
        raise ScriptError("script", f"{name} is not JSON: {error}") from None


def _rule(where: str, data: object) -> Rule:
    if not isinstance(data, Mapping):
        raise ScriptError(where, "must be an object")
    _only(data, tuple(item.name for item in fields(Rule)), f"{where}.")
    kinds = tuple(_strings(f"{where}.kinds", data.get("kinds", DEFAULT_KINDS)))
    for kind in kinds:
        if kind not in KINDS:
            raise ScriptError(f"{where}.kinds", f"{kind} is none of {', '.join(KINDS)}")
    return Rule(
        str(data.get("name", "")),
        _faults(f"{where}.faults", data.get("faults")),
        _number(where, data, "fraction", 0.0, most=1.0),
        tuple(_indices(f"{where}.devices", data.get("devices", ()))),
        kinds,
        _number(where, data, "begin_s", 0.0),
        _number(where, data, "end_s", math.inf),
        _number(where, data, "every_s", 0.0),
        str(data.get("die", "")),
        str(data.get("follows", "")),
    )


def _faults(where: str, data: object) -> dict[str, FaultValue]:
    if not isinstance(data, Mapping):
        raise ScriptError(where, "must be an object of faults")
    try:
        return parse_faults(data)
    except FaultError as error:
        raise ScriptError(f"{where}.{error.field}", error.message) from None


def _check_scopes(where: str, faults: Mapping[str, FaultValue], kinds: tuple[str, ...]) -> None:
    """A channel has no network of its own."""
    scopes = CHANNEL_SCOPES if "channel" in kinds else frozenset(Scope)
    try:
        parse_faults(faults, scopes)
    except FaultError as error:
        raise ScriptError(f"{where}.{error.field}", f"a channel: {error.message}") from None


def _check_fractions(rules: tuple[Rule, ...]) -> None:
    for kind in KINDS:
        for die in {rule.die for rule in rules}:
            total = sum(rule.fraction for rule in rules if rule.die == die and kind in rule.kinds)
            if total > 1 + _ROUNDING:
                raise ScriptError("rules", f"the fractions of {kind} add up to {total:g}: use another die for some")


def _number(where: str, data: Mapping[str, Any], name: str, default: float, *, most: float = math.inf) -> float:
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ScriptError(f"{where}.{name}", f"must be a number from 0 to {most:g}")
    return float(value)


def _strings(where: str, data: object) -> Iterator[str]:
    if isinstance(data, str) or not isinstance(data, Sequence):
        raise ScriptError(where, "must be a list")
    yield from (str(item) for item in data)


def _indices(where: str, data: object) -> Iterator[int]:
    if not isinstance(data, Sequence) or not all(isinstance(item, int) for item in data):
        raise ScriptError(where, "must be a list of whole numbers")
    yield from data


def _only(data: Mapping[Any, Any], known: tuple[str, ...], prefix: str) -> None:
    for name in data:
        if name not in known:
            raise ScriptError(f"{prefix}{name}", f"is none of {', '.join(known)}")
