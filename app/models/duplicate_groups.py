"""Groups of images that look the same, as they are in the project now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.models.figures import count_text, ratio_text
from detcore.curation.duplicates import Duplicates
from detcore.project.project import Project
from detcore.types import SPLITS, Image

Index = QModelIndex | QPersistentModelIndex
Item = TypeVar("Item")

ITEM_ROLE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """One image of a group: where its file is, and how many boxes it has."""

    image: Image
    path: Path
    boxes: int

    @property
    def text(self) -> str:
        """Its split and boxes, in words."""
        boxes = "1 box" if self.boxes == 1 else f"{count_text(self.boxes)} boxes"
        return f"{self.image.split or 'no split'}, {boxes}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Two or more images that look the same. ``key`` stays when images leave the group; ``likeness`` is the
    correlation of the least and of the most alike pair."""

    key: int
    twins: tuple[Twin, ...]
    likeness: tuple[float, float]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that it lies in, train first."""
        used = {twin.image.split for twin in self.twins if twin.image.split is not None}
        return (*(split for split in SPLITS if split in used), *sorted(used - set(SPLITS)))

    @property
    def leaks(self) -> bool:
        """Whether it lies in more than one split."""
        return len(self.splits) > 1

    @property
    def place(self) -> str:
        """Where it lies, in words."""
        splits = self.splits
        if not splits:
            return "No split"
        if self.leaks:
            return f"Leak: {', '.join(splits)}"
        partly = any(twin.image.split is None for twin in self.twins)
        return f"{splits[0]} and no split" if partly else f"All in {splits[0]}"

    @property
    def text(self) -> str:
        """How many images, and how much alike."""
        low, high = (ratio_text(100 * value, digits=1) for value in self.likeness)
        alike = high if low == high else f"{low}–{high}"
        return f"{count_text(len(self.twins))} images, {alike} % alike"


def groups_now(found: Duplicates, project: Project) -> list[DuplicateGroup]:
    """The groups that were found, with the images as they are now; those with fewer than two left are gone.

    First those that lay in two splits when they were found, then the most alike: the order stays when an image
    is moved or leaves, so that nothing jumps away.
    """
    known = set(project.image_ids())
    pairs = [pair for pair in found.pairs if pair.first.id in known and pair.second.id in known]
    key_of = {image.id: key for key, group in enumerate(found.groups) for image in group}
    likeness: dict[int, list[float]] = {}
    members: dict[int, set[int]] = {}
    for pair in pairs:
        key = key_of[pair.first.id]
        likeness.setdefault(key, []).append(pair.correlation)
        members.setdefault(key, set()).update((pair.first.id, pair.second.id))
    return [
        DuplicateGroup(
            key=key,
            twins=tuple(
                Twin(image=image, path=project.image_path(image), boxes=project.box_count(image.id))
                for image in project.images(sorted(members[key]))
            ),
            likeness=(min(values), max(values)),
        )
        for key, values in likeness.items()
    ]


class ItemModel(QAbstractListModel, Generic[Item]):
    """A list of items that are painted whole by a delegate, which asks for ``ITEM_ROLE``.

    ``text`` is what assistive technology reads of an item, ``tip`` its tooltip.
    """

    def __init__(
        self, text: Callable[[Item], str], tip: Callable[[Item], str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._text, self._tip = text, tip
        self.items: Sequence[Item] = ()

    def set_items(self, items: Sequence[Item]) -> None:
        """Show other items; as many as before are the same ones, changed, and the selection stays."""
        if len(items) == len(self.items):
            self.items = items
            if items:
                self.dataChanged.emit(self.index(0), self.index(len(items) - 1))
            return
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        item = self.items[index.row()]
        makers: Mapping[int, Callable[[Item], Any]] = {
            Qt.ItemDataRole.DisplayRole: self._text,
            Qt.ItemDataRole.ToolTipRole: self._tip,
            ITEM_ROLE: lambda same: same,
        }
        make = makers.get(role)
        return None if make is None else make(item)
