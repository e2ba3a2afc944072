"""A layout that fills rows from the left and goes on in the next row when one is full."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Items at their size hints, at least ``spacing`` pixels apart, half of that between rows; each row from the
    left, in the middle, or spread from end to end.

    Its least height is that of all rows at the width it has: a splitter, or whoever else asks for no height at a
    width, would cut the last ones off.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        spacing: int = 8,
        align: Literal["left", "centre", "spread"] = "left",
    ) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap, self._align, self._width = spacing, align, 0
        self.setContentsMargins(0, 0, 0, 0)

    def _arrange(self, area: QRect, *, move: bool) -> int:
        """Place the items in ``area`` and return the height they need."""
        top = area.top()
        rows = self._rows(area.width())
        for row in rows:
            sizes = [item.sizeHint() for item in row]
            free = max(area.width() - sum(size.width() for size in sizes) - self._gap * (len(row) - 1), 0)
            left = area.left() + (free // 2 if self._align == "centre" else 0)
            gap = self._gap + (free // max(len(row) - 1, 1) if self._align == "spread" else 0)
            for item, size in zip(row, sizes, strict=True):
                if move:
                    item.setGeometry(QRect(QPoint(left, top), size))
                left += size.width() + gap
            top += max(size.height() for size in sizes) + self._gap // 2
        return top - area.top() - (self._gap // 2 if rows else 0)

    def _rows(self, width: int) -> list[list[QLayoutItem]]:
        """The items that are seen, as many to a row as fit beside one another."""
        rows: list[list[QLayoutItem]] = []
        right = 0
        for item in self._items:
            widget = item.widget()
            if widget is not None and widget.isHidden():
                continue
            needed = item.sizeHint().width()
            if not rows or right + self._gap + needed > width:
                rows.append([item])
                right = needed
            else:
                rows[-1].append(item)
                right += self._gap + needed
        return rows

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)
        self.invalidate()

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        if not 0 <= index < len(self._items):
            return None
        item = self._items.pop(index)
        self.invalidate()
        return item

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, move=True)
        if rect.width() != self._width:
            self._width = rect.width()
            self.update()

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize(0, 0)
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        rows = self.heightForWidth(self._width) if self._width else 0
        return size.expandedTo(QSize(0, rows))
