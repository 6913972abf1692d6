"""Devices without ONVIF: open ports, and echoes where the kernel allows them."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from monitor.probes.icmp import Echo, NotAllowed
from monitor.wire import Aspect, Finding, Probe, Verdict
from tests.monitor.probes.device import look
from tests.monitor.probes.fake import HEARTBEAT, serving, subject, target
from tests.monitor.probes.test_visit import causes

LINK = Aspect.LINK
# Runs a visit in a network of its own, where the kernel allows echoes to the groups given, or to nobody.
ALONE = """
import json, pathlib, sys
if sys.argv[1]:  # a new network allows nobody
    pathlib.Path("/proc/sys/net/ipv4/ping_group_range").write_text(sys.argv[1])
from monitor.wire import Aspect, Probe
from tests.monitor.probes.device import look
from tests.monitor.probes.fake import HEARTBEAT, subject, target
from dataclasses import replace
goal = replace(target(9, subject(tiers=HEARTBEAT), probe=Probe.ICMP, deadline_s=1.0), host=sys.argv[2])
reading = look(goal)[0]
link = reading.findings[Aspect.LINK]
print(json.dumps([link.verdict, link.cause, list(link.detail), [[one.what, one.outcome] for one in reading.requests]]))
"""


@pytest.fixture
def open_and_closed() -> Iterator[tuple[int, int]]:
    """A port that accepts and one that refuses."""
    with ExitStack() as stack:
        fake = stack.enter_context(serving(lambda _: None))
        held = stack.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        yield fake.port, held.getsockname()[1]


def test_any_port_that_accepts_proves_the_link_and_is_told(open_and_closed: tuple[int, int]) -> None:
    accepts, refuses = open_and_closed
    goal = target(refuses, subject(tiers=HEARTBEAT), probe=Probe.TCP, ports=(refuses, accepts))
    reading = look(goal)[0]
    assert reading.findings == {LINK: Finding(Verdict.OK, "", {"ports": [accepts]})}


def test_a_heartbeat_stops_at_the_first_port_that_accepts(open_and_closed: tuple[int, int]) -> None:
    accepts, refuses = open_and_closed
    told: list[str] = []
    goal = target(refuses, subject(tiers=HEARTBEAT), probe=Probe.TCP, ports=(accepts, refuses))
    look(goal, on_step=lambda step, _finding, request: told.append(step) if request else None)
    assert told == ["connect"]


def test_no_port_that_accepts_is_a_link_that_is_down(open_and_closed: tuple[int, int]) -> None:
    _, refuses = open_and_closed
    goal = target(refuses, subject(tiers=HEARTBEAT), probe=Probe.TCP, ports=(refuses,))
    assert causes(look(goal)[0]) == {LINK: "port_closed"}


def test_a_port_of_an_address_that_may_not_be_dialled_is_not(open_and_closed: tuple[int, int]) -> None:
    accepts, _ = open_and_closed
    goal = target(accepts, subject(tiers=HEARTBEAT), probe=Probe.TCP, ports=(accepts,), loopback=False)
    assert causes(look(goal)[0]) == {LINK: "address_refused"}


def _alone(allowed: str, host: str) -> list[object]:
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        pytest.skip("needs a network namespace")
    command = 'ip link set lo up && exec "$0" -c "$1" "$2" "$3"'
    args = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", command, sys.executable, ALONE, allowed, host]
    ran = subprocess.run(args, capture_output=True, text=True, check=False, timeout=30)
    if ran.stderr.startswith(("unshare:", "sh:", "RTNETLINK")):
        pytest.skip(f"no network namespace here: {ran.stderr[-200:]}")
    found: list[object] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_reply_to_an_echo_proves_the_link(host: str) -> None:
    assert _alone("0 0", host) == ["ok", "", ["rtt_ms"], []]


def test_an_echo_that_the_kernel_forbids_is_our_own_blindness() -> None:
    assert _alone("", "127.0.0.1")[:2] == ["unknown", "icmp_not_allowed"]


def _echoes_allowed() -> bool:
    import ipaddress

    try:
        Echo(ipaddress.ip_address("127.0.0.1")).close()
    except NotAllowed:
        return False
    return True


@pytest.mark.skipif(_echoes_allowed(), reason="this kernel allows echoes")
def test_where_no_echo_is_allowed_the_ports_are_tried(open_and_closed: tuple[int, int]) -> None:
    accepts, _ = open_and_closed
    goal = target(accepts, subject(tiers=HEARTBEAT), probe=Probe.ICMP, ports=(accepts,))
    assert look(goal)[0].findings[LINK].detail == {"ports": [accepts]}


def test_an_address_that_may_not_be_dialled_gets_no_echo() -> None:
    goal = replace(target(9, subject(tiers=HEARTBEAT), probe=Probe.ICMP), host="127.0.0.1", loopback=False)
    assert causes(look(goal)[0]) == {LINK: "address_refused"}
