"""TP, FP, FN, precision, recall and F1 as tiles; each opens the boxes behind its number."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from app.review.models.kind_looks import PEN_STYLES, TIPS, text_color
from app.services.figures import count_text, ratio_text
from app.services.theme import LARGE_TEXT, SMALL_TEXT, Theme
from app.widgets.painting import sized_font
from detcore.review.kinds import EVERY_KIND, ErrorKind

METRICS: dict[str, tuple[str, frozenset[ErrorKind], str]] = {
    "tp": ("TP", frozenset({ErrorKind.TP}), TIPS[ErrorKind.TP]),
    "fp": ("FP", frozenset({ErrorKind.FP}), TIPS[ErrorKind.FP]),
    "fn": ("FN", frozenset({ErrorKind.FN}), TIPS[ErrorKind.FN]),
    "precision": (
        "Precision",
        frozenset({ErrorKind.TP, ErrorKind.FP}),
        "Share of the detections that match a label. Opens all detections.",
    ),
    "recall": (
        "Recall",
        frozenset({ErrorKind.TP, ErrorKind.FN}),
        "Share of the labels that were found. Opens found and missed objects.",
    ),
    "f1": ("F1", EVERY_KIND, "Harmonic mean of precision and recall. Opens everything."),
}
"""Name: caption, the kinds of boxes behind the number, tooltip."""


class MetricTile(QAbstractButton):
    """One number with its caption. A kind gives it a sample of the line that its boxes have."""

    def __init__(self, caption: str, kind: ErrorKind | None, theme: Theme) -> None:
        super().__init__()
        self._caption, self._kind, self._theme = caption, kind, theme
        self._hovered = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setCheckable(True)
        self.setAutoExclusive(False)
        theme.changed.connect(self.update)

    def set_number(self, text: str) -> None:
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(f"{self._caption} {text}")

    def nextCheckState(self) -> None:
        """The owner decides which tile is the open one."""

    def sizeHint(self) -> QSize:
        return QSize(74, 48)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._theme
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        fill = "selection" if self.isChecked() else "hover" if self._hovered else "panel"
        edge, width = ("accent", 2.0) if self.hasFocus() else ("line", 1.0)
        painter.setPen(QPen(theme.color(edge), width))
        painter.setBrush(theme.color(fill))
        painter.drawRoundedRect(area, 5, 5)
        color = theme.color("text") if self._kind is None else text_color(theme, self._kind)
        left = 9
        if self._kind is not None:
            self._paint_sample(painter, color)
            left = 31
        painter.setFont(sized_font(self, SMALL_TEXT))
        painter.setPen(theme.color("text_muted"))
        line = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(left, 5, self.width() - left - 4, 14), line, self._caption)
        painter.setFont(sized_font(self, LARGE_TEXT, bold=True))
        painter.setPen(color)
        painter.drawText(QRectF(9, 19, self.width() - 12, 24), line, self.text())

    def _paint_sample(self, painter: QPainter, color: QColor) -> None:
        assert self._kind is not None
        pen = QPen(color, 2, PEN_STYLES[self._kind])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawLine(9, 12, 26, 12)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hovered = True
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = False
        self.update()


class MetricTiles(QWidget):
    """The six tiles in a row."""

    # The user asks for the boxes behind a number: a key of METRICS.
    opened = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles: dict[str, MetricTile] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for name, (caption, kinds, tip) in METRICS.items():
            tile = MetricTile(caption, next(iter(kinds)) if len(kinds) == 1 else None, theme)
            tile.setObjectName(f"tile_{name}")
            tile.setToolTip(f"<b>{caption}</b><br>{tip}")
            tile.clicked.connect(lambda _checked=False, name=name: self.opened.emit(name))
            self.tiles[name] = tile
            row.addWidget(tile)

    def set_counts(self, *, found: int, false: int, missed: int) -> None:
        """Show the numbers that follow from these three."""
        for name, count in (("tp", found), ("fp", false), ("fn", missed)):
            self.tiles[name].set_number(count_text(count))
        ratios = (
            ("precision", found, found + false),
            ("recall", found, found + missed),
            ("f1", 2 * found, 2 * found + false + missed),
        )
        for name, part, whole in ratios:
            self.tiles[name].set_number(ratio_text(part / whole if whole else float("nan")))

    def mark_open(self, kinds: frozenset[ErrorKind] | None) -> None:
        """Show which number's boxes the list holds; ``None`` for none of them."""
        for name, tile in self.tiles.items():
            tile.setChecked(METRICS[name][1] == kinds)
