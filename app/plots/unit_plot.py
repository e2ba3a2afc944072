"""A plot of curves whose both axes run from 0 to 1, with a readout under the pointer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.plots.plot_painting import DRAWN_POINTS, PlotLine, PlotMark, PlotPainter
from app.services.theme import Theme
from app.services.timing import IdleRunner

_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 10, 16, 34
_REACH = 40.0
_POINTS_IN_ALL, _FEW_LINES = 6_000, 8


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
        self._note = ""
        self._marks: Sequence[PlotMark] = ()
        self._rule: float | None = None
        self._hovered = (-1, -1)
        self._readout: Sequence[str] = ()
        self._picture = _Picture(self, self._draw_lines, lambda: theme.color("panel"))
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self._picture.forget)

    @property
    def lines(self) -> Sequence[PlotLine]:
        return self._lines

    @property
    def marks(self) -> Sequence[PlotMark]:
        return self._marks

    @property
    def readout(self) -> Sequence[str]:
        return self._readout

    @property
    def note(self) -> str:
        return self._note

    def set_lines(self, lines: Sequence[PlotLine], *, note: str = "") -> None:
        """``note`` is what all of them together say. While very many are drawn the old ones are seen."""
        self._lines, self._note = lines, note
        self._hover(-1, -1)
        if self._picture.is_fitting and len(lines) > _FEW_LINES and self.isVisible():
            self._picture.renew()
        else:
            self._picture.forget()

    def set_marks(self, marks: Sequence[PlotMark], *, rule: float | None = None) -> None:
        """Show dots, and a vertical rule at x = ``rule``."""
        if (marks, rule) != (self._marks, self._rule):
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

    def _draw_lines(self, painter: QPainter) -> Iterator[None]:
        """Grid and lines, line by line; marks move above them."""
        plot = PlotPainter(painter, self, self._theme, self.area())
        plot.paint_grid(*self._titles)
        # where there are very many lines, nobody sees the smallest steps of one, but for the one that stands out
        points = max(_POINTS_IN_ALL // max(len(self._lines), _FEW_LINES), 1)
        widest = max((line.style.width for line in self._lines), default=0.0)
        for line in sorted(self._lines, key=lambda line: not line.quiet):
            plot.paint_line(line, points=DRAWN_POINTS if line.style.width == widest else points)
            yield
        plot.paint_texts(self._note)

    def sizeHint(self) -> QSize:
        return QSize(520, 220)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 88)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._picture.paint(painter)
        plot = PlotPainter(painter, self, self._theme, self.area())
        if self._rule is not None:
            plot.paint_rule(self._rule)
        for mark in self._marks:
            plot.paint_mark(mark)
        line, index = self._hovered
        if line >= 0 and self._readout:
            curve = self._lines[line]
            plot.paint_readout(float(curve.x[index]), float(curve.y[index]), curve.style.color, self._readout)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(*self.nearest(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        line, index = self.nearest(event.position())
        if event.button() == Qt.MouseButton.LeftButton and line >= 0:
            self.point_clicked.emit(line, index)

    def leaveEvent(self, event: object) -> None:
        self._hover(-1, -1)


class _Picture(QObject):
    """Drawn once for its widget's size and screen, and painted with each frame.

    ``draw`` draws it bit by bit on a painter over ``ground()``.
    """

    def __init__(
        self, widget: QWidget, draw: Callable[[QPainter], Iterator[None]], ground: Callable[[], QColor]
    ) -> None:
        super().__init__(widget)
        self._widget, self._draw, self._ground = widget, draw, ground
        self._pixmap = QPixmap()
        self._idle_runner = IdleRunner(self)

    @property
    def is_fitting(self) -> bool:
        """Whether the picture is as large as the widget, and as fine as its screen."""
        pixmap, widget = self._pixmap, self._widget
        looks = (pixmap.deviceIndependentSize().toSize(), pixmap.devicePixelRatio())
        return looks == (widget.size(), widget.devicePixelRatioF())

    @property
    def pixmap(self) -> QPixmap:
        return self._pixmap

    def renew(self) -> None:
        """Draw it when there is time; the old one is seen until then."""
        self._idle_runner.start(self._steps())

    def forget(self) -> None:
        """Draw it with the next frame."""
        self._idle_runner.stop()
        self._pixmap = QPixmap()
        self._widget.update()

    def paint(self, painter: QPainter) -> None:
        if not self.is_fitting:
            self._idle_runner.start(self._steps())
            self._idle_runner.finish()
        painter.drawPixmap(0, 0, self._pixmap)

    def _steps(self) -> Iterator[None]:
        ratio = self._widget.devicePixelRatioF()
        pixmap = QPixmap(self._widget.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(self._ground())
        painter = QPainter(pixmap)
        try:
            yield from self._draw(painter)
        finally:
            # also where the steps are dropped: a picture must not go before its painter
            painter.end()
        self._pixmap = pixmap
        self._widget.update()
