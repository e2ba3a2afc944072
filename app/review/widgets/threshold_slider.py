"""The threshold: a slider with the scores of all detections behind it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.review.plots.score_bars import ScoreBars
from app.services.figures import ratio_text
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.painting import faded, sized_font
from detcore.types import FloatArray, IntArray

_MARGIN = 10
_TEXT_ROOM = 15
_KNOB = 6
_STEP, _PAGE = 0.01, 0.1


class ThresholdSlider(QWidget):
    """Chooses a confidence from 0 to 1. What lies left of the handle is left out."""

    # The user moved the handle (0..1).
    value_changed = Signal(float)
    # The user let go of the handle.
    released = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._value = 0.5
        self._bars = ScoreBars(theme)
        self._hovered = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName("Confidence threshold")
        self.setToolTip(
            "<b>Confidence threshold</b><br>Detections with a lower score are left out. "
            "Arrow keys move it by 0.01, Page Up and Page Down by 0.1."
        )
        theme.changed.connect(self.update)

    def value(self) -> float:
        return self._value

    def set_value(self, value: float) -> None:
        """Show a threshold without a signal."""
        value = min(max(value, 0.0), 1.0)
        if value != self._value:
            self._value = value
            self.update()

    def set_histogram(self, edges: FloatArray, found: IntArray, false: IntArray) -> None:
        """Counts of found and false detections between the (B + 1) ``edges`` of the scores."""
        self._bars.set_histogram(edges, found, false)
        self.update()

    def x_of(self, value: float) -> float:
        """Where a threshold lies, in widget coordinates."""
        return _MARGIN + value * (self.width() - 2 * _MARGIN)

    def _choose(self, value: float) -> None:
        before = self._value
        self.set_value(round(value, 3))
        if self._value != before:
            self.value_changed.emit(self._value)

    def _choose_at(self, x: float) -> None:
        self._choose((x - _MARGIN) / max(self.width() - 2 * _MARGIN, 1))

    def sizeHint(self) -> QSize:
        return QSize(420, 52)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 52)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        floor = self.height() - _KNOB - 3.0
        x = self.x_of(self._value)
        left, right = float(_MARGIN), float(self.width() - _MARGIN)
        self._bars.paint(painter, QRectF(left, _TEXT_ROOM, right - left, floor - _TEXT_ROOM), self._value)
        painter.setPen(QPen(self._theme.color("line_strong"), 1.5))
        painter.drawLine(QPointF(left, floor), QPointF(x, floor))
        accent = self._theme.color("accent")
        painter.setPen(QPen(accent, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(x, floor), QPointF(right, floor))
        painter.setPen(QPen(self._theme.color("text"), 1.5))
        painter.drawLine(QPointF(x, _TEXT_ROOM), QPointF(x, floor))
        if self.hasFocus():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(accent, 0.3))
            painter.drawEllipse(QPointF(x, floor), _KNOB + 3, _KNOB + 3)
        painter.setPen(QPen(accent, 2))
        painter.setBrush(QColor(self._theme.tokens.raised if not self._hovered else self._theme.tokens.hover))
        painter.drawEllipse(QPointF(x, floor), _KNOB, _KNOB)
        painter.setPen(self._theme.color("text"))
        painter.setFont(sized_font(self, SMALL_TEXT, bold=True))
        text = f"≥ {ratio_text(self._value)}"
        width = painter.fontMetrics().horizontalAdvance(text)
        start = min(max(x - width / 2, left), right - width)
        painter.drawText(QPointF(start, _TEXT_ROOM - 4), text)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose_at(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._choose_at(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.released.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._choose(self._value + (_STEP if event.angleDelta().y() > 0 else -_STEP))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key
        steps = {key.Key_Left: -_STEP, key.Key_Right: _STEP, key.Key_PageDown: -_PAGE, key.Key_PageUp: _PAGE}
        step = steps.get(key(event.key()))
        if step is not None:
            self._choose(self._value + step)
        elif event.key() == key.Key_Home:
            self._choose(0.0)
        elif event.key() == key.Key_End:
            self._choose(1.0)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: object) -> None:
        self._hovered = True
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = False
        self.update()
