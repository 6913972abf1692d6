"""Surfaces: grain, walls with windows, and the sheet on which ground and floors are drawn in metres."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from monitor.simulator.canvas import Colour

Rng = np.random.Generator
Span = tuple[float, float]
GRAIN_SIDE = 1_536
SMALLEST_TILE_PX = 3  # joints every other pixel are a grey area


@lru_cache(maxsize=1)
def _grain() -> Image.Image:
    """A large patch of grain: fine speckles over stains of several sizes; grey 128 means none."""
    rng = np.random.default_rng(20_260_101)
    total = rng.normal(0.0, 7.0, (GRAIN_SIDE, GRAIN_SIDE)).astype(np.float32)
    for cells, strength in ((12, 9.0), (48, 6.0), (192, 5.0)):
        coarse = Image.fromarray(rng.normal(0.0, strength, (cells, cells)).astype(np.float32))
        total += np.asarray(coarse.resize((GRAIN_SIDE, GRAIN_SIDE), Image.Resampling.BICUBIC))
    return Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8))


def grained(image: Image.Image, rng: Rng, strength: float = 1.0) -> Image.Image:
    """An image with grain over it, as plaster, asphalt or stone have it."""
    base = _grain()
    x, y = (int(value) for value in rng.integers(0, GRAIN_SIDE // 2, 2))
    patch = base.crop((x, y, GRAIN_SIDE, GRAIN_SIDE))
    tiled = Image.new("L", image.size)
    for left in range(0, image.width, patch.width):
        for top in range(0, image.height, patch.height):
            tiled.paste(patch, (left, top))
    tiled = tiled.point([round(128 + (value - 128) * strength) for value in range(256)])
    return ImageChops.add(image, Image.merge("RGB", (tiled, tiled, tiled)), 1, -128)


def pick(rng: Rng, colours: Sequence[Colour]) -> Colour:
    """One of some colours."""
    return colours[int(rng.integers(len(colours)))]


def even(rng: Rng, low: float, high: float) -> float:
    """A number between two others."""
    return float(rng.uniform(low, high))


def vary(rng: Rng, colour: Sequence[int], by: int) -> Colour:
    """A colour a little lighter or darker, and a little off in tone."""
    lift = int(rng.integers(-by, by + 1))
    tints = rng.integers(-by // 3, by // 3 + 1, 3)
    return _colour(colour[0] + lift + int(tints[0]), colour[1] + lift + int(tints[1]), colour[2] + lift + int(tints[2]))


def scaled(colour: Sequence[int], factor: float) -> Colour:
    """A colour under more or less light."""
    return _colour(colour[0] * factor, colour[1] * factor, colour[2] * factor)


def _colour(red: float, green: float, blue: float) -> Colour:
    """Plain comparisons: this is called ten thousand times for one scene, where `np.clip` would take half the time."""
    return max(0, min(255, int(red))), max(0, min(255, int(green))), max(0, min(255, int(blue)))


def lit(image: Image.Image, factor: float) -> Image.Image:
    """A texture under more or less light."""
    return image.point([min(255, round(value * factor)) for value in range(256)] * 3)


class Sheet:
    """A drawing of the ground (or a floor) in metres; rows of pixels go away from the camera."""

    def __init__(self, across: Span, away: Span, scale: float, colour: Colour) -> None:
        (self.left, self.right), (self.near, self.far), self.scale = across, away, scale
        size = (max(2, round((self.right - self.left) * scale)), max(2, round((self.far - self.near) * scale)))
        self.image = Image.new("RGB", size, colour)
        self.pen = ImageDraw.Draw(self.image)
        self.shadows = Image.new("L", size)

    def at(self, x: float, z: float) -> tuple[float, float]:
        """The pixel of a point of the ground."""
        return (x - self.left) * self.scale, (z - self.near) * self.scale

    def area(self, x0: float, x1: float, z0: float, z1: float, colour: Colour) -> None:
        """Fill a rectangle; x0 and x1 in any order."""
        x0, x1 = min(x0, x1), max(x0, x1)
        if z1 > self.near and z0 < self.far and x1 > self.left and x0 < self.right:
            self.pen.rectangle((*self.at(x0, z0), *self.at(x1, z1)), fill=colour)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon."""
        self.pen.polygon([self.at(x, z) for x, z in points], fill=colour)

    def line(self, points: Sequence[tuple[float, float]], width_m: float, colour: Colour) -> None:
        """Draw a line of a width in metres."""
        self.pen.line([self.at(x, z) for x, z in points], fill=colour, width=max(1, round(width_m * self.scale)))

    def tiles(self, area: tuple[float, float, float, float], side_m: float, joint: Colour) -> None:
        """Draw the joints of square tiles over x0, x1, z0, z1; too small ones are left out."""
        x0, x1, z0, z1 = area
        z0, z1 = max(z0, self.near), min(z1, self.far)
        if side_m * self.scale < SMALLEST_TILE_PX or z1 <= z0:
            return
        for x in np.arange(x0, x1, side_m):
            self.line([(x, z0), (x, z1)], 0.012, joint)
        for z in np.arange(z0, z1, side_m):
            self.line([(x0, z), (x1, z)], 0.012, joint)

    def shadow(self, points: Sequence[tuple[float, float]]) -> None:
        """Mark a polygon as in the shadow."""
        ImageDraw.Draw(self.shadows).polygon([self.at(x, z) for x, z in points], fill=255)

    def shadow_blob(self, x: float, z: float, radius: float) -> None:
        """Mark a circle as in the shadow."""
        (left, near), (right, far) = self.at(x - radius, z - radius), self.at(x + radius, z + radius)
        ImageDraw.Draw(self.shadows).ellipse((left, near, right, far), fill=255)

    def finished(self, rng: Rng, light: float, shadow: float, grain: float = 1.0) -> Image.Image:
        """The texture with grain, light and shadows."""
        image = lit(grained(self.image, rng, grain), light)
        if shadow:
            soft = self.shadows.filter(ImageFilter.GaussianBlur(max(1.0, 0.12 * self.scale)))
            image.paste((10, 14, 26), (0, 0), soft.point([round(value * shadow) for value in range(256)]))
        return image


class Board:
    """A drawing of something upright in metres, from its top left corner."""

    def __init__(self, width_m: float, height_m: float, scale: float, colour: Colour) -> None:
        self.width_m, self.height_m, self.scale = width_m, height_m, scale
        self.image = Image.new("RGB", (max(2, round(width_m * scale)), max(2, round(height_m * scale))), colour)
        self.pen = ImageDraw.Draw(self.image)

    def rect(self, left: float, top: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle, at least one pixel of it."""
        scale = self.scale
        x0, y0 = int(left * scale + 0.5), int(top * scale + 0.5)
        x1, y1 = int((left + width) * scale + 0.5) - 1, int((top + height) * scale + 0.5) - 1
        self.pen.rectangle((x0, y0, max(x0, x1), max(y0, y1)), fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        edges = (x - radius, y - radius, x + radius, y + radius)
        self.pen.ellipse([edge * self.scale for edge in edges], fill=colour)

    def tiles(self, width_m: float, height_m: float, joint: Colour, *, brick: bool = False) -> None:
        """Draw the joints of tiles or bricks over all of it; too small ones are left out."""
        if min(width_m, height_m) * self.scale < SMALLEST_TILE_PX:
            return
        for row, y in enumerate(np.arange(0, self.height_m, height_m)):
            self.rect(0, float(y), self.width_m, 0.012, joint)
            start = width_m / 2 if brick and row % 2 else 0.0
            for x in np.arange(start, self.width_m, width_m):
                self.rect(float(x), float(y), 0.012, height_m, joint)

    def grain(self, rng: Rng, strength: float = 1.0) -> None:
        """Put grain over what was drawn so far."""
        self.image = grained(self.image, rng, strength)
        self.pen = ImageDraw.Draw(self.image)

    def signs(self, rng: Rng, place: tuple[float, float], side: float, count: int, colour: Colour) -> None:
        """Write characters that nobody can read: a few strokes each, as lettering looks from afar."""
        left, top = place
        for index in range(count):
            x, width = left + index * side * 1.2, max(0.012, side * 0.1)
            for share in rng.uniform(0.05, 0.85, 3):
                self.rect(x, top + side * float(share), side, width, colour)
            for share in rng.uniform(0.05, 0.85, 2):
                self.rect(x + side * float(share), top, width, side, colour)
