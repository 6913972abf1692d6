"""The floor: the same two requests with nothing around them, and a decode at a quarter of the size.

    python -m monitor.benching.floor CAMERAS.json

The file holds [[address, username, password], …]. Each line on standard input is a round, each line printed the
milliseconds of CPU time per poll of that round; the first
round also loads, connects and learns. Connections and nonces are kept. Needs aiohttp; OpenCV decodes where it
is installed, else Pillow.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

CLOCK = (
    b'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    b'<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)
HEADERS = {"Content-Type": "application/soap+xml; charset=utf-8"}
DEVICE_PATH, SNAPSHOT_PATH = "/onvif/device_service", "/onvif-http/snapshot"
SCALE = 4

Camera = tuple[str, str, str]
Decode = Callable[[bytes], Any]


class Poller:
    """One client for the clock, which needs no login, and one per camera for the snapshots, with its nonce."""

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self.decode = decoder()
        self.open = aiohttp.ClientSession()
        self.known = {
            address: aiohttp.ClientSession(middlewares=(aiohttp.DigestAuthMiddleware(username, password),))
            for address, username, password in cameras
        }

    async def poll(self, address: str) -> None:
        """Ask for the clock and a picture, decode it small."""
        async with self.open.post(address + DEVICE_PATH, data=CLOCK, headers=HEADERS) as reply:
            await reply.read()
        async with self.known[address].get(address + SNAPSHOT_PATH) as reply:
            reply.raise_for_status()
            data = await reply.read()
        self.decode(data)

    async def round(self) -> None:
        """Poll all cameras at the same time."""
        await asyncio.gather(*(self.poll(address) for address in self.known))

    async def close(self) -> None:
        """Let go of the connections."""
        for client in (self.open, *self.known.values()):
            await client.close()


def decoder() -> Decode:
    """The quickest decode at a quarter of the size that is installed."""
    return _opencv() if importlib.util.find_spec("cv2") else _pillow


def _opencv() -> Decode:
    # Not an import of the product: it is compared with where somebody has installed it.
    cv2, numpy = importlib.import_module("cv2"), importlib.import_module("numpy")
    return lambda data: cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_REDUCED_COLOR_4)


def _pillow(data: bytes) -> None:
    picture = Image.open(io.BytesIO(data))
    picture.draft("RGB", (picture.width // SCALE, picture.height // SCALE))
    picture.load()


async def floor(cameras: Sequence[Camera]) -> None:
    """Answer each line with a round."""
    poller = Poller(cameras)
    try:
        while await asyncio.to_thread(sys.stdin.readline):
            began = time.process_time()
            await poller.round()
            print((time.process_time() - began) * 1000 / len(cameras), flush=True)
    finally:
        await poller.close()


def main(arguments: Sequence[str]) -> None:
    """Serve until standard input ends."""
    asyncio.run(floor(json.loads(Path(arguments[0]).read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main(sys.argv[1:])
