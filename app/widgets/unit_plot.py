"""A plot of curves whose both axes run from 0 to 1, with a readout under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLocale, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import SMALL_TEXT, Theme
from app.widgets.painting import faded, sized_font
from detcore.types import FloatArray

_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 10, 16, 34
_REACH = 40.0
_DRAWN_POINTS = 800
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class PlotLine:
    """A curve through the points (``x``, ``y``), both (N,) in 0..1.

    A quiet line is context: faded, thin, and passed over by the pointer while others are not quiet.
    ``label`` is written at the end of the line.
    """

    name: str
    color: QColor
    x: FloatArray
    y: FloatArray
    width: float = 2.0
    style: Qt.PenStyle = Qt.PenStyle.SolidLine
    quiet: bool = False
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class PlotMark:
    """A dot on a curve."""

    x: float
    y: float
    color: QColor
    strong: bool = True


class UnitPlot(QWidget):
    """Paints lines, marks and a vertical rule; finds the point next to the pointer."""

    # A point was clicked: index of the line, index of the point.
    point_clicked = Signal(int, int)
    # The pointer is next to another point, or to none: (-1, -1).
    point_hovered = Signal(int, int)

    def __init__(self, theme: Theme, *, x_title: str, y_title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._titles = (x_title, y_title)
        self._lines: Sequence[PlotLine] = ()
        self._marks: Sequence[PlotMark] = ()
        self._rule: float | None = None
        self._hovered = (-1, -1)
        self._readout: Sequence[str] = ()
        self._picture = QPixmap()
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self._forget_picture)

    @property
    def lines(self) -> Sequence[PlotLine]:
        return self._lines

    @property
    def marks(self) -> Sequence[PlotMark]:
        return self._marks

    @property
    def readout(self) -> Sequence[str]:
        return self._readout

    def set_lines(self, lines: Sequence[PlotLine]) -> None:
        self._lines = lines
        self._hover(-1, -1)
        self._forget_picture()

    def set_marks(self, marks: Sequence[PlotMark], *, rule: float | None = None) -> None:
        """Show dots, and a vertical rule at x = ``rule``."""
        self._marks, self._rule = marks, rule
        self.update()

    def set_readout(self, rows: Sequence[str]) -> None:
        """What to say about the hovered point, a heading first."""
        self._readout = rows
        self.update()

    def area(self) -> QRectF:
        """The unit square in widget coordinates."""
        return QRectF(
            _LEFT,
            _TOP,
            max(self.width() - _LEFT - _RIGHT, 10),
            max(self.height() - _TOP - _BOTTOM, 10),
        )

    def position_of(self, x: float, y: float) -> QPointF:
        area = self.area()
        return QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())

    def nearest(self, position: QPointF) -> tuple[int, int]:
        """(line, point) next to ``position``, (-1, -1) when none is within reach."""
        area = self.area()
        some_loud = any(not line.quiet for line in self._lines)
        best, found = _REACH, (-1, -1)
        for number, line in enumerate(self._lines):
            if not len(line.x) or (line.quiet and some_loud):
                continue
            dx = area.left() + line.x * area.width() - position.x()
            dy = area.bottom() - line.y * area.height() - position.y()
            distances = np.hypot(dx, dy)
            index = int(distances.argmin())
            if distances[index] < best:
                best, found = float(distances[index]), (number, index)
        return found

    def _hover(self, line: int, index: int) -> None:
        if (line, index) == self._hovered:
            return
        self._hovered = (line, index)
        self._readout = ()
        inside = line >= 0
        self.setCursor(Qt.CursorShape.PointingHandCursor if inside else Qt.CursorShape.ArrowCursor)
        self.point_hovered.emit(line, index)
        self.update()

    def _forget_picture(self) -> None:
        self._picture = QPixmap()
        self.update()

    def _draw_picture(self) -> QPixmap:
        """Grid and lines, kept while only marks move."""
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(self._theme.color("panel"))
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.area()
        self._paint_grid(painter, area)
        for line in sorted(self._lines, key=lambda line: not line.quiet):
            self._paint_line(painter, line, area)
        painter.end()
        return picture

    def _paint_grid(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(sized_font(self, SMALL_TEXT))
        locale = QLocale()
        for tick in _TICKS:
            point = self.position_of(tick, tick)
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
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._titles[0])
        painter.save()
        painter.translate(9, area.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-80, -8, 160, 16), Qt.AlignmentFlag.AlignCenter, self._titles[1])
        painter.restore()

    def _paint_line(self, painter: QPainter, line: PlotLine, area: QRectF) -> None:
        if not len(line.x):
            return
        keep = _thinned(len(line.x))
        xs = area.left() + line.x[keep] * area.width()
        ys = area.bottom() - line.y[keep] * area.height()
        color = faded(line.color, 0.45) if line.quiet else line.color
        painter.setPen(QPen(color, 1.2 if line.quiet else line.width, line.style))
        painter.drawPolyline(
            QPolygonF([QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)])
        )
        if line.label:
            self._paint_label(painter, line, xs, ys)

    def _paint_label(self, painter: QPainter, line: PlotLine, xs: FloatArray, ys: FloatArray) -> None:
        """At the line's last point, on the side that the line does not take."""
        painter.setFont(sized_font(self, SMALL_TEXT))
        reach = painter.fontMetrics().horizontalAdvance(line.label) + 8
        under = float(ys[np.abs(xs - xs[-1]) <= reach].min()) < float(ys[-1]) - 4
        painter.setPen(line.color)
        painter.drawText(QPointF(float(xs[-1]) + 6, float(ys[-1]) + (15 if under else -5)), line.label)

    def _paint_readout(self, painter: QPainter, area: QRectF) -> None:
        line, index = self._hovered
        if line < 0 or not self._readout:
            return
        curve = self._lines[line]
        at = self.position_of(float(curve.x[index]), float(curve.y[index]))
        painter.setPen(QPen(self._theme.color("panel"), 2))
        painter.setBrush(curve.color)
        painter.drawEllipse(at, 5, 5)
        bold, plain = sized_font(self, SMALL_TEXT, bold=True), sized_font(self, SMALL_TEXT)
        painter.setFont(bold)
        width = max(painter.fontMetrics().horizontalAdvance(text) for text in self._readout) + 20.0
        height = 16.0 * len(self._readout) + 10
        left = at.x() + 12 if at.x() + 12 + width < self.width() else at.x() - 12 - width
        top = min(max(at.y() - height / 2, 2.0), self.height() - height - 2)
        painter.setPen(QPen(self._theme.color("line_strong"), 1))
        painter.setBrush(self._theme.color("raised"))
        painter.drawRoundedRect(QRectF(left, top, width, height), 4, 4)
        for row, text in enumerate(self._readout):
            painter.setFont(plain if row else bold)
            painter.setPen(self._theme.color("text"))
            painter.drawText(QPointF(left + 10, top + 17 + 16 * row), text)

    def sizeHint(self) -> QSize:
        return QSize(520, 220)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._picture.deviceIndependentSize().toSize() != self.size():
            self._picture = self._draw_picture()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._picture)
        area = self.area()
        if self._rule is not None:
            painter.setPen(QPen(self._theme.color("text"), 1, Qt.PenStyle.DashLine))
            x = self.position_of(self._rule, 0).x()
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        for mark in self._marks:
            size = 5.5 if mark.strong else 3.5
            painter.setPen(QPen(self._theme.color("panel"), 1.5))
            painter.setBrush(mark.color)
            painter.drawEllipse(self.position_of(mark.x, mark.y), size, size)
        self._paint_readout(painter, area)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(*self.nearest(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        line, index = self.nearest(event.position())
        if event.button() == Qt.MouseButton.LeftButton and line >= 0:
            self.point_clicked.emit(line, index)

    def leaveEvent(self, event: object) -> None:
        self._hover(-1, -1)


def _thinned(count: int) -> slice | np.ndarray:
    """Which of ``count`` points to draw: more than a few per pixel only cost time."""
    if count <= _DRAWN_POINTS:
        return slice(None)
    return np.unique(np.linspace(0, count - 1, _DRAWN_POINTS).astype(np.int64))
