"""The walls of houses: windows, balconies, coolers, tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from monitor.simulator.canvas import Colour
from monitor.simulator.texture import Board, Rng, scaled, vary

STOREY_M = 2.9
LIT_SHARE = 0.34  # of the windows in the evening
CURTAIN_SHARE = 0.4
WIDE_WINDOW_M = 2.0  # from here on a window has three panes


def glow(strength: float) -> Colour:
    """The colour of a light source by night: no surface has it, so that the night can tell them apart."""
    level = int(255 * strength)
    return level, 0, level


@dataclass(frozen=True, slots=True)
class WallStyle:
    """How the walls of one house look."""

    plaster: Colour
    frame: Colour
    bay_m: float
    window_m: tuple[float, float]
    balconies: int
    tile_m: float
    band: Colour
    coolers: float


def wall_style(rng: Rng) -> WallStyle:
    """A style drawn at random from what residential houses have."""
    plasters = (
        (196, 178, 150),
        (188, 156, 132),
        (205, 200, 188),
        (170, 176, 180),
        (178, 120, 96),
        (212, 196, 160),
        (150, 160, 150),
        (200, 170, 165),
    )
    plaster = vary(rng, plasters[int(rng.integers(len(plasters)))], 14)
    frames = ((225, 228, 230), (120, 125, 128), (90, 70, 55))
    return WallStyle(
        plaster,
        frames[int(rng.integers(3))],
        float(rng.uniform(2.9, 3.8)),
        (float(rng.uniform(1.3, 1.9)), float(rng.uniform(1.25, 1.6))),
        int(rng.integers(2, 5)),
        float(rng.choice([0.0, 0.22, 0.4])),
        scaled(plaster, float(rng.uniform(0.62, 0.85))),
        float(rng.uniform(0.3, 0.7)),
    )


class Wall:
    """A wall of windows; some of them are lit by night."""

    def __init__(self, rng: Rng, style: WallStyle, size_m: tuple[float, float], scale: float, *, night: bool) -> None:
        self._rng, self._style, self._night = rng, style, night
        self._board = Board(*size_m, scale, style.plaster)
        if style.tile_m:
            self._board.tiles(style.tile_m, style.tile_m, scaled(style.plaster, 0.86))
        self._board.grain(rng, 0.8)
        self._rect = self._board.rect
        self._windows(size_m)

    @property
    def image(self) -> Image.Image:
        """The texture."""
        return self._board.image

    def _windows(self, size_m: tuple[float, float]) -> None:
        style, rng = self._style, self._rng
        bays, storeys = max(1, int(size_m[0] / style.bay_m)), max(1, int(size_m[1] / STOREY_M))
        margin = (size_m[0] - bays * style.bay_m) / 2
        for storey in range(storeys):
            top = size_m[1] - (storey + 1) * STOREY_M
            self._rect(0, top, size_m[0], 0.16, style.band)
            for bay in range(bays):
                left = margin + bay * style.bay_m
                if bay % style.balconies == 0 and storey:
                    self._balcony(left, top)
                else:
                    self._window(left + (style.bay_m - style.window_m[0]) / 2, top + 0.7, *style.window_m)
                    if rng.random() < style.coolers:
                        self._cooler(left + float(rng.uniform(0.1, 0.5)), top + 2.25)
        for bay in range(0, bays + 1, 2):
            self._rect(margin + bay * style.bay_m - 0.05, 0, 0.1, size_m[1], scaled(style.plaster, 0.7))

    def _window(self, left: float, top: float, width: float, height: float) -> None:
        rng, style = self._rng, self._style
        glass = vary(rng, (62, 74, 86), 22)
        self._rect(left - 0.07, top - 0.07, width + 0.14, height + 0.14, style.frame)
        panes = 2 if width < WIDE_WINDOW_M else 3
        step = width / panes
        for pane in range(panes):
            self._rect(left + pane * step + 0.03, top + 0.03, step - 0.06, height - 0.06, glass)
            self._rect(left + pane * step + 0.03, top + 0.03, step - 0.06, height * 0.3, scaled(glass, 1.3))
        if rng.random() < CURTAIN_SHARE:
            self._rect(left + 0.03, top + 0.03, step * 0.6, height - 0.06, vary(rng, (190, 182, 168), 24))
        self._rect(left - 0.12, top + height + 0.07, width + 0.24, 0.09, scaled(style.plaster, 1.12))
        self._rect(left - 0.12, top + height + 0.16, width + 0.24, 0.06, scaled(style.plaster, 0.62))
        self._light_up(left, top, width, height)

    def _light_up(self, left: float, top: float, width: float, height: float) -> None:
        is_lit, strength = self._rng.random() < LIT_SHARE, self._rng.uniform(0.35, 1.0)
        if self._night and is_lit:
            self._rect(left, top, width, height, glow(float(strength)))

    def _balcony(self, left: float, top: float) -> None:
        style, rng = self._style, self._rng
        width = style.bay_m - 0.3
        self._window(left + 0.2, top + 0.35, width - 0.1, 1.35)
        parapet = scaled(style.plaster, float(rng.uniform(0.95, 1.15)))
        self._rect(left + 0.1, top + 1.75, width + 0.1, 1.05, parapet)
        self._rect(left + 0.1, top + 1.75, width + 0.1, 0.1, style.frame)
        for x in np.arange(left + 0.2, left + width + 0.1, 0.24):
            self._rect(float(x), top + 1.86, 0.06, 0.8, scaled(parapet, 0.72))
        self._rect(left + 0.1, top + 2.8, width + 0.1, 0.22, scaled(style.plaster, 0.48))
        for index in range(int(rng.integers(0, 5))):
            self._rect(
                left + 0.4 + index * 0.42, top + 0.5, 0.3, float(rng.uniform(0.5, 0.9)), vary(rng, (150, 120, 125), 70)
            )

    def _cooler(self, left: float, top: float) -> None:
        self._rect(left + 0.05, top + 0.55, 0.85, 0.1, scaled(self._style.plaster, 0.55))
        self._rect(left, top, 0.85, 0.55, vary(self._rng, (208, 208, 202), 12))
        for radius, colour in ((0.23, (120, 122, 122)), (0.17, (70, 72, 74))):
            self._board.disc(left + 0.32, top + 0.28, radius, colour)
