"""Differences as points with bars around zero, and what they come to in words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.review.models.comparison_rows import BETTER, HIGHER, LOWER, WORSE, IntervalRow, signed_text
from app.services.theme import BASE_TEXT, SMALL_TEXT, Theme
from app.widgets.painting import faded, sized_font

_SIDE, _AXIS = 16, 18
_TEXT, _NUMBERS, _BAR = 18, 15, 20
_STEP = _TEXT + _NUMBERS + _BAR
_LEAST_REACH = 0.01
_DOT = 4.5


class IntervalPlot(QWidget):
    """One row a difference; zero is in the middle, and all rows have one scale."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: Sequence[IntervalRow] = ()
        self.setMinimumWidth(250)
        self.setToolTip(
            "The new model less the old one, over the labels of now. With other images of the same kind the "
            "difference would lie within the bar 95 times in 100; a bar that reaches over 0 decides nothing."
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        theme.changed.connect(self.update)

    @property
    def rows(self) -> Sequence[IntervalRow]:
        return self._rows

    def set_rows(self, rows: Sequence[IntervalRow]) -> None:
        self._rows = rows
        spoken = [f"{row.name}: {row.verdict}, {row.text}" for row in rows]
        self.setAccessibleName("; ".join(spoken))
        self.updateGeometry()
        self.update()

    def x_of(self, value: float) -> float:
        """Where a difference is painted."""
        half = self.width() / 2 - _SIDE
        return self.width() / 2 + value / self._reach() * half

    def _reach(self) -> float:
        """The difference at either end."""
        ends = [abs(end) for row in self._rows for end in (row.difference.low, row.difference.high)]
        return 1.15 * max([_LEAST_REACH, *(end for end in ends if end == end)])

    def _paint_row(self, painter: QPainter, row: IntervalRow, top: float) -> None:
        width = self.width() - 2 * _SIDE
        text = QRectF(_SIDE, top, width, _TEXT)
        color = self._color(row.verdict)
        painter.setFont(sized_font(self, BASE_TEXT, bold=True))
        painter.setPen(self._theme.color("text"))
        name = painter.fontMetrics().horizontalAdvance(row.name + "  ")
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, row.name)
        painter.setPen(color)
        painter.drawText(text.adjusted(name, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, row.verdict)
        painter.setPen(self._theme.color("text_muted"))
        painter.setFont(sized_font(self, SMALL_TEXT))
        numbers = QRectF(_SIDE, top + _TEXT, width, _NUMBERS)
        painter.drawText(numbers, Qt.AlignmentFlag.AlignVCenter, row.text)
        bar = top + _TEXT + _NUMBERS
        zero = self.x_of(0.0)
        painter.setPen(QPen(self._theme.color("line_strong"), 1))
        painter.drawLine(QPointF(zero, bar), QPointF(zero, bar + _BAR))
        if row.difference.value != row.difference.value:
            return
        middle = bar + _BAR / 2
        painter.setPen(QPen(faded(color, 0.45), 6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        low, high = self.x_of(row.difference.low), self.x_of(row.difference.high)
        painter.drawLine(QPointF(low, middle), QPointF(high, middle))
        painter.setPen(QPen(self._theme.color("panel"), 1.5))
        painter.setBrush(color)
        painter.drawEllipse(QPointF(self.x_of(row.difference.value), middle), _DOT, _DOT)

    def _paint_axis(self, painter: QPainter, bottom: float) -> None:
        reach = self._reach()
        painter.setPen(self._theme.color("text_muted"))
        painter.setFont(sized_font(self, SMALL_TEXT))
        area = QRectF(_SIDE, bottom + 2, self.width() - 2 * _SIDE, _AXIS - 2)
        less, more = (WORSE, BETTER) if all(row.fair for row in self._rows) else (LOWER, HIGHER)
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft, f"← {less} {signed_text(-reach)}")
        painter.drawText(area, Qt.AlignmentFlag.AlignHCenter, "0")
        painter.drawText(area, Qt.AlignmentFlag.AlignRight, f"{signed_text(reach)} {more} →")

    def _color(self, verdict: str) -> QColor:
        token = {BETTER: "success", WORSE: "danger"}.get(verdict, "text_muted")
        return self._theme.color(token)

    def sizeHint(self) -> QSize:
        return QSize(280, len(self._rows) * _STEP + _AXIS)

    def minimumSizeHint(self) -> QSize:
        return QSize(250, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._rows:
            return
        self._paint_axis(painter, len(self._rows) * _STEP)
        for place, row in enumerate(self._rows):
            self._paint_row(painter, row, place * _STEP)
