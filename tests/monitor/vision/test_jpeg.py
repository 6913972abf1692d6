"""The walk before decoding: what is refused, as what, and what passes."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from monitor.causes import CAUSES
from monitor.vision.jpeg import MAX_SCANS, Refused, sniff, walk
from tests.monitor.vision.drawing import jpeg, view

SMALL = view(size=(64, 48))


def refused(data: bytes) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        walk(data)
    assert caught.value.cause in CAUSES
    return caught.value.cause, caught.value.detail


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def frame(width: int, height: int, *, precision: int = 8, kind: int = 0xC0, sampling: int = 0x11) -> bytes:
    return segment(kind, struct.pack(">BHHB", precision, height, width, 1) + bytes([1, sampling, 0]))


def picture(width: int, height: int, scans: int = 1, **options: int) -> bytes:
    scan = segment(0xDA, bytes([1, 1, 0, 0, 63, 0])) + b"\x12\x34"
    return b"\xff\xd8" + frame(width, height, **options) + scan * scans + b"\xff\xd9"


def with_restarts() -> bytes:
    return jpeg(SMALL, restart_marker_blocks=2)


def test_a_jpeg_gives_its_size_and_the_height_of_its_units() -> None:
    walked = walk(jpeg(SMALL, subsampling="4:2:0"))
    assert (walked.width, walked.height, walked.scans, walked.unit_rows) == (64, 48, 1, 16)
    assert walk(jpeg(SMALL, subsampling="4:4:4")).unit_rows == 8


JFIF = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")


def adobe(transform: int) -> bytes:
    return segment(0xEE, b"Adobe" + bytes([0, 100, 0, 0, 0, 0, transform]))


@pytest.mark.parametrize(
    ("before", "names", "coding"),
    [
        (b"", b"\x01", "L"),
        (b"", b"\x01\x02\x03", "YCbCr"),
        (JFIF, b"RGB", "YCbCr"),
        (b"", b"RGB", "RGB"),
        (adobe(0), b"\x01\x02\x03", "RGB"),
        (adobe(1), b"RGB", "YCbCr"),
        (JFIF + adobe(0), b"\x01\x02\x03", "YCbCr"),
        (segment(0xEE, b"Adobe"), b"RGB", "RGB"),
        (segment(0xE0, b"JFIF\0"), b"RGB", "RGB"),
        (adobe(2), b"\x01\x02\x03\x04", "CMYK"),
    ],
)
def test_what_the_components_are_is_told_as_libjpeg_tells_it(before: bytes, names: bytes, coding: str) -> None:
    components = b"".join(bytes([name, 0x11, 0]) for name in names)
    head = segment(0xC0, struct.pack(">BHHB", 8, 48, 64, len(names)) + components)
    scan = segment(0xDA, bytes([len(names)]) + b"".join(bytes([name, 0]) for name in names) + b"\0\x3f\0")
    assert walk(b"\xff\xd8" + before + head + scan + b"\x12\x34\xff\xd9").coding == coding


def test_nothing_is_an_empty_picture() -> None:
    assert refused(b"") == ("empty_picture", "")


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"\xef\xbb\xbf \r\n<HTML>login", "HTML"),
        (b'<?xml version="1.0"?><html/>', "HTML"),
        (b'<?xml version="1.0"?><ResponseStatus/>', "XML"),
        (b'{"error": 1}', "JSON"),
        (b"[1]", "JSON"),
        (b"401 Unauthorized", "text"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"BM1234", "BMP"),
        (b"GIF89a..", "GIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"RIFF\0\0\0\0WAVE", "unknown data"),
        (b"\0\1\2\3", "unknown data"),
        (b"\xff\xd8", "truncated JPEG"),
        (b"\xff", "truncated JPEG"),
    ],
)
def test_what_is_no_jpeg_is_named_by_its_first_bytes(data: bytes, content: str) -> None:
    assert refused(data) == ("not_a_picture", content)


def test_text_is_looked_for_in_the_beginning_only() -> None:
    assert sniff(b"a" * 512 + b"\0") == "text"
    assert sniff(b"a" * 511 + b"\0") == "unknown data"


def test_the_most_pixels_pass_and_one_row_more_does_not() -> None:
    assert walk(picture(8000, 5000)).width == 8000
    assert refused(picture(8000, 5001)) == ("picture_too_large", "8000x5001")
    assert refused(picture(65535, 65535))[0] == "picture_too_large"


def test_the_most_scans_pass_and_one_more_does_not() -> None:
    assert walk(picture(8, 8, MAX_SCANS)).scans == MAX_SCANS
    assert refused(picture(8, 8, MAX_SCANS + 1)) == ("picture_too_large", "33 scans of 8x8")


def test_scans_times_pixels_are_limited() -> None:
    assert walk(picture(5000, 2500, 16)).scans == 16
    assert refused(picture(5000, 2500, 17)) == ("picture_too_large", "17 scans of 5000x2500")


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0)])
def test_a_picture_has_a_size(width: int, height: int) -> None:
    assert refused(picture(width, height)) == ("corrupt", "no size")


def test_frames_that_no_decoder_reads_are_corrupt() -> None:
    assert refused(picture(8, 8, precision=12)) == ("corrupt", "frame header")
    assert refused(picture(8, 8, kind=0xC3)) == ("corrupt", "marker C3")
    assert refused(picture(8, 8, sampling=0x51)) == ("corrupt", "sampling")
    assert refused(picture(8, 8, sampling=0x10)) == ("corrupt", "sampling")
    twice = picture(8, 8)
    assert refused(twice[:2] + frame(8, 8) + twice[2:]) == ("corrupt", "frame header")
    assert refused(b"\xff\xd8" + segment(0xC0, b"\x08\0\x08\0\x08") + b"\xff\xd9") == ("corrupt", "frame header")
    assert refused(b"\xff\xd8" + segment(0xC0, b"\x08\0\x08\0\x08\x01\x01") + b"\xff\xd9") == (
        "corrupt",
        "frame header",
    )


def test_a_picture_needs_a_frame_before_its_scan_and_a_scan_at_all() -> None:
    assert refused(b"\xff\xd8" + segment(0xDA, b"\1\1\0\0\x3f\0") + b"\xff\xd9") == ("corrupt", "scan before frame")
    assert refused(b"\xff\xd8" + frame(8, 8) + b"\xff\xd9") == ("corrupt", "no picture data")


def test_every_truncation_of_a_small_picture_is_found() -> None:
    data = jpeg(SMALL)
    for length in range(3, len(data)):
        assert refused(data[:length])[0] == "corrupt"


def test_segments_keep_to_their_order_and_length() -> None:
    data = jpeg(SMALL)
    assert refused(data[:2] + b"\xff\xe0\x00\x01" + data[2:]) == ("corrupt", "segment length")
    assert refused(b"\xff\xd8\xff\xe0\x00\x04ab??" + data[2:]) == ("corrupt", "bytes between segments")
    assert walk(data[:2] + b"\xff" * 5 + data[2:]).width == 64


def test_a_foreign_marker_within_the_data_is_damage() -> None:
    data = bytearray(jpeg(SMALL))
    middle = len(data) - 200
    data[middle : middle + 2] = b"\xff\x33"
    assert refused(bytes(data)) == ("corrupt", "marker 33")


@pytest.mark.parametrize("before", [0, 1, 300_000])
@pytest.mark.parametrize("between", [b"\xff\x00", b"\xff", b"\x00\xd4"])
def test_a_foreign_marker_is_found_wherever_it_stands(before: int, between: bytes) -> None:
    data = jpeg(view())
    at = data.index(b"\xff\xda") + 20
    filled = b"\x11" * before + between
    with pytest.raises(Refused, match="marker 05"):
        walk(data[:at] + filled + b"\xff\x05" + data[at:])
    assert walk(data[:at] + filled + b"\x00" + data[at:]) == walk(data)


def test_restart_markers_are_counted_and_in_order() -> None:
    data = with_restarts()
    assert walk(data).width == 64
    first, second = data.index(b"\xff\xd0"), data.index(b"\xff\xd1")
    swapped = bytearray(data)
    swapped[first + 1], swapped[second + 1] = 0xD1, 0xD0
    assert refused(bytes(swapped)) == ("corrupt", "restart markers")
    last = max(data.rfind(b"\xff%c" % number) for number in range(0xD0, 0xD8))
    assert refused(data[:last] + b"\xff\xd9") == ("corrupt", "restart markers")


def test_restart_markers_without_an_interval_are_damage() -> None:
    data = bytearray(jpeg(SMALL))
    data[-100:-98] = b"\xff\xd0"
    assert refused(bytes(data)) == ("corrupt", "restart markers")


@pytest.mark.parametrize(
    ("width", "height", "kind", "scans", "passes"),
    [
        (3840, 2160, 0xC2, 3, True),
        (6300, 6300, 0xC2, 3, False),
        (6300, 6300, 0xC0, 1, True),
        (6300, 6300, 0xC0, 2, False),
    ],
)
def test_what_must_be_held_whole_may_not_be_large(width: int, height: int, kind: int, scans: int, passes: bool) -> None:
    """libjpeg holds the coefficients of a picture that comes in several scans, however small it is to be decoded."""
    data = picture(width, height, scans, kind=kind)
    if passes:
        assert walk(data).scans == scans
    else:
        assert refused(data) == ("picture_too_large", f"{width}x{height} in scans")


def test_grey_pictures_and_progressive_ones_pass() -> None:
    assert walk(jpeg(SMALL, progressive=True)).scans > 1
    grey = walk(jpeg(np.asarray(SMALL[:, :, 0])))
    assert grey.unit_rows == 8
