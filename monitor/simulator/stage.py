"""The stage that a scene is built on: canvas, light, dice, and the lists of what moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from monitor.simulator import things
from monitor.simulator.canvas import Box, Canvas, Colour
from monitor.simulator.lens import Array, Lens
from monitor.simulator.light import Light
from monitor.simulator.texture import Rng, Sheet, Span, lit, pick, scaled
from monitor.simulator.walls import Wall, WallStyle, glow

MAX_SHADOW_M = 14.0
TREE_KINDS = 3  # pictures of trees in one scene: drawing one takes as long as a wall
STEPS_RAD_S = 6.0  # how fast somebody strides
NEAR_SCALE, FAR_SCALE = 56.0, 13.0  # pixels per metre of the ground, near and far
NEAR_DEPTH_M, NEAR_HALF_M = 13.0, 14.0


@dataclass(frozen=True, slots=True)
class Mover:
    """Somebody or something that goes along a straight path again and again, away for a while in between.

    `kind` is person, rider or car; the path is on the ground, in metres; `phase` (0..1) says where in its round it
    is at time 0, `away` how many path lengths it stays away.
    """

    kind: str
    start: tuple[float, float]
    end: tuple[float, float]
    speed: float
    phase: float
    colour: Colour
    away: float = 1.0

    def where(self, seconds: float) -> tuple[float, float] | None:
        """Where it is, or None while it is away."""
        length = float(np.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1]))
        round_m = length * (1 + self.away)
        gone = (seconds * self.speed + self.phase * round_m) % round_m / length
        if gone > 1:
            return None
        return (
            self.start[0] + gone * (self.end[0] - self.start[0]),
            self.start[1] + gone * (self.end[1] - self.start[1]),
        )


@dataclass(frozen=True, slots=True)
class Prop:
    """Something that stands on the ground: tree, car, van, bike, lamp or bin. `height` in metres, `turn` in radians."""

    kind: str
    x: float
    z: float
    height: float = 1.5
    turn: float = 0.0
    colour: Colour = (90, 92, 94)


@dataclass(slots=True)
class Stage:
    """All that a scene's builder paints with. `north` turns the sun; `swaying` are the crowns of trees."""

    canvas: Canvas
    light: Light
    rng: Rng
    north: float
    movers: list[Mover] = field(default_factory=list)
    swaying: list[Box] = field(default_factory=list)
    trees: list[Image.Image] = field(default_factory=list)
    indoors: bool = False
    lamp_reach_m: float = 11.0
    ambient: float = 0.16

    @property
    def lens(self) -> Lens:
        """The camera."""
        return self.canvas.lens

    def shade(self, normal: Array) -> float:
        """How bright a surface is that faces `normal`."""
        if self.indoors:
            return 0.82 + 0.14 * float(normal[1]) + 0.06 * float(normal[0])
        return self.light.shade(normal, self.north) * (1.0 if self.light.night else self.light.level)

    def mover_shade(self, normal: Array) -> float:
        """How bright a moving surface is; by night half of the lamp's light reaches it."""
        return 0.55 if self.light.night else self.shade(normal)

    def mover_colour(self, colour: Colour) -> Colour:
        """The colour of what moves; by night all is grey."""
        if not self.light.night:
            return colour
        grey = min(255, 40 + round(sum(colour) / 3))
        return grey, grey, grey

    def sky(self) -> None:
        """Fill the picture with the sky."""
        width, height = self.lens.size
        tops = {
            "clear": ((120, 160, 205), (205, 218, 228)),
            "overcast": ((178, 184, 190), (208, 211, 213)),
            "rain": ((150, 156, 162), (182, 186, 189)),
        }
        top, bottom = ((16, 16, 18), (30, 30, 33)) if self.light.night else tops[self.light.weather]
        level = 1.0 if self.light.night else self.light.level
        share = np.linspace(0, 1, 32)[:, None, None]
        ramp = (np.array(top) * (1 - share) + np.array(bottom) * share) * level
        small = Image.fromarray(ramp.astype(np.uint8))
        self.canvas.image.paste(small.resize((width, height), Image.Resampling.BICUBIC))

    def ground(
        self,
        draw: Callable[[Sheet], None],
        base: Colour,
        *,
        near: float,
        far: float,
        half_width: float,
        grain: float = 1.0,
    ) -> None:
        """Lay the ground in two sheets, a coarse far one and a fine near one."""
        shade = self.shade(np.array([0.0, 1.0, 0.0]))
        seed = int(self.rng.integers(1 << 30))
        shadow = 0.0 if self.indoors else self.light.shadow
        near_half, near_end = min(half_width, NEAR_HALF_M), min(near + NEAR_DEPTH_M, far)
        for end, half, scale in ((far, half_width, FAR_SCALE), (near_end, near_half, NEAR_SCALE)):
            sheet = Sheet((-half, half), (near, end), scale, base)
            draw(sheet)
            image = sheet.finished(np.random.default_rng(seed), shade, shadow, grain)
            self.canvas.plane(
                image, np.array([-half, 0.0, near]), np.array([2 * half, 0.0, 0.0]), np.array([0.0, 0.0, end - near])
            )

    def cast(self, height: float) -> tuple[float, float]:
        """How far (x, z) the shadow of something of this height reaches on the ground."""
        sun = self.light.sun(self.north)
        length = min(height / sun[1], MAX_SHADOW_M)
        flat = sun[[0, 2]] / max(float(np.hypot(sun[0], sun[2])), 1e-6)
        return -float(flat[0]) * length, -float(flat[1]) * length

    def wall(
        self,
        style: WallStyle,
        corner: tuple[float, float, float],
        along: tuple[float, float],
        height: float,
        *,
        scale: float = 14.0,
    ) -> None:
        """A wall of windows: its top left corner, its way along the ground (x, z) and its height."""
        width = float(np.hypot(*along))
        wall = Wall(self.rng, style, (width, height), scale, night=self.light.night)
        normal = np.array([along[1], 0.0, -along[0]]) / width
        edges = np.array(corner), np.array([along[0], 0.0, along[1]]), np.array([0.0, -height, 0.0])
        self.canvas.plane(lit(wall.image, self.shade(normal)), *edges)

    def panel(
        self, image: Image.Image, corner: tuple[float, float, float], along: tuple[float, float], height: float
    ) -> None:
        """Any upright texture: its top left corner, its way along the ground (x, z) and its height."""
        normal = np.array([along[1], 0.0, -along[0]]) / float(np.hypot(*along))
        self.canvas.plane(
            lit(image, self.shade(normal)),
            np.array(corner),
            np.array([along[0], 0.0, along[1]]),
            np.array([0.0, -height, 0.0]),
        )

    def box(
        self, centre: tuple[float, float, float], size: tuple[float, float, float], colour: Colour, turn: float = 0.0
    ) -> None:
        """A plain box."""
        self.canvas.solid(things.box(centre, size, colour, self.shade, turn))

    def prop_shadows(self, sheet: Sheet, props: Iterable[Prop]) -> None:
        """Put the shadows of what will stand on the ground onto it."""
        for prop in props:
            dx, dz = self.cast(prop.height)
            if prop.kind == "tree":
                for share in (0.55, 0.7, 0.85):
                    sheet.shadow_blob(prop.x + dx * share, prop.z + dz * share, prop.height * 0.24)
                sheet.shadow([(prop.x - 0.15, prop.z), (prop.x + 0.15, prop.z), (prop.x + dx * 0.6, prop.z + dz * 0.6)])
            elif prop.kind in ("car", "van"):
                along, across = (2.35, 1.05) if abs(np.cos(prop.turn)) > 0.7 else (1.05, 2.35)  # noqa: PLR2004
                sheet.shadow(
                    _swept((prop.x - across, prop.x + across), (prop.z - along, prop.z + along), (dx * 0.6, dz * 0.6))
                )
            else:
                sheet.shadow(_swept((prop.x - 0.15, prop.x + 0.15), (prop.z - 0.15, prop.z + 0.15), (dx, dz)))

    def house_shadow(self, sheet: Sheet, across: Span, away: Span, height: float) -> None:
        """Put the shadow of a house onto the ground."""
        sheet.shadow(_swept(across, away, self.cast(height)))

    def stand(self, props: Iterable[Prop]) -> None:
        """Draw what stands on the ground, the far ones first."""
        for prop in sorted(props, key=lambda item: -item.z):
            PROPS[prop.kind](self, prop)

    def walker(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        kind: str = "person",
        away: float = 1.0,
        fixed: bool = False,
    ) -> None:
        """Somebody who goes along a path; which way is drawn at random unless `fixed`."""
        if not fixed and self.rng.random() < 0.5:  # noqa: PLR2004 - heads or tails
            start, end = end, start
        speeds = {"person": 1.2, "rider": 4.0, "car": 7.0}
        colour = pick(self.rng, things.CAR_COLOURS if kind == "car" else things.COATS)
        speed = speeds[kind] * float(self.rng.uniform(0.8, 1.25))
        self.movers.append(Mover(kind, start, end, speed, float(self.rng.random()), colour, away))


def _swept(across: Span, away: Span, reach: tuple[float, float]) -> list[tuple[float, float]]:
    """The hull of a rectangle and the same rectangle moved."""
    corners = [(x, z) for x in across for z in away]
    points = sorted({*corners, *((x + reach[0], z + reach[1]) for x, z in corners)})
    return _half_hull(points)[:-1] + _half_hull(points[::-1])[:-1]


def _half_hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """One side of the convex hull of sorted points (Andrew's monotone chain)."""
    hull: list[tuple[float, float]] = []
    for x, z in points:
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], (x, z)):
            hull.pop()
        hull.append((x, z))
    return hull


def _turns_right(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0


def _stand_tree(stage: Stage, prop: Prop) -> None:
    if len(stage.trees) < TREE_KINDS:
        stage.trees.append(things.tree(stage.rng, night=stage.light.night))
    picture = stage.trees[int(stage.rng.integers(len(stage.trees)))]
    lit_picture = _lit_sprite(picture, stage.shade(np.array([0.3, 0.6, -0.3])))
    box = stage.canvas.sprite(lit_picture, np.array([prop.x, 0.0, prop.z]), prop.height)
    if box is not None:
        crown = box.top + max(1, round((box.bottom - box.top) * 0.6))
        stage.swaying.append(Box(box.left, box.top, box.right, crown))


def _stand_bike(stage: Stage, prop: Prop) -> None:
    picture = _lit_sprite(things.bicycle(prop.colour), stage.shade(np.array([0.0, 0.4, -0.6])))
    stage.canvas.sprite(picture, np.array([prop.x, 0.0, prop.z]), things.BIKE_M)


def _stand_car(stage: Stage, prop: Prop) -> None:
    faces = things.car(prop.x, prop.z, prop.turn, prop.colour, stage.shade, van=prop.kind == "van")
    stage.canvas.solid(faces)


def _stand_lamp(stage: Stage, prop: Prop) -> None:
    stage.box((prop.x, 0.0, prop.z), (0.16, prop.height, 0.16), (120, 122, 124))
    stage.box((prop.x - 0.8 * np.sign(prop.x or 1.0), prop.height - 0.1, prop.z), (1.6, 0.1, 0.12), (120, 122, 124))
    head = glow(1.0) if stage.light.night else (190, 190, 185)
    stage.box((prop.x - 1.5 * np.sign(prop.x or 1.0), prop.height - 0.2, prop.z), (0.6, 0.14, 0.3), head)


def _stand_bin(stage: Stage, prop: Prop) -> None:
    stage.box((prop.x, 0.0, prop.z), (0.6, prop.height, 0.6), prop.colour)
    stage.box((prop.x, prop.height, prop.z - 0.05), (0.66, 0.08, 0.7), scaled(prop.colour, 0.7))


PROPS: Mapping[str, Callable[[Stage, Prop], None]] = {
    "tree": _stand_tree,
    "car": _stand_car,
    "van": _stand_car,
    "bike": _stand_bike,
    "lamp": _stand_lamp,
    "bin": _stand_bin,
}


def _lit_sprite(picture: Image.Image, factor: float) -> Image.Image:
    bands = picture.split()
    table = [min(255, round(value * factor)) for value in range(256)]
    return Image.merge("RGBA", (*(band.point(table) for band in bands[:3]), bands[3]))


def draw_movers(canvas: Canvas, stage: Stage, seconds: float) -> None:
    """Draw all that is on its way at a time, the far ones first."""
    placed = [(mover, place) for mover in stage.movers if (place := mover.where(seconds)) is not None]
    for mover, (x, z) in sorted(placed, key=lambda item: -item[1][1]):
        colour = stage.mover_colour(mover.colour)
        if mover.kind == "car":
            turn = float(np.arctan2(mover.end[0] - mover.start[0], mover.end[1] - mover.start[1]))
            faces = things.car(x, z, turn, colour, stage.mover_shade)
            canvas.solid([replace(face, colour=stage.mover_colour(face.colour)) for face in faces])
            continue
        if mover.kind == "person":
            picture, height = things.person(colour, seconds * STEPS_RAD_S + mover.phase * 9), things.PERSON_M
        else:
            picture, height = things.rider(scaled(colour, 0.8), colour), things.RIDER_M
        if mover.end[0] < mover.start[0]:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if stage.light.night:
            picture = Image.merge("LA", (picture.convert("L"), picture.getchannel("A"))).convert("RGBA")
        lit_picture = _lit_sprite(picture, stage.mover_shade(np.array([0.2, 0.5, -0.6])))
        canvas.sprite(lit_picture, np.array([x, 0.0, z]), height)
