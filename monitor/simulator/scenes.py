"""What a virtual camera sees: a scene drawn by code for an instant, with the faults of its picture."""

from __future__ import annotations

import io
from datetime import datetime

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from monitor.simulator.faults import Faults, number
from monitor.simulator.plan import SceneSpec


def render(scene: SceneSpec, at: datetime, size: tuple[int, int] = (1280, 720), *, faults: Faults | None = None,
           frame: int = 0, clock: datetime | None = None) -> Image.Image:
    faults = faults or {}
    rng = np.random.default_rng([scene.seed, len(scene.kind)])
    width, height = size
    image = Image.new("RGB", size, tuple(int(v) for v in rng.integers(90, 200, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(160):
        x, y = int(rng.integers(-60, width)), int(rng.integers(-40, height))
        w, h = int(rng.integers(20, width // 6)), int(rng.integers(15, height // 5))
        draw.rectangle((x, y, x + w, y + h), fill=tuple(int(v) for v in rng.integers(20, 230, 3)))
    if "turned" in faults:
        shift = int(width * number(faults, "turned"))
        image = image.transform(size, Image.Transform.AFFINE, (1, 0, shift, 0, 1, 0))
    if "blurred" in faults:
        image = image.filter(ImageFilter.GaussianBlur(width * number(faults, "blurred")))
    if "covered" in faults:
        ImageDraw.Draw(image).rectangle((0, height * (1 - number(faults, "covered")), width, height), fill=(60, 50, 45))
    noise = np.random.default_rng([scene.seed, frame]).integers(-4, 5, (height, width, 1))
    image = Image.fromarray(np.clip(np.asarray(image).astype(int) + noise, 0, 255).astype(np.uint8))
    ImageDraw.Draw(image).text((20, 12), f"{clock or at:%Y-%m-%d %H:%M:%S %a}", fill=(255, 255, 255), font_size=28)
    ImageDraw.Draw(image).text((width - 260, height - 44), scene.label, fill=(255, 255, 255), font_size=28)
    return image


def jpeg(scene: SceneSpec, at: datetime, size: tuple[int, int] = (1280, 720), *, faults: Faults | None = None,
         frame: int = 0, clock: datetime | None = None) -> bytes:
    out = io.BytesIO()
    render(scene, at, size, faults=faults, frame=frame, clock=clock).save(out, "JPEG", quality=80)
    return out.getvalue()
