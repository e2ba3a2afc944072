"""The boxes of the image, in step with the canvas."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from app.label.models.box_model import BoxModel

ROW_HEIGHT = 26
COLUMN_WIDTHS = {1: 48, 2: 48, 3: 58}
ORIGIN = 3
LEAST_NAME = 88


class BoxTable(QWidget):
    """A table with multiple selection.

    Signals:
        selection_chosen(object): frozenset of box ids, by the user.
        box_activated(int): double-click or Enter: go there.
    """

    selection_chosen = Signal(object)
    box_activated = Signal(int)

    def __init__(self, model: BoxModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.view = QTableView()
        self.view.setAccessibleName("Boxes of the image")
        self.view.setModel(model)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        for column, width in COLUMN_WIDTHS.items():
            self.view.setColumnWidth(column, width)
        self._empty = QLabel(wordWrap=True)
        self._empty.setProperty("role", "muted")
        self._empty.setContentsMargins(12, 12, 12, 12)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.view, 1)
        self.view.selectionModel().selectionChanged.connect(self._choose)
        self.view.activated.connect(lambda index: self.box_activated.emit(self._model.boxes[index.row()].id))
        self._selected: frozenset[int] = frozenset()
        model.modelReset.connect(self._refresh)
        self._refresh()

    def set_empty_text(self, text: str) -> None:
        """What is said while there are no boxes."""
        self._empty.setText(text)

    def empty_text(self) -> str:
        return self._empty.text()

    def show_selection(self, box_ids: frozenset[int]) -> None:
        """Mark rows without saying that the user chose them."""
        self._selected = box_ids
        selection = QItemSelection()
        for row, box in enumerate(self._model.boxes):
            if box.id in box_ids:
                selection.select(
                    self._model.index(row, 0), self._model.index(row, self._model.columnCount() - 1)
                )
        chosen = self.view.selectionModel()
        blocked = chosen.blockSignals(True)
        chosen.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        chosen.blockSignals(blocked)
        if len(box_ids) == 1:
            row = self._model.row_of(next(iter(box_ids)))
            if row >= 0:
                self.view.scrollTo(self._model.index(row, 0))
        self.view.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names go before where boxes came from; what is selected stays in sight."""
        super().resizeEvent(event)
        room = self.width() - self.view.verticalScrollBar().sizeHint().width() - sum(COLUMN_WIDTHS.values())
        self.view.setColumnHidden(ORIGIN, room < LEAST_NAME)
        self.show_selection(self._selected)

    def _choose(self) -> None:
        rows = self.view.selectionModel().selectedRows()
        self._selected = frozenset(self._model.boxes[index.row()].id for index in rows)
        self.selection_chosen.emit(self._selected)

    def _refresh(self) -> None:
        empty = self._model.rowCount() == 0
        self._empty.setVisible(empty)
        self.view.setVisible(not empty)
        self.show_selection(self._selected)
