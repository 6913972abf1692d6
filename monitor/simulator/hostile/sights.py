"""Pictures that are none, too large, too dear to decode, or not all there."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.simulator.hostile.acts import JPEG, drip, flood, http, picture, pictures, then_close, then_reset
from monitor.simulator.hostile.stage import Act, Asked, Misbehaviour, Stage

_8_MB = 8 * 1024 * 1024
_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x00" * 8
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x02\x00\x00\x00"


def _frame(kind: int, width: int, height: int) -> bytes:
    """A frame header of one component."""
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff" + bytes([kind]) + b"\x00\x0b\x08" + size + b"\x01\x01\x11\x00"


def _shows(body: bytes, kind: str = JPEG) -> Act:
    return pictures(http(body, kind))


async def _large(stage: Stage, _asked: Asked) -> None:
    await stage.say(http(bytes(_8_MB + 1), JPEG))


async def _large_unsaid(stage: Stage, asked: Asked) -> None:
    await then_close(http(bytes(_8_MB + 1), JPEG, length=""))(stage, asked)


async def _dripped(stage: Stage, asked: Asked) -> None:
    await drip(http(length="90000") + picture()[:500], b"\x55")(stage, asked)


async def _metadata(stage: Stage, _asked: Asked) -> None:
    """5 MB of metadata before a good picture."""
    segment = b"\xff\xe1\xff\xff" + bytes(65_533)
    await stage.say(http(_SOI + segment * 80 + picture()[2:], JPEG))


async def _noise(stage: Stage, _asked: Asked) -> None:
    """5 MB of picture data for a frame of 40 megapixels."""
    head = _SOI + _frame(0xC0, 8_000, 5_000) + _SCAN
    await stage.say(http(head + b"\x55" * 5_000_000 + _EOI, JPEG))


SIGHTS: Mapping[str, Misbehaviour] = {
    "picture_html": Misbehaviour("HTML.", _shows(b"<html><body>login</body></html>")),
    "picture_comments": Misbehaviour(
        "HTML behind comments, built to be tried in every way.", _shows(b"<!---->" * 70 + b"x")
    ),
    "picture_xml": Misbehaviour("XML.", _shows(b"<?xml version='1.0'?><error/>")),
    "picture_json": Misbehaviour("JSON.", _shows(b'{"code": 401}')),
    "picture_svg": Misbehaviour(
        "SVG that loads from another host.", _shows(b'<svg><image href="http://127.0.0.2:TRAP!/"/></svg>')
    ),
    "picture_text": Misbehaviour("Words.", _shows(b"Device Busy")),
    "picture_empty": Misbehaviour("Nothing.", _shows(b"")),
    "picture_one_byte": Misbehaviour("One byte.", _shows(b"\xff")),
    "picture_truncated": Misbehaviour("Half a picture.", _shows(picture()[: len(picture()) // 2])),
    "picture_head_only": Misbehaviour("The first bytes of a picture.", _shows(picture()[:20])),
    "picture_reset": Misbehaviour(
        "A reset in mid-picture.", pictures(then_reset(http(picture()[:900], JPEG, length="90000")))
    ),
    "picture_drip": Misbehaviour("A picture a byte at a time.", pictures(_dripped)),
    "picture_endless": Misbehaviour(
        "A picture without end.", pictures(flood(http(picture()[:-2], JPEG, length=""), b"\x55"))
    ),
    "picture_8_mb": Misbehaviour("8 MB and a byte.", pictures(_large)),
    "picture_8_mb_unsaid": Misbehaviour("8 MB and a byte, without a length.", pictures(_large_unsaid)),
    "picture_png": Misbehaviour("A PNG of 65,535 by 65,535.", _shows(_PNG, "Content-Type: image/png")),
    "picture_gif": Misbehaviour("A GIF.", _shows(b"GIF89a\xff\xff\xff\xff" + bytes(40), "Content-Type: image/gif")),
    "picture_zip": Misbehaviour("A zip.", _shows(b"PK\x03\x04" + bytes(200))),
    "picture_h264": Misbehaviour("A frame of H.264.", _shows(b"\x00\x00\x00\x01\x67" + bytes(200))),
    "picture_65535": Misbehaviour(
        "A header of 65,535 by 65,535.", _shows(_SOI + _frame(0xC0, 65_535, 65_535) + _SCAN + _EOI)
    ),
    "picture_zero": Misbehaviour("A header of 0 by 0.", _shows(_SOI + _frame(0xC0, 0, 0) + _SCAN + _EOI)),
    "picture_scans": Misbehaviour(
        "Thousands of scans.", _shows(_SOI + _frame(0xC2, 4_000, 3_000) + _SCAN * 5_000 + _EOI)
    ),
    "picture_few_scans": Misbehaviour(
        "As many scans as are allowed.", _shows(_SOI + _frame(0xC2, 2_400, 2_400) + _SCAN * 30 + _EOI)
    ),
    "picture_noise": Misbehaviour("40 megapixels of nonsense.", pictures(_noise)),
    "picture_metadata": Misbehaviour("5 MB of metadata before a good picture.", pictures(_metadata)),
    "picture_segments": Misbehaviour(
        "A hundred thousand empty segments.", _shows(_SOI + b"\xff\xfe\x00\x02" * 100_000 + _EOI)
    ),
    "picture_fill": Misbehaviour("A megabyte of fill bytes.", _shows(_SOI + b"\xff" * 1_000_000)),
    "picture_restarts": Misbehaviour(
        "Restart markers only.", _shows(_SOI + _frame(0xC0, 640, 480) + _SCAN + b"\xff\xd0" * 200_000 + _EOI)
    ),
    "picture_tables": Misbehaviour("No tables to decode with.", _shows(_SOI + _frame(0xC0, 640, 480) + _SCAN + _EOI)),
    "picture_trailing": Misbehaviour(
        "A good picture with garbage behind it.", _shows(picture() + b"\x00garbage" * 1_000)
    ),
    "picture_octets": Misbehaviour(
        "A good picture that calls itself octets.", _shows(picture(), "Content-Type: application/octet-stream")
    ),
    "picture_206": Misbehaviour("Partial content.", pictures(http(picture(), JPEG, status="206 Partial Content"))),
    "picture_404": Misbehaviour("404 with a good picture.", pictures(http(picture(), JPEG, status="404 Not Found"))),
    "picture_500": Misbehaviour("500 with a good picture.", pictures(http(picture(), JPEG, status="500 X"))),
}
