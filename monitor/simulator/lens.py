"""A pinhole camera in a small world.

X to the right, Y up, Z away from the camera, in metres; the eye is above X = Z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NEAR_M = 0.15  # nothing nearer than this is drawn


@dataclass(frozen=True, slots=True)
class Lens:
    """Where a camera stands and looks. `focal` and `shift` (of the view, to the right) are shares of the width.

    `pitch` is downward, all angles are in degrees.
    """

    size: tuple[int, int]
    focal: float
    height: float
    pitch: float
    yaw: float = 0.0
    roll: float = 0.0
    shift: float = 0.0
    matrix: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", self._inner() @ self._axes())

    def _axes(self) -> Array:
        """Rows: the camera's right, down and forward in the world."""
        pitch, yaw, roll = np.radians([self.pitch, self.yaw, self.roll])
        right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        ahead = np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        down = np.cross(right, ahead)
        level = np.stack([right, down, ahead])
        turn = np.array([[np.cos(roll), np.sin(roll), 0.0], [-np.sin(roll), np.cos(roll), 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(turn @ level)

    def _inner(self) -> Array:
        width, height = self.size
        focal = self.focal * width
        return np.array([[focal, 0.0, width * (0.5 - self.shift)], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])

    @property
    def eye(self) -> Array:
        """Where the camera is."""
        return np.array([0.0, self.height, 0.0])

    def project(self, points: Array) -> Array:
        """Pixels and depth (x, y, metres) of world points; those behind the camera make no sense."""
        seen = (points - self.eye) @ self.matrix.T
        depth = np.maximum(seen[:, 2], NEAR_M)
        return np.column_stack([seen[:, 0] / depth, seen[:, 1] / depth, seen[:, 2]])

    def pixels_per_metre(self, point: Array) -> float:
        """How large a metre is at a world point."""
        depth = float((self.matrix @ (point - self.eye))[2])
        return self.focal * self.size[0] / max(depth, NEAR_M)

    def plane(self, corner: Array, along: Array, down: Array) -> Array:
        """The 3x3 matrix from (u, v, 1) on a plane to homogeneous pixels; u and v are multiples of the two edges."""
        return np.asarray(self.matrix @ np.column_stack([along, down, corner - self.eye]))

    def clip(self, points: Array) -> Array:
        """The part of a flat polygon that is in front of the camera (Sutherland-Hodgman at one plane)."""
        depth = ((points - self.eye) @ self.matrix.T)[:, 2] - NEAR_M
        kept: list[Array] = []
        for index in range(len(points)):
            after = (index + 1) % len(points)
            if depth[index] >= 0:
                kept.append(points[index])
            if (depth[index] < 0) != (depth[after] < 0):
                share = depth[index] / (depth[index] - depth[after])
                kept.append(points[index] + share * (points[after] - points[index]))
        return np.array(kept).reshape(-1, 3)
