"""How a plot over the unit square is painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLocale, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.plots.curve_style import CurveStyle
from app.plots.plot_labels import PlotLabels
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.painting import faded, polyline, sized_font
from detcore.types import FloatArray

DRAWN_POINTS = 800
_LONGEST_NAME = 110
_SAMPLE = 16.0
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class PlotLine:
    """A curve through the points (``x``, ``y``), both (N,) in 0..1.

    A quiet line is context: faded, thin, and passed over by the pointer while others are not quiet.
    ``name`` is written beside the end of the line.
    """

    style: CurveStyle
    x: FloatArray
    y: FloatArray
    quiet: bool = False
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class PlotMark:
    """A dot on a curve."""

    x: float
    y: float
    color: QColor
    strong: bool = True


class PlotPainter:
    """Paints onto ``painter``; the unit square is ``area``."""

    def __init__(self, painter: QPainter, widget: QWidget, theme: Theme, area: QRectF) -> None:
        self._painter, self._widget, self._theme, self._area = painter, widget, theme, area
        self._labels = PlotLabels(
            QRectF(area.left(), area.top(), widget.width() - area.left(), area.height())
        )
        self._ends: list[tuple[QPointF, str, QPen]] = []
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def paint_grid(self, x_title: str, y_title: str) -> None:
        painter, area = self._painter, self._area
        painter.setFont(sized_font(self._widget, SMALL_TEXT))
        locale = QLocale()
        for tick in _TICKS:
            point = point_in(area, tick, tick)
            painter.setPen(QPen(self._theme.color("line"), 1))
            painter.drawLine(QPointF(point.x(), area.top()), QPointF(point.x(), area.bottom()))
            painter.drawLine(QPointF(area.left(), point.y()), QPointF(area.right(), point.y()))
            painter.setPen(self._theme.color("text_muted"))
            text = locale.toString(tick, "f", 1)
            below = QRectF(point.x() - 20, area.bottom() + 2, 40, 14)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, text)
            beside = QRectF(area.left() - 32, point.y() - 7, 28, 14)
            painter.drawText(beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        below = QRectF(area.left(), area.bottom() + 16, area.width(), 16)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, x_title)
        painter.save()
        painter.translate(9, area.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-80, -8, 160, 16), Qt.AlignmentFlag.AlignCenter, y_title)
        painter.restore()

    def paint_line(self, line: PlotLine, *, points: int = DRAWN_POINTS) -> None:
        """``points`` is how many of the line's points are drawn at most."""
        if not len(line.x):
            return
        keep = _thinned(len(line.x), points)
        xs = self._area.left() + line.x[keep] * self._area.width()
        ys = self._area.bottom() - line.y[keep] * self._area.height()
        style = line.style
        if line.quiet:
            style = CurveStyle(faded(style.color, 0.45), style.dash, 1.2)
        self._painter.setPen(style.pen())
        self._painter.drawPolyline(polyline(xs, ys))
        self._labels.add_line(xs, ys)
        if line.name:
            self._ends.append((QPointF(float(xs[-1]), float(ys[-1])), line.name, self._painter.pen()))

    def paint_rule(self, x: float) -> None:
        self._painter.setPen(QPen(self._theme.color("text"), 1, Qt.PenStyle.DashLine))
        self._painter.drawLine(point_in(self._area, x, 0), point_in(self._area, x, 1))

    def paint_mark(self, mark: PlotMark) -> None:
        size = 5.5 if mark.strong else 3.5
        self._painter.setPen(QPen(self._theme.color("panel"), 1.5))
        self._painter.setBrush(mark.color)
        self._painter.drawEllipse(point_in(self._area, mark.x, mark.y), size, size)

    def paint_readout(self, x: float, y: float, color: QColor, rows: Sequence[str]) -> None:
        """A dot at a point, and beside it what there is to say, a heading first."""
        painter, at = self._painter, point_in(self._area, x, y)
        painter.setPen(QPen(self._theme.color("panel"), 2))
        painter.setBrush(color)
        painter.drawEllipse(at, 5, 5)
        bold, plain = (
            sized_font(self._widget, SMALL_TEXT, bold=True),
            sized_font(self._widget, SMALL_TEXT),
        )
        painter.setFont(bold)
        width = max(painter.fontMetrics().horizontalAdvance(text) for text in rows) + 20.0
        height = 16.0 * len(rows) + 10
        left = at.x() + 12 if at.x() + 12 + width < self._widget.width() else at.x() - 12 - width
        top = min(max(at.y() - height / 2, 2.0), self._widget.height() - height - 2)
        painter.setPen(QPen(self._theme.color("line_strong"), 1))
        painter.setBrush(self._theme.color("raised"))
        painter.drawRoundedRect(QRectF(left, top, width, height), 4, 4)
        for row, text in enumerate(rows):
            painter.setFont(plain if row else bold)
            painter.setPen(self._theme.color("text"))
            painter.drawText(QPointF(left + 10, top + 17 + 16 * row), text)

    def paint_texts(self, note: str = "") -> None:
        """Names at the ends of the lines painted so far, and a note in a corner, where they hide no line."""
        self._painter.setFont(sized_font(self._widget, SMALL_TEXT))
        metrics = self._painter.fontMetrics()
        for end, name, pen in sorted(self._ends, key=lambda named: named[0].y()):
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, _LONGEST_NAME)
            size = _size_of(text, metrics)
            size.setWidth(size.width() + _SAMPLE)
            place = self._labels.beside(end, size)
            self._paint_text(text, place.adjusted(_SAMPLE, 0, 0, 0))
            middle = QPointF(place.left(), place.center().y() + 1)
            self._painter.setPen(pen)
            self._painter.drawLine(middle, middle + QPointF(_SAMPLE - 2, 0))
        if note:
            self._paint_text(note, self._labels.in_corner(_size_of(note, metrics)))

    def _paint_text(self, text: str, place: QRectF) -> None:
        self._painter.fillRect(place, faded(self._theme.color("panel"), 0.8))
        self._painter.setPen(self._theme.color("text_muted"))
        self._painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def point_in(area: QRectF, x: float, y: float) -> QPointF:
    """Where a point of the unit square lies."""
    return QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())


def _size_of(text: str, metrics: QFontMetrics) -> QSizeF:
    return QSizeF(metrics.horizontalAdvance(text) + 4, metrics.height())


def _thinned(count: int, points: int) -> slice | np.ndarray:
    """Which of ``count`` points to draw: more than a few per pixel only cost time. A line over falling scores
    turns most where it begins, and most of its points lie where it ends."""
    if count <= points:
        return slice(None)
    return np.unique((np.linspace(0, 1, points) ** 2 * (count - 1)).astype(np.int64))
