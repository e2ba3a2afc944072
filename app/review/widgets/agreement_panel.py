"""How far two people agree: some figures in a row, and a table of classes whose counts open their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QPixmap, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.review.models.kind_looks import text_color
from app.review.widgets.count_table import CountTable
from app.services.figures import count_text, ratio_text
from app.services.theme import Theme
from app.widgets.figure import Figure
from app.widgets.flow_layout import FlowLayout
from detcore.evaluation.agreement import Agreement
from detcore.review.kinds import ErrorKind

Index = QModelIndex | QPersistentModelIndex

_TITLES = ("Class", "Yours", "Theirs", "Agreed", "Only yours", "Only theirs", "F1")
_KINDS = {3: ErrorKind.TP, 4: ErrorKind.FN, 5: ErrorKind.FP}
_TIPS = {
    3: "Boxes of this class that both drew on the same object",
    4: "Your labels of this class where the other has none of it",
    5: "Labels of this class that the other has and you have not",
}
_F1 = 6
_SWATCH = 10
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_KAPPA_TIP = (
    "Cohen's kappa of the classes of boxes on the same place: how much of the agreement that chance would not bring is there. "
    "1 is all of it, 0 is none; a dash where only one class is there"
)


@dataclass(frozen=True, kw_only=True)
class AgreementRow:
    """A class, or all together with ``class_id`` ``None``, and how many boxes each of the two has and both have."""

    class_id: int | None
    name: str
    color: str | None
    yours: int
    theirs: int
    agreed: int
    f1: float

    def counts(self) -> tuple[int, int, int, int, int]:
        """In the order of the columns."""
        return self.yours, self.theirs, self.agreed, self.yours - self.agreed, self.theirs - self.agreed


class AgreementModel(QAbstractTableModel):
    """One row a class, all of them first."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.rows: Sequence[AgreementRow] = ()

    def set_rows(self, rows: Sequence[AgreementRow]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section:
            return _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            if column == 0:
                return row.name
            return ratio_text(row.f1) if column == _F1 else count_text(row.counts()[column - 1])
        if role == Qt.ItemDataRole.DecorationRole and column == 0 and row.color is not None:
            swatch = QPixmap(_SWATCH, _SWATCH)
            swatch.fill(QColor(row.color))
            return swatch
        if role == Qt.ItemDataRole.TextAlignmentRole and column:
            return _RIGHT
        kind = _KINDS.get(column)
        if kind is not None and role == Qt.ItemDataRole.ForegroundRole and row.counts()[column - 1]:
            return text_color(self._theme, kind)
        if kind is not None and role == Qt.ItemDataRole.ToolTipRole:
            return f"{_TIPS[column]}. Click to list them."
        return None


class AgreementTable(CountTable):
    """A click or Enter on a count opens its boxes."""

    # The user asks for the boxes behind a count: class id or None for all, ErrorKind.
    count_opened = Signal(object, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self.classes = AgreementModel(theme)
        super().__init__(self.classes, theme, links=_KINDS.keys(), name="Agreement by class", parent=parent)
        self.opened.connect(self._tell)

    def _tell(self, index: QModelIndex) -> None:
        self.count_opened.emit(self.classes.rows[index.row()].class_id, _KINDS[index.column()])


class AgreementPanel(QWidget):
    """Shows what it is given."""

    # It has come into sight.
    shown = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.matched, self.agreed = Figure("On the same place"), Figure("Of the same class")
        self.f1, self.kappa = Figure("F1"), Figure("Kappa of classes")
        self.f1.setToolTip("Twice the boxes that both have, of the same class, by all boxes of the two")
        self.kappa.setToolTip(_KAPPA_TIP)
        self.table = AgreementTable(theme)
        self.note = QLabel(wordWrap=True)
        self.note.setProperty("role", "small")
        row = FlowLayout(spacing=4)
        for figure in (self.matched, self.agreed, self.f1, self.kappa):
            row.addWidget(figure)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 4)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.note)

    def show_agreement(self, found: Agreement, rows: Sequence[AgreementRow], iou_threshold: float) -> None:
        """The figures at an IoU, and the table."""
        self.matched.show_text(count_text(found.matched))
        self.agreed.show_text(count_text(found.agreed))
        self.f1.show_text(ratio_text(found.f1, digits=3))
        self.kappa.show_text(ratio_text(found.kappa, digits=3))
        self.table.classes.set_rows(rows)
        self.note.setText(
            f"Boxes that overlap by an IoU of {ratio_text(iou_threshold)} are on the same place; the IoU is chosen above."
        )

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()
