"""The queue: one row for each box behind the number that is open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.review.texts import tip_lines
from detcore.review.entries import Entries, ErrorEntry
from detcore.review.items import ErrorItem, ErrorRows
from detcore.review.query import ErrorSource
from detcore.types import ObjectClass

Index = QModelIndex | QPersistentModelIndex


class ErrorModel(QAbstractListModel):
    """Rows of an ErrorRows; what they say is looked up when a view asks."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look_up: Entries | None = None
        self._rows = ErrorRows.empty()
        self._places: dict[int, int] = {}
        self._entries: dict[int, ErrorEntry] = {}

    def set_source(
        self,
        source: ErrorSource | None,
        classes: Mapping[int, ObjectClass],
        paths: Mapping[int, Path],
    ) -> None:
        """Where rows are looked up from now on; empties the list."""
        self.beginResetModel()
        self._look_up = None if source is None else Entries(source, classes, paths)
        self._take(ErrorRows.empty())
        self.endResetModel()

    def set_rows(self, rows: ErrorRows) -> None:
        self.beginResetModel()
        self._take(rows)
        self.endResetModel()

    def _take(self, rows: ErrorRows) -> None:
        self._rows = rows
        self._places, self._entries = {}, {}

    @property
    def rows(self) -> ErrorRows:
        return self._rows

    def row_of(self, key: int) -> int:
        """The row of a box, -1 when it is not in the list."""
        place = self._places.get(key)
        if place is None:
            found = np.flatnonzero(self._rows.keys == key)
            place = self._places[key] = int(found[0]) if len(found) else -1
        return place

    def entry(self, row: int) -> ErrorEntry:
        entry = self._entries.get(row)
        if entry is None:
            entry = self._entries[row] = self.describe(self._rows[row], self._rows.threshold)
        return entry

    def describe(self, item: ErrorItem, threshold: float) -> ErrorEntry:
        """An entry for an item that need not be in the list."""
        if self._look_up is None:
            raise RuntimeError("the list has no source")
        return self._look_up.describe(item, threshold)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.entry(index.row()).class_name
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(tip_lines(self.entry(index.row())))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(tip_lines(self.entry(index.row())))
        return None
