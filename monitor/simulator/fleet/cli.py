"""Serve a fleet until told to stop: what `manage.py simulate` and `python -m monitor.simulator.fleet` do.

Prints one line of JSON when every door is open: the control address with its token, the addresses and processes. At
the end it prints another one with what was asked and which impoliteness was seen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import stat
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from monitor.simulator.fleet import bank, script
from monitor.simulator.fleet.control import Control
from monitor.simulator.fleet.crew import Crew, CrewError, Order
from monitor.simulator.fleet.members import HOSTS, MIXES, PORT, Fleet, FleetError
from monitor.simulator.fleet.politeness import Limits
from monitor.simulator.plan import LARGEST_SIDE_PX, SMALLEST_SIDE_PX

TOKEN_VARIABLE = "VIEWKEEPER_SIMULATOR_TOKEN"  # noqa: S105 - the name of a variable, not a token
LIMITS = Limits()
Print = Callable[[str], object]


class UsageError(Exception):
    """What was asked for cannot be done, in one line for a person."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add = parser.add_argument
    add("--devices", type=int, default=1_000, help="how many devices, channels of recorders included")
    add("--hosts", default=HOSTS, help="networks or addresses of 127.0.0.0/8, separated by commas")
    add("--port", type=int, default=PORT, help="the first port; further ones follow where the addresses do not do")
    add("--mix", choices=sorted(MIXES), default="city", help="city: compounds of every kind of device; or cameras only")
    add("--seed", type=int, default=1, help="another seed gives other passwords and serial numbers")
    add("--script", default="calm", help="faults: calm, bench, storm or a JSON file")
    add("--speed", type=float, default=1.0, help="how fast the script's clock runs")
    add("--processes", type=int, default=0, help="how many processes serve (0: as few as needed)")
    add("--burst", type=int, default=LIMITS.burst, help="requests that a device bears at once")
    add("--look-burst", type=int, default=LIMITS.look_burst, help="the same while a person looks at it")
    add("--refill", type=float, default=LIMITS.refill_s, metavar="S", help="seconds until it bears one more")
    add("--slack", type=float, default=LIMITS.slack_s, metavar="S", help="seconds by which a request may be early")
    add("--back-off", type=float, default=LIMITS.back_off_s, metavar="S", help="seconds without a refused login")
    add("--control-port", type=int, default=0, help="port of the control address (0: any free one)")
    add("--token-file", type=Path, help=f"file with the control token (else ${TOKEN_VARIABLE}, else one is made)")
    add("--size", type=_size, default=bank.SIZE, metavar="WxH", help="size of the pictures: 1920x1080")
    add("--scenes", type=int, default=len(bank.SCENES), help="how many different scenes the cameras see")
    add("--pictures", type=Path, help="folder that keeps the pictures drawn ahead")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    sides = int(width), int(height)
    if not all(SMALLEST_SIDE_PX <= side <= LARGEST_SIDE_PX for side in sides):
        raise ValueError(text)
    return sides


def serve(options: Mapping[str, Any], tell: Print) -> None:
    """Serve until SIGINT or SIGTERM; raises `UsageError` for what cannot be done."""
    try:
        order = _order(options)
        token = _token(options["token_file"])
        asyncio.run(_serve(order, token or secrets.token_urlsafe(16), options["control_port"], tell, shown=not token))
    except (FleetError, script.ScriptError, CrewError, OSError) as error:
        raise UsageError(str(error)) from error


def _order(options: Mapping[str, Any]) -> Order:
    fleet = Fleet(options["devices"], options["hosts"], options["port"], options["seed"], options["mix"])
    rules = script.load(options["script"])
    script.Script(fleet, rules)
    limits = Limits(options["burst"], options["look_burst"], options["refill"], options["back_off"], options["slack"])
    if options["speed"] <= 0:
        raise UsageError("--speed: must be above 0")
    if not 1 <= options["scenes"] <= len(bank.SCENES):
        raise UsageError(f"--scenes: must be 1 to {len(bank.SCENES)}")
    folder = options["pictures"] or bank.default_folder()
    gallery = bank.Gallery(str(folder), tuple(options["size"]), options["scenes"])
    return Order(fleet, rules, options["speed"], limits, options["processes"], gallery)


def _token(path: Path | None) -> str:
    """The control token, empty where none is given; a file that others may read is refused."""
    if path is None:
        return os.environ.get(TOKEN_VARIABLE, "")
    text = path.read_text(encoding="utf-8").strip()
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"{path} must be readable by its owner only")
    if not text:
        raise UsageError(f"{path} holds no token")
    return text


async def _serve(order: Order, token: str, port: int, tell: Print, *, shown: bool) -> None:
    stop, began = asyncio.Event(), time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    crew = Crew(order)
    control = Control(crew, token, port)
    try:
        await crew.start()
        await control.start()
        tell(json.dumps(_greeting(order, crew, control.address, token if shown else "", time.monotonic() - began)))
        await _until(stop, crew)
        tell(json.dumps({"counts": await crew.counts(), "violations": await crew.violations()}))
    finally:
        await control.stop()
        await crew.stop()


async def _until(stop: asyncio.Event, crew: Crew) -> None:
    """Wait until told to stop; raises `CrewError` where a process ends before."""
    waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(crew.lose_one())]
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in waits:
            task.cancel()


def _greeting(order: Order, crew: Crew, address: str, token: str, seconds: float) -> dict[str, Any]:
    told = {"control": address, **order.fleet.values, "script": order.rules.name, "pids": crew.pids}
    return {**told, "started_s": round(seconds, 1), **({"token": token} if token else {})}


def main() -> int:
    """The command without Django."""
    parser = argparse.ArgumentParser(prog="python -m monitor.simulator.fleet", description="Serve a virtual fleet.")
    add_arguments(parser)
    try:
        serve(vars(parser.parse_args()), lambda line: print(line, flush=True))
    except UsageError as error:
        print(f"simulate: {error}", file=sys.stderr)
        return 2
    return 0
