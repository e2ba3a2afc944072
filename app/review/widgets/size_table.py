"""Small, medium and large objects, and all of them: APs, and counts that open their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QWidget

from app.review.models.kind_looks import SHORT, TIPS, text_color
from app.review.widgets.count_table import CountTable
from app.services.figures import AP, AP_TIP, ap_at_tip, count_text, ratio_text
from app.services.theme import Theme
from detcore.review.kinds import COUNTED, ErrorKind
from detcore.review.sizes import SizeRow
from detcore.wording import ap_name

Index = QModelIndex | QPersistentModelIndex

_TITLES = ("Size", "Labels", AP, "", *(SHORT[kind] for kind in COUNTED), "Recall", "Precision")
_AP, _AP_AT, _FIRST_COUNT, _RECALL = 2, 3, 4, 7
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def kind_of(column: int) -> ErrorKind | None:
    """The kind that a column counts."""
    place = column - _FIRST_COUNT
    return COUNTED[place] if 0 <= place < len(COUNTED) else None


def _ap_text(ap: float | None) -> str:
    if ap is None:
        return "…"
    return ratio_text(ap, digits=3) if ap >= 0 else "–"


class SizeModel(QAbstractTableModel):
    """One row a size."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: Sequence[SizeRow] = ()
        self._iou_threshold = 0.5

    @property
    def rows(self) -> Sequence[SizeRow]:
        return self._rows

    def set_rows(self, rows: Sequence[SizeRow], iou_threshold: float) -> None:
        """``iou_threshold`` is that of their AP at one IoU."""
        if iou_threshold != self._iou_threshold:
            self._iou_threshold = iou_threshold
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, _AP_AT, _AP_AT)
        same = len(rows) == len(self._rows)
        if not same:
            self.beginResetModel()
        self._rows = rows
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(_TITLES) - 1))

    def _text(self, row: SizeRow, column: int) -> str:
        kind = kind_of(column)
        if kind is not None:
            return count_text(row.counts[kind])
        texts = {
            0: row.name,
            1: count_text(row.labels),
            _AP: _ap_text(row.ap),
            _AP_AT: _ap_text(row.ap_at),
            _RECALL: ratio_text(row.recall),
        }
        return texts.get(column, ratio_text(row.precision))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return ap_name(self._iou_threshold) if section == _AP_AT else _TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole and section in (_AP, _AP_AT):
            rule = AP_TIP if section == _AP else ap_at_tip(self._iou_threshold)
            return f"{rule};\nonly objects of the size count"
        if role == Qt.ItemDataRole.TextAlignmentRole and section:
            return _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        kind = kind_of(column)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column:
            return _RIGHT
        if role == Qt.ItemDataRole.ForegroundRole and kind is not None and row.counts[kind]:
            return text_color(self._theme, kind)
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.tip if kind is None else f"{TIPS[kind]}. Click to list them."
        return None


class SizeTable(CountTable):
    """A click or Enter on a count opens its boxes."""

    # The user asks for the boxes behind a count: place of the size or None for all, ErrorKind.
    count_opened = Signal(object, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self.rows = SizeModel(theme)
        links = range(_FIRST_COUNT, _FIRST_COUNT + len(COUNTED))
        super().__init__(self.rows, theme, links=links, name="Sizes", parent=parent)
        self.opened.connect(self._tell)

    def _tell(self, index: QModelIndex) -> None:
        self.count_opened.emit(self.rows.rows[index.row()].size, kind_of(index.column()))
