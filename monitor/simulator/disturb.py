"""What goes wrong with a picture: covers, snow, stripes, casts; each a function from picture to picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageFilter

from monitor.simulator.canvas import Colour
from monitor.simulator.faults import Faults, number, text
from monitor.simulator.lens import Array
from monitor.simulator.texture import Rng, grained

Disturb = Callable[[Image.Image, float, Rng], Image.Image]
COVER_COLOURS: Mapping[str, Colour] = {
    "hand": (150, 108, 88),
    "bag": (168, 170, 174),
    "leaf": (70, 92, 44),
    "cloth": (74, 62, 84),
}
EDGE_WAVES = 5  # how many waves make the edge of a cover


def black(image: Image.Image, _strength: float, rng: Rng) -> Image.Image:
    """No light at all; the noise of the sensor stays."""
    return grained(Image.new("RGB", image.size, (5, 5, 6)), rng, 0.12)


def white(image: Image.Image, _strength: float, rng: Rng) -> Image.Image:
    """Burnt out; a hint of the picture stays."""
    return Image.blend(image, grained(Image.new("RGB", image.size, (253, 253, 252)), rng, 0.1), 0.97)


def dark(image: Image.Image, share: float, _rng: Rng) -> Image.Image:
    """Most of the light is missing."""
    return image.point([round(value * (1 - share)) for value in range(256)] * 3)


def fog(image: Image.Image, share: float, _rng: Rng) -> Image.Image:
    """Contrast and fine detail go."""
    soft = image.filter(ImageFilter.GaussianBlur(image.width * 0.002))
    return Image.blend(soft, Image.new("RGB", image.size, (188, 190, 192)), share)


def cast(image: Image.Image, strength: float, _rng: Rng) -> Image.Image:
    """A magenta cast, as when the infrared cut filter is stuck."""
    factors = (1 + 0.35 * strength, 1 - 0.5 * strength, 1 + 0.2 * strength)
    return image.point([min(255, round(value * factor)) for factor in factors for value in range(256)])


def noise(image: Image.Image, strength: float, rng: Rng) -> Image.Image:
    """Snow."""
    reach = round(255 * strength)
    snow = rng.integers(-reach, reach + 1, (image.height, image.width, 1), dtype=np.int16)
    return Image.fromarray(np.clip(np.asarray(image).astype(np.int16) + snow, 0, 255).astype(np.uint8))


def stripes(image: Image.Image, strength: float, rng: Rng) -> Image.Image:
    """Bands across the picture, at another place in each frame, as from a bad earth."""
    rows = np.arange(image.height)
    wave = np.sin(rows * (2 * np.pi * 14 / image.height) + rng.uniform(0, 2 * np.pi))
    band = (np.sign(wave) * 110 * strength).astype(np.int16)[:, None, None]
    return Image.fromarray(np.clip(np.asarray(image).astype(np.int16) + band, 0, 255).astype(np.uint8))


# In the order in which light meets them: the air, the sensor, the wire.
DISTURBANCES: Mapping[str, Disturb] = {
    "fog": fog,
    "dark": dark,
    "cast": cast,
    "noise": noise,
    "stripes": stripes,
    "white": white,
    "black": black,
}


def disturb(image: Image.Image, faults: Faults, rng: Rng) -> Image.Image:
    """Apply all disturbances of the sensor and behind it that are among the faults."""
    for name, apply in DISTURBANCES.items():
        if name in faults:
            image = apply(image, number(faults, name), rng)
    return image


def cover(image: Image.Image, faults: Faults, rng: Rng, *, night: bool) -> Image.Image:
    """Put something in front of the lens that covers the wanted share of the picture; its edge is out of focus."""
    share = number(faults, "covered")
    kind = text(faults, "covered_with", "bag")
    mask = cover_mask(image.size, share, text(faults, "covered_from", "bottom"), kind, rng)
    covered = image.copy()
    covered.paste(_surface(image.size, kind, rng, night=night), (0, 0), mask)
    return covered


def cover_mask(size: tuple[int, int], share: float, side: str, kind: str, rng: Rng) -> Image.Image:
    """A mask (255: covered) of the wanted share with a wavy, soft edge."""
    width, height = size[0] // 4, size[1] // 4
    field = _field(width, height, side, kind, rng)
    # `np.quantile` is exact: that share of the pixels is nearer than the limit.
    limit = np.quantile(field, np.clip(share, 0.0, 1.0))
    hard = np.full(field.shape, 255, np.uint8) if share >= 1 else ((field < limit) * 255).astype(np.uint8)
    soft = Image.fromarray(hard).filter(ImageFilter.GaussianBlur(width * 0.008))
    return soft.resize(size, Image.Resampling.BICUBIC)


def _field(width: int, height: int, side: str, kind: str, rng: Rng) -> Array:
    """For each pixel how late it is covered as the cover grows from its side."""
    y, x = np.mgrid[0:height, 0:width]
    across, along = x / width, y / height
    growth = {
        "left": across,
        "right": 1 - across,
        "top": along,
        "bottom": 1 - along,
        "centre": np.hypot(across - 0.5, (along - 0.5) * 0.8) * 1.6,
    }[side]
    run = along if side in ("left", "right") else across
    waves = np.zeros_like(growth)
    for index in range(1, EDGE_WAVES + 1):
        waves += rng.uniform(0.3, 1.0) * np.sin(run * 2 * np.pi * index * 0.8 + rng.uniform(0, 6.3)) / index
    fingers = np.abs(np.sin(run * np.pi * 3.5 + 0.6)) * 0.24 if kind == "hand" else 0.0
    tilt = rng.uniform(-0.15, 0.15) * run
    return np.asarray(growth + 0.05 * waves - fingers + tilt, dtype=np.float64)


def _surface(size: tuple[int, int], kind: str, rng: Rng, *, night: bool) -> Image.Image:
    """What the cover looks like from so near: out of focus, with folds or veins, lit from one side."""
    colour = COVER_COLOURS[kind]
    if night:
        grey = int(sum(colour) / 3)
        colour = (grey, grey, grey)
    small = (size[0] // 8, size[1] // 8)
    y, x = np.mgrid[0 : small[1], 0 : small[0]]
    folds = np.zeros(small[::-1])
    for _ in range(5 if kind in ("bag", "cloth") else 2):
        turn, pitch = rng.uniform(0, np.pi), rng.uniform(6.0, 26.0) / small[0]
        folds += np.sin((x * np.cos(turn) + y * np.sin(turn)) * pitch + rng.uniform(0, 6.3))
    light = np.clip(0.78 + 0.07 * folds + 0.2 * (1 - y / small[1]), 0.35, 1.25)
    shaded = np.clip(np.array(colour)[None, None, :] * light[:, :, None], 0, 255).astype(np.uint8)
    return grained(Image.fromarray(shaded).resize(size, Image.Resampling.BICUBIC), rng, 0.25)
