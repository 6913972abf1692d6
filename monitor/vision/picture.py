"""Bytes to a small colour picture: one decode at reduced scale, after the markers were walked.

A picture of 1920x1080 is decoded to 480x270: entropy decoding stays, most of the inverse transform and all large
arrays do not. Whatever the bytes, the outcome is a `Picture` or a `Refused`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monitor.vision.jpeg import Refused, Walked, walk
from monitor.vision.planes import CHROMA_TO_RGB

# Blur needs 320 px of width and more, structure 192 to 240 (domain notes on pictures).
SMALL_WIDTH = 480
_SCALES = (8, 4, 2, 1)
# How Pillow's codec is asked for each coding; CMYK lies inverted in JPEG.
_RAW_MODES = {"L": "L", "YCbCr": "YCbCr", "RGB": "RGB", "CMYK": "CMYK;I"}
# The reduced scales of a JPEG are 1/2, 1/4, 1/8: the small picture is less than twice as wide, unless it is a strip.
_SMALL_LIMIT = 2 * SMALL_WIDTH
# A tail of one colour this high (share of the height) is what a decoder fills in when the data ends early.
_FILLER_SHARE = 0.06
_FILLER_SPREAD = 1
# A slate ("NO VIDEO") is of one colour above its text too; above filler nearly every row is a row of a scene.
_FILLER_ABOVE = 0.9
# A tail of black or white is a letterbox or burnt-out ground, not filler.
_FILLER_DARKEST, _FILLER_BRIGHTEST = 24, 235
_THUMBNAIL_QUALITY = 72
# glibc gives freed memory back to the kernel until it has seen a larger block freed: each picture would then touch some
# 300 new pages, a tenth of its time. A block of this size makes it keep twice as much (mallopt(3), M_MMAP_THRESHOLD).
_SHOWN_TO_MALLOC = 4 * 1024 * 1024
bytes(_SHOWN_TO_MALLOC)

# What Cb and Cr add to red, to green and to blue, as plain numbers for a colour alone.
_CHROMA_TO_EACH: Sequence[Sequence[float]] = CHROMA_TO_RGB.T.tolist()

Colours = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture: native size in px, a small copy in luma and chroma (YCbCr), SHA-256 of the bytes in hex.

    `unit_rows` is the height of a coded unit in rows of the small copy (0: the rows of units do not meet its rows).
    """

    width: int
    height: int
    image: Image.Image
    digest: str
    unit_rows: int = 0

    @property
    def rgb(self) -> Colours:
        """The small copy as rows x columns x 3; each call copies it anew."""
        return np.asarray(self.image.convert("RGB"), dtype=np.uint8)

    @property
    def luma(self) -> NDArray[np.uint8]:
        """The luma of the small copy as rows x columns, as it was coded; each call copies it anew."""
        width, height = self.image.size
        return np.frombuffer(self.image.tobytes("raw", "Y"), dtype=np.uint8).reshape(height, width)


def decode(data: bytes) -> Picture:
    """Decode a JPEG at reduced scale. Raises `Refused` and nothing else, whatever the bytes."""
    walked = walk(data)
    image = _decode_small(data, walked)
    if _has_filler(image):
        raise Refused("corrupt", "grey tail")
    digest = hashlib.sha256(data).hexdigest()
    return Picture(walked.width, walked.height, image, digest, _unit_rows(walked, image.height))


def thumbnail(picture: Picture, width: int = 480) -> bytes:
    """A small JPEG of the picture, `width` px wide (about 18 kB at 480); never wider than what was decoded."""
    image = picture.image
    width = max(1, min(width, image.width))
    size = width, max(1, round(width * picture.height / picture.width))
    out = io.BytesIO()
    small = image if image.size == size else image.resize(size, Image.Resampling.BOX)
    small.save(out, "JPEG", quality=_THUMBNAIL_QUALITY)
    return out.getvalue()


def _decode_small(data: bytes, walked: Walked) -> Image.Image:
    # The codec is given the bytes themselves: Pillow's reader of files would parse metadata (EXIF, further pictures),
    # which nobody needs and anybody can forge.
    scale = _scale(walked)
    size = -(-walked.width // scale), -(-walked.height // scale)
    try:
        image = Image.frombytes(walked.coding, size, data, "jpeg", _RAW_MODES[walked.coding], "", scale, 0)
    except Exception as error:  # Pillow raises a dozen kinds for hostile bytes; each means the same here
        raise Refused("corrupt", str(error) or type(error).__name__) from error
    if image.mode == "CMYK":
        image = image.convert("RGB")
    if image.mode != "YCbCr":
        image = image.convert("YCbCr")
    if max(image.size) > _SMALL_LIMIT:
        image.thumbnail((_SMALL_LIMIT, _SMALL_LIMIT), Image.Resampling.BOX)
    return image


def _scale(walked: Walked) -> int:
    """The smallest of the reduced scales that leaves the small width, and a px of height a px of small height."""
    wanted = min(walked.width // SMALL_WIDTH, walked.height // max(1, walked.height * SMALL_WIDTH // walked.width))
    return next((scale for scale in _SCALES if scale <= wanted), 1)


def _unit_rows(walked: Walked, rows: int) -> int:
    """The height of a coded unit after decoding at 1/1, 1/2, 1/4 or 1/8; 0 where the picture was scaled otherwise."""
    for scale in reversed(_SCALES):
        if rows == -(-walked.height // scale):
            return walked.unit_rows // scale
    return 0


def _has_filler(image: Image.Image) -> bool:
    """Whether the bottom is of one colour, exactly, neither black nor white, and no row above it is."""
    width, height = image.size
    least = max(2, round(height * _FILLER_SHARE))
    last = _colour(image, 0, height - 1)
    if not _FILLER_DARKEST < _brightest(last) < _FILLER_BRIGHTEST:
        return False
    # Two corners of the bottom rule out nearly every scene.
    for corner in (_colour(image, width - 1, height - 1), _colour(image, width - 1, max(0, height - least))):
        if any(abs(one - other) > _FILLER_SPREAD for one, other in zip(corner, last, strict=True)):
            return False
    return _ends_in(np.asarray(image), np.array(last, dtype=np.int16), least)


def _brightest(colour: tuple[int, ...]) -> float:
    """The strongest of red, green and blue of a colour in luma and chroma."""
    cb, cr = colour[1] - 128, colour[2] - 128
    return colour[0] + max(of_cb * cb + of_cr * cr for of_cb, of_cr in _CHROMA_TO_EACH)


def _colour(image: Image.Image, column: int, row: int) -> tuple[int, ...]:
    """Luma and chroma of a pixel."""
    return cast(tuple[int, ...], image.getpixel((column, row)))


def _ends_in(colours: Colours, last: NDArray[np.int16], least: int) -> bool:
    off = _off(colours, last)
    if off[-least:].any():
        return False
    above = colours[: len(off) - int(np.argmax(off[::-1]))] if off.any() else colours[:0]
    uneven = (above.max(1).astype(np.int16) - above.min(1)).max(1) > _FILLER_SPREAD
    return bool(len(above)) and bool(uneven.mean() > _FILLER_ABOVE)


def _off(colours: Colours, colour: NDArray[np.int16]) -> NDArray[np.bool_]:
    """The rows that are not all of one colour."""
    return np.asarray(np.abs(colours.astype(np.int16) - colour).max((1, 2)) > _FILLER_SPREAD)
