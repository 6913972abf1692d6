"""What the platform must hold of a device that has a fault of the vocabulary, aspect by aspect.

One literal table: what is not named is as without the fault. `UNSEEN` says that a fault hides the aspect: it must not
be called ok; a fault that was confirmed before may stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.health import State
from monitor.wire import Aspect

LINK, ACCESS, CLOCK, PICTURE = Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE


@dataclass(frozen=True, slots=True)
class Held:
    """What may be held of one aspect: a state, and for a fault one of these causes."""

    states: frozenset[State]
    causes: frozenset[str] = frozenset()

    def fits(self, state: State, cause: str) -> bool:
        """Whether this is what is held."""
        return state in self.states and (state is not State.FAULTY or not self.causes or cause in self.causes)

    def __str__(self) -> str:
        return "/".join(sorted([*self.states - {State.FAULTY}, *self.causes])) or "faulty"


def faulty(*causes: str) -> Held:
    """Confirmed, with one of these causes."""
    return Held(frozenset({State.FAULTY}), frozenset(causes))


OK = Held(frozenset({State.OK}))
# Nothing can be known: unknown, or what was confirmed before.
UNSEEN = Held(frozenset({State.UNKNOWN, State.FAULTY}))
OFFLINE_ELSE: Mapping[Aspect, Held] = {ACCESS: UNSEEN, CLOCK: UNSEEN, PICTURE: UNSEEN}
HEALTHY: Mapping[Aspect, Held] = {LINK: OK, ACCESS: OK, CLOCK: OK, PICTURE: OK}

# Fault of the simulator → what must be held (the numbers are those of the known failure modes of real cameras).
EXPECTED: Mapping[str, Mapping[Aspect, Held]] = {
    # -- network
    "off": {LINK: faulty("port_closed"), **OFFLINE_ELSE},
    "deaf": {LINK: faulty("no_answer"), **OFFLINE_ELSE},
    "silent": {LINK: faulty("silent"), **OFFLINE_ELSE},
    "slow_s": {},
    "drip_all": {ACCESS: UNSEEN, CLOCK: UNSEEN, PICTURE: UNSEEN},  # 13: bytes come, so the link is ok
    "drip": {PICTURE: faulty("picture_too_slow")},
    "close_without_saying": {},  # 11
    # -- http
    "busy": {ACCESS: faulty("busy"), CLOCK: UNSEEN, PICTURE: UNSEEN},  # 7
    "redirect": {ACCESS: faulty("service_missing", "protocol"), CLOCK: UNSEEN, PICTURE: UNSEEN},  # 10
    "garbage": {ACCESS: faulty("protocol"), CLOCK: UNSEEN, PICTURE: UNSEEN},  # 12
    "endless": {PICTURE: faulty("picture_too_slow", "picture_too_large")},
    # -- login
    "wrong_password": {ACCESS: faulty("login_refused"), PICTURE: UNSEEN},  # 4
    "lockout_after": {ACCESS: faulty("login_refused", "locked_out"), PICTURE: UNSEEN},
    "stale_each": {},  # 6
    "created_needs_z": {},  # 20
    # -- clock
    "clock_offset_s": {CLOCK: faulty("clock_off", "time_zone")},  # 1
    "clock_local_in_utc": {},  # 2: both fields are understood
    "clock_local_only": {},  # 2
    "clock_tz": {},  # 2
    "clock_dead": {CLOCK: faulty("clock_dead")},  # 2, 22
    "clock_needs_login": {CLOCK: UNSEEN},  # 2
    # -- onvif
    "onvif_off": {ACCESS: faulty("service_missing"), CLOCK: UNSEEN, PICTURE: UNSEEN},
    "nat_address": {},  # 8
    "xaddr_pathless": {},  # 8
    "service_path": {},  # 9
    "uri_missing": {PICTURE: faulty("snapshot_missing")},  # 14
    "uri_with_login": {},  # 19
    "soap_empty": {ACCESS: faulty("protocol"), CLOCK: UNSEEN, PICTURE: UNSEEN},  # 14
    "soap_bad_utf8": {},  # 14
    "soap_undeclared": {},  # 14
    "soap_namespace": {},  # 14
    "soap_charset": {},  # 21
    "fault_200": {},  # 14
    "soap_401": {},  # 14
    "no_snapshot": {PICTURE: faulty("snapshot_missing")},  # 14
    # -- snapshot
    "octet_picture": {},  # 15
    "xml_picture": {PICTURE: faulty("not_a_picture")},  # 15
    "html_picture": {PICTURE: faulty("not_a_picture")},  # 15
    "empty_picture": {PICTURE: faulty("empty_picture")},  # 15
    "truncated_picture": {PICTURE: faulty("corrupt")},  # 15
    # -- picture
    "covered": {PICTURE: faulty("obstructed")},
    "turned": {PICTURE: faulty("moved")},
    "blurred": {PICTURE: faulty("blur")},
    "frozen": {PICTURE: faulty("frozen")},  # 16
    "black": {PICTURE: faulty("black")},
}
# Which aspects each kind of device has.
ASPECTS: Mapping[str, tuple[Aspect, ...]] = {
    "camera": (LINK, ACCESS, CLOCK, PICTURE),
    "recorder": (LINK, CLOCK),
    "channel": (LINK, PICTURE),
    "speaker": (LINK,),
    "access_control": (LINK,),
    "switch": (LINK,),
}


def expected(kind: str, faults: Mapping[str, object]) -> dict[Aspect, Held]:
    """What must be held of a device of this kind with these faults; a fault in front of another hides it."""
    held = {aspect: HEALTHY[aspect] for aspect in ASPECTS[kind]}
    for name in (name for name in EXPECTED if name in faults):
        for aspect, says in EXPECTED[name].items():
            if aspect in held and _outweighs(says, held[aspect]):
                held[aspect] = says
    if kind == "channel" and State.FAULTY in held[LINK].states:  # its recorder's fault, named so
        held[LINK] = faulty("parent_down", *held[LINK].causes)
    return held


def _outweighs(says: Held, other: Held) -> bool:
    """The first fault in the table counts, unless another one hides the aspect altogether."""
    return other is OK or (says is UNSEEN and other is not UNSEEN)
