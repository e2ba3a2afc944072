"""The classes of a project as a list, with the number of boxes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from app.services.document import Document
from app.services.figures import counted
from app.services.tasks import Tasks
from app.services.timing import Debouncer
from detcore.errors import ReticleError
from detcore.project.project import Project
from detcore.project.reading import class_counts
from detcore.types import Changes, ObjectClass

Index = QModelIndex | QPersistentModelIndex

CLASS_ROLE = Qt.ItemDataRole.UserRole
COUNT_ROLE = Qt.ItemDataRole.UserRole + 1
COUNT_DELAY_MS = 150
CLASS_MIME = "application/x-reticle-class"
"""A class that is dragged to another place in its list: its row."""


class ClassModel(QAbstractListModel):
    """Rows are the classes by position; dragging one asks for another order. Counts follow edits after a
    moment: 300,000 boxes take a quarter of a second to count, so that is done in the background, and one count
    at a time.

    Signals:
        order_wanted(object): ids of all classes, in the order in which the user wants them.
    """

    order_wanted = Signal(object)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._classes: list[ObjectClass] = []
        self._counts: Mapping[str, int] = {}
        self._tasks = Tasks(self)
        self._counting = False
        self._recount = Debouncer(self, self._count, pause_ms=COUNT_DELAY_MS)
        document.opened.connect(self.reload)
        document.closed.connect(self._clear)
        document.changed.connect(self._follow)
        self.destroyed.connect(self._tasks.shut_down)

    @property
    def classes(self) -> list[ObjectClass]:
        return self._classes

    def row_of(self, class_id: int) -> int:
        """The row of a class, -1 when there is none."""
        return next((row for row, item in enumerate(self._classes) if item.id == class_id), -1)

    def reload(self) -> None:
        self.beginResetModel()
        self._classes = self._document.project.classes()
        self.endResetModel()
        self._count()

    def _clear(self) -> None:
        self.beginResetModel()
        self._recount.stop()
        self._classes, self._counts = [], {}
        self.endResetModel()

    def _follow(self, changes: Changes) -> None:
        if changes.classes:
            self.reload()
        elif changes.boxes:
            self._recount.ask()

    def _count(self) -> None:
        if not self._document.is_open:
            return
        if self._counting:
            self._recount.ask()
            return
        self._counting = True
        project = self._document.project
        self._tasks.run(
            lambda: class_counts(project),
            done=lambda counts: self._show_counts(project, counts),
            failed=lambda error: self._fail(project, error),
        )

    def _show_counts(self, project: Project, counts: Mapping[str, int]) -> None:
        self._counting = False
        if self._document.shows(project):
            self._counts = counts
            if self._classes:
                self.dataChanged.emit(self.index(0), self.index(len(self._classes) - 1))

    def _fail(self, project: Project, error: Exception) -> None:
        self._counting = False
        if self._document.shows(project) or not isinstance(error, ReticleError):
            raise error

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.isValid():
            return flags | Qt.ItemFlag.ItemIsDragEnabled
        return flags | Qt.ItemFlag.ItemIsDropEnabled

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [CLASS_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        data.setData(CLASS_MIME, str(indexes[0].row()).encode())
        return data

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index
    ) -> bool:
        """Ask for the order that the drop means. Nothing moves here: the list follows the project."""
        dragged = int(bytes(data.data(CLASS_MIME).data()))
        ids = [item.id for item in self._classes]
        below = ids[row:] if row >= 0 else []
        above = [class_id for class_id in ids if class_id not in below]
        moved = ids[dragged]
        order = [*(i for i in above if i != moved), moved, *(i for i in below if i != moved)]
        if order != ids:
            self.order_wanted.emit(order)
        return False

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
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
            key = f"\nPress {item.key} to use it" if item.key else ""
            return f"{item.name}\n{counted(self._counts.get(item.name, 0), 'box', 'boxes')}{key}"
        return None
