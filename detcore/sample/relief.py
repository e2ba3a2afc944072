"""Drawing one object as a relief: outlines give a mask and a height, one lamp shades it.

An object is drawn in its own frame, x and y from -1 to 1, on a canvas several times finer than the
picture, turned by its angle, shaded there (so that all objects of a picture share the light) and
then reduced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating[Any]]
"""(n, n) one value a pixel, or (n, n, 3) colours from 0 to 1."""

Color = tuple[float, float, float]

_SUBPIXEL_BITS = 4
_LIGHT = (-0.46, -0.56, 0.69)
"""Where the lamp stands: right, down, up."""
_HALFWAY = (-0.250, -0.305, 0.919)
"""Half way between the lamp and the eye above the table: what faces there shines."""


def size_of(plane: Plane) -> tuple[int, int]:
    """(height, width)."""
    return int(plane.shape[0]), int(plane.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprite:
    """A shaded object at the size of the picture.

    ``color`` (n, n, 3) and ``alpha`` (n, n) from 0 to 1; ``box`` is the object's extent, xyxy, from the
    sprite's top left corner; ``thickness`` in pixels says how far its shadow falls.
    """

    color: Plane
    alpha: Plane
    box: tuple[float, float, float, float]
    thickness: float


class Canvas:
    """A square of ``side`` pixels, each ``fineness`` times finer in both directions.

    ``radius`` (pixels) is the length of the object's unit; ``angle`` in radians; ``offset`` from 0 to 1
    moves the object by parts of a pixel.
    """

    def __init__(self, *, radius: float, angle: float, offset: tuple[float, float] = (0.0, 0.0)) -> None:
        self.side = 2 * int(np.ceil(radius * 1.15)) + 7
        self.fineness = 4 if radius < 30 else 3 if radius < 60 else 2
        self.unit = radius * self.fineness
        self._size = self.side * self.fineness
        self._centre = (np.array(offset) + self.side / 2) * self.fineness
        self._turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        rows, columns = np.mgrid[0 : self._size, 0 : self._size].astype(np.float32) + 0.5
        shifted = np.stack([columns - self._centre[0], rows - self._centre[1]], axis=-1) / self.unit
        own = shifted @ self._turn.astype(np.float32)
        self.x: Plane = np.ascontiguousarray(own[..., 0], dtype=np.float32)
        self.y: Plane = np.ascontiguousarray(own[..., 1], dtype=np.float32)

    def polygon(self, points: NDArray[np.float64]) -> Plane:
        """The inside of an outline (N, 2) in the object's frame, antialiased, from 0 to 1."""
        drawn = np.zeros((self._size, self._size), np.uint8)
        cv2.fillPoly(drawn, [self._fixed(points)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        return np.float32(1 / 255) * drawn

    def disc(self, x: float, y: float, radius: float) -> Plane:
        """The inside of a circle, with an edge one fine pixel soft."""
        distance = np.hypot(self.x - np.float32(x), self.y - np.float32(y))
        return np.clip((radius - distance) * self.unit + 0.5, 0, 1)

    def stroke(self, points: NDArray[np.float64], width: float) -> Plane:
        """A line through points (N, 2), ``width`` in the object's unit."""
        drawn = np.zeros((self._size, self._size), np.uint8)
        thickness = max(1, round(width * self.unit))
        cv2.polylines(drawn, [self._fixed(points)], False, 255, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
        return np.float32(1 / 255) * drawn

    def bevel(self, mask: Plane, width: float) -> Plane:
        """Height above the table, in units: rises round from the edge of a mask to a plateau."""
        inside = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        climbed = np.clip(np.asarray(inside, np.float32) / (width * self.unit), 0, 1)
        return np.sqrt(1 - (1 - climbed) ** 2) * np.float32(width)

    def finish(
        self,
        *,
        mask: Plane,
        height: Plane,
        albedo: Plane | Color,
        gloss: float,
        metal: float = 0.0,
        thickness: float,
    ) -> Sprite:
        """Shade and reduce. ``height`` and ``thickness`` in the object's unit; ``gloss`` and ``metal``
        from 0 to 1 say how much the surface shines and how much it mirrors."""
        color = self._shade(height * np.float32(self.unit), np.asarray(albedo, np.float32), gloss, metal)
        size = (self.side, self.side)
        alpha = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.float32)
        weighted = np.asarray(
            cv2.resize(color * mask[..., None], size, interpolation=cv2.INTER_AREA), np.float32
        )
        return Sprite(
            color=weighted / np.maximum(alpha, 1e-4)[..., None],
            alpha=alpha,
            box=self._extent(mask),
            thickness=thickness * self.unit / self.fineness,
        )

    def _shade(self, height: Plane, albedo: Plane, gloss: float, metal: float) -> Plane:
        smooth = cv2.GaussianBlur(height, (0, 0), 0.35 * self.fineness)
        slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
        slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
        upright = 1 / np.sqrt(slope_x * slope_x + slope_y * slope_y + 1)
        right, down = -slope_x * upright, -slope_y * upright
        diffuse = np.clip(right * _LIGHT[0] + down * _LIGHT[1] + upright * _LIGHT[2], 0, 1)
        facing = np.clip(right * _HALFWAY[0] + down * _HALFWAY[1] + upright * _HALFWAY[2], 0, 1)
        highlight = facing ** (18 + 60 * gloss)
        room = 0.5 + 0.5 * np.sin(2.6 * right + 3.4 * down - 0.9)
        mirrored = 0.16 + 0.5 * (1 - room) + 0.38 * diffuse + self._sheen()
        lit = (0.42 + 0.78 * diffuse) * (1 - metal) + mirrored * metal
        shining = highlight[..., None] * gloss * (0.75 * (1 - metal) + metal * albedo)
        return np.clip(albedo * lit[..., None] + shining, 0, 1).astype(np.float32)

    def _sheen(self) -> Plane:
        """What turned and brushed metal shows: bright where its fine circles face the lamp."""
        ramp = np.linspace(-1, 1, self._size, dtype=np.float32)
        around = np.arctan2(ramp[:, None], ramp[None, :])
        outward = np.clip(np.hypot(ramp[:, None], ramp[None, :]) * 3, 0, 1)
        return np.float32(0.15) * outward * np.cos(2 * (around - np.float32(0.88)))

    def _fixed(self, points: NDArray[np.float64]) -> NDArray[np.int32]:
        placed = points @ self._turn.T * self.unit + self._centre - 0.5
        return np.round(placed * (1 << _SUBPIXEL_BITS)).astype(np.int32)

    def _extent(self, mask: Plane) -> tuple[float, float, float, float]:
        columns = np.flatnonzero(mask.max(axis=0) > 0.5)
        rows = np.flatnonzero(mask.max(axis=1) > 0.5)
        edges = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / self.fineness
        return (float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3]))
