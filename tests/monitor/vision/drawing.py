"""Scenes drawn with numpy and Pillow: one camera's view by a seed, as day or night, with light, noise and faults."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from monitor.vision import Picture, decode

Pixels = NDArray[np.float32]
SIZE = (640, 360)


@dataclass(frozen=True)
class Shot:
    """How one picture is taken: `light` scales it, `noise` in grey levels, `frame` chooses the noise."""

    light: float = 1.0
    noise: float = 2.0
    frame: int = 0
    infrared: bool = False
    clock: str = "2026-11-03 09:00:00"


def view(seed: int = 1, size: tuple[int, int] = SIZE) -> Pixels:
    """A view with houses, windows and poles: edges in every direction, nearly everywhere."""
    rng = np.random.default_rng(seed)
    width, height = size
    image = Image.new("RGB", size, (150, 165, 180))
    pen = ImageDraw.Draw(image)
    for _ in range(150):
        x, y = rng.uniform(-0.1, 1, 2) * size
        across, down = rng.uniform(0.04, 0.16) * width, rng.uniform(0.05, 0.2) * height
        lean = rng.uniform(-0.6, 0.6) * across
        colour = tuple(int(value) for value in rng.integers(25, 230, 3))
        pen.polygon([(x, y), (x + across, y + lean), (x + across, y + down + lean), (x, y + down)], fill=colour)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(0.6)), dtype=np.float32)


def take(pixels: Pixels, shot: Shot | None = None) -> Pixels:
    """The view as one shot shows it, with a clock in the corner."""
    shot = shot or Shot()
    rng = np.random.default_rng(1000 + shot.frame)
    if shot.infrared:
        pixels = np.repeat(pixels.mean(2, keepdims=True), 3, axis=2)
    noise = rng.normal(0, shot.noise, (*pixels.shape[:2], 1)) if shot.noise else 0.0
    image = Image.fromarray(np.clip(pixels * shot.light + noise, 0, 255).astype(np.uint8))
    ImageDraw.Draw(image).text((12, 8), shot.clock, fill=(255, 255, 255))
    return np.asarray(image, dtype=np.float32)


def jpeg(pixels: Pixels, quality: int = 85, **options: object) -> bytes:
    """Pixels as a JPEG."""
    out = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=quality, **options)
    return out.getvalue()


def snap(pixels: Pixels, shot: Shot | None = None) -> Picture:
    """One shot of a view, encoded and decoded."""
    return decode(jpeg(take(pixels, shot)))


def shifted(pixels: Pixels, right: float, down: float = 0.0) -> Pixels:
    """The content moved by shares of width and height; what comes in is another view."""
    height, width = pixels.shape[:2]
    wide = np.concatenate([view(91), pixels, view(92)], axis=1)
    tall = np.concatenate(
        [np.concatenate([view(93)] * 3, axis=1), wide, np.concatenate([view(94)] * 3, axis=1)], axis=0
    )
    x, y = width - round(right * width), height - round(down * height)
    return tall[y : y + height, x : x + width]


def covered(pixels: Pixels, share: float, colour: tuple[int, int, int] = (120, 80, 60)) -> Pixels:
    """The lower `share` of the view behind something smooth."""
    found = pixels.copy()
    found[round(len(found) * (1 - share)) :] = colour
    return found


def blurred(pixels: Pixels, radius: float) -> Pixels:
    """Out of focus by a radius as a share of the width."""
    image = Image.fromarray(pixels.astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius * image.width)), dtype=np.float32)
