"""Serve a city until it is told to stop.

python -m monitor.simulator PLAN.json [--ports-out FILE] [--control-port N] [--token-file FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from monitor.simulator.city import City
from monitor.simulator.control import Control
from monitor.simulator.plan import PlanError
from monitor.simulator.plan_json import load_plan

TOKEN_VARIABLE = "VIEWKEEPER_SIMULATOR_TOKEN"  # noqa: S105 - the name of a variable, not a token
WRONG_USAGE = 2


class UsageError(Exception):
    """What was asked for cannot be done, in one line for a person."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        city = City(load_plan(_read(options.plan)))
        token = _token(options.token_file) if options.control_port is not None else ""
        asyncio.run(_serve(city, token, options.control_port or 0, options.ports_out))
    except (UsageError, PlanError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return WRONG_USAGE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitor.simulator", description="Serve virtual cameras.")
    parser.add_argument("plan", type=Path, help="the plan of the city (JSON)")
    parser.add_argument("--ports-out", type=Path, help="write the real ports here once everything listens")
    parser.add_argument("--control-port", type=int, help="port of the control address (0: any free one)")
    parser.add_argument("--token-file", type=Path, help=f"file with the control token (default: ${TOKEN_VARIABLE})")
    return parser


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from None


def _token(path: Path | None) -> str:
    """The control token; a file that others may read is refused."""
    if path is not None:
        text = _read(path).strip()
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UsageError(f"{path} must be readable by its owner only")
    else:
        text = os.environ.get(TOKEN_VARIABLE, "")
    if not text:
        raise UsageError(f"the control address needs a token: set {TOKEN_VARIABLE} or give --token-file")
    return text


async def _serve(city: City, token: str, control_port: int, ports_out: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    control: Control | None = None
    try:
        await city.start()
        if token:
            control = Control(city, token, control_port)
            await control.start()
        address = control.address if control else ""
        if ports_out is not None:
            write_whole(ports_out, json.dumps({"control": address, "ports": city.ports()}, indent=1))
        print(f"simulator: {len(city.devices)} devices listen. Control: {address or 'none'}", flush=True)
        warming = asyncio.create_task(city.keep_warm())
        await stop.wait()
        warming.cancel()
    finally:
        if control:
            await control.stop()
        await city.stop()


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or none."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    Path(file.name).replace(path)


if __name__ == "__main__":
    sys.exit(main())
