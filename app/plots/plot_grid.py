"""The ticks of a plot and the lines behind its curves."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QFont, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.services.theme import SMALL_TEXT, Tokens

MOST_LINES = 9
"""Of the spacings of the ticks the closest one is drawn that has no more lines than this."""
ROUND_PARTS = (1.0, 2.0, 5.0)
WIDE_DECADES = 3.0


def quiet_menu(plot: Any, owner: QWidget) -> None:
    """No menu and no buttons. pyqtgraph makes the menu all the same, as a window of its own that nothing ends."""
    plot.setMenuEnabled(False)
    menu = plot.ctrlMenu
    menu.setParent(owner, menu.windowFlags())
    plot.hideButtons()


def paint_plot(view: pg.PlotWidget, grid: PlotGrid, tokens: Tokens, font: QFont) -> None:
    """Ground, lines and axes in the colours of a theme, with small numbers in the face of ``font``."""
    plot: Any = view.getPlotItem()
    small = QFont(font)
    small.setPixelSize(SMALL_TEXT)
    view.setBackground(tokens.panel)
    grid.set_color(tokens.line)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setStyle(tickFont=small, tickTextOffset=6, tickLength=-4)
        axis.setPen(pg.mkPen(tokens.line_strong))
        axis.setTextPen(tokens.text_muted)  # after the pen of the lines, which colours the title as well
        axis.setSIPrefixEnableRanges(())
        axis.label.setFont(small)


class RoundAxis(pg.AxisItem):
    """An axis that, when logarithmic, has ticks at 1, 2, 5, 10 …, over many decades at the powers of ten
    alone."""

    def logTickValues(self, minVal: float, maxVal: float, size: float, stdTicks: Any) -> list[Any]:
        parts = ROUND_PARTS[:1] if maxVal - minVal > WIDE_DECADES else ROUND_PARTS
        decades = range(math.floor(minVal), math.ceil(maxVal) + 1)
        ticks = [decade + math.log10(part) for decade in decades for part in parts]
        return [(None, [tick for tick in ticks if minVal <= tick <= maxVal])]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{10.0**value:.3g}" for value in values]


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

    def boundingRect(self) -> QRectF:
        return self.viewRect() or QRectF()

    def viewRangeChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, option: object, widget: object = None) -> None:
        visible = self.boundingRect()
        painter.setPen(self._pen)
        columns = _ticks(self._axes[0], visible.left(), visible.right())
        rows = _ticks(self._axes[1], visible.top(), visible.bottom())
        painter.drawLines([QLineF(x, visible.top(), x, visible.bottom()) for x in columns])
        painter.drawLines([QLineF(visible.left(), y, visible.right(), y) for y in rows])


def _ticks(axis: Any, low: float, high: float) -> list[float]:
    """The positions of an axis's ticks between two values of the view."""
    length = axis.height() if axis.orientation == "left" else axis.width()
    levels = [[float(value) for value in values] for _spacing, values in axis.tickValues(low, high, length)]
    lines: list[float] = []
    for level in levels:
        if lines and len(lines) + len(level) > MOST_LINES:
            break
        lines += level
    return lines
