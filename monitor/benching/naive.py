"""The naive way, to compare with: a new ONVIFCamera for each poll, its calls, requests with digest, a whole decode.

    python -m monitor.benching.naive USERNAME PASSWORD POLLS PORT…

Prints the milliseconds of CPU time per poll, of a poll that is neither judged nor recorded.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Sequence
from typing import Any

import requests
from PIL import Image
from requests.auth import HTTPDigestAuth

from monitor.benching.cpu import measured

TIMEOUT_S = 10.0


def poll(port: int, username: str, password: str) -> int:
    """Look at one camera as a first script would; the width of its picture."""
    # Not an import of the product: it measures what the product avoids.
    onvif: Any = importlib.import_module("onvif")
    camera = onvif.ONVIFCamera("127.0.0.1", port, username, password)
    camera.devicemgmt.GetSystemDateAndTime()
    media = camera.create_media_service()
    token = media.GetProfiles()[0].token
    address = media.GetSnapshotUri({"ProfileToken": token}).Uri
    reply = requests.get(address, auth=HTTPDigestAuth(username, password), timeout=TIMEOUT_S)
    reply.raise_for_status()
    return Image.open(io.BytesIO(reply.content)).convert("RGB").width


def main(arguments: Sequence[str]) -> None:
    """Poll once to load what is loaded once, then count."""
    username, password, polls, *ports = arguments
    poll(int(ports[0]), username, password)
    chosen = [int(ports[number % len(ports)]) for number in range(int(polls))]
    _, spent_ms = measured(lambda: [poll(port, username, password) for port in chosen])
    print(spent_ms / len(chosen))


if __name__ == "__main__":
    main(sys.argv[1:])
