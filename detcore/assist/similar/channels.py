"""What an image looks like where a box is: edges by their direction, contrast and colour, in cells of the box."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.types import FloatArray, ImageArray

Appearances = NDArray[np.float32]
"""(N, GRID, GRID, CHANNELS): what N boxes look like."""

CELLS = 5
"""Cells along each side of a box, whatever its shape."""
RIM = 1
"""Cells around it: an object is also told by what it stands out from."""
GRID = CELLS + 2 * RIM
CHANNELS = 10
"""Edges (1), the cosine and sine of twice, four and six times their direction (6), and L, a, b (3)."""
SIDE = 40.0
"""Pixels of an object, the square root of its area, at the size at which an image is looked at."""
TURNS = 8
"""Quarter turns, and those of the mirror image."""
MOST_PIXELS = 2e6
_POOL = 2
_TURNED = np.array([1, -1, -1, 1, 1, -1, -1, 1, 1, 1], np.float32)
_MIRRORED = np.array([1, 1, -1, 1, -1, 1, -1, 1, 1, 1], np.float32)
_FAINT = 4.0
"""Steps of lightness from pixel to pixel below which edges are noise."""


class Channels:
    """An image as means over 2 x 2 pixels of the size at which it is looked at.

    Directions of edges are harmonics instead of a histogram (HOG: Dalal and Triggs 2005; Liu et al., "Rotation-invariant
    HOG descriptors using Fourier analysis", 2014): a quarter turn changes signs alone. As in "Fast feature pyramids" (Dollar et al.
    2014) they are worked out at one size, and boxes up to twice as large or small are described by them as well.

    Attributes:
        values: (h, w, CHANNELS) float32.
        scale: of x and of y: cells of ``values`` for each pixel of the image.
        size: width and height of the image.
    """

    def __init__(self, image: ImageArray, side: float) -> None:
        """``side`` is that of the objects, in pixels of the image (the square root of their area)."""
        height, width = image.shape[:2]
        zoom = min(SIDE / max(side, 1.0), float(np.sqrt(MOST_PIXELS / (width * height))))
        columns, rows = (max(1, round(length * zoom / _POOL)) for length in (width, height))
        self.size = (width, height)
        self.scale = np.array([columns / width, rows / height])
        shrinks = columns * _POOL < width
        small = cv2.resize(
            image,
            (columns * _POOL, rows * _POOL),
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
        )
        self.values = _values(np.asarray(small, np.uint8), (columns, rows))
        self._margin = round(SIDE / _POOL)
        self._sums: FloatArray | None = None

    def describe(self, boxes: FloatArray) -> Appearances:
        """What boxes (N, 4), in pixels of the image, look like; outside of the image it goes on as at its border."""
        sums = self._integral()
        height, width = sums.shape[0] - 1, sums.shape[1] - 1
        steps = np.arange(GRID + 1) - RIM
        x, y = (
            np.clip(
                (boxes[:, axis, None] + steps * (boxes[:, axis + 2, None] - boxes[:, axis, None]) / CELLS)
                * self.scale[axis]
                + self._margin,
                0,
                length - 1e-6,
            )
            for axis, length in ((0, width), (1, height))
        )
        at = _interpolated(sums, x, y)
        within = at[:, 1:, 1:] - at[:, :-1, 1:] - at[:, 1:, :-1] + at[:, :-1, :-1]
        areas = np.diff(y)[:, :, None] * np.diff(x)[:, None, :]
        return (within / np.maximum(areas, 1e-3)[..., None]).astype(np.float32)

    def cells(self, box_size: tuple[float, float]) -> Appearances:
        """(h, w, CHANNELS) all cells of boxes of a width and height, with no gap between them."""
        columns, rows = (
            max(1, round(length * CELLS / side)) for length, side in zip(self.size, box_size, strict=True)
        )
        shrinks = columns <= self.values.shape[1] and rows <= self.values.shape[0]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        # at most four channels at a time are resized
        parts = [
            cv2.resize(
                np.ascontiguousarray(self.values[..., first : first + 2]),
                (columns, rows),
                interpolation=method,
            )
            for first in range(0, CHANNELS, 2)
        ]
        return np.concatenate([part.reshape(rows, columns, 2) for part in parts], axis=2).astype(
            np.float32, copy=False
        )

    def _integral(self) -> FloatArray:
        """(h + 1, w + 1, CHANNELS) sums of all values above and to the left, with a margin of an object around the
        image."""
        if self._sums is None:
            margin = (self._margin, self._margin)
            padded = np.pad(self.values, (margin, margin, (0, 0)), mode="edge")
            sums = np.zeros((padded.shape[0] + 1, padded.shape[1] + 1, CHANNELS))
            np.cumsum(padded, axis=0, out=sums[1:, 1:])
            np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
            self._sums = sums
        return self._sums


def turned(appearances: Appearances, turn: int) -> Appearances:
    """What things (…, GRID, GRID, CHANNELS) would look like after ``turn`` quarter turns; from 4 on in a mirror."""
    if turn >= 4:
        appearances = appearances[..., :, ::-1, :] * _MIRRORED
    quarter = np.rot90(appearances, turn % 4, axes=(-3, -2))
    return quarter * _TURNED if turn % 2 else quarter


def _values(image: ImageArray, size: tuple[int, int]) -> Appearances:
    """(h, w, CHANNELS) of a (2 h, 2 w, 3) image; ``size`` is (w, h)."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    light = np.ascontiguousarray(lab[..., 0])
    dx = cv2.Sobel(light, cv2.CV_32F, 1, 0, ksize=1)
    dy = cv2.Sobel(light, cv2.CV_32F, 0, 1, ksize=1)
    edge = cv2.magnitude(dx, dy) + np.float32(1e-3)
    cos, sin = (dx * dx - dy * dy) / (edge * edge), 2 * dx * dy / (edge * edge)
    cos2, sin2 = cos * cos - sin * sin, 2 * cos * sin
    cos3, sin3 = cos2 * cos - sin2 * sin, cos2 * sin + sin2 * cos
    around = round(SIDE / 2) | 1
    contrast = edge / (cv2.blur(edge, (around, around)) + _FAINT)
    values = np.empty((size[1], size[0], CHANNELS), np.float32)
    for channel, harmonic in enumerate((None, cos, sin, cos2, sin2, cos3, sin3)):
        plane = contrast if harmonic is None else contrast * harmonic
        values[..., channel] = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    values[..., 7:] = (cv2.resize(lab, size, interpolation=cv2.INTER_AREA) - 128) / 32
    return values


def _interpolated(sums: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """(N, K, K, CHANNELS) sums at the places ``x`` (N, K) by ``y`` (N, K), between those that there are: exact, since values are
    constant in between."""
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, low = (x - left)[:, None, :, None], (y - top)[:, :, None, None]
    flat, width = sums.reshape(-1, CHANNELS), sums.shape[1]
    first = top[:, :, None] * width + left[:, None, :]
    above = flat[first] * (1 - right) + flat[first + 1] * right
    below = flat[first + width] * (1 - right) + flat[first + width + 1] * right
    return above * (1 - low) + below * low
