"""Pictures drawn ahead: a few scenes, each at many instants, so that serving one costs no more than sending it.

Every scene is one file in a folder that is kept between runs; all processes map the same file. Consecutive pictures of
a scene differ in what moves, in their noise and in their clock, and each answer carries a comment of its own, so that
no two are the same bytes. All are of one day phase, and the clock in the picture is that of the drawing.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import stat
import struct
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import PIL

from monitor.simulator import (
    canvas,
    disturb,
    entrance,
    indoors,
    lens,
    light,
    outdoors,
    scenes,
    stage,
    texture,
    things,
    walls,
)
from monitor.simulator.faults import FAULTS, Faults, FaultValue, Scope
from monitor.simulator.plan import SceneSpec

SIZE = (1920, 1080)
Size = tuple[int, int]
VARIANTS = 24
QUALITY = 72  # about 180 kB
STEP_S = 7  # between two pictures of a scene: as long as it takes to walk a few metres
MORNING = datetime(2026, 6, 3, 10, 0, tzinfo=scenes.BEIJING)
SCENES = tuple(
    SceneSpec(kind, 900 + number, f"VC {number:02d}", "overcast", "day")
    for number, kind in enumerate(("hall", "gate", "street", "facade", "fire_lane", "access_door"))
)
DISTURBED_VARIANTS = 4
MOST_DISTURBED = 40  # of (scene, faults) with four pictures each: about 30 MB
_DRAWING = (canvas, disturb, entrance, indoors, lens, light, outdoors, scenes, stage, texture, things, walls)
_COUNT = struct.Struct("<I")
SOI = b"\xff\xd8"


def default_folder() -> Path:
    """Where pictures are kept between runs: a folder of this user's only, or a fresh one where that is taken."""
    folder = Path(tempfile.gettempdir()) / f"viewkeeper-pictures-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    known = folder.lstat()
    if stat.S_ISDIR(known.st_mode) and known.st_uid == os.getuid() and not known.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix="viewkeeper-pictures-"))


@dataclass(frozen=True, slots=True)
class Gallery:
    """Which pictures, and the folder that keeps them: the first `scenes` of `SCENES` at `size`."""

    folder: str
    size: Size = SIZE
    scenes: int = len(SCENES)

    def file(self, number: int) -> Path:
        """The file with the pictures of a scene; its name changes whenever the pictures would look different."""
        seen = hashlib.sha256(f"{self.size} {VARIANTS} {QUALITY} {STEP_S} {SCENES[number]} {PIL.__version__}".encode())
        for module in _DRAWING:
            seen.update(Path(str(module.__file__)).read_bytes())
        return Path(self.folder) / f"{seen.hexdigest()[:16]}.pictures"

    @property
    def is_complete(self) -> bool:
        """Whether everything has been drawn."""
        return all(self.file(scene).exists() for scene in range(self.scenes))

    def prepare(self, number: int, of: int) -> None:
        """Draw the scenes `number`, `number + of`, … that are not there yet."""
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        for scene in range(number, self.scenes, of):
            path = self.file(scene)
            if not path.exists():
                write(path, [self.draw(scene, variant) for variant in range(VARIANTS)])

    def draw(self, scene: int, variant: int, faults: Faults | None = None) -> bytes:
        """One picture of a scene."""
        at = MORNING + timedelta(seconds=STEP_S * variant)
        out = io.BytesIO()
        picture = scenes.render(SCENES[scene], at, self.size, faults=faults, frame=variant)
        picture.save(out, "JPEG", quality=QUALITY)
        return out.getvalue()


def write(path: Path, pictures: Sequence[bytes]) -> None:
    """Write a file of pictures so that a reader sees all of it or none."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(_COUNT.pack(len(pictures)))
        file.write(b"".join(_COUNT.pack(len(picture)) for picture in pictures))
        file.writelines(pictures)
    Path(file.name).replace(path)


def read(path: Path) -> list[memoryview]:
    """The pictures of a file, mapped and not copied."""
    with path.open("rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    (count,) = _COUNT.unpack_from(whole)
    start, found = _COUNT.size * (count + 1), []
    for number in range(count):
        (length,) = _COUNT.unpack_from(whole, _COUNT.size * (number + 1))
        found.append(whole[start : start + length])
        start += length
    return found


def comment(text: bytes) -> bytes:
    """The start of a JPEG with a comment: what stands before the rest of a picture without its own start."""
    return b"%b\xff\xfe%b%b" % (SOI, (len(text) + 2).to_bytes(2), text)


class Bank:
    """The pictures that a process serves, by number of the scene and of the request."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self._scenes = [read(gallery.file(number)) for number in range(gallery.scenes)]
        self._disturbed: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    def tail(self, scene: int, turn: int) -> memoryview:
        """A picture without its first two bytes, for `comment` to stand before."""
        variants = self._scenes[scene % len(self._scenes)]
        return variants[turn % len(variants)][len(SOI) :]

    def disturbed(self, scene: int, turn: int, faults: Faults) -> memoryview:
        """The same with faults of the picture; drawn when first asked for and kept while there is room."""
        seen = picture_faults(faults)
        if not seen:
            return self.tail(scene, turn)
        scene, variant = scene % self.gallery.scenes, turn % DISTURBED_VARIANTS
        key = (scene, variant, *sorted(seen.items()))
        kept = self._disturbed.pop(key, b"") or self.gallery.draw(scene, variant, seen)
        self._disturbed[key] = kept
        if len(self._disturbed) > MOST_DISTURBED * DISTURBED_VARIANTS:
            self._disturbed.popitem(last=False)
        return memoryview(kept)[len(SOI) :]


def picture_faults(faults: Faults) -> dict[str, FaultValue]:
    """Those faults that change what is seen; a frozen picture looks as any other."""
    return {
        name: value
        for name, value in faults.items()
        if FAULTS[name].scope is Scope.PICTURE and not name.startswith("frozen")
    }
