"""The classes of a project as a list, with the number of boxes of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer

from app.document import Document
from detcore.types import Changes, ObjectClass

Index = QModelIndex | QPersistentModelIndex

CLASS_ROLE = Qt.ItemDataRole.UserRole
COUNT_ROLE = Qt.ItemDataRole.UserRole + 1
COUNT_DELAY_MS = 150


class ClassModel(QAbstractListModel):
    """Rows are the classes by position. Counts follow edits after a moment."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._classes: list[ObjectClass] = []
        self._counts: Mapping[str, int] = {}
        self._recount = QTimer(self, singleShot=True, interval=COUNT_DELAY_MS)
        self._recount.timeout.connect(self._count)
        document.opened.connect(self.reload)
        document.closed.connect(self._clear)
        document.changed.connect(self._follow)

    @property
    def classes(self) -> list[ObjectClass]:
        return self._classes

    def row_of(self, class_id: int) -> int:
        """The row of a class, -1 when there is none."""
        return next((row for row, item in enumerate(self._classes) if item.id == class_id), -1)

    def reload(self) -> None:
        self.beginResetModel()
        self._classes = self._document.project.classes()
        self._counts = self._document.project.statistics().classes
        self.endResetModel()

    def _clear(self) -> None:
        self.beginResetModel()
        self._recount.stop()
        self._classes, self._counts = [], {}
        self.endResetModel()

    def _follow(self, changes: Changes) -> None:
        if changes.classes:
            self.reload()
        elif changes.boxes:
            self._recount.start()

    def _count(self) -> None:
        if self._document.is_open and self._classes:
            self._counts = self._document.project.statistics().classes
            self.dataChanged.emit(self.index(0), self.index(len(self._classes) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(self._classes)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        item = self._classes[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return item.name
        if role == CLASS_ROLE:
            return item
        if role == COUNT_ROLE:
            return self._counts.get(item.name, 0)
        if role == Qt.ItemDataRole.ToolTipRole:
            key = f"\nKey {item.key}" if item.key else ""
            return f"{item.name}\n{self._counts.get(item.name, 0):,} boxes{key}"
        return None
