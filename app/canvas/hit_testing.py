"""Which boxes lie under a point or in a rectangle. Pure functions on arrays, in image pixels."""

from __future__ import annotations

import numpy as np

from detcore.boxes import areas
from detcore.types import FloatArray, IntArray


def boxes_at(boxes: FloatArray, x: float, y: float, *, tolerance: float) -> IntArray:
    """Rows of the boxes (N, 4) under a point, the one to pick first.

    A small box comes before a large one, else it could not be reached inside of it; of equal ones
    the later row, which is painted above. ``tolerance`` widens each box so that an edge can be met.
    """
    inside = (
        (boxes[:, 0] - tolerance <= x)
        & (x <= boxes[:, 2] + tolerance)
        & (boxes[:, 1] - tolerance <= y)
        & (y <= boxes[:, 3] + tolerance)
    )
    rows = np.flatnonzero(inside)
    order = np.lexsort((-rows, areas(boxes[rows])))
    return rows[order].astype(np.int64)


def boxes_within(boxes: FloatArray, band: tuple[float, float, float, float]) -> IntArray:
    """Rows of the boxes (N, 4) that lie wholly in a rectangle xyxy."""
    x1, y1, x2, y2 = band
    inside = (boxes[:, 0] >= x1) & (boxes[:, 1] >= y1) & (boxes[:, 2] <= x2) & (boxes[:, 3] <= y2)
    return np.flatnonzero(inside).astype(np.int64)


def next_hit(rows: IntArray, current: int | None) -> int | None:
    """The row that a further click at the same place picks: the one after ``current``, round and round."""
    if len(rows) == 0:
        return None
    places = np.flatnonzero(rows == current) if current is not None else np.zeros(0, np.int64)
    return int(rows[(int(places[0]) + 1) % len(rows)]) if len(places) else int(rows[0])
