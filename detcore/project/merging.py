"""Incoming images put together with what the project has of them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np

from detcore.boxes import LARGEST, Xyxy, fit
from detcore.project import box_rows, image_paths, image_rows, removals
from detcore.project.edits import combine, update_images
from detcore.project.incoming import IncomingImage
from detcore.project.reading import ProjectReader
from detcore.project.row_change import Edit, Row, RowChange, inserted
from detcore.project.values import check_splits, decode_extra
from detcore.types import Image, Origin, Status

_SAME = 0.01
"""Pixels within which an incoming box counts as the one that is there already."""

_FLAGS = [
    tuple(bits >> at & 1 for at in range(len(box_rows.FLAGS))) for bits in range(1 << len(box_rows.FLAGS))
]
"""The flags of a box as its row has them, by their bits."""


@dataclass(kw_only=True)
class Merged:
    """What merging images came to. ``images`` and ``boxes`` were added; ``matched`` images were in the project
    before, of which ``unchanged`` had all the boxes already. ``boxed`` images got the boxes. ``problems`` are
    stored paths, and what was odd.
    """

    images: int = 0
    boxes: int = 0
    matched: int = 0
    unchanged: int = 0
    boxed: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def add(self, other: Merged) -> None:
        self.images += other.images
        self.boxes += other.boxes
        self.matched += other.matched
        self.unchanged += other.unchanged
        self.boxed += other.boxed
        self.problems += other.problems


def merge(
    project: ProjectReader, images: Sequence[IncomingImage], class_ids: Sequence[int], *, text: str
) -> tuple[Edit, Merged]:
    """The edit that brings images in, for the rows that are there now.

    Boxes that an image has already are not added again, nor any to an image whose file has another size now than
    when its boxes were drawn: there old and new ones would not fit together. What the project knows of an image
    stays: the size its boxes were drawn at, its split, what is in ``extra``, a status that says more than unseen
    as long as no box is added.
    """
    slice_ = _Slice(class_ids)
    new = [image.path for image in images]
    image_paths.check_paths(new)
    check_splits(image.split for image in images)
    with project.database.read() as connection:
        known = image_rows.rows_of_paths(connection, new)
        present = _boxes_of(connection, [row[0] for row in known.values()])
        settings = removals.marks(connection, [path for path in new if path not in known], removed=False)
    fresh = iter(project.new_ids("image", len(images) - len(known)))
    for image in images:
        row = known.get(image.path)
        if row is None:
            slice_.add(next(fresh), image)
        else:
            slice_.update(image_rows.decode(row), image, _Present(present.get(row[0], [])))
    updates = update_images(project, slice_.updates, text=text)
    added = Edit(text=text, changes=slice_.insertions(project), settings=settings)
    return combine(text, [updates, added]), slice_.merged


def _image_row(image: IncomingImage) -> Row:
    return (
        *(image.path, image.width, image.height, image.status.value),
        *(image.split, None, image.extra),
    )


def _boxes_of(connection: sqlite3.Connection, image_ids: Sequence[int]) -> dict[int, list[Row]]:
    boxes: dict[int, list[Row]] = {}
    for row in box_rows.rows_of_images(connection, image_ids) if image_ids else []:
        boxes.setdefault(row[1], []).append(row)
    return boxes


class _Slice:
    """Collects the changes of some images."""

    def __init__(self, class_ids: Sequence[int]) -> None:
        self._class_ids = class_ids
        self._now = time.time()
        self._new: list[tuple[int, IncomingImage]] = []
        self._boxes: list[Row] = []
        self.updates: dict[int, dict[str, Any]] = {}
        self.merged = Merged()

    def insertions(self, project: ProjectReader) -> tuple[RowChange, ...]:
        """The rows that are new."""
        new = list(self._boxes_of_new())
        boxes = [*new, *self._boxes]
        images = [_image_row(image) for _, image in self._new]
        tables = (
            ("image", image_rows.COLUMNS, [image_id for image_id, _ in self._new], images),
            ("box", box_rows.COLUMNS, project.new_ids("box", len(boxes)), boxes),
        )
        return tuple(inserted(table, columns, ids, rows) for table, columns, ids, rows in tables if rows)

    def add(self, image_id: int, image: IncomingImage) -> None:
        self.merged.images += 1
        self._new.append((image_id, image))

    def update(self, old: Image, image: IncomingImage, present: _Present) -> None:
        """The project may know another size of the image than its file has now."""
        self.merged.matched += 1
        size = (image.width, image.height)
        if image.boxes and present and image.width is not None and old.size not in (None, size):
            self._leave_out(old, image)
            return
        width, height = size if old.width is None or not present else (old.width, old.height)
        added = self._add_boxes(old.id, image, width, height, present=present)
        labelled = image.status is not Status.UNSEEN
        self.merged.unchanged += labelled and not added
        fields: dict[str, Any] = {}
        if image.width is not None and old.size != (width, height):
            fields |= {"width": image.width, "height": image.height}
        if old.split is None and image.split is not None:
            fields["split"] = image.split
        if labelled and (old.status is Status.UNSEEN or added):
            fields["status"] = image.status
        extra = decode_extra(image.extra)
        if any(key not in old.extra for key in extra):
            fields["extra"] = {**extra, **old.extra}
        if fields:
            self.updates[old.id] = fields

    def _leave_out(self, old: Image, image: IncomingImage) -> None:
        message = (
            f"it is {image.width}×{image.height} now, and the boxes that it has were drawn at "
            f"{old.width}×{old.height}: no boxes added to it. On the Label page, or by the command `sizes`, "
            "they can be scaled"
        )
        self.merged.problems.append((image.path, message))

    def _boxes_of_new(self) -> Iterable[Row]:
        """The boxes of the new images: of all at once where all lie inside, as a reader leaves them."""
        counts = [len(image.boxes) for _, image in self._new]
        edges = np.concatenate([np.zeros((0, 4)), *(image.boxes.edges for _, image in self._new)])
        sizes = [(image.width or LARGEST, image.height or LARGEST) for _, image in self._new]
        limits = np.repeat(np.array(sizes, np.float64).reshape(-1, 2), counts, axis=0)
        low, high = edges[:, :2], edges[:, 2:]
        if not ((low >= 0.0) & (low < high) & (high <= limits)).all():
            for image_id, image in self._new:
                self._add_boxes(image_id, image, image.width, image.height, present=None)
            return ()
        self.merged.boxes += len(edges)
        self.merged.boxed += sum(count > 0 for count in counts)
        boxes = [image.boxes for _, image in self._new]
        flags = [bits for item in boxes for bits in item.flags]
        extras = [extra for item in boxes for extra in item.extras]
        return zip(
            np.repeat(np.array([image_id for image_id, _ in self._new], np.int64), counts).tolist(),
            [self._class_ids[label] for item in boxes for label in item.labels],
            *edges.T.tolist(),
            *zip(*(_FLAGS[bits] for bits in flags), strict=True),
            *map(repeat, (Origin.IMPORT.value, None, None, self._now, self._now)),
            map(box_rows.area_of, extras),
            extras,
            strict=False,
        )

    def _add_boxes(
        self,
        image_id: int,
        image: IncomingImage,
        width: int | None,
        height: int | None,
        *,
        present: _Present | None,
    ) -> int:
        """Add the boxes that are not present, as far as they lie inside; how many those are."""
        before = len(self._boxes)
        boxes = image.boxes
        right, bottom = width or LARGEST, height or LARGEST
        for label, (x1, y1, x2, y2), flags, extra in zip(
            boxes.labels, boxes.edges.tolist(), boxes.flags, boxes.extras, strict=True
        ):
            edges = (x1, y1, x2, y2)
            if not (0.0 <= x1 < x2 <= right and 0.0 <= y1 < y2 <= bottom):
                edges = self._fitted(edges, image, width, height)
            class_id = self._class_ids[label]
            if edges is None or (present is not None and present.take(class_id, edges)):
                continue
            self._boxes.append(
                (
                    *(image_id, class_id, *edges, *_FLAGS[flags]),
                    *(Origin.IMPORT.value, None, None, self._now, self._now),
                    *(box_rows.area_of(extra), extra),
                )
            )
        added = len(self._boxes) - before
        self.merged.boxes += added
        self.merged.boxed += added > 0
        return added

    def _fitted(
        self, edges: Xyxy, image: IncomingImage, width: int | None, height: int | None
    ) -> Xyxy | None:
        inside, message = fit(edges, width=width, height=height)
        if message is not None:
            self.merged.problems.append((image.path, f"{message} (by the project's size)"))
        return inside


class _Present:
    """The boxes that an image has already."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._classes = np.array([row[2] for row in rows], dtype=np.int64)
        self._edges = np.array([row[3:7] for row in rows], dtype=np.float64).reshape(-1, 4)
        self._rows: dict[tuple[int, Xyxy], list[int]] = {}
        for at, row in enumerate(rows):
            self._rows.setdefault((row[2], row[3:7]), []).append(at)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._rows)

    def take(self, class_id: int, edges: Xyxy) -> bool:
        """Whether such a box is there that was not taken before."""
        if not self._rows:
            return False
        rows = self._rows.get((class_id, edges), [])
        found = next((row for row in rows if self._classes[row]), None)  # the usual case, and quicker
        if found is None:
            near = (np.abs(self._edges - np.array(edges)) <= _SAME).all(axis=1)
            near &= self._classes == class_id
            found = int(near.argmax()) if near.any() else None
        if found is None:
            return False
        self._classes[found] = 0  # the id of no class
        return True
