"""Things laid before the lens of a real picture: six textures, three positions, any share, in linear light.

What is near the lens is out of focus: edges are soft, textures are smooth. It is lit as the scene is, has the colour of
the scene where that has none, and the noise of a sensor. All of it comes from a seed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Pixels = NDArray[np.float32]

TEXTURES = ("card", "cloth", "leaf", "hand", "spray", "mud")
POSITIONS = ("side", "below", "middle")
_QUALITY = 85
# Soft edges and texture, as shares of the width; noise of the sensor in grey levels.
_EDGE, _NEAR, _NOISE = 0.012, 0.004, 1.5
# The edge wanders by this share of the height, in waves of this share of the width.
_WANDER, _WAVE = 0.05, 0.12
_GREY_BELOW = 4.0
_FLAT = 1e-6
# Reflectance in red, green and blue; how far the texture goes to each side of it (share); how much shows through.
_CLOTHS: Mapping[str, tuple[tuple[float, float, float], float, float]] = {
    "card": ((0.42, 0.30, 0.18), 0.05, 0.0),
    "cloth": ((0.12, 0.14, 0.22), 0.5, 0.0),
    "leaf": ((0.09, 0.20, 0.05), 0.7, 0.0),
    "hand": ((0.45, 0.26, 0.18), 0.25, 0.0),
    "spray": ((0.04, 0.04, 0.05), 0.4, 0.12),
    "mud": ((0.14, 0.10, 0.06), 0.6, 0.05),
}
# Mid grey, and so the scene's mean, reflects this much.
_MEAN_REFLECTANCE = 0.18


@dataclass(frozen=True, slots=True)
class Cover:
    """One thing before the lens: what it is, where, the share of the picture behind it, and its seed."""

    texture: str
    position: str
    share: float
    seed: int


def lay(data: bytes, cover: Cover, frame: int = 0) -> bytes:
    """The picture as it looks behind the cover, a JPEG of the same size; `frame` chooses the noise."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    pixels = np.asarray(image, dtype=np.float32)
    scene = linear(pixels)
    colour, spread, through = _CLOTHS[cover.texture]
    reflectance = np.array(colour, np.float32)
    if np.abs(pixels - pixels.mean(2, keepdims=True)).mean() < _GREY_BELOW:
        reflectance[:] = reflectance.mean()
    texture = 1 + np.float32(spread) * _texture(cover, pixels.shape[:2])
    light = scene.mean() / np.float32(_MEAN_REFLECTANCE)
    thing = np.maximum(reflectance * light * texture[:, :, None], 0)
    alpha = (mask(cover, pixels.shape[:2]) * np.float32(1 - through))[:, :, None]
    found = coded(scene * (1 - alpha) + thing * alpha)
    noise = np.random.default_rng((cover.seed, frame)).normal(0, _NOISE, (*pixels.shape[:2], 1)).astype(np.float32)
    out = io.BytesIO()
    laid = np.clip(found + noise * alpha, 0, 255).astype(np.uint8)
    Image.fromarray(laid).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def mask(cover: Cover, size: tuple[int, int]) -> Pixels:
    """How far each pixel is covered, 0..1; its mean is the cover's share within a hundredth."""
    height, width = size
    down, across = np.mgrid[:height, :width].astype(np.float32)
    down, across = down / height, across / width
    rng = np.random.default_rng(cover.seed)
    wander = _WANDER * _smooth(rng, size, _WAVE)
    towards: Mapping[str, Callable[[], Pixels]] = {
        "side": lambda: across if cover.seed % 2 else 1 - across,
        "below": lambda: 1 - down,
        "middle": lambda: np.hypot(across - 0.5, down - 0.5),
    }
    far = towards[cover.position]() + wander
    inside = (far <= np.quantile(far, cover.share)).astype(np.float32)
    return _blurred(inside, _EDGE * width)


def _texture(cover: Cover, size: tuple[int, int]) -> Pixels:
    """The texture around 0, mostly within 1 to each side."""
    rng = np.random.default_rng((cover.seed, 1))
    height, width = size
    down, across = np.mgrid[:height, :width].astype(np.float32) / width
    kinds: Mapping[str, Callable[[], Any]] = {
        "card": lambda: across - 0.5,
        "cloth": lambda: 0.5 * (np.sin(across * 260) + np.sin(down * 260)) + 0.5 * _smooth(rng, size, 0.06),
        "leaf": lambda: np.sin(120 * (across + 0.6 * np.abs(down - 0.3))) * 0.4 + 0.6 * _smooth(rng, size, 0.03),
        "hand": lambda: np.sin(across * 22 + _smooth(rng, size, 0.1)),
        "spray": lambda: _smooth(rng, size, 0.015),
        "mud": lambda: 0.6 * _smooth(rng, size, 0.05) + 0.4 * _smooth(rng, size, 0.015),
    }
    return _blurred(np.asarray(kinds[cover.texture](), dtype=np.float32), _NEAR * width)


def _smooth(rng: np.random.Generator, size: tuple[int, int], wave: float) -> Pixels:
    """Random hills of one standard deviation, of a width that is a share of the picture's."""
    height, width = size
    step = max(2, round(wave * width))
    coarse = rng.normal(0, 1, (height // step + 3, width // step + 3)).astype(np.float32)
    image = Image.fromarray(coarse).resize((width + 2 * step, height + 2 * step), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)[step : step + height, step : step + width]


def _blurred(plane: Pixels, radius: float) -> Pixels:
    """Out of focus, three boxes deep: Pillow blurs bytes only, so the plane goes through 0..255."""
    low, high = float(plane.min()), float(plane.max())
    if high - low < _FLAT:
        return plane
    image = Image.fromarray(np.rint((plane - low) * (255 / (high - low))).astype(np.uint8))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32)
    return soft * np.float32((high - low) / 255) + np.float32(low)


def linear(pixels: Pixels) -> Pixels:
    """Coded levels 0..255 to linear light 0..1 (sRGB, IEC 61966-2-1)."""
    return np.asarray(_LINEAR[pixels.astype(np.uint8)])


def coded(light: Pixels) -> Pixels:
    """Linear light to coded levels."""
    light = np.clip(light, 0, 1)
    curved = 1.055 * light ** np.float32(1 / 2.4) - 0.055
    return np.asarray(255 * np.where(light <= _LINEAR_TO, 12.92 * light, curved), np.float32)


# Up to here sRGB is a straight line: in light, and in coded level.
_LINEAR_TO, _CODED_TO = 0.0031308, 0.04045
_LEVELS = np.arange(256, dtype=np.float32) / 255
_LINEAR = np.where(_LEVELS <= _CODED_TO, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(np.float32)
