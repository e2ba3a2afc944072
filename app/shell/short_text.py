"""Text in at most two lines, the second one elided."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QWidget

_LINES = 2
_BREAKS = QTextOption()
_BREAKS.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)


class ShortText(QLabel):
    """Plain text that never asks for more room than its two lines. While it all fits it can be selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(120)

    @property
    def lines(self) -> list[str]:
        """What is seen, line by line."""
        return self._break()[0]

    @property
    def is_whole(self) -> bool:
        """Whether that is all of it."""
        return self._break()[1]

    def _break(self) -> tuple[list[str], bool]:
        text = self.text().replace("\n", " ")
        layout = QTextLayout(text, self.font())
        layout.setTextOption(_BREAKS)
        layout.beginLayout()
        starts: list[int] = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(self.width())
            starts.append(line.textStart())
        layout.endLayout()
        if len(starts) <= _LINES:
            ends = [*starts[1:], len(text)]
            return [text[start:end].rstrip() for start, end in zip(starts, ends, strict=True)], True
        rest = self.fontMetrics().elidedText(text[starts[1] :], Qt.TextElideMode.ElideRight, self.width())
        return [text[: starts[1]].rstrip(), rest], False

    def _follow_width(self) -> None:
        can_select = Qt.TextInteractionFlag.TextSelectableByMouse
        none = Qt.TextInteractionFlag.NoTextInteraction
        self.setTextInteractionFlags(can_select if self.is_whole else none)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._follow_width()

    def sizeHint(self) -> QSize:
        return QSize(400, self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self.minimumWidth(), _LINES * self.fontMetrics().height())

    def hasHeightForWidth(self) -> bool:
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._follow_width()

    def paintEvent(self, event: QPaintEvent) -> None:
        lines, whole = self._break()
        if whole:
            super().paintEvent(event)
            return
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        step = self.fontMetrics().lineSpacing()
        top = (self.height() - step * len(lines)) // 2 + self.fontMetrics().ascent()
        for place, line in enumerate(lines):
            painter.drawText(0, top + place * step, line)
