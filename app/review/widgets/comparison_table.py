"""Old labels and old model, new labels and old model, new labels and new model: figures and what lies
between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from app.review.models.comparison_rows import ComparisonRow
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.painting import sized_font

Index = QModelIndex | QPersistentModelIndex

_NAME, _OLD, _BY_LABELS, _RELABELLED, _BY_MODEL, _NEW = range(6)
_DIFFERENCES = (_BY_LABELS, _BY_MODEL)
_ROW_HEIGHT = 21
_WIDTHS = (70, 88, 72, 88, 72, 88)
_TIPS = {
    _OLD: "The old model over the labels that it was started with",
    _BY_LABELS: "What other labels have changed; the model is the same",
    _RELABELLED: "The old model over the labels of now",
    _BY_MODEL: "What the other model has changed; the labels are the same",
    _NEW: "The run that is looked at over the labels of now",
}
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ComparisonModel(QAbstractTableModel):
    """One row a figure."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: Sequence[ComparisonRow] = ()
        self._heads: tuple[str, str, str] = ("", "", "")

    @property
    def rows(self) -> Sequence[ComparisonRow]:
        return self._rows

    def set_rows(self, rows: Sequence[ComparisonRow], heads: tuple[str, str, str]) -> None:
        """``heads`` name the model of each of the three columns."""
        self.beginResetModel()
        self._rows, self._heads = rows, heads
        self.endResetModel()

    def _text(self, row: ComparisonRow, column: int) -> str:
        texts = (row.name, row.cells[0], row.by_labels, row.cells[1], row.by_model, row.cells[2])
        return texts[column]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_WIDTHS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            old, relabelled, new = self._heads
            return (
                "",
                f"Old labels\n{old}",
                "by labels",
                f"New labels\n{relabelled}",
                "by model",
                f"New labels\n{new}",
            )[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS.get(section)
        if role == Qt.ItemDataRole.TextAlignmentRole and section:
            return _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column:
            return _RIGHT
        if role == Qt.ItemDataRole.ForegroundRole and column in _DIFFERENCES:
            return self._theme.color("text_muted")
        if role == Qt.ItemDataRole.ToolTipRole:
            tip = _TIPS.get(column, row.tip)
            return f"{tip}\n{row.by_labels_range}" if column == _BY_LABELS and row.by_labels_range else tip
        return None


class ComparisonTable(QTableView):
    """Figures to read; as high as its rows."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = ComparisonModel(theme)
        self.rows.setParent(self)
        self.setModel(self.rows)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Comparison")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setMinimumWidth(sum(_WIDTHS))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(min(_WIDTHS))
        for column, width in enumerate(_WIDTHS):
            takes_rest = column in (_OLD, _RELABELLED, _NEW)
            mode = QHeaderView.ResizeMode.Stretch if takes_rest else QHeaderView.ResizeMode.Fixed
            header.setSectionResizeMode(column, mode)
            header.resizeSection(column, width)
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        theme.changed.connect(self.viewport().update)

    def set_rows(self, rows: Sequence[ComparisonRow], models: tuple[str, str, str]) -> None:
        """``models`` are the names over the three columns."""
        room, middle = _WIDTHS[_OLD] - 8, Qt.TextElideMode.ElideMiddle
        metrics = QFontMetrics(sized_font(self, SMALL_TEXT))
        old, relabelled, new = (metrics.elidedText(name, middle, room) for name in models)
        self.rows.set_rows(rows, (old, relabelled, new))
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        rows = sum(self.rowHeight(row) for row in range(self.rows.rowCount()))
        return QSize(sum(_WIDTHS), self.horizontalHeader().sizeHint().height() + rows + 4)
