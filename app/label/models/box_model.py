"""The boxes of the current image as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.label.current_boxes import CurrentBoxes
from app.services.document import Document
from app.services.view_state import ViewState
from app.widgets.painting import swatch
from detcore.types import Box, Changes, ObjectClass, Origin

Index = QModelIndex | QPersistentModelIndex

COLUMNS = ("Class", "Width", "Height", "From")
ORIGIN_TEXT = {Origin.HUMAN: "hand", Origin.IMPORT: "import", Origin.MODEL: "model"}


class BoxModel(QAbstractTableModel):
    """One row a box of the current image, in the order they were made."""

    def __init__(
        self, document: Document, view: ViewState, current: CurrentBoxes, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._view, self._current = view, current
        self._boxes: Sequence[Box] = ()
        self._classes: Mapping[int, ObjectClass] = {}
        view.image_changed.connect(self.reload)
        document.changed.connect(self._follow)

    @property
    def boxes(self) -> Sequence[Box]:
        """The boxes of the rows."""
        return self._boxes

    def row_of(self, box_id: int) -> int:
        """The row of a box, -1 when it is not on this image."""
        return next((row for row, box in enumerate(self._boxes) if box.id == box_id), -1)

    def reload(self) -> None:
        self.beginResetModel()
        self._boxes, self._classes = self._current.boxes, self._current.classes
        self.endResetModel()

    def _follow(self, changes: Changes) -> None:
        """Rows stay while boxes only become others: what is selected, or scrolled to, stays as well."""
        if not changes.classes and self._view.image_id not in changes.box_images:
            return
        before, boxes = self._boxes, self._current.boxes
        if [box.id for box in boxes] != [box.id for box in before]:
            self.reload()
            return
        renamed = self._classes != self._current.classes
        self._boxes, self._classes = boxes, self._current.classes
        for row, (old, new) in enumerate(zip(before, boxes, strict=True)):
            if renamed or old != new:
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._boxes)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignVCenter | self._alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        box = self._boxes[index.row()]
        owner = self._classes[box.class_id]
        if role == Qt.ItemDataRole.DisplayRole:
            texts = (owner.name, f"{box.x2 - box.x1:.0f}", f"{box.y2 - box.y1:.0f}", ORIGIN_TEXT[box.origin])
            return texts[index.column()]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return swatch(owner.color)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignVCenter | self._alignment(index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tooltip(box, owner)
        return None

    @staticmethod
    def _alignment(column: int) -> Qt.AlignmentFlag:
        return Qt.AlignmentFlag.AlignRight if column in (1, 2) else Qt.AlignmentFlag.AlignLeft


def _tooltip(box: Box, owner: ObjectClass) -> str:
    lines = [owner.name, f"x {box.x1:.1f} to {box.x2:.1f}, y {box.y1:.1f} to {box.y2:.1f}"]
    flags = [name for name in ("difficult", "truncated", "occluded", "crowd") if getattr(box, name)]
    if flags:
        lines.append(", ".join(flags))
    if box.score is not None:
        lines.append(f"accepted from run {box.run} at score {box.score:.2f}")
    return "\n".join(lines)
