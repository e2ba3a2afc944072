"""The eight handles of a selected box, and what dragging them does. Pure functions."""

from __future__ import annotations

from enum import Enum

import numpy as np

from app.canvas import style
from detcore.boxes import from_corners
from detcore.types import FloatArray

Xyxy = tuple[float, float, float, float]


class Handle(Enum):
    """The value is (horizontal, vertical): -1 the left or top edge, 1 the right or bottom, 0 neither."""

    TOP_LEFT = (-1, -1)
    TOP = (0, -1)
    TOP_RIGHT = (1, -1)
    RIGHT = (1, 0)
    BOTTOM_RIGHT = (1, 1)
    BOTTOM = (0, 1)
    BOTTOM_LEFT = (-1, 1)
    LEFT = (-1, 0)


ROOM_FOR_SIDES = 4 * style.HANDLE_SIZE
"""A side shorter than this on the screen has no handle in its middle."""


def handle_points(box: Xyxy) -> dict[Handle, tuple[float, float]]:
    """Where the handles of a box in screen pixels are; those in the middle only where there is room."""
    x1, y1, x2, y2 = box
    across = {-1: x1, 0: (x1 + x2) / 2, 1: x2}
    down = {-1: y1, 0: (y1 + y2) / 2, 1: y2}
    points: dict[Handle, tuple[float, float]] = {}
    for handle in Handle:
        horizontal, vertical = handle.value
        if horizontal == 0 and x2 - x1 < ROOM_FOR_SIDES or vertical == 0 and y2 - y1 < ROOM_FOR_SIDES:
            continue
        points[handle] = (across[horizontal], down[vertical])
    return points


def handle_at(box: Xyxy, x: float, y: float, *, squares_only: bool = False) -> Handle | None:
    """The handle of a box under a point, all in screen pixels; corners win, then edges along their length.

    Inside a small box the hit areas shrink to a quarter of its side, so that it can still be moved. With
    ``squares_only`` what is painted as a handle is one, and no more: a new box can begin close beside it.
    """
    reach = (style.HANDLE_SIZE if squares_only else style.HANDLE_HIT_SIZE) / 2
    horizontal = _side(x, box[0], box[2], reach)
    vertical = _side(y, box[1], box[3], reach)
    if horizontal and vertical:
        return Handle((horizontal, vertical))
    for handle, (handle_x, handle_y) in handle_points(box).items():
        across, down = handle.value
        if across and across == horizontal and abs(y - handle_y) <= reach:
            return handle
        if down and down == vertical and abs(x - handle_x) <= reach:
            return handle
    if squares_only:
        return None
    horizontal = _side(x, box[0], box[2], style.EDGE_HIT_DISTANCE)
    vertical = _side(y, box[1], box[3], style.EDGE_HIT_DISTANCE)
    if horizontal and box[1] <= y <= box[3]:
        return Handle((horizontal, 0))
    if vertical and box[0] <= x <= box[2]:
        return Handle((0, vertical))
    return None


def _side(position: float, low: float, high: float, reach: float) -> int:
    """-1 near the low edge, 1 near the high one, else 0."""
    inner = min(reach, (high - low) / 4)
    if low - reach <= position <= low + inner:
        return -1
    if high - inner <= position <= high + reach:
        return 1
    return 0


def resized(box: Xyxy, handle: Handle, dx: float, dy: float, *, width: float, height: float) -> Xyxy:
    """The box with the handle's edges moved by (dx, dy), inside an image of that size.

    An edge may be dragged past the opposite one; the box then turns over.
    """
    x1, y1, x2, y2 = box
    horizontal, vertical = handle.value
    if horizontal < 0:
        x1 = min(max(x1 + dx, 0.0), width)
    elif horizontal > 0:
        x2 = min(max(x2 + dx, 0.0), width)
    if vertical < 0:
        y1 = min(max(y1 + dy, 0.0), height)
    elif vertical > 0:
        y2 = min(max(y2 + dy, 0.0), height)
    return from_corners(x1, y1, x2, y2)


def moved(boxes: FloatArray, dx: float, dy: float, *, width: float, height: float) -> FloatArray:
    """Boxes (N, 4) moved together, no further than until the first of them meets the image's edge.

    A box that sticks out already is not pushed further out.
    """
    if len(boxes) == 0:
        return boxes.copy()
    left, top = float(boxes[:, 0].min()), float(boxes[:, 1].min())
    right, bottom = float(boxes[:, 2].max()), float(boxes[:, 3].max())
    dx = min(max(dx, min(-left, 0.0)), max(width - right, 0.0))
    dy = min(max(dy, min(-top, 0.0)), max(height - bottom, 0.0))
    limits = np.array([max(width, right), max(height, bottom)] * 2)
    return np.minimum(boxes + np.array([dx, dy, dx, dy]), limits)
