"""Which class was taken for which: rows are labels, columns detections, the last of each background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QToolTip, QWidget

from app.review.models.kind_looks import text_color
from app.services.figures import count_text, counted
from app.services.theme import SMALL_TEXT, Theme, text_on
from app.widgets.painting import blended, faded, sized_font
from detcore.review.kinds import ErrorKind
from detcore.types import IntArray

BACKGROUND = "background"
_HEAD_WIDTH, _HEAD_HEIGHT = 116, 40
_CELL_WIDTH, _MAX_CELL_WIDTH, _CELL_HEIGHT = 46, 110, 26
_GAP = 1
_ARROWS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class ConfusionMatrix(QWidget):
    """Each cell is a link to its pairs. Cells are shaded by their share of the row."""

    # A cell was chosen: row (label) and column (detection); (-1, -1) when it was given up again.
    cell_chosen = Signal(int, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._names: Sequence[str] = ()
        self._counts: IntArray = np.zeros((0, 0), np.int64)
        self._chosen = (-1, -1)
        self._hovered = (-1, -1)
        self._focused = (0, 0)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Confusion matrix")
        theme.changed.connect(self.update)

    @property
    def counts(self) -> IntArray:
        return self._counts

    def set_counts(self, names: Sequence[str], counts: IntArray) -> None:
        """Show (K+1, K+1) counts for K class names; the last row and column are background."""
        resized = counts.shape != self._counts.shape
        self._names, self._counts = [*names, BACKGROUND], counts
        if resized:
            self.setMinimumSize(self.sizeHint())
            self.updateGeometry()
        self.update()

    def mark_chosen(self, row: int, column: int) -> None:
        """Show which cell's pairs the list holds; (-1, -1) for none."""
        self._chosen = (row, column)
        self.update()

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where a cell lies, in widget coordinates."""
        width = self._cell_width()
        return QRectF(
            _HEAD_WIDTH + column * width,
            _HEAD_HEIGHT + row * _CELL_HEIGHT,
            width - _GAP,
            _CELL_HEIGHT - _GAP,
        )

    def _cell_width(self) -> float:
        count = max(len(self._counts), 1)
        return min(max((self.width() - _HEAD_WIDTH - 8) / count, _CELL_WIDTH), _MAX_CELL_WIDTH)

    def _cell_at(self, x: float, y: float) -> tuple[int, int]:
        column, row = int((x - _HEAD_WIDTH) // self._cell_width()), int((y - _HEAD_HEIGHT) // _CELL_HEIGHT)
        size = len(self._counts)
        inside = 0 <= row < size and 0 <= column < size and (row, column) != (size - 1, size - 1)
        return (row, column) if inside else (-1, -1)

    def _choose(self, cell: tuple[int, int]) -> None:
        if cell == (-1, -1):
            return
        self._focused = cell
        self._chosen = (-1, -1) if cell == self._chosen else cell
        self.update()
        self.cell_chosen.emit(*self._chosen)

    def describe(self, row: int, column: int) -> str:
        """A sentence about a cell."""
        count, last = int(self._counts[row, column]), len(self._counts) - 1
        label, detection = self._names[row], self._names[column]
        if row == last:
            return f"{counted(count, 'detection')} of {detection} where no label is"
        if column == last:
            return f"{counted(count, 'label')} of {label} not detected"
        if row == column:
            return f"{counted(count, 'label')} of {label} found as {detection}"
        return f"{counted(count, 'label')} of {label} taken for {detection}"

    def _fill(self, row: int, column: int, share: float) -> QColor:
        last = len(self._counts) - 1
        kind = ErrorKind.TP if row == column else ErrorKind.FN if column == last else ErrorKind.FP
        panel, full = self._theme.color("window"), text_color(self._theme, kind)
        strength = 0.0 if share <= 0 else 0.12 + 0.88 * share**0.7
        return blended(panel, full, strength)

    def _paint_heads(self, painter: QPainter) -> None:
        metrics = painter.fontMetrics()
        width = self._cell_width()
        painter.setPen(self._theme.color("text_muted"))
        top_left = QRectF(8, _HEAD_HEIGHT - 20, _HEAD_WIDTH - 16, 18)
        painter.drawText(top_left, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "Label ↓")
        across = QRectF(_HEAD_WIDTH, 2, len(self._names) * width, 16)
        painter.drawText(across, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "Detection →")
        painter.setPen(self._theme.color("text"))
        for number, name in enumerate(self._names):
            column = QRectF(_HEAD_WIDTH + number * width, 20, width - _GAP, 18)
            short = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(width) - 4)
            painter.drawText(column, Qt.AlignmentFlag.AlignCenter, short)
            row = QRectF(8, _HEAD_HEIGHT + number * _CELL_HEIGHT, _HEAD_WIDTH - 16, _CELL_HEIGHT - _GAP)
            short = metrics.elidedText(name, Qt.TextElideMode.ElideRight, _HEAD_WIDTH - 16)
            painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, short)

    def sizeHint(self) -> QSize:
        size = len(self._counts)
        return QSize(_HEAD_WIDTH + size * _CELL_WIDTH + 8, _HEAD_HEIGHT + size * _CELL_HEIGHT + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("panel"))
        painter.setFont(sized_font(self, SMALL_TEXT))
        self._paint_heads(painter)
        sums = self._counts.sum(axis=1)
        size = len(self._counts)
        dirty = QRectF(event.rect())
        for row in range(size):
            for column in range(size):
                rect = self.cell_rect(row, column)
                if not rect.intersects(dirty) or (row, column) == (size - 1, size - 1):
                    continue
                count = int(self._counts[row, column])
                fill = self._fill(row, column, count / sums[row] if sums[row] else 0.0)
                painter.fillRect(rect, fill)
                painter.setPen(text_on(fill) if count else faded(self._theme.color("text_muted"), 0.7))
                painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, count_text(count))
        outlines = [(self._hovered, "line_strong", 1.0), (self._chosen, "text", 2.0)]
        if self.hasFocus():
            outlines.insert(0, (self._focused, "accent", 2.0))
        for cell, color, width in outlines:
            if cell != (-1, -1) and max(cell) < size:
                painter.setPen(QPen(self._theme.color(color), width))
                painter.drawRect(self.cell_rect(*cell))

    def event(self, event: QEvent) -> bool:
        # arrow keys are for the cells while the matrix has the focus, not for the page's shortcuts
        overriding = event.type() == QEvent.Type.ShortcutOverride
        if overriding and isinstance(event, QKeyEvent) and event.key() in _ARROWS:
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._cell_at(event.position().x(), event.position().y()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position().x(), event.position().y())
        if cell != self._hovered:
            self._hovered = cell
            link = cell != (-1, -1)
            self.setCursor(Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.ArrowCursor)
            QToolTip.showText(event.globalPosition().toPoint(), self.describe(*cell) if link else "", self)
            self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = (-1, -1)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key
        step = _ARROWS.get(event.key())
        if step is not None:
            row, column = self._focused[0] + step[0], self._focused[1] + step[1]
            last = len(self._counts) - 1
            self._focused = (min(max(row, 0), last), min(max(column, 0), last))
            self.update()
        elif event.key() in (key.Key_Return, key.Key_Enter):
            last = len(self._counts) - 1
            self._choose(self._focused if self._focused != (last, last) else (-1, -1))
        else:
            super().keyPressEvent(event)


def scrolled(matrix: ConfusionMatrix) -> QScrollArea:
    """The matrix in a view that scrolls when there are many classes."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    area.setWidget(matrix)
    return area
