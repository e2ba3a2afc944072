"""The names and values of a plot's curves; a click hides a curve and shows it again."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.plots.curve_style import CurveStyle, paint_sample
from app.services.theme import Theme
from app.widgets.flow_layout import FlowLayout

MAX_NAME = 150
SAMPLE, DOT = 22, 6
MARGIN, GAP = 6, 6
HEIGHT = 24
WIDEST_VALUE = "0.0000"


class LegendEntry(QAbstractButton):
    """One curve: a piece of its line, its name, its value at the cursor."""

    def __init__(self, name: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._style = CurveStyle(theme.color("text"))
        self._value = format_value(None)
        self.setCheckable(True)
        self.setChecked(True)
        self.setAccessibleName(name)
        self.setToolTip(f"{name}\nClick to hide or show it")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._name = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, MAX_NAME)

    @property
    def value_text(self) -> str:
        return self._value

    def show_style(self, style: CurveStyle) -> None:
        self._style = style
        self.update()

    def show_value(self, value: float | None) -> None:
        text = format_value(value)
        if text != self._value:
            self._value = text
            self.update()

    def sizeHint(self) -> QSize:
        """Wide enough for every value, so that nothing moves while the cursor does; a hidden curve has none."""
        metrics = self.fontMetrics()
        width = MARGIN + metrics.horizontalAdvance(self._name) + MARGIN
        if self.isChecked():
            return QSize(width + SAMPLE + GAP + metrics.horizontalAdvance(WIDEST_VALUE) + GAP, HEIGHT)
        return QSize(width + DOT + GAP, HEIGHT)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.hover))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        left, middle = MARGIN, self.height() / 2
        if self.isChecked():
            paint_sample(painter, self._style, QPointF(left, middle), QPointF(left + SAMPLE, middle))
            left += SAMPLE + GAP
        else:
            painter.setPen(QPen(QColor(tokens.line_strong), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(left + DOT / 2, middle), DOT / 2, DOT / 2)
            left += DOT + GAP
        text = self.rect().adjusted(left, 0, 0, 0)
        align = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(tokens.text_muted))
        painter.drawText(text, align, self._name)
        if self.isChecked():
            text.setLeft(left + painter.fontMetrics().horizontalAdvance(self._name) + GAP)
            painter.setPen(QColor(tokens.text))
            painter.drawText(text, align, self._value)


class CurveLegend(QWidget):
    """A row of entries that wraps.

    Signals:
        toggled(str, bool): the curve of that key is to be shown or hidden.
    """

    toggled = Signal(str, bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._layout = FlowLayout(self, spacing=4)
        self.entries: dict[str, LegendEntry] = {}

    def set_curves(self, curves: list[tuple[str, str, CurveStyle, bool]]) -> None:
        """Show exactly these curves: key, name, style, shown. Entries that stay are kept."""
        wanted = [key for key, *_ in curves]
        if list(self.entries) != wanted:
            self._rebuild([(key, name) for key, name, *_ in curves])
        for key, _name, style, shown in curves:
            self.entries[key].show_style(style)
            self.entries[key].setChecked(shown)
        self._layout.invalidate()
        self.updateGeometry()

    def show_values(self, values: dict[str, float | None]) -> None:
        for key, entry in self.entries.items():
            entry.show_value(values.get(key))

    def _rebuild(self, names: list[tuple[str, str]]) -> None:
        while self._layout.count():
            self._layout.takeAt(0)
        old, self.entries = self.entries, {}
        for key, name in names:
            entry = old.pop(key, None) or self._new_entry(key, name)
            self.entries[key] = entry
            self._layout.addWidget(entry)
        for entry in old.values():
            entry.hide()
            entry.deleteLater()

    def _new_entry(self, key: str, name: str) -> LegendEntry:
        entry = LegendEntry(name, self._theme, self)
        entry.clicked.connect(lambda checked: self.toggled.emit(key, checked))
        entry.show()
        return entry


def format_value(value: float | None) -> str:
    """Four significant figures; a dash where there is no value."""
    if value is None or value != value:
        return "–"
    if value and abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.3f}"
