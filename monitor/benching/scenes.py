"""What the virtual cameras show: a few pictures of each scene, and the view that a platform has learned from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.auth import HTTPDigestAuth

from monitor import vision
from monitor.benching.city import Camera
from monitor.benching.failure import BenchFailed
from monitor.benching.floor import SNAPSHOT_PATH

# Fewer than a camera shows, so that some of what is judged has never been seen.
PICTURES = 3
THREADS = 4
TIMEOUT_S = 10.0

Bank = Mapping[int, Sequence[bytes]]


def fetch(cameras: Sequence[Camera]) -> dict[int, list[bytes]]:
    """A few pictures of each scene."""
    one_each = {camera.scene: camera for camera in cameras}
    with ThreadPoolExecutor(THREADS) as threads:
        return dict(zip(one_each, threads.map(_pictures, one_each.values()), strict=True))


def _pictures(camera: Camera) -> list[bytes]:
    login = HTTPDigestAuth(camera.username, camera.password)
    with requests.Session() as session:
        replies = [
            session.get(camera.address + SNAPSHOT_PATH, auth=login, timeout=TIMEOUT_S) for _number in range(PICTURES)
        ]
    if any(reply.status_code != requests.codes.ok for reply in replies):
        raise BenchFailed(f"the virtual camera at {camera.address} gives no picture: HTTP {replies[0].status_code}")
    return [reply.content for reply in replies]


def learned(bank: Bank) -> dict[int, bytes]:
    """The learned view of each scene, as it is stored."""
    return {scene: vision.learn([vision.decode(data) for data in found]).dumps() for scene, found in bank.items()}


def picture_kb(bank: Bank) -> float:
    """How large the pictures are."""
    sizes = [len(data) for found in bank.values() for data in found]
    return sum(sizes) / len(sizes) / 1000
