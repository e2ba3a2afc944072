"""The images of a project as a list; made for 100,000 rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.label.models.image_filter import ImageFilter
from app.services.document import Document
from app.services.figures import counted
from detcore.errors import ProjectError
from detcore.project.image_paths import locate
from detcore.project.image_rows import STATUSES, ImageList
from detcore.types import Changes, IntArray, Status

Index = QModelIndex | QPersistentModelIndex

ID_ROLE = Qt.ItemDataRole.UserRole
STATUS_ROLE = Qt.ItemDataRole.UserRole + 1
COUNT_ROLE = Qt.ItemDataRole.UserRole + 2
SPLIT_ROLE = Qt.ItemDataRole.UserRole + 3
REASON_ROLE = Qt.ItemDataRole.UserRole + 4
"""Why the image comes so early: its text in a few words, "" in the order of the project."""

UNREADABLE_ROLE = Qt.ItemDataRole.UserRole + 5
"""Why the image cannot be shown, "" as far as is known."""

PATH_ROLE = Qt.ItemDataRole.UserRole + 6
"""The file of the image, a ``Path``, or ``None`` where its path is none."""

STATUS_TEXT = {
    Status.UNSEEN: "not seen yet",
    Status.IN_PROGRESS: "in progress",
    Status.VERIFIED: "verified",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an image comes early: ``short`` for its row, ``long`` for its tooltip."""

    short: str
    long: str


def common_folder(paths: Sequence[str]) -> str:
    """The folder that all paths begin with, with its slash; "" where there is none."""
    prefix = os.path.commonprefix([min(paths, default=""), max(paths, default="")])
    return prefix[: prefix.rfind("/") + 1]


class ImageModel(QAbstractListModel):
    """Rows are the images that pass the filter, in the order of the project or in one that was set.

    Attributes:
        total: the number of images without a filter.
    """

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._filter = ImageFilter()
        self._holding: IntArray | None = None
        self._columns: ImageList | None = None
        self._ids: IntArray = np.zeros(0, np.int64)
        self._shown: IntArray = np.zeros(0, np.int64)
        self._row_at: IntArray = np.zeros(0, np.int64)
        self._rows: dict[int, int] = {}
        self._first: Mapping[int, Reason] = {}
        self._unreadable: dict[int, str] = {}
        self._common = ""
        document.opened.connect(self.reload)
        document.closed.connect(self._clear)
        document.changed.connect(self._follow)

    @property
    def total(self) -> int:
        return len(self._ids)

    @property
    def _list(self) -> ImageList:
        if self._columns is None:
            raise RuntimeError("no project is open")
        return self._columns

    @property
    def columns(self) -> ImageList | None:
        """All images of the project, listed or not; ``None`` while none is open."""
        return self._columns

    def set_filter(self, wanted: ImageFilter, holding: IntArray | None = None) -> None:
        """List what a filter keeps; ``holding`` are the ids of the images that have a box as it asks for.
        Later edits do not apply it again, so nothing jumps away."""
        self._filter, self._holding = wanted, holding
        self.beginResetModel()
        self._arrange()
        self.endResetModel()

    def set_first(self, first: Mapping[int, Reason]) -> None:
        """Put images at the top, in the order given, with the reason of each; the others follow as they are
        in the project. Ends with the project. Images that come or go change nothing about it."""
        self._first = first
        self.beginResetModel()
        self._arrange()
        self.endResetModel()

    def mark_tried(self, path: Path, reason: str) -> None:
        """Say of a file why it cannot be shown, "" when it can; the filter is not applied again."""
        if not reason and not self._unreadable:
            return
        try:
            position = self._list.paths.index(self._document.project.stored_path(path))
        except ValueError:  # of another project, or taken out of this one
            return
        image_id = int(self._ids[position])
        if self._unreadable.get(image_id, "") == reason:
            return
        if reason:
            self._unreadable[image_id] = reason
        else:
            del self._unreadable[image_id]
        row = self.row_of(image_id)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))

    def forget_tried(self) -> None:
        """The files may be others now."""
        self._unreadable.clear()
        if self._shown.size:
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1))

    def image_id(self, row: int) -> int:
        """The image in a row, 0 when there is no such row."""
        return int(self._ids[self._shown[row]]) if 0 <= row < len(self._shown) else 0

    def row_of(self, image_id: int) -> int:
        """The row of an image, -1 when it is filtered out."""
        position = self._rows.get(image_id, -1)
        return int(self._row_at[position]) if position >= 0 else -1

    def next_unverified(self, image_id: int) -> int:
        """The first image after ``image_id``, going round, that is not verified; 0 when all are."""
        count = len(self._shown)
        start = self.row_of(image_id) + 1
        for offset in range(count):
            position = self._shown[(start + offset) % count]
            if self._list.status(position) is not Status.VERIFIED:
                return int(self._ids[position])
        return 0

    def following(self, image_id: int, count: int) -> list[int]:
        """The image, if there is one, and so many of those after it, going round, that are not verified."""
        row = self.row_of(image_id)
        if row < 0:
            return []
        others = np.roll(self._shown, -row)[1:]
        unverified = others[self._list.statuses[others] != STATUSES.index(Status.VERIFIED)]
        return [image_id, *self._ids[unverified[:count]].tolist()]

    def reload(self) -> None:
        columns = self._document.project.image_list()
        self.beginResetModel()
        self._columns, self._ids = columns, columns.ids
        self._rows = dict(zip(self._ids.tolist(), range(len(self._ids)), strict=True))
        self._common = common_folder(columns.paths)
        self._arrange()
        self.endResetModel()

    def _clear(self) -> None:
        self.beginResetModel()
        self._columns = None
        self._ids = self._shown = self._row_at = np.zeros(0, np.int64)
        self._rows = {}
        self._first = {}
        self._unreadable = {}
        self.endResetModel()

    def _arrange(self) -> None:
        """Which positions of the project's list are shown, and in which rows."""
        keep = np.zeros(0, np.bool_)
        if self._columns is not None:
            keep = self._filter.keeps(self._columns, unreadable=self._unreadable, holding=self._holding)
        top = np.array([self._rows[i] for i in self._first if i in self._rows], np.int64)
        top = top[keep[top]]
        keep[top] = False
        self._shown = np.concatenate([top, np.flatnonzero(keep)])
        self._row_at = np.full(len(self._ids), -1, np.int64)
        self._row_at[self._shown] = np.arange(len(self._shown))

    def _follow(self, changes: Changes) -> None:
        """Refresh the rows that an edit touched; the filter is not applied again, so nothing jumps away."""
        touched = changes.images | changes.box_images
        if changes.image_list or len(touched) > 1000:
            self.reload()
            return
        if not touched:
            return
        project = self._document.project
        columns = self._list
        for image in project.images(list(touched)):
            if image.split is not None and image.split not in columns.split_names:
                self.reload()
                return
            position = self._rows[image.id]
            if columns.paths[position] != image.path:
                columns.paths[position] = image.path
                self._unreadable.pop(image.id, None)
            columns.statuses[position] = STATUSES.index(image.status)
            columns.splits[position] = -1 if image.split is None else columns.split_names.index(image.split)
            columns.box_counts[position] = project.box_count(image.id)
            row = self.row_of(image.id)
            if row >= 0:
                self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        position = int(self._shown[index.row()])
        if role == Qt.ItemDataRole.DisplayRole:
            return self._list.paths[position][len(self._common) :]
        if role == PATH_ROLE:
            return self._file(self._list.paths[position])
        if role == ID_ROLE:
            return int(self._ids[position])
        if role == STATUS_ROLE:
            return self._list.status(position)
        if role == COUNT_ROLE:
            return int(self._list.box_counts[position])
        if role == SPLIT_ROLE:
            return self._list.split(position)
        if role == REASON_ROLE:
            reason = self._first.get(int(self._ids[position]))
            return reason.short if reason is not None else ""
        if role == UNREADABLE_ROLE:
            return self._unreadable.get(int(self._ids[position]), "")
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltip(position)
        return None

    def _file(self, stored: str) -> Path | None:
        """``None`` for a path that no import writes: the canvas says what is wrong with it."""
        try:
            return Path(locate(self._document.project.image_root, [stored])[0])
        except ProjectError:
            return None

    def _tooltip(self, position: int) -> str:
        count = int(self._list.box_counts[position])
        boxes = counted(count, "box", "boxes")
        split = self._list.split(position) or "no split"
        text = f"{self._list.paths[position]}\n{STATUS_TEXT[self._list.status(position)]}, {boxes}, {split}"
        image_id = int(self._ids[position])
        if image_id in self._unreadable:
            text += f"\nCannot be shown: {self._unreadable[image_id]}"
        reason = self._first.get(image_id)
        return text if reason is None else f"{text}\n{reason.long}"
