"""Painting in perspective: textured planes, solids of flat faces and upright sprites, far ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from monitor.simulator.lens import Array, Lens

Colour = tuple[int, int, int]
DEPTH_STEP_PX = 8  # the map of depths is so much coarser than the picture
SKY_DEPTH_M = 400.0
HIDING_M = 1.2  # what is nearer by so much hides what moves behind it; less is the error of coarse depths
NEAR_FACE_M = 0.4
FINE = 2  # solids are drawn so much larger first, for smooth edges


@dataclass(frozen=True, slots=True)
class Face:
    """One flat face of a solid: its corners in the world, its colour, already lit, and which way it faces."""

    corners: Array
    colour: Colour
    normal: Array


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels, right and bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top


class Canvas:
    """A picture being painted through a lens, with a coarse map of how far away each part is."""

    def __init__(self, lens: Lens, image: Image.Image | None = None, depth: Image.Image | None = None) -> None:
        """A new picture, or with `image` and its `depth` one into which more is drawn, behind what is nearer."""
        self.lens = lens
        self.image = image or Image.new("RGB", lens.size)
        self.hiding = depth is not None
        width, height = lens.size
        self.depth = depth or Image.new("F", (width // DEPTH_STEP_PX + 1, height // DEPTH_STEP_PX + 1), SKY_DEPTH_M)

    def box_of(self, pixels: Array) -> Box | None:
        """The pixels that a shape touches within the picture, or None when it is outside."""
        width, height = self.lens.size
        low, high = np.floor(pixels[:, :2].min(axis=0)) - 1, np.ceil(pixels[:, :2].max(axis=0)) + 2
        box = Box(max(0, int(low[0])), max(0, int(low[1])), min(width, int(high[0])), min(height, int(high[1])))
        return box if box.right > box.left and box.bottom > box.top else None

    def plane(self, texture: Image.Image, corner: Array, along: Array, down: Array) -> None:
        """Lay a texture on the parallelogram of `corner` and its two edges."""
        polygon = self.lens.clip(np.array([corner, corner + along, corner + along + down, corner + down]))
        if len(polygon) < 3:  # noqa: PLR2004 - a polygon has three corners
            return
        pixels = self.lens.project(polygon)
        box = self.box_of(pixels)
        if box is None:
            return
        texture = _thinned(texture, pixels)
        matrix = self.lens.plane(corner, along / texture.width, down / texture.height)
        # With alpha, since Pillow fills what is outside the texture with nothing.
        warped = texture.convert("RGBA").transform(
            box.size, Image.Transform.PERSPECTIVE, _coefficients(matrix, box), Image.Resampling.BILINEAR
        )
        mask = ImageChops.darker(_mask(pixels, box), warped.getchannel("A"))
        self.image.paste(warped, (box.left, box.top), mask)
        self._plane_depth(polygon, pixels)

    def _plane_depth(self, polygon: Array, pixels: Array) -> None:
        depths = ((polygon - self.lens.eye) @ self.lens.matrix.T)[:, 2]
        # The inverse of the depth is linear in the picture: fit it to the corners.
        known = np.column_stack([pixels[:, :2], np.ones(len(pixels))])
        slope, *_ = np.linalg.lstsq(known, 1.0 / depths, rcond=None)
        columns, rows = np.meshgrid(np.arange(self.depth.width), np.arange(self.depth.height))
        inverse = (columns * slope[0] + rows * slope[1]) * DEPTH_STEP_PX + slope[2]
        plane = Image.fromarray((1.0 / np.maximum(inverse, 1.0 / SKY_DEPTH_M)).astype(np.float32))
        mask = Image.new("L", self.depth.size)
        ImageDraw.Draw(mask).polygon([tuple(point / DEPTH_STEP_PX) for point in pixels[:, :2]], fill=255)
        self.depth.paste(plane, (0, 0), mask)

    def solid(self, faces: Sequence[Face]) -> None:
        """Draw the faces that look at the camera, the far ones first; those partly behind it are left out."""
        eye = self.lens.eye
        turned = [face for face in faces if float(face.normal @ (eye - face.corners[0])) > 0]
        projected = [(self.lens.project(face.corners), face.colour) for face in turned]
        visible = [(pixels, colour) for pixels, colour in projected if float(pixels[:, 2].min()) > NEAR_FACE_M]
        if not visible:
            return
        box = self.box_of(np.concatenate([pixels for pixels, _ in visible]))
        if box is None:
            return
        fine = Image.new("RGBA", (box.size[0] * FINE, box.size[1] * FINE))
        pen = ImageDraw.Draw(fine)
        for pixels, colour in sorted(visible, key=lambda item: -float(item[0][:, 2].mean())):
            pen.polygon([tuple(p) for p in (pixels[:, :2] - (box.left, box.top)) * FINE], fill=(*colour, 255))
        depth = min(float(pixels[:, 2].mean()) for pixels, _ in visible)
        self._paste(fine.reduce(FINE), box, depth)

    def sprite(self, sprite: Image.Image, foot: Array, height_m: float) -> Box | None:
        """Stand an upright picture (with alpha) on a point of the world; returns where it came to be."""
        scale = self.lens.pixels_per_metre(foot) * height_m / sprite.height
        width, height = max(1, round(sprite.width * scale)), max(1, round(sprite.height * scale))
        x, y, depth = self.lens.project(foot[None])[0]
        left, top = round(x - width / 2), round(y - height)
        box = self.box_of(np.array([[left, top], [left + width, top + height]], dtype=float))
        if depth < NEAR_FACE_M or box is None:
            return None
        scaled = sprite.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        cut = scaled.crop((box.left - left, box.top - top, box.right - left, box.bottom - top))
        self._paste(cut, box, float(depth))
        return box

    def _paste(self, picture: Image.Image, box: Box, depth: float) -> None:
        """Paste a picture with alpha that stands at a depth, behind what is nearer when `hiding`."""
        alpha = picture.getchannel("A")
        step = DEPTH_STEP_PX
        area = (box.left // step, box.top // step, (box.right - 1) // step + 1, (box.bottom - 1) // step + 1)
        if self.hiding:
            alpha = ImageChops.multiply(alpha, self._in_sight(area, box, depth))
        self.image.paste(picture, (box.left, box.top), alpha)
        if not self.hiding:
            coarse = alpha.resize((area[2] - area[0], area[3] - area[1]), Image.Resampling.BOX)
            self.depth.paste(depth, area, coarse.point([0] * 96 + [255] * 160))

    def _in_sight(self, area: tuple[int, int, int, int], box: Box, depth: float) -> Image.Image:
        """A mask of the part of a box where nothing is nearer."""
        free = (np.asarray(self.depth.crop(area)) > depth - HIDING_M).astype(np.uint8) * 255
        step = DEPTH_STEP_PX
        left, top = area[0], area[1]
        part = (box.left / step - left, box.top / step - top, box.right / step - left, box.bottom / step - top)
        return Image.fromarray(free).resize(box.size, Image.Resampling.BILINEAR, box=part)


def _thinned(texture: Image.Image, pixels: Array) -> Image.Image:
    """A texture much finer than its place in the picture is reduced first: it would glitter."""
    x, y = pixels[:, 0], pixels[:, 1]
    area = abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2
    factor = int(np.sqrt(texture.width * texture.height / max(area, 1.0)))
    return texture.reduce(min(factor, 6)) if factor > 1 else texture


def _coefficients(matrix: Array, box: Box) -> tuple[float, ...]:
    """What Pillow wants: from a pixel of the box to a pixel of the texture."""
    moved = np.array([[1.0, 0.0, -box.left], [0.0, 1.0, -box.top], [0.0, 0.0, 1.0]]) @ matrix
    inverse = np.linalg.inv(moved)
    return tuple(float(value) for value in (inverse / inverse[2, 2]).ravel()[:8])


def _mask(pixels: Array, box: Box) -> Image.Image:
    mask = Image.new("L", box.size)
    ImageDraw.Draw(mask).polygon([tuple(p) for p in pixels[:, :2] - (box.left, box.top)], fill=255)
    return mask
