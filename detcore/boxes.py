"""Box arithmetic on (N, 4) float arrays of absolute xyxy edges. No +1 anywhere."""

from __future__ import annotations

import numpy as np

from detcore.types import FloatArray


def areas(boxes: FloatArray) -> FloatArray:
    """(N,) areas in square pixels; 0 for a box whose edges are swapped."""
    sides = np.clip(boxes[:, 2:4] - boxes[:, 0:2], 0.0, None)
    return sides[:, 0] * sides[:, 1]


def iou(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """(N, M) intersection over union of every pair; 0 where the union has no area."""
    top_left = np.maximum(boxes[:, None, 0:2], others[None, :, 0:2])
    bottom_right = np.minimum(boxes[:, None, 2:4], others[None, :, 2:4])
    sides = np.clip(bottom_right - top_left, 0.0, None)
    intersection = sides[..., 0] * sides[..., 1]
    union = areas(boxes)[:, None] + areas(others)[None, :] - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)


def clip(boxes: FloatArray, *, width: float, height: float) -> FloatArray:
    """The part of each box inside an image of that size, (N, 4); may have no area left."""
    limits = np.array([width, height, width, height], dtype=np.float64)
    return np.clip(boxes, 0.0, limits)


def from_corners(x_a: float, y_a: float, x_b: float, y_b: float) -> tuple[float, float, float, float]:
    """A box from two opposite corners given in any order."""
    return (min(x_a, x_b), min(y_a, y_b), max(x_a, x_b), max(y_a, y_b))


def from_sizes(boxes: FloatArray) -> FloatArray:
    """(N, 4) edges of boxes that are given as left, top, width and height; one of negative size reaches to
    the left of its start or above it."""
    ends = boxes[:, :2] + boxes[:, 2:]
    return np.concatenate([np.minimum(boxes[:, :2], ends), np.maximum(boxes[:, :2], ends)], axis=1)
