"""Where the texts of a plot stand: beside the lines, not on them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF

from detcore.types import FloatArray

_STEP = 3.0
_GAP = 5.0
_ON_TEXT, _OUT_OF_ORDER = 1_000, 3
_ROWS = (0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5, -6, 6)


class PlotLabels:
    """Finds free places within ``bounds``. All lines are added before the first text is placed; texts of line
    ends come from top to bottom."""

    def __init__(self, bounds: QRectF) -> None:
        self._bounds = bounds
        self._lines: list[tuple[FloatArray, FloatArray]] = []
        self._taken: list[QRectF] = []

    def add_line(self, xs: FloatArray, ys: FloatArray) -> None:
        """A line through the points (``xs``, ``ys``), both (N,) in pixels."""
        self._lines.append((xs, ys))

    def beside(self, end: QPointF, size: QSizeF) -> QRectF:
        """Next to the end of a line: the nearest place that is free, else the one on the fewest lines."""
        width, height = size.width(), size.height()
        return self._best(
            QRectF(left, end.y() + row * height - height / 2, width, height)
            for row in _ROWS
            for left in (end.x() + _GAP, end.x() - _GAP - width)
        )

    def in_corner(self, size: QSizeF) -> QRectF:
        """In a corner of the bounds, at the top left if that is free."""
        room = self._bounds.adjusted(_GAP, _GAP, -_GAP - size.width(), -_GAP - size.height())
        corners = (room.topLeft(), room.bottomRight(), room.topRight(), room.bottomLeft())
        return self._best(QRectF(corner, size) for corner in corners)

    @cached_property
    def _points(self) -> list[FloatArray]:
        """Of each line."""
        return [_walked(xs, ys) for xs, ys in self._lines]

    def _best(self, places: Iterable[QRectF]) -> QRectF:
        within = [place for place in places if self._bounds.contains(place)]
        if not within:
            return QRectF()
        best = min(within, key=self._cover)
        self._taken.append(best)
        return best

    def _cover(self, place: QRectF) -> int:
        """How much of lines and other texts it would hide; texts of upper ends had better be above others."""
        on_lines = sum(_points_within(place, points) for points in self._points)
        near = place.width()
        column = place.adjusted(-near, 0, near, self._bounds.height())
        on_texts = sum(other.intersects(place) for other in self._taken)
        return on_lines + _ON_TEXT * on_texts + _OUT_OF_ORDER * sum(map(column.intersects, self._taken))


def _points_within(place: QRectF, points: FloatArray) -> int:
    x, y = points
    inside = (x > place.left() - 2) & (x < place.right() + 2) & (y > place.top()) & (y < place.bottom())
    return int(np.count_nonzero(inside))


def _walked(xs: FloatArray, ys: FloatArray) -> FloatArray:
    """(2, M) points along a line, a few pixels from one to the next."""
    way = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(xs), np.diff(ys)))))
    steps = np.linspace(0.0, way[-1], int(way[-1] / _STEP) + 2)
    return np.array([np.interp(steps, way, xs), np.interp(steps, way, ys)])
