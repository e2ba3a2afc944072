"""Fields in a row with their names before them, as long as there is room for names."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QWidget

_GAP = 8


class CaptionedRow(QWidget):
    """Without room for the names there are the fields alone, which have them in their tooltips."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields: list[tuple[QLabel, QWidget]] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(_GAP)
        self._row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)

    def add(self, name: str, field: QWidget) -> None:
        """Put a field at the end; it must have a least and a greatest width of its own."""
        caption = QLabel(name)
        caption.setProperty("role", "muted")
        caption.setBuddy(field)
        field.setAccessibleName(name)
        self._fields.append((caption, field))
        self._row.addWidget(caption)
        self._row.addWidget(field)

    def sizeHint(self) -> QSize:
        fields = sum(field.maximumWidth() + _GAP for _caption, field in self._fields)
        return QSize(fields + self._captions() - _GAP, self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._least(), self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        has_room = event.size().width() >= self._least() + self._captions()
        for caption, _field in self._fields:
            caption.setVisible(has_room)

    def _least(self) -> int:
        return sum(field.minimumWidth() + _GAP for _caption, field in self._fields) - _GAP

    def _captions(self) -> int:
        return sum(caption.sizeHint().width() + _GAP for caption, _field in self._fields)

    def _height(self) -> int:
        return max((field.sizeHint().height() for _caption, field in self._fields), default=0)
