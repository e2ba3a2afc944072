"""Names with figures beside them, to be read."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.services.theme import SMALL_TEXT
from app.widgets.painting import sized_font

NAME_WIDTH = 168
ROW_HEIGHT = 24


class FiguresTable(QTableWidget):
    """The first column has names and the width that the others leave, though never too little to tell them apart: then
    the table scrolls."""

    def __init__(self, heads: Sequence[tuple[str, str]], name: str, parent: QWidget | None = None) -> None:
        """``heads`` are the titles of the columns with what they mean."""
        super().__init__(0, len(heads), parent)
        self.setAccessibleName(name)
        for column, (title, meaning) in enumerate(heads):
            item = QTableWidgetItem(title)
            item.setToolTip(meaning)
            _align(item, column)
            self.setHorizontalHeaderItem(column, item)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        head = self.horizontalHeader()
        head.setFont(sized_font(head, SMALL_TEXT))
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        head.sectionResized.connect(lambda column, _old, _new: self._share_width() if column else None)

    def show_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Show exactly these; the first cell of each is its name. What stays is not written anew."""
        self.setRowCount(len(rows))
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                item = self.item(row, column)
                if item is None:
                    item = QTableWidgetItem()
                    _align(item, column)
                    self.setItem(row, column, item)
                if item.text() != text:
                    item.setText(text)
                    item.setToolTip("" if column else text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        head = self.horizontalHeader()
        others = sum(head.sectionSize(column) for column in range(1, self.columnCount()))
        head.resizeSection(0, max(NAME_WIDTH, self.viewport().width() - others))


def _align(item: QTableWidgetItem, column: int) -> None:
    side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
