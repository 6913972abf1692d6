"""A camera by others: ipycam, a virtual ONVIF camera from the package index. We do not only understand ourselves."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from monitor.wire import Aspect, Reading, Verdict
from tests.monitor.probes.device import look
from tests.monitor.probes.fake import subject, target
from tests.monitor.probes.test_visit import causes

ipycam = pytest.importorskip("ipycam", reason="ipycam (and OpenCV, which it draws with) is not installed")
pytest.importorskip("ipycam.http")

LINK, ACCESS, CLOCK, SIGHT, IDENTITY = Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE, Aspect.IDENTITY


def _frame() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A picture with edges, shades and a little grain."""
    rows, columns = np.mgrid[0:720, 0:1280]
    grain = np.random.default_rng(1).integers(0, 6, (720, 1280, 3))
    blocks = (rows // 60 % 2 + columns // 80 % 3) * 40
    shade = rows * 60 // 720 + columns * 60 // 1280
    return (np.stack([blocks + shade, blocks + 20, shade + 60], axis=2) + grain).clip(0, 255).astype(np.uint8)


@contextmanager
def _camera(username: str = "", password: str = "") -> Iterator[int]:
    """ipycam's ONVIF and HTTP service on a free loopback port, without its discovery and its streams."""
    config = ipycam.CameraConfig(
        username=username, password=password, main_width=1280, main_height=720, show_timestamp=False
    )
    camera = ipycam.IPCamera(config)
    handler = type("Handler", (ipycam.http.IPCameraHTTPHandler,), {"camera": camera})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        config.onvif_port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        camera.stream(_frame())
        yield server.server_address[1]
        server.shutdown()


def _facts(reading: Reading) -> tuple[object, ...]:
    return tuple(reading.facts[name] for name in ("manufacturer", "model", "serial"))


def test_an_open_camera_is_read_whole() -> None:
    with _camera() as port:
        reading = look(target(port, password=None, deadline_s=5.0))[0]
    assert {aspect: reading.findings[aspect].verdict for aspect in (LINK, ACCESS, CLOCK, IDENTITY)} == dict.fromkeys(
        (LINK, ACCESS, CLOCK, IDENTITY), Verdict.OK
    )
    assert _facts(reading) == ("PythonCam", "VirtualCam-1", "PY-000001")
    assert abs(reading.findings[CLOCK].detail["offset_s"]) < 5
    assert reading.picture is not None
    assert (reading.picture.width, reading.picture.height) == (1280, 720)


def test_its_login_is_understood() -> None:
    with _camera("admin", "pw") as port:
        reading = look(target(port, basic_in_clear=True, deadline_s=5.0))[0]
    assert reading.credential == "worked"
    assert causes(reading).get(CLOCK) == "needs_login"
    assert reading.findings[ACCESS].verdict is Verdict.OK
    assert _facts(reading) == ("PythonCam", "VirtualCam-1", "PY-000001")
    assert (reading.passport["soap_auth"], reading.passport["snapshot_auth"]) == ("wsse", "basic")
    assert reading.picture is not None


def test_its_wrong_password_is_told_from_an_outage() -> None:
    with _camera("admin", "pw") as port:
        reading = look(target(port, subject(), password="wrong", deadline_s=5.0))[0]
    assert reading.findings[LINK].verdict is Verdict.OK
    assert reading.findings[ACCESS].cause == "login_refused"
