"""The naive way, to compare with: a new ONVIFCamera for each poll, its calls, requests with digest, a whole decode.

    python -m monitor.benching.naive CAMERAS.json

The file holds [[address, username, password], …]. Each line on standard input is a round, each line printed the
milliseconds of CPU time per poll of that round; what is polled is neither judged nor recorded.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from PIL import Image
from requests.auth import HTTPDigestAuth

from monitor.benching.cpu import measured

TIMEOUT_S = 10.0
# One camera does not tell enough, and each poll takes long.
POLLS = 2


def poll(address: str, username: str, password: str) -> int:
    """Look at one camera as a first script would; the width of its picture."""
    # Not an import of the product: it measures what the product avoids.
    onvif: Any = importlib.import_module("onvif")
    place = urlsplit(address)
    camera = onvif.ONVIFCamera(place.hostname, place.port, username, password)
    camera.devicemgmt.GetSystemDateAndTime()
    camera.devicemgmt.GetDeviceInformation()
    media = camera.create_media_service()
    token = media.GetProfiles()[0].token
    snapshot = media.GetSnapshotUri({"ProfileToken": token}).Uri
    reply = requests.get(snapshot, auth=HTTPDigestAuth(username, password), timeout=TIMEOUT_S)
    reply.raise_for_status()
    return Image.open(io.BytesIO(reply.content)).convert("RGB").width


def main(arguments: Sequence[str]) -> None:
    """Serve until standard input ends."""
    cameras = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    for number, _line in enumerate(sys.stdin):
        chosen = [cameras[(number * POLLS + place) % len(cameras)] for place in range(POLLS)]
        print(sum(measured(partial(poll, *camera))[1] for camera in chosen) / POLLS, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
