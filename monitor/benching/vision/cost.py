"""What decoding and judging cost beside a bare decode at a quarter of the size, on pictures as 1080p cameras send them.

The bare decode is OpenCV's where that is installed, else Pillow's, as in the floor of `make bench`. Milliseconds of
processor time; all are taken in turn on each picture, so that their ratio holds on a noisy machine.
"""

from __future__ import annotations

import importlib.util
import io
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from monitor.benching.cpu import measured
from monitor.benching.floor import decoder
from monitor.benching.vision.episodes import series
from monitor.benching.vision.scoring import Figures
from monitor.vision import CameraModel, decode, judge, learn
from monitor.vision.table import Scene

SIZE, BYTES = (1920, 1080), 150_000
PICTURES, ROUNDS = 24, 7
# What a camera's sensor adds, and enlarging took away (grey levels).
_NOISE, _SEED = 3.0, 1
_QUALITIES = range(20, 96)


def cost(scenes: Sequence[Scene]) -> Figures:
    """The medians, and their ratios to the bare decode; of the scene with most pictures, by a bank full of them."""
    scene = max(scenes, key=lambda one: len(series(one)), default=None)
    rows = series(scene)[:PICTURES] if scene else []
    if not scene or not rows:
        return {}
    pictures = [enlarged((scene.root / row["path_cur"]).read_bytes()) for row in rows]
    model = learn([decode(data) for data in pictures])
    signature = model.dumps()
    ways: dict[str, Callable[[bytes], Any]] = {
        "bare_decode": decoder(),
        "decode_and_judge": lambda data: judge(decode(data), model),
        "with_loading_the_model": lambda data: judge(decode(data), CameraModel.loads(signature)),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _round in range(ROUNDS):
        for data in pictures:
            for name, way in ways.items():
                spent[name].append(measured(partial(way, data))[1])
    median = {name: statistics.median(taken) for name, taken in spent.items()}
    return {
        "bare": "OpenCV" if importlib.util.find_spec("cv2") else "Pillow",
        "kb": round(sum(map(len, pictures)) / len(pictures) / 1000),
        "states": len(model.states),
        "ms": {name: round(value, 3) for name, value in median.items()},
        "ratio": {name: round(value / median["bare_decode"], 3) for name, value in median.items()},
    }


def enlarged(data: bytes) -> bytes:
    """A picture as a 1080p camera would send it: enlarged, with a sensor's noise, of as good a quality as fits."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC), np.float32)
    noise = np.random.default_rng(_SEED).normal(0, _NOISE, pixels.shape[:2])
    image = Image.fromarray(np.clip(pixels + noise[:, :, None], 0, 255).astype(np.uint8))
    low, high = _QUALITIES.start, _QUALITIES.stop
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(_jpeg(image, middle)) <= BYTES else (low, middle)
    return _jpeg(image, low)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
