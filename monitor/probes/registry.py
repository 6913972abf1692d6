"""Every way to probe, in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from monitor.probes import camera, plain
from monitor.probes.book import Book
from monitor.wire import Probe

ProbeFn = Callable[[Book], Awaitable[None]]

PROBES: Mapping[Probe, ProbeFn] = {
    Probe.ONVIF: camera.probe,
    Probe.HTTP: plain.http,
    Probe.TCP: plain.tcp,
    Probe.ICMP: plain.icmp,
}
