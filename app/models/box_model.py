"""The boxes of the current image as a table."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.document import Document
from app.swatches import swatch
from app.view_state import ViewState
from detcore.types import Box, Changes, ObjectClass, Origin

Index = QModelIndex | QPersistentModelIndex

COLUMNS = ("Class", "Width", "Height", "From")
ORIGIN_TEXT = {Origin.HUMAN: "hand", Origin.IMPORT: "import", Origin.MODEL: "model"}


class BoxModel(QAbstractTableModel):
    """One row a box of the current image, in the order they were made."""

    def __init__(self, document: Document, view: ViewState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._view = document, view
        self._boxes: list[Box] = []
        self._classes: dict[int, ObjectClass] = {}
        view.image_changed.connect(self.reload)
        document.changed.connect(self._follow)

    @property
    def boxes(self) -> list[Box]:
        return self._boxes

    @property
    def classes(self) -> dict[int, ObjectClass]:
        return self._classes

    def row_of(self, box_id: int) -> int:
        """The row of a box, -1 when it is not on this image."""
        return next((row for row, box in enumerate(self._boxes) if box.id == box_id), -1)

    def reload(self) -> None:
        self.beginResetModel()
        if self._document.is_open and self._view.image_id:
            project = self._document.project
            self._boxes = project.boxes(self._view.image_id)
            self._classes = {item.id: item for item in project.classes()}
        else:
            self._boxes, self._classes = [], {}
        self.endResetModel()

    def _follow(self, changes: Changes) -> None:
        if changes.classes or self._view.image_id in changes.box_images:
            self.reload()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(self._boxes)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: N802
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
