"""The queue: one row for each box behind the number that is open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.review.models.kind_looks import TYPE_TITLES
from app.review.models.suspicion_texts import suspicion_text
from app.review.models.verdict_titles import VERDICT_TITLES
from app.services.figures import ratio_text
from detcore.review.entries import Entries, ErrorEntry
from detcore.review.items import ErrorItem, ErrorRows
from detcore.review.query import ErrorSource
from detcore.types import ObjectClass

Index = QModelIndex | QPersistentModelIndex

COST_DIGITS = 4


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
            return "\n".join(_tip_lines(self.entry(index.row())))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(_tip_lines(self.entry(index.row())))
        return None


def _tip_lines(entry: ErrorEntry) -> list[str]:
    lines = [f"{TYPE_TITLES[entry.type]}: {pair_text(entry)}", _score_text(entry), entry.path.name]
    if entry.cost is not None:
        lines.append(f"Costs {cost_text(entry)}: so much would be gained if this error alone were mended")
    if entry.suspicion is not None:
        lines.append(suspicion_text(entry.suspicion))
    if entry.verdict is not None:
        lines.append(f"Verdict: {VERDICT_TITLES[entry.verdict.kind]} ({entry.verdict.run})")
    return lines


def pair_text(entry: ErrorEntry) -> str:
    """The class, or where label and detection differ in it, "label → detection"."""
    label, detection = entry.label, entry.detection
    if label is None or detection is None or label.class_id == detection.class_id:
        return entry.class_name
    return f"{label.class_name} → {detection.class_name}"


def cost_text(entry: ErrorEntry) -> str:
    """Such as "0.0033 AP50"."""
    return f"{ratio_text(entry.cost or 0.0, digits=COST_DIGITS)} {entry.cost_unit}"


def _score_text(entry: ErrorEntry) -> str:
    if entry.is_detection:
        return f"Confidence {ratio_text(entry.score or 0.0, digits=3)}"
    if entry.score is None:
        return "No detection of this class overlaps it enough"
    return f"Found only below the threshold, at {ratio_text(entry.score, digits=3)}"
