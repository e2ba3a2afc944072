"""Box arithmetic on (N, 4) float arrays of absolute xyxy edges, and a single box put into its image. No +1
anywhere."""

from __future__ import annotations

import math

import numpy as np

from detcore.types import FloatArray

Xyxy = tuple[float, float, float, float]

LARGEST = 1e9 - 1
"""Pixels that no image and no edge of a box exceeds; projects hold no more."""

TOLERANCE = 0.05
"""Pixels by which a box may leave its image unreported: the rounding of files with few decimals."""


def areas(boxes: FloatArray) -> FloatArray:
    """(N,) areas in square pixels; 0 for a box whose edges are swapped."""
    sides = np.clip(boxes[:, 2:4] - boxes[:, 0:2], 0.0, None)
    return sides[:, 0] * sides[:, 1]


def intersections(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """(N, M) areas that every pair has in common, in square pixels."""
    top_left = np.maximum(boxes[:, None, 0:2], others[None, :, 0:2])
    bottom_right = np.minimum(boxes[:, None, 2:4], others[None, :, 2:4])
    sides = np.clip(bottom_right - top_left, 0.0, None)
    return sides[..., 0] * sides[..., 1]


def iou(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """(N, M) intersection over union of every pair; 0 where the union has no area."""
    intersection = intersections(boxes, others)
    union = areas(boxes)[:, None] + areas(others)[None, :] - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)


def greedy_pairs(alike: FloatArray, *, least: float) -> list[tuple[int, int]]:
    """Rows and columns of a matrix (N, M) that belong together: the greatest value first, no row and no column twice, none
    below ``least``."""
    alike = alike.copy()
    found: list[tuple[int, int]] = []
    while alike.size and alike.max() >= least:
        row, column = (int(place) for place in np.unravel_index(int(alike.argmax()), alike.shape))
        found.append((row, column))
        alike[row], alike[:, column] = -1.0, -1.0
    return found


def clip(boxes: FloatArray, *, width: float, height: float) -> FloatArray:
    """The part of each box inside an image of that size, (N, 4); may have no area left."""
    limits = np.array([width, height, width, height], dtype=np.float64)
    return np.clip(boxes, 0.0, limits)


def inside(box: Xyxy, size: tuple[int, int] | None) -> Xyxy:
    """The part of a box in an image of that width and height, all of it where the size is not known; may have no area left."""
    if size is None:
        return box
    x1, y1, x2, y2 = clip(np.array([box]), width=size[0], height=size[1])[0].tolist()
    return x1, y1, x2, y2


def from_corners(x_a: float, y_a: float, x_b: float, y_b: float) -> tuple[float, float, float, float]:
    """A box from two opposite corners given in any order."""
    return (min(x_a, x_b), min(y_a, y_b), max(x_a, x_b), max(y_a, y_b))


def from_sizes(boxes: FloatArray) -> FloatArray:
    """(N, 4) edges of boxes that are given as left, top, width and height; one of negative size reaches to
    the left of its start or above it."""
    ends = boxes[:, :2] + boxes[:, 2:]
    return np.concatenate([np.minimum(boxes[:, :2], ends), np.maximum(boxes[:, :2], ends)], axis=1)


def fit(box: Xyxy, *, width: float | None, height: float | None) -> tuple[Xyxy | None, str | None]:
    """The part of a box inside the image, and what had to be changed.

    Corners in any order are put in order, so a box of negative size reaches to the other side, whatever the
    format. Without a size the right and the bottom are only kept below ``LARGEST``. Returns ``None`` and the
    reason when nothing with an area is left.
    """
    x1, y1, x2, y2 = box
    right = LARGEST if width is None else float(width)
    bottom = LARGEST if height is None else float(height)
    if 0.0 <= x1 < x2 <= right and 0.0 <= y1 < y2 <= bottom:
        return box, None
    if not all(math.isfinite(edge) for edge in box):
        return None, "a coordinate is not a number: box left out"
    changes: list[str] = []
    if x1 > x2 or y1 > y2:
        x1, y1, x2, y2 = box = from_corners(*box)
        changes.append("the corners of the box were swapped: put in order")
    if x1 == x2 or y1 == y2:
        return None, f"box without area ({_show(box)}): left out"
    inside = (min(max(x1, 0.0), right), min(max(y1, 0.0), bottom), min(x2, right), min(y2, bottom))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        return None, f"box outside of the image ({_show(box)}): left out"
    moved = max(abs(before - after) for before, after in zip(box, inside, strict=True))
    if moved > TOLERANCE:
        changes.append(f"box reaches out of the image ({_show(box)}): clipped")
    return inside, "; ".join(changes) or None


def _show(box: Xyxy) -> str:
    return ", ".join(f"{edge:.6g}" for edge in box)
