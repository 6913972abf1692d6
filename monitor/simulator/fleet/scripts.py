"""The scripts that come with the fleet. See `script` for what a rule says.

The numbers in the names are those of the failure modes of real cameras that the simulator knows: a replayed nonce (3),
logins that differ by address (5), subscriptions (17), parsed types (18) and passwords with special characters (19)
need no rule, since every fleet has them; TLS (10) is not served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.simulator.faults import CHANNEL_SCOPES, FAULTS
from monitor.simulator.fleet.script import DEFAULT_KINDS

MINUTE_S = 60.0
ALL = DEFAULT_KINDS
SWITCHES = ("switch",)
SEEING = ("camera", "channel")
WITH_LOGIN = ("camera", "recorder")

_Rule = Mapping[str, Any]


def _rule(name: str, fraction: float, faults: _Rule, kinds: Sequence[str] = WITH_LOGIN, **when: float) -> _Rule:
    return {"name": name, "fraction": fraction, "kinds": list(kinds), "faults": faults, **when}


_BENCH: Sequence[_Rule] = (
    _rule("refusing", 0.05, {"off": True}, ALL),
    _rule("SYN-silent", 0.05, {"deaf": True}, ALL),
    _rule("dripping", 0.01, {"drip": 2.0, "drip_all": True}, ALL),
)
_STORM: Sequence[_Rule] = (
    _rule("switch down with all below", 0.02, {"off": True}, SWITCHES),
    _rule("switch down for a while", 0.02, {"off": True}, SWITCHES, begin_s=5 * MINUTE_S, end_s=12 * MINUTE_S),
    _rule("off", 0.02, {"off": True}, ALL),
    _rule("fails every other time", 0.01, {"off": True}, ALL, every_s=MINUTE_S),
    _rule("SYN-silent", 0.02, {"deaf": True}, ALL),
    _rule("13 silent", 0.01, {"silent": True}, ALL),
    _rule("slow", 0.02, {"slow_s": 2.0}, ALL),
    _rule("22 reboot: gone", 0.01, {"off": True}, begin_s=3 * MINUTE_S, end_s=5 * MINUTE_S),
    {"name": "22 reboot: clock", "follows": "22 reboot: gone", "faults": {"clock_dead": 1970}, "begin_s": 5 * MINUTE_S},
    _rule("1 clock ahead", 0.02, {"clock_offset_s": 600.0}),
    _rule("1 another time zone", 0.01, {"clock_offset_s": 8 * 3_600.0}),
    _rule("2 local time told as UTC", 0.01, {"clock_local_in_utc": True}),
    _rule("2 local time only", 0.01, {"clock_local_only": True}),
    _rule("2 unheard-of time zone", 0.01, {"clock_tz": True}),
    _rule("2 clock dead", 0.01, {"clock_dead": 1979}),
    _rule("2 clock needs a login", 0.01, {"clock_needs_login": True}),
    _rule("4 wrong password", 0.02, {"wrong_password": True}),
    _rule("4 lock-out after three", 0.01, {"wrong_password": True, "lockout_after": 3}),
    _rule("6 nonce for one request", 0.01, {"stale_each": True}),
    _rule("7 busy", 0.01, {"busy": True}),
    _rule("8 behind NAT", 0.02, {"nat_address": True}),
    _rule("8 addresses without a path", 0.01, {"xaddr_pathless": True}),
    _rule("9 service elsewhere", 0.01, {"service_path": True}),
    _rule("10 sent elsewhere", 0.005, {"redirect": True}),
    _rule("11 closes without saying", 0.01, {"close_without_saying": True}),
    *(_rule(f"12 broken HTTP: {kind}", 0.002, {"garbage": kind}) for kind in FAULTS["garbage"].choices),
    _rule("13 dripping", 0.01, {"drip": 2.0, "drip_all": True}),
    _rule("13 picture drips", 0.01, {"drip": 500.0}, SEEING[:1]),
    _rule("13 picture without end", 0.002, {"endless": True}, SEEING[:1]),
    _rule("14 fault with 200", 0.01, {"fault_200": True}),
    _rule("14 refusal as 401", 0.01, {"soap_401": True}),
    _rule("14 no snapshot", 0.01, {"no_snapshot": True}),
    _rule("14 no address of the snapshot", 0.01, {"uri_missing": True}),
    _rule("14 empty replies", 0.005, {"soap_empty": True}),
    _rule("14 replies in no UTF-8", 0.01, {"soap_bad_utf8": True}),
    _rule("14 undeclared prefix", 0.01, {"soap_undeclared": True}),
    _rule("14 another namespace", 0.01, {"soap_namespace": True}),
    _rule("15 JPEG as octets", 0.01, {"octet_picture": True}, SEEING),
    _rule("15 XML for a picture", 0.01, {"xml_picture": True}, SEEING),
    _rule("15 HTML for a picture", 0.02, {"html_picture": True}, SEEING),
    _rule("15 empty picture", 0.01, {"empty_picture": True}, SEEING),
    _rule("15 truncated picture", 0.01, {"truncated_picture": 0.5}, SEEING),
    _rule("16 frozen", 0.01, {"frozen": True}, SEEING),
    _rule("19 login in the address", 0.01, {"uri_with_login": True}),
    _rule("20 Created needs a Z", 0.01, {"created_needs_z": True}),
    *(_rule(f"21 replies in {kind}", 0.005, {"soap_charset": kind}) for kind in FAULTS["soap_charset"].choices),
    _rule("ONVIF off", 0.01, {"onvif_off": True}),
    _rule("covered", 0.01, {"covered": 0.6}, SEEING),
    _rule("black", 0.01, {"black": True}, SEEING),
    _rule("blurred", 0.005, {"blurred": 0.01}, SEEING),
    _rule("turned", 0.005, {"turned": 0.25}, SEEING),
)


def _each(fraction: float) -> Sequence[_Rule]:
    """Every fault of the vocabulary, with what plain true stands for, on as many devices as may have it."""
    return [
        _rule(name, fraction, {name: True}, SEEING if fault.scope in CHANNEL_SCOPES else WITH_LOGIN)
        for name, fault in FAULTS.items()
    ]


BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    "calm": {},
    "bench": {"rules": _BENCH},
    "storm": {"rules": _STORM},
    "each": {"rules": _each(0.9 / len(FAULTS))},
}
