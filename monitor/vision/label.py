"""The words for what a picture shows; all but `normal` are keys of the causes."""

from __future__ import annotations

from enum import StrEnum


class Label(StrEnum):
    """What one picture shows."""

    NORMAL = "normal"
    OBSTRUCTED = "obstructed"
    MOVED = "moved"
    BLUR = "blur"
    DARK = "dark"
    BLACK = "black"
    WHITE = "white"
    FROZEN = "frozen"
    CORRUPT = "corrupt"
    NOISE = "noise"
    STRIPES = "stripes"
    CAST = "cast"
    LOWCONTRAST = "lowcontrast"
