"""Classes with their AP, curve and counts at the threshold; the first row is all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.models.error_kind import SHORT, TIPS, ErrorKind
from app.models.figures import count_text, ratio_text
from app.models.score_curve import ScoreCurve

Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    CLASS = 0
    CURVE = 1
    TP = 2
    FP = 3
    FN = 4


COUNT_COLUMNS = {Column.TP: ErrorKind.TP, Column.FP: ErrorKind.FP, Column.FN: ErrorKind.FN}


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """``class_id`` is ``None`` for all classes together; ``ap`` is -1 where there are no labels."""

    class_id: int | None
    name: str
    color: str | None
    ap: float
    labels: int
    counts: tuple[int, int, int]
    curve: ScoreCurve

    @property
    def ap_text(self) -> str:
        return ratio_text(self.ap, digits=3) if self.ap >= 0 else "–"


class ClassMetricsModel(QAbstractTableModel):
    """Rows are replaced as a whole while their number stays, so selections live through a drag."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[ClassRow] = ()

    @property
    def rows(self) -> Sequence[ClassRow]:
        return self._rows

    def set_rows(self, rows: Sequence[ClassRow]) -> None:
        same = [row.class_id for row in rows] == [row.class_id for row in self._rows]
        if not same:
            self.beginResetModel()
        self._rows = rows
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(Column) - 1))

    def row_of(self, class_id: int | None) -> int:
        """The row of a class, -1 when it is not there."""
        return next((number for number, row in enumerate(self._rows) if row.class_id == class_id), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        kind = COUNT_COLUMNS.get(Column(section))
        if role == Qt.ItemDataRole.DisplayRole:
            return {Column.CLASS: "Class", Column.CURVE: "PR"}.get(Column(section)) or SHORT[
                COUNT_COLUMNS[Column(section)]
            ]
        if role == Qt.ItemDataRole.ToolTipRole and kind is not None:
            return TIPS[kind]
        if role == Qt.ItemDataRole.TextAlignmentRole and kind is not None:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        kind = COUNT_COLUMNS.get(Column(index.column()))
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name if kind is None else count_text(row.counts[kind])
        if role == Qt.ItemDataRole.ToolTipRole:
            if kind is not None:
                return f"{count_text(row.counts[kind])}: open them in the list"
            return f"{row.name}\nAP {row.ap_text}, {count_text(row.labels)} labels"
        return None
