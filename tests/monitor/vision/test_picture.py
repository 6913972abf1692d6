"""Decoding at reduced scale: the small picture, what is damaged, and that nothing else is ever raised."""

from __future__ import annotations

import hashlib
import io
import random
import warnings

import numpy as np
import pytest
from PIL import Image, ImageFile

from monitor.vision import Refused, decode, judge, thumbnail
from tests.monitor.vision.drawing import Shot, jpeg, take, view

BYTES = jpeg(take(view()))


@pytest.mark.parametrize(
    ("size", "small"),
    [((1920, 1080), (480, 270)), ((1280, 720), (640, 360)), ((640, 360), (640, 360)), ((40, 24), (40, 24))],
)
def test_a_large_picture_is_decoded_small(size: tuple[int, int], small: tuple[int, int]) -> None:
    picture = decode(jpeg(view(size=size)))
    assert (picture.width, picture.height) == size
    assert picture.rgb.shape == (small[1], small[0], 3)
    assert picture.rgb.dtype == np.uint8


def test_a_strip_is_small_too() -> None:
    picture = decode(jpeg(np.zeros((200, 9000, 3), np.float32)))
    assert max(picture.rgb.shape) <= 960
    assert picture.unit_rows == 0


def test_the_digest_is_of_the_bytes() -> None:
    assert decode(BYTES).digest == hashlib.sha256(BYTES).hexdigest()


def test_the_rows_of_units_are_known_at_each_scale() -> None:
    full = jpeg(view(size=(640, 360)), subsampling="4:2:0")
    quarter = jpeg(view(size=(1920, 1080)), subsampling="4:2:0")
    assert decode(full).unit_rows == 16
    assert decode(quarter).unit_rows == 4


@pytest.mark.parametrize(
    ("mode", "options"), [("RGB", {}), ("RGB", {"keep_rgb": True}), ("L", {}), ("CMYK", {}), ("YCbCr", {})]
)
def test_whatever_the_colours_are_coded_in_they_are_the_same(mode: str, options: dict[str, bool]) -> None:
    out = io.BytesIO()
    image = Image.fromarray(view(size=(480, 270)).astype(np.uint8)).convert(mode)
    image.save(out, "JPEG", quality=95, subsampling=0, **options)
    rgb = Image.open(io.BytesIO(out.getvalue())).convert("RGB")

    picture = decode(out.getvalue())
    assert picture.image.mode == "YCbCr"
    assert np.abs(picture.rgb.astype(int) - np.asarray(rgb)).max() <= 3
    assert np.abs(picture.luma.astype(int) - np.asarray(rgb.convert("L"))).max() <= 2


def test_metadata_and_what_follows_the_end_change_nothing() -> None:
    exif, comment = b"\xff\xe1\x01\x02" + b"Exif\0\0" + b"x" * 250, b"\xff\xfe\x00\x09comment"
    laden = decode(BYTES[:2] + exif + comment + BYTES[2:] + b"tail" * 99)
    assert np.array_equal(laden.rgb, decode(BYTES).rgb)


def test_the_small_picture_is_what_pillow_drafts() -> None:
    for options in ({}, {"progressive": True}, {"subsampling": "4:4:4"}):
        data = jpeg(take(view(size=(1922, 1083))), **options)
        drafted = Image.open(io.BytesIO(data))
        drafted.draft("YCbCr", (480, 270))
        assert np.array_equal(np.asarray(decode(data).image), np.asarray(drafted))


def test_a_picture_cut_short_with_an_end_put_on_is_corrupt() -> None:
    with pytest.raises(Refused) as caught:
        decode(BYTES[: len(BYTES) // 2] + b"\xff\xd9")
    assert caught.value.cause == "corrupt"


def test_a_tail_of_one_colour_is_filler_but_a_slate_and_a_letterbox_are_not() -> None:
    scene = view()
    tail = scene.copy()
    tail[200:] = 128
    with pytest.raises(Refused, match="grey tail"):
        decode(jpeg(tail, quality=100, subsampling=0))
    slate = np.full_like(scene, 128)
    slate[100:120, 200:300] = 255
    letterbox = scene.copy()
    letterbox[:40], letterbox[320:] = 0, 0
    thin = scene.copy()
    thin[-12:] = 128
    plain = np.full_like(scene, 128)
    for pixels in (slate, letterbox, thin, plain):
        assert decode(jpeg(pixels, quality=100, subsampling=0)).width == 640


def test_a_thumbnail_is_a_small_jpeg() -> None:
    picture = decode(jpeg(take(view(size=(1920, 1080)))))
    data = thumbnail(picture)
    assert 6_000 < len(data) < 40_000
    assert Image.open(io.BytesIO(data)).size == (480, 270)
    assert Image.open(io.BytesIO(thumbnail(picture, 160))).size == (160, 90)
    assert Image.open(io.BytesIO(thumbnail(decode(jpeg(view(size=(40, 24))))))).size == (40, 24)


def test_pillows_own_limits_stay_as_they_are() -> None:
    limit = Image.MAX_IMAGE_PIXELS
    decode(BYTES)
    assert limit == Image.MAX_IMAGE_PIXELS
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled or put in, where it hurts: the head more often than the tail."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 40))):
        reach = chance.choice((len(found), min(700, len(found))))
        at = chance.randrange(max(1, reach))
        kind = chance.randrange(5)
        if kind == 0 and at < len(found):
            found[at] = chance.choice((0, 0xFF, 0xD9, 0xDA, 0xC4, chance.randrange(256)))
        elif kind == 1 and at < len(found):
            found[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del found[at : at + chance.randrange(1, 60)]
        elif kind == 3:
            found[at:at] = chance.randbytes(chance.randrange(1, 40))
        else:
            found[at:at] = found[at : at + chance.randrange(1, 200)]
    return bytes(found)


@pytest.mark.parametrize("start", range(4))
def test_mutated_bytes_are_judged_or_refused_and_nothing_else(start: int) -> None:
    small = view(size=(160, 96))
    seeds = [
        jpeg(small),
        jpeg(small, progressive=True),
        jpeg(small, restart_marker_blocks=3),
        jpeg(take(small, Shot(infrared=True))[:, :, 0]),
    ]
    outcomes = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(start * 75, start * 75 + 75):
            chance = random.Random(number)
            data = mutated(seeds[number % len(seeds)], chance)
            try:
                outcomes.add(judge(decode(data)).label.value)
            except Refused as refused:
                outcomes.add(refused.cause)
    assert outcomes & {"corrupt", "not_a_picture"}
