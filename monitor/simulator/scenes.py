"""What a virtual camera sees: a scene drawn by code for an instant, with the faults of its picture.

A scene has a still layer (ground, houses, trees, light), drawn once each quarter of an hour and kept, and what moves,
which is drawn for every picture. The same arguments always give the same picture.
"""

from __future__ import annotations

import io
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from monitor.simulator import entrance, indoors, outdoors
from monitor.simulator.canvas import SKY_DEPTH_M, Box, Canvas
from monitor.simulator.disturb import cover, disturb
from monitor.simulator.faults import Faults, number
from monitor.simulator.lens import Lens
from monitor.simulator.light import Light, light_of
from monitor.simulator.plan import SceneSpec
from monitor.simulator.stage import Stage, draw_movers
from monitor.simulator.texture import Rng

BEIJING = timezone(timedelta(hours=8), "CST")
JPEG_QUALITY = 80
CACHE_BYTES = 200 * 1024 * 1024  # room for seventy layers of 1280x720, or thirty of 1920x1080
LENS_BLUR = 0.0005  # radius as a share of the width: no lens is sharper
NOISE_MARGIN_PX = 64
DAY_NOISE, NIGHT_NOISE = 2.2, 4.5  # standard deviations of the sensor's noise, in grey levels
SWAY_PX = 2
RAIN_DROPS = 90
SATURATION = 0.8
DAY_MEAN, NIGHT_MEAN = 118.0, 80.0  # grey levels that the exposure aims at
INFRARED = (0.65, 0.3, 0.05, 0.0)  # how much of red, green and blue an infrared picture resembles
EXPOSURE_RANGE = (0.7, 1.7)
CLARITY_M = {"clear": 420.0, "overcast": 260.0, "rain": 150.0}  # where two thirds of the contrast are gone
GLOW_FLOOR = 60  # by how much red and blue exceed green in no surface
Builder = Callable[[Stage], None]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of scene is built, and how its camera hangs: ranges that a seed chooses from."""

    build: Builder
    height: Range
    pitch: Range
    yaw: Range
    focal: Range


KINDS: Mapping[str, Kind] = {
    "street": Kind(outdoors.street, (5.2, 6.8), (13.0, 17.0), (-11.0, 11.0), (0.72, 0.9)),
    "gate": Kind(entrance.gate, (4.2, 5.6), (9.0, 13.0), (-9.0, 9.0), (0.72, 0.86)),
    "facade": Kind(outdoors.facade, (1.5, 2.5), (-37.0, -33.0), (-9.0, 9.0), (0.68, 0.78)),
    "fire_lane": Kind(outdoors.fire_lane, (3.8, 4.8), (12.0, 16.0), (-5.0, 5.0), (0.7, 0.85)),
    "hall": Kind(indoors.hall, (2.65, 2.85), (12.0, 16.0), (-6.0, 6.0), (0.66, 0.76)),
    "access_door": Kind(indoors.access_door, (2.6, 3.2), (8.0, 12.0), (-6.0, 6.0), (0.68, 0.8)),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """The still part of a scene, kept as one picture; the stage only for what moves in front of it."""

    image: Image.Image
    stage: Stage


class LayerCache:
    """The last layer of each view, the least recently used thrown away when they take too much room."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._layers: OrderedDict[tuple[object, ...], tuple[Light, Layer]] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def get(self, view: tuple[object, ...], light: Light, build: Callable[[], Layer]) -> Layer:
        """The layer of a view in a light, built when it is not there; several threads may build at once.

        Only the layer of the last light is kept: time runs one way.
        """
        with self._lock:
            kept = self._layers.get(view)
            if kept is not None and kept[0] == light:
                self._layers.move_to_end(view)
                return kept[1]
        layer = build()
        with self._lock:
            self._drop(view)
            self._layers[view] = (light, layer)
            self.bytes += _size_of(layer)
            while self.bytes > self._limit and len(self._layers) > 1:
                self._drop(next(iter(self._layers)))
        return layer

    def _drop(self, view: tuple[object, ...]) -> None:
        if view in self._layers:
            self.bytes -= _size_of(self._layers.pop(view)[1])


def _size_of(layer: Layer) -> int:
    return layer_bytes(layer.image.width, layer.image.height)


def layer_bytes(width: int, height: int) -> int:
    """The room that a layer of this size takes."""
    return width * height * 3


LAYERS = LayerCache(CACHE_BYTES)


def render(
    scene: SceneSpec,
    at: datetime,
    size: tuple[int, int] = (1280, 720),
    *,
    faults: Faults | None = None,
    frame: int = 0,
    clock: datetime | None = None,
) -> Image.Image:
    """The picture of a scene at an instant (without a zone: Beijing time).

    `faults` are those of the picture; `frame` changes the noise; `clock` is what the camera's own clock shows, `at`
    unless given.
    """
    faults = faults or {}
    at = at.astimezone(BEIJING) if at.tzinfo else at.replace(tzinfo=BEIJING)
    light = light_of(scene, at)
    rng = np.random.default_rng([scene.seed, frame, zlib.crc32(scene.kind.encode())])
    image = disturb(_through_lens(scene, at, size, faults, rng), faults, rng)
    if "black" not in faults:
        image = _with_noise(image, NIGHT_NOISE if light.night else DAY_NOISE, rng)
    _write_osd(image, clock or at, scene.label)
    return image


def jpeg(
    scene: SceneSpec,
    at: datetime,
    size: tuple[int, int] = (1280, 720),
    *,
    faults: Faults | None = None,
    frame: int = 0,
    clock: datetime | None = None,
) -> bytes:
    """The same picture as a JPEG."""
    out = io.BytesIO()
    render(scene, at, size, faults=faults, frame=frame, clock=clock).save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _through_lens(scene: SceneSpec, at: datetime, size: tuple[int, int], faults: Faults, rng: Rng) -> Image.Image:
    """What falls on the sensor: the still layer, what moves, rain, a cover."""
    light, layer = light_of(scene, at), still_layer(scene, at, size, faults)
    image = layer.image.copy()
    _sway(image, layer.stage.swaying, at)
    _move(image, layer.stage, at)
    if light.weather == "rain" and not layer.stage.indoors:
        _rain(image, rng)
    if "covered" in faults:
        cover_rng = np.random.default_rng([scene.seed, 77])
        image = cover(image, faults, cover_rng, night=light.night)
    if number(faults, "blurred"):
        image = image.filter(ImageFilter.GaussianBlur(number(faults, "blurred") * image.width))
    return image


# -- the still layer


def still_layer(scene: SceneSpec, at: datetime, size: tuple[int, int], faults: Faults) -> Layer:
    """The still layer of a scene at an instant in Beijing time, kept or drawn now."""
    light, shift = light_of(scene, at), number(faults, "turned")
    view = (scene.kind, scene.seed, size, shift)
    return LAYERS.get(view, light, lambda: build_layer(scene, size, light, shift))


def build_layer(scene: SceneSpec, size: tuple[int, int], light: Light, shift: float = 0.0) -> Layer:
    """Draw the still layer of a scene."""
    rng = np.random.default_rng([scene.seed, zlib.crc32(scene.kind.encode())])
    kind = KINDS[scene.kind]
    height, pitch, yaw, focal = (float(rng.uniform(*span)) for span in (kind.height, kind.pitch, kind.yaw, kind.focal))
    lens = Lens(size, focal, height, pitch, yaw, float(rng.uniform(-1.0, 1.0)), shift)
    stage = Stage(Canvas(lens), light, rng, float(rng.uniform(0.0, 360.0)))
    stage.sky()
    kind.build(stage)
    image = stage.canvas.image
    image = _infrared(stage) if light.night else _hazy(stage)
    image = _vignetted(_exposed(image, light)).filter(ImageFilter.GaussianBlur(LENS_BLUR * size[0]))
    stage.canvas.image = Image.new("RGB", (1, 1))
    stage.trees.clear()
    return Layer(image, stage)


def _exposed(image: Image.Image, light: Light) -> Image.Image:
    """Brightened or darkened towards a mean, as an automatic exposure does."""
    mean = float(np.asarray(image.convert("L").reduce(8)).mean())
    wanted = NIGHT_MEAN if light.night else DAY_MEAN * light.level
    factor = float(np.clip(wanted / max(mean, 1.0), *EXPOSURE_RANGE))
    return image.point([min(255, round(value * factor)) for value in range(256)] * 3)


def _hazy(stage: Stage) -> Image.Image:
    """The day as a camera sees it: the air takes colour and contrast from what is far, the sensor some of the rest."""
    image = ImageEnhance.Color(stage.canvas.image).enhance(SATURATION)
    if stage.indoors:
        return image
    depth = np.asarray(stage.canvas.depth)
    share = np.where(depth < SKY_DEPTH_M, 1 - np.exp(-depth / CLARITY_M[stage.light.weather]), 0.0)
    mask = Image.fromarray((np.minimum(share, 0.6) * 255).astype(np.uint8)).resize(image.size, Image.Resampling.BICUBIC)
    grey = round(196 * stage.light.level)
    image.paste((grey, grey + 3, min(255, grey + 8)), (0, 0), mask)
    return image


def _infrared(stage: Stage) -> Image.Image:
    """The night as an infrared camera sees it: grey, lit by its own lamp, which fades with the distance."""
    image, size = stage.canvas.image, stage.lens.size
    depth = np.asarray(stage.canvas.depth)
    rows, columns = np.mgrid[-1.0 : 1.0 : depth.shape[0] * 1j, -1.0 : 1.0 : depth.shape[1] * 1j]
    beam = np.exp(-0.75 * (columns**2 + rows**2))
    lamp = np.clip(stage.lamp_reach_m / depth, 0.0, 1.1) ** 1.4 * beam
    lamp_image = Image.fromarray((lamp * 0.8 + stage.ambient).astype(np.float32))
    shine = np.asarray(lamp_image.resize(size, Image.Resampling.BICUBIC))
    grey = np.asarray(image.convert("L", INFRARED))
    glow = _glow(image)
    night = np.minimum(grey * shine + np.asarray(glow), 255).astype(np.uint8)
    return Image.merge("RGB", (Image.fromarray(night),) * 3)


def _glow(image: Image.Image) -> Image.Image:
    """The light sources of a night picture (magenta: see `walls.glow`) with their halo."""
    red, green, blue = image.split()
    excess = ImageChops.subtract(ImageChops.darker(red, blue), green)
    core = excess.point([max(0, round((value - GLOW_FLOOR) * 255 / (255 - GLOW_FLOOR))) for value in range(256)])
    halo = core.reduce(8).filter(ImageFilter.GaussianBlur(3)).resize(image.size, Image.Resampling.BICUBIC)
    return ImageChops.add(core, halo.point([round(value * 0.7) for value in range(256)]))


@lru_cache(maxsize=4)
def _vignette(size: tuple[int, int]) -> Image.Image:
    rows, columns = np.mgrid[-1.0:1.0:45j, -1.0:1.0:80j]
    shade = 255 * (1 - 0.13 * (columns**2 + rows**2))
    small = Image.fromarray(np.clip(shade, 0, 255).astype(np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC).convert("RGB")


def _vignetted(image: Image.Image) -> Image.Image:
    return ImageChops.multiply(image, _vignette(image.size))


# -- what changes from picture to picture


def _sway(image: Image.Image, crowns: list[Box], at: datetime) -> None:
    """Shift bands of the crowns of trees by a pixel or two."""
    seconds = at.timestamp()
    for index, box in enumerate(crowns):
        reach = round(SWAY_PX * np.sin(seconds * 0.9 + index * 1.7) * image.width / 1280)
        if reach:
            area = (box.left, box.top, box.right, box.bottom)
            image.paste(image.crop(area), (box.left + reach, box.top))


def _move(image: Image.Image, stage: Stage, at: datetime) -> None:
    draw_movers(Canvas(stage.lens, image, stage.canvas.depth), stage, at.timestamp())


def _rain(image: Image.Image, rng: Rng) -> None:
    pen = ImageDraw.Draw(image, "RGBA")
    width, height = image.size
    for x, y, length in rng.uniform((0, 0, 0.01), (width, height, 0.03), (RAIN_DROPS, 3)).tolist():
        pen.line((x, y, x - length * 30, y + length * height), fill=(225, 228, 232, 70))


@lru_cache(maxsize=4)
def _noise_sheet(size: tuple[int, int], deviation: float) -> Image.Image:
    """Noise larger than a picture, so that each frame takes another part of it; 128 means none."""
    rng = np.random.default_rng(4_711)
    width, height = size[0] + NOISE_MARGIN_PX, size[1] + NOISE_MARGIN_PX
    grey = rng.normal(128.5, deviation, (height, width, 1)) + rng.normal(0, deviation * 0.35, (height, width, 3))
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def _with_noise(image: Image.Image, deviation: float, rng: Rng) -> Image.Image:
    x, y = (int(value) for value in rng.integers(0, NOISE_MARGIN_PX, 2))
    sheet = _noise_sheet(image.size, deviation)
    return ImageChops.add(image, sheet.crop((x, y, x + image.width, y + image.height)), 1, -128)


def _write_osd(image: Image.Image, clock: datetime, label: str) -> None:
    """The clock at the top left and the name at the bottom right, sharp and outlined."""
    pen = ImageDraw.Draw(image)
    width, height = image.size
    size = max(10, round(width / 46))
    _outlined(pen, (width * 0.016, height * 0.022), f"{clock:%Y-%m-%d %H:%M:%S %a}", size, "la")
    _outlined(pen, (width * 0.984, height * 0.978), label, size, "rs")


def _outlined(pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, anchor: str) -> None:
    pen.text(
        place,
        text,
        anchor=anchor,
        fill=(255, 255, 255),
        stroke_fill=(0, 0, 0),
        stroke_width=max(1, size // 14),
        font_size=size,
    )
