"""The floor: the same two requests with nothing around them, and a decode at a quarter of the size.

    python -m monitor.benching.floor USERNAME PASSWORD POLLS PORT…

Prints the milliseconds of CPU time per poll. Connections and nonces are kept. Needs aiohttp.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Sequence

import aiohttp
from PIL import Image

CLOCK = (
    b'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    b'<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)
HEADERS = {"Content-Type": "application/soap+xml; charset=utf-8"}
SCALE = 4


class Poller:
    """One client for the clock, which needs no login, and one per camera for the snapshots, with its nonce."""

    def __init__(self, ports: Sequence[int], username: str, password: str) -> None:
        self.open = aiohttp.ClientSession()
        self.known = {
            port: aiohttp.ClientSession(middlewares=(aiohttp.DigestAuthMiddleware(username, password),))
            for port in ports
        }

    async def poll(self, port: int) -> None:
        """Ask for the clock and a picture, decode it small."""
        address = f"http://127.0.0.1:{port}"
        async with self.open.post(f"{address}/onvif/device_service", data=CLOCK, headers=HEADERS) as reply:
            await reply.read()
        async with self.known[port].get(f"{address}/onvif-http/snapshot") as reply:
            data = await reply.read()
        picture = Image.open(io.BytesIO(data))
        picture.draft("RGB", (picture.width // SCALE, picture.height // SCALE))
        picture.load()

    async def round(self, ports: Sequence[int]) -> None:
        """Poll these cameras at the same time."""
        await asyncio.gather(*(self.poll(port) for port in ports))

    async def close(self) -> None:
        """Let go of the connections."""
        for client in (self.open, *self.known.values()):
            await client.close()


async def floor(username: str, password: str, polls: int, ports: Sequence[int]) -> float:
    """Milliseconds per poll, once connections and nonces are there."""
    poller = Poller(ports, username, password)
    rounds = max(1, polls // len(ports))
    try:
        await poller.round(ports)
        began = time.process_time()
        for _round in range(rounds):
            await poller.round(ports)
        return (time.process_time() - began) * 1000 / (rounds * len(ports))
    finally:
        await poller.close()


def main(arguments: Sequence[str]) -> None:
    """Tell the figure."""
    username, password, polls, *ports = arguments
    print(asyncio.run(floor(username, password, int(polls), [int(port) for port in ports])))


if __name__ == "__main__":
    main(sys.argv[1:])
