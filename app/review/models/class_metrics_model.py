"""Classes with their AP, curve and counts at the threshold; the first row is all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from math import inf
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.review.models.kind_looks import SHORT, TIPS
from app.review.models.score_curve import ScoreCurve
from app.review.models.threshold_goal import F1, ThresholdGoal
from app.services.figures import ap_at_tip, count_text, counted, ratio_text
from detcore.evaluation.thresholds import OperatingPoint
from detcore.review.kinds import ErrorKind
from detcore.wording import ap_name

Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    CLASS = 0
    CURVE = 1
    TP = 2
    FP = 3
    FN = 4
    BEST = 5


COUNT_COLUMNS = {Column.TP: ErrorKind.TP, Column.FP: ErrorKind.FP, Column.FN: ErrorKind.FN}


_TITLES = {Column.CLASS: "Class", Column.CURVE: "PR"}
_ARROWS = {None: "▾", Qt.SortOrder.DescendingOrder: "↓", Qt.SortOrder.AscendingOrder: "↑"}


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """``class_id`` is ``None`` for all classes together; ``ap`` at ``iou_threshold`` is -1 where there are no
    labels. ``best`` is the point that serves the goal of the model best; ``None`` where none does."""

    class_id: int | None
    name: str
    color: str | None
    ap: float
    labels: int
    counts: tuple[int, int, int]
    curve: ScoreCurve
    best: OperatingPoint | None = None
    iou_threshold: float = 0.5

    def has_same_curve(self, other: ClassRow) -> bool:
        """Whether the two differ in their counts alone."""
        named = (self.name, self.color, self.labels) == (other.name, other.color, other.labels)
        named = named and self.iou_threshold == other.iou_threshold
        return named and self.curve is other.curve and self.best == other.best

    @property
    def best_text(self) -> str:
        return "–" if self.best is None else ratio_text(self.best.threshold)

    @property
    def ap_text(self) -> str:
        """Such as "AP50 0.593"."""
        return f"{ap_name(self.iou_threshold)} {self.ap_value}"

    @property
    def ap_value(self) -> str:
        return ratio_text(self.ap, digits=3) if self.ap >= 0 else "–"

    @property
    def tip(self) -> str:
        explained = ap_at_tip(self.iou_threshold, of_class=self.class_id is not None)
        return f"{self.name}: {counted(self.labels, 'label')}\n{self.ap_text}: {explained}"


class ClassMetricsModel(QAbstractTableModel):
    """Rows are replaced as a whole while their number stays, so selections live through a drag."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[ClassRow] = ()
        self._listed: Sequence[ClassRow] = ()
        self._order: Qt.SortOrder | None = None
        self.goal = F1

    @property
    def rows(self) -> Sequence[ClassRow]:
        return self._rows

    def set_goal(self, goal: ThresholdGoal) -> None:
        """What ``best`` of the rows that come next is for."""
        self.goal = goal
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, Column.BEST, Column.BEST)

    def set_order(self, order: Qt.SortOrder | None) -> None:
        """By their best threshold, those without one last; ``None`` as they are listed."""
        self._order = order
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, Column.BEST, Column.BEST)
        self.set_rows(self._listed)

    def set_rows(self, rows: Sequence[ClassRow]) -> None:
        """All classes together first."""
        self._listed = rows
        rows = [*rows[:1], *_ordered(rows[1:], self._order)]
        before = self._rows
        if [row.class_id for row in rows] != [row.class_id for row in before]:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        elif rows:
            self._rows = rows
            # a verdict moves the counts of a class or two, a threshold those of most
            changes = map(_changed_columns, rows, before)
            for columns, run in groupby(enumerate(changes), key=lambda change: change[1]):
                if columns is not None:
                    numbers = [number for number, _ in run]
                    first, last = self.index(numbers[0], columns[0]), self.index(numbers[-1], columns[1])
                    self.dataChanged.emit(first, last)

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
            if section == Column.BEST:
                return f"Best {_ARROWS[self._order]}\n{self.goal.short}"
            return SHORT[kind] if kind is not None else _TITLES[Column(section)]
        if role == Qt.ItemDataRole.ToolTipRole:
            if section == Column.BEST:
                return f"{self.goal.explanation}.\nClick for others, and to sort by it"
            return None if kind is None else TIPS[kind]
        if role == Qt.ItemDataRole.TextAlignmentRole and section >= Column.TP:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        kind = COUNT_COLUMNS.get(Column(index.column()))
        if role == Qt.ItemDataRole.DisplayRole:
            if index.column() == Column.BEST:
                return row.best_text
            return row.name if kind is None else count_text(row.counts[kind])
        if role == Qt.ItemDataRole.ToolTipRole:
            if index.column() == Column.BEST:
                return "No threshold reaches this" if row.best is None else self.goal.describe(row.best)
            if kind is not None:
                return f"{count_text(row.counts[kind])}: open them in the list"
            return row.tip
        return None


def _changed_columns(new: ClassRow, old: ClassRow) -> tuple[Column, Column] | None:
    """The first and the last that show something else than before."""
    if not new.has_same_curve(old):
        return Column.CLASS, Column.BEST
    return (Column.TP, Column.FN) if new.counts != old.counts else None


def _ordered(rows: Sequence[ClassRow], order: Qt.SortOrder | None) -> list[ClassRow]:
    if order is None:
        return list(rows)
    sign = 1.0 if order == Qt.SortOrder.AscendingOrder else -1.0
    return sorted(rows, key=lambda row: inf if row.best is None else sign * row.best.threshold)
