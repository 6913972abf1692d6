"""One endpoint of a fleet: what is kept about it, and the device behind it for all that is not quick."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from monitor.simulator.auth import Login, User
from monitor.simulator.device import Clock, Device
from monitor.simulator.faults import FaultValue
from monitor.simulator.fleet.bank import SCENES, Gallery
from monitor.simulator.fleet.gate import Gate
from monitor.simulator.fleet.lane import Line, Manner
from monitor.simulator.fleet.members import NOBODY, Fleet, Member
from monitor.simulator.fleet.politeness import Limits, Watch
from monitor.simulator.plan import ChannelPlan, DevicePlan

REQUESTS_KEPT = 64  # by device that something ails: as many as `busy_after` may count


class FleetDevice(Device):
    """A device of the simulator whose digest gate is its endpoint's, and whose logins are watched."""

    def __init__(self, plan: DevicePlan, now: Clock, gate: Gate, on_login: Callable[[Login], None]) -> None:
        super().__init__(plan, now)
        self.port = plan.port
        self.requests = deque(maxlen=REQUESTS_KEPT)
        if self.mode.algorithms:
            self._digest = gate
        self._on_login = on_login

    def _count(self, outcome: Login, client: str) -> Login:
        final = super()._count(outcome, client)
        self._on_login(final)
        return final

    def have_faults(self, key: str, faults: Mapping[str, FaultValue]) -> None:
        """Have these faults and no others, on the device or one of its channels."""
        if dict(self.faults_of(key)) != faults:
            self.clear_faults(key)
            self.change_faults(key, faults)


class Endpoint:
    """What is kept about an address: little, since there are tens of thousands.

    `ails` says that anything is wrong but for its door: then every request takes the slow lane. `channels` is 0 but
    for a recorder, whose channels follow it in the fleet; `turns` counts the pictures of each of its views.
    """

    __slots__ = (
        "ails",
        "channels",
        "connections",
        "device",
        "gate",
        "index",
        "is_onvif",
        "is_switch",
        "lines",
        "manner",
        "requests",
        "slow",
        "turns",
        "user",
        "watch",
    )

    def __init__(self, member: Member, channels: int, limits: Limits) -> None:
        self.channels = channels
        self.index = member.index
        self.is_onvif = member.kind in ("camera", "recorder")
        self.is_switch = member.kind == "switch"
        self.user = User(member.username, member.password)
        self.manner = Manner.REFUSING
        self.ails = False
        self.gate = Gate()
        self.watch = Watch(member.index, limits)
        self.lines: list[Line] = []
        self.slow: dict[Line, asyncio.Task[None]] = {}
        self.device: FleetDevice | None = None
        self.connections = 0
        self.requests = 0
        self.turns = [0] * max(1, channels)

    def view(self, profile: int) -> int:
        """The index of the camera or channel behind a profile, `NOBODY` where there is none."""
        if not self.channels:
            return self.index if profile == 1 else NOBODY
        return self.index + profile if 1 <= profile <= self.channels else NOBODY

    def next_turn(self, view: int) -> int:
        """The number of the next picture of a view."""
        place = max(0, view - self.index - 1)
        self.turns[place] += 1
        return self.turns[place]


def plan_of(fleet: Fleet, index: int, gallery: Gallery) -> DevicePlan:
    """A device of a fleet as the simulator's plan has it."""
    member = fleet.member(index)
    channels = tuple(
        ChannelPlan(str(channel), SCENES[channel % gallery.scenes])
        for channel in (fleet.below(index) if member.kind == "recorder" else ())
    )
    return DevicePlan(
        key=str(index),
        kind=member.kind,
        username=member.username,
        password=member.password,
        scene=SCENES[index % gallery.scenes],
        channels=channels,
        port=member.port,
        size=gallery.size,
        serial=member.serial,
        auth=member.auth,
        host=member.host,
    )
