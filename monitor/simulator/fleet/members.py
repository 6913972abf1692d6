"""Who belongs to a fleet, where each one is and how to log in: a pure function of a few numbers.

A fleet is never written down device by device: whoever knows its six values (`Fleet.values`) can tell the address,
login, kind and place in the tree of every device without starting anything.

    for member in Fleet(50_000, hosts="127.1.0.0/16"):
        print(member.index, member.kind, member.host, member.port, member.username, member.parent)
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from monitor.simulator.faults import FieldError
from monitor.simulator.plan import LARGEST_PORT

USERNAME = "admin"
HOSTS = "127.1.0.0/16"
PORT = 8_000
NOBODY = -1
NETWORK_KINDS = ("camera", "recorder", "speaker", "access_control", "switch")
KINDS = (*NETWORK_KINDS, "channel")


class FleetError(FieldError):
    """A fleet that cannot be; `field` names the value at fault."""


@dataclass(frozen=True, slots=True)
class Member:
    """One device of a fleet.

    `parent` is the index of what it hangs on (`NOBODY`: nothing); a channel of a recorder (numbered from 1, else 0)
    has its recorder's address and login. `auth` is one of the simulator's modes of login; a switch has none, it only
    accepts connections. `block` numbers the compound.
    """

    index: int
    kind: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    parent: int
    channel: int
    serial: str
    auth: str
    block: int


@dataclass(frozen=True, slots=True)
class _Seat:
    """A place in a block: kind, what it hangs on (a place, too), channel, and number of its endpoint in the block."""

    kind: str
    parent: int = NOBODY
    channel: int = 0
    endpoint: int = 0


CHANNELS = 8
BELOW_SWITCH = 24


def _city() -> tuple[_Seat, ...]:
    """A compound: two switches with 24 devices each; small things first, so that a small fleet has every kind."""
    recorder = 3
    seats = [_Seat("switch"), _Seat("speaker", 0, 0, 1), _Seat("access_control", 0, 0, 2), _Seat("recorder", 0, 0, 3)]
    seats += [_Seat("channel", recorder, number, recorder) for number in range(1, CHANNELS + 1)]
    seats += [_Seat("camera", 0, 0, 4 + number) for number in range(BELOW_SWITCH - CHANNELS - 3)]
    second = len(seats)
    ends = seats[-1].endpoint + 1
    return (
        *seats,
        _Seat("switch", endpoint=ends),
        *(_Seat("camera", second, 0, ends + number) for number in range(1, BELOW_SWITCH + 1)),
    )


MIXES: Mapping[str, tuple[_Seat, ...]] = {"city": _city(), "cameras": (_Seat("camera"),)}
# Which logins there are, in tenths: most devices take both ways, some only the one or the other (QUIRKS 5).
_AUTH = ("digest", "digest", "wsse_only", "digest", "digest", "digest_only", "digest", "wsse_only", "digest", "digest")


@dataclass(frozen=True)
class Fleet:
    """So many devices on loopback.

    `hosts` is a comma-separated list of networks or addresses of 127.0.0.0/8. Endpoints go through all addresses
    first and take the next port then, from `port` on. `mix` is "city" (compounds of fifty: cameras, a recorder with
    its channels, a speaker, an access control, switches that the others hang on) or "cameras" (nothing but cameras,
    fifty a compound).
    """

    devices: int
    hosts: str = HOSTS
    port: int = PORT
    seed: int = 1
    mix: str = "city"
    block: int = 50

    def __post_init__(self) -> None:
        if self.devices < 1:
            raise FleetError("devices", "must be at least 1")
        if self.mix not in MIXES:
            raise FleetError("mix", f"must be one of {', '.join(MIXES)}")
        if self.block < 1:
            raise FleetError("block", "must be at least 1")
        last = self.port + (self._endpoint(self.devices - 1)) // self._room
        if not 0 < self.port <= last <= LARGEST_PORT:
            raise FleetError("port", f"ports {self.port} to {last} are needed: give more hosts or a lower port")

    @cached_property
    def _networks(self) -> tuple[tuple[int, int], ...]:
        """The first address and the size of each range of addresses."""
        found = []
        for text in self.hosts.split(","):
            try:
                network = ipaddress.IPv4Network(text.strip())
            except ValueError as error:
                raise FleetError("hosts", str(error)) from None
            if not network.is_loopback:
                raise FleetError("hosts", f"{network} is not of 127.0.0.0/8")
            found.append((int(network.network_address), network.num_addresses))
        return tuple(found)

    @cached_property
    def _room(self) -> int:
        return sum(size for _, size in self._networks)

    @property
    def tree(self) -> int:
        """How many devices in a row hang together: none of them hangs on one outside."""
        return len(self._seats)

    @property
    def _seats(self) -> tuple[_Seat, ...]:
        return MIXES[self.mix]

    @cached_property
    def _ends_of_block(self) -> int:
        return self._seats[-1].endpoint + 1

    @property
    def values(self) -> dict[str, Any]:
        """The fleet as plain values: `Fleet(**values)` is the same fleet."""
        return {
            "devices": self.devices,
            "hosts": self.hosts,
            "port": self.port,
            "seed": self.seed,
            "mix": self.mix,
            "block": self.block,
        }

    def __len__(self) -> int:
        return self.devices

    def __iter__(self) -> Iterator[Member]:
        return (self.member(index) for index in range(self.devices))

    def kind(self, index: int) -> str:
        """The kind of a device."""
        return self._seats[index % len(self._seats)].kind

    def parent(self, index: int) -> int:
        """The index of what a device hangs on, or `NOBODY`."""
        start, seat = self._seat(index)
        return NOBODY if seat.parent == NOBODY else start + seat.parent

    def below(self, index: int) -> Iterator[int]:
        """The indices of all that hang on a device, directly or not."""
        start = index - index % len(self._seats)
        for other in range(index + 1, min(start + len(self._seats), self.devices)):
            if self.parent(other) == index:
                yield other
                yield from self.below(other)

    def endpoints(self) -> Iterator[int]:
        """The indices of the devices that have an address of their own (all but channels)."""
        return (index for index in range(self.devices) if self.kind(index) != "channel")

    def member(self, index: int) -> Member:
        """One device; raises `FleetError` for an index that the fleet does not have."""
        if not 0 <= index < self.devices:
            raise FleetError("index", f"{index} is not of 0 to {self.devices - 1}")
        _, seat = self._seat(index)
        endpoint = self._endpoint(index)
        block = index // self.block
        return Member(
            index,
            seat.kind,
            self._host(endpoint % self._room),
            self.port + endpoint // self._room,
            USERNAME,
            self.password(block),
            self.parent(index),
            seat.channel,
            f"VK{self.seed:02d}{index:08d}",
            _AUTH[index % len(_AUTH)] if seat.kind in ("camera", "recorder") else "none",
            block,
        )

    def password(self, block: int) -> str:
        """The password of a compound; it has the characters that break addresses and XML (QUIRKS 19)."""
        return f"v&{self.seed}/k#{block:05d}"

    def _seat(self, index: int) -> tuple[int, _Seat]:
        """The index of the first of its block of seats, and its seat."""
        block, place = divmod(index, len(self._seats))
        return block * len(self._seats), self._seats[place]

    def _endpoint(self, index: int) -> int:
        block, place = divmod(index, len(self._seats))
        return block * self._ends_of_block + self._seats[place].endpoint

    def _host(self, number: int) -> str:
        for first, size in self._networks:
            if number < size:
                return str(ipaddress.IPv4Address(first + number))
            number -= size
        raise AssertionError(number)
