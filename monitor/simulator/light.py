"""The light of an instant: day or infrared night, where the sun stands, what the weather does."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from monitor.simulator.lens import Array
from monitor.simulator.plan import SceneSpec

# Beijing time in hours: when the infrared lamp goes off and on, and how long the light takes to grow and fade.
DAY_FROM_H, DAY_TO_H = 6.5, 17.5
DUSK_H = 0.75
DUSK_LEVEL = 0.6
NOON_ELEVATION_DEG = 52.0
LOWEST_SUN_DEG = 9.0
QUARTER_MIN = 15
# How many days of ten are clear, overcast and rainy.
CLEAR_DAYS, OVERCAST_DAYS = 5, 9


@dataclass(frozen=True, slots=True)
class Light:
    """What light falls on a scene during one quarter of an hour."""

    night: bool
    weather: str
    level: float
    hour: float

    def sun(self, north: float) -> Array:
        """The direction of the sun; `north` (degrees) says how the scene is turned."""
        share = (self.hour - DAY_FROM_H) / (DAY_TO_H - DAY_FROM_H)
        elevation = np.radians(max(LOWEST_SUN_DEG, NOON_ELEVATION_DEG * np.sin(np.pi * np.clip(share, 0.0, 1.0))))
        bearing = np.radians(north + (self.hour - 12.0) * 15.0)
        flat = np.cos(elevation)
        return np.array([flat * np.sin(bearing), np.sin(elevation), flat * np.cos(bearing)])

    @property
    def shadow(self) -> float:
        """How dark a shadow is: the share of the light that it takes."""
        if self.night:
            return 0.0
        return {"clear": 0.5, "overcast": 0.14, "rain": 0.1}[self.weather]

    def shade(self, normal: Array, north: float) -> float:
        """How bright a surface is that faces `normal`."""
        if self.night:
            return 0.95
        if self.weather != "clear":
            return 0.74 + 0.16 * float(normal[1])
        return 0.6 + 0.5 * max(0.0, float(normal @ self.sun(north)))


def light_of(scene: SceneSpec, at: datetime) -> Light:
    """The light at a Beijing time; the quarter of an hour counts, so that a drawn scene can be kept for as long."""
    hour = at.hour + (at.minute // QUARTER_MIN * QUARTER_MIN + QUARTER_MIN / 2) / 60
    exact = at.hour + at.minute / 60
    night = not DAY_FROM_H <= exact < DAY_TO_H
    if scene.phase:
        night = scene.phase == "night"
    edge = min(hour - DAY_FROM_H, DAY_TO_H - hour)
    grown = float(np.clip(edge / DUSK_H, 0.0, 1.0)) if not scene.phase else 1.0
    return Light(night, scene.weather or weather_of(at), DUSK_LEVEL + (1 - DUSK_LEVEL) * grown, hour)


def weather_of(at: datetime) -> str:
    """The weather of a day: the same for all scenes."""
    drawn = zlib.crc32(f"{at:%Y-%m-%d}".encode()) % 10
    if drawn < CLEAR_DAYS:
        return "clear"
    return "overcast" if drawn < OVERCAST_DAYS else "rain"
