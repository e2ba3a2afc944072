"""The threshold: a slider with the scores of all detections behind it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.models.error_kind import ErrorKind, text_color
from app.models.figures import ratio_text
from app.theme import SMALL_TEXT, Theme
from app.widgets.painting import faded, sized_font
from detcore.types import FloatArray, IntArray

_HOPELESS = 0.1
_MARGIN = 10
_TEXT_ROOM = 15
_KNOB = 6
_STEP, _PAGE = 0.01, 0.1
_LEFT_OUT = 0.3
"""How strong the bars are that do not count."""


class ThresholdSlider(QWidget):
    """Chooses a confidence from 0 to 1. What lies left of the handle is left out.

    Bars are found (plain) over false (striped) detections per score, their height on a square root
    scale: at low scores false ones outnumber the rest by far.
    """

    # The person moved the handle (0..1).
    value_changed = Signal(float)
    # The person let go of the handle.
    released = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._value = 0.5
        self._edges = np.linspace(0.0, 1.0, 2)
        self._found = np.zeros(1)
        self._false = np.zeros(1)
        self._hovered = False
        self._bars: tuple[QPixmap, QPixmap] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName("Confidence threshold")
        self.setToolTip(
            "<b>Confidence threshold</b><br>Detections with a lower score are left out. "
            "Arrow keys move it by 0.01, Page Up and Page Down by 0.1."
        )
        theme.changed.connect(self._forget_bars)

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
        self._edges = edges
        self._found, self._false = found.astype(np.float64), false.astype(np.float64)
        self._forget_bars()

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

    def _forget_bars(self) -> None:
        self._bars = None
        self.update()

    def _paint_bars(self, painter: QPainter, floor: float) -> None:
        """What counts and, faded, what is left out: both were painted once, the threshold says where they meet."""
        ratio = self.devicePixelRatioF()
        if self._bars is None or self._bars[0].size() != self.size() * ratio:
            self._bars = (self._draw_bars(floor, ratio, 1.0), self._draw_bars(floor, ratio, _LEFT_OUT))
        first = int(np.searchsorted(self._edges[1:], self._value, side="right"))
        border = self.x_of(float(self._edges[first]))
        for picture, left, right in ((self._bars[1], 0.0, border), (self._bars[0], border, self.width())):
            part = QRectF(left, 0, right - left, self.height())
            painter.drawPixmap(part, picture, QRectF(part.topLeft() * ratio, part.size() * ratio))

    def _draw_bars(self, floor: float, ratio: float, strength: float) -> QPixmap:
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        found_color = faded(text_color(self._theme, ErrorKind.TP), strength)
        false_color = text_color(self._theme, ErrorKind.FP)
        stripes = QBrush(faded(false_color, strength), Qt.BrushStyle.BDiagPattern)
        lefts = _MARGIN + self._edges * (self.width() - 2 * _MARGIN)
        for bar, (height, found) in enumerate(
            _heights(self._edges, self._found, self._false, floor - _TEXT_ROOM)
        ):
            left, width = lefts[bar] + 0.5, lefts[bar + 1] - lefts[bar] - 1.0
            painter.fillRect(QRectF(left, floor - found, width, found), found_color)
            false = QRectF(left, floor - height, width, height - found)
            painter.fillRect(false, faded(false_color, 0.35 * strength))
            painter.fillRect(false, stripes)
        painter.end()
        return picture

    def sizeHint(self) -> QSize:
        return QSize(420, 52)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 52)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        floor = self.height() - _KNOB - 3.0
        self._paint_bars(painter, floor)
        x = self.x_of(self._value)
        left, right = float(_MARGIN), float(self.width() - _MARGIN)
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


def _heights(
    edges: FloatArray, found: FloatArray, false: FloatArray, room: float
) -> list[tuple[float, float]]:
    """Of each bar the whole height and that of what was found."""
    total = found + false
    # Detectors give out many hopeless scores; measured by those, no other bar could be seen.
    worth = total[edges[:-1] >= _HOPELESS]
    highest = float(worth.max(initial=0.0)) or float(total.max(initial=0.0)) or 1.0
    heights = np.sqrt(np.minimum(total / highest, 1.0)) * room
    share = np.divide(found, total, out=np.zeros_like(total), where=total > 0)
    return list(zip(heights.tolist(), (heights * share).tolist(), strict=True))
