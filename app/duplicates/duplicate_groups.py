"""Groups of images that look the same, as they are in the project now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.services.figures import counted, ratio_text
from detcore.curation.duplicates import DuplicatePair, Duplicates
from detcore.project.project import Project
from detcore.types import SPLITS, Changes, Image

Index = QModelIndex | QPersistentModelIndex
Item = TypeVar("Item")

ITEM_ROLE = Qt.ItemDataRole.UserRole
_FEW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """One image of a group: where its file is, and how many boxes it has."""

    image: Image
    path: Path
    boxes: int

    @property
    def text(self) -> str:
        """Its split and boxes, in words."""
        return f"{self.image.split or 'no split'}, {counted(self.boxes, 'box', 'boxes')}"


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
        return f"{counted(len(self.twins), 'image')}, {alike} % alike"


class GroupsNow:
    """The groups that were found, as they are in the project now; only what edits touch is read again.

    First those that lay in two splits when they were found, then the most alike: the order stays when an
    image is moved or leaves, so that nothing jumps away.
    """

    def __init__(self, found: Duplicates, project: Project) -> None:
        self.found = found
        self._project = project
        self._key_of = {image.id: key for key, group in enumerate(found.groups) for image in group}
        self._pairs: dict[int, list[DuplicatePair]] = {}
        for pair in found.pairs:
            self._pairs.setdefault(self._key_of[pair.first.id], []).append(pair)
        self._twins: dict[int, Twin] = {}
        self._groups: dict[int, DuplicateGroup] = {}
        self._read_anew()

    def follow(self, changes: Changes) -> bool:
        """Take note of an edit; whether it touched one of the images."""
        images, boxes = changes.images & self._key_of.keys(), changes.box_images & self._key_of.keys()
        self._images_touched |= images
        self._boxes_touched |= boxes
        self._came_or_went |= bool(images) and changes.image_list
        return bool(images or boxes)

    def groups(self) -> list[DuplicateGroup]:
        """All of them; those with fewer than two images left are gone."""
        if self._project.image_root != self._root:
            self._read_anew()
        touched = self._images_touched | self._boxes_touched
        if touched:
            here = touched & set(self._project.image_ids()) if self._came_or_went else touched
            self._read_twins(here)
            for image_id in touched - here:
                self._twins.pop(image_id, None)
            for key in {self._key_of[image_id] for image_id in touched}:
                self._read_group(key)
            self._images_touched, self._boxes_touched, self._came_or_went = set(), set(), False
        return [self._groups[key] for key in self._pairs if key in self._groups]

    def _read_anew(self) -> None:
        """Nothing is known yet, or the files are said to be elsewhere now."""
        self._root = self._project.image_root
        self._twins.clear()
        self._images_touched, self._boxes_touched = set(self._key_of), set(self._key_of)
        self._came_or_went = True

    def _read_twins(self, image_ids: Set[int]) -> None:
        recount = {i for i in image_ids if i in self._boxes_touched or i not in self._twins}
        boxes = _box_counts(self._project, recount)
        for image in self._project.images(sorted(image_ids)):
            old = self._twins.get(image.id)
            path = old.path if old is not None else self._project.image_path(image)
            count = old.boxes if old is not None and image.id not in boxes else boxes[image.id]
            self._twins[image.id] = Twin(image=image, path=path, boxes=count)

    def _read_group(self, key: int) -> None:
        """Of the images that are left, those that still look like another one."""
        group = self._groups.pop(key, None)
        if group is not None and not self._came_or_went:
            twins = tuple(self._twins[twin.image.id] for twin in group.twins)
            self._groups[key] = replace(group, twins=twins)
            return
        pairs = [p for p in self._pairs[key] if p.first.id in self._twins and p.second.id in self._twins]
        if pairs:
            left = {image.id for pair in pairs for image in (pair.first, pair.second)}
            values = [pair.correlation for pair in pairs]
            twins = tuple(self._twins[image_id] for image_id in sorted(left))
            self._groups[key] = DuplicateGroup(key=key, twins=twins, likeness=(min(values), max(values)))


def _box_counts(project: Project, image_ids: Set[int]) -> dict[int, int]:
    """Of few images each is asked for, of many all at once."""
    if len(image_ids) <= _FEW:
        return {image_id: project.box_count(image_id) for image_id in image_ids}
    columns = project.image_list()
    return dict(zip(columns.ids.tolist(), columns.box_counts.tolist(), strict=True))


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

    def set_items(self, items: Sequence[Item], *, same: bool) -> None:
        """Show other items, or the ``same`` ones, changed: as long as there are as many, the selection
        stays."""
        if same and len(items) == len(self.items):
            self.items = items
            if items:
                self.dataChanged.emit(self.index(0), self.index(len(items) - 1))
            return
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
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
