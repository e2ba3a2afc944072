"""The lines behind the curves of a plot."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter, QPen

LEVELS = 2
"""Lines are drawn at the widest and the second widest spacing of the ticks."""


class PlotGrid(pg.GraphicsObject):
    """Opaque lines at the ticks of both axes.

    pyqtgraph lets an axis draw the grid: then each change of a curve paints the axis with all its numbers
    again and blends the lines over the whole plot, which takes several times longer than the curves do.
    """

    def __init__(self, plot: pg.PlotItem) -> None:
        super().__init__()
        self._axes: tuple[Any, Any] = (plot.getAxis("bottom"), plot.getAxis("left"))
        self._pen = QPen()
        self.setZValue(-1000)
        plot.addItem(self, ignoreBounds=True)

    def set_color(self, color: str) -> None:
        self._pen = pg.mkPen(color, width=1)
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802
        return self.viewRect() or QRectF()

    def viewRangeChanged(self) -> None:  # noqa: N802
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, option: object, widget: object = None) -> None:  # noqa: ARG002
        visible = self.boundingRect()
        painter.setPen(self._pen)
        columns = _ticks(self._axes[0], visible.left(), visible.right())
        rows = _ticks(self._axes[1], visible.top(), visible.bottom())
        painter.drawLines([QLineF(x, visible.top(), x, visible.bottom()) for x in columns])
        painter.drawLines([QLineF(visible.left(), y, visible.right(), y) for y in rows])


def _ticks(axis: Any, low: float, high: float) -> list[float]:
    """The positions of an axis's ticks between two values of the view."""
    length = axis.height() if axis.orientation == "left" else axis.width()
    levels = axis.tickValues(low, high, length)[:LEVELS]
    return [float(value) for _spacing, values in levels for value in values]
