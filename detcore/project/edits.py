"""The edits that a person can make: each function looks at the project and returns an ``Edit``.

An edit holds for the state that it was made for, so ``project.edit`` has it made inside its transaction:
``project.edit(add_boxes, boxes)``. Several made for one state can be joined by ``combine`` when they touch
different rows. New rows get their ids here, so ``edit.changes[0].ids`` are the ids of what ``add_boxes`` adds.
A ``text`` is an operation, as ``operations.operation`` writes it, or plain words.

All raise ProjectError for what the project cannot hold, with the reason.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from detcore.errors import ProjectError
from detcore.project import box_rows, class_rows, image_paths, image_rows, removals, verdict_rows
from detcore.project.box_checks import checked_boxes
from detcore.project.class_edits import (
    add_class,
    add_classes,
    delete_class,
    merge_classes,
    reorder_classes,
    update_class,
)
from detcore.project.operations import operation
from detcore.project.reading import ProjectReader
from detcore.project.row_change import (
    Edit,
    Row,
    RowChange,
    SettingChange,
    combine,
    deleted,
    inserted,
    updated,
)
from detcore.project.values import check_class_name, check_splits
from detcore.project.verdicts import add_verdicts, remove_verdicts
from detcore.types import Box, Image, ObjectClass, Status

__all__ = [
    "Edit",
    "RowChange",
    "add_boxes",
    "add_class",
    "add_classes",
    "add_images",
    "add_rows",
    "add_verdicts",
    "change_setting",
    "combine",
    "delete_boxes",
    "delete_class",
    "merge_classes",
    "remove_images",
    "remove_verdicts",
    "reorder_classes",
    "set_split",
    "set_status",
    "update_boxes",
    "update_class",
    "update_images",
]


def add_boxes(project: ProjectReader, boxes: Sequence[Box], *, text: str = "") -> Edit:
    """New boxes, whose ids are ignored and given out here. Times of 0 become now."""
    return add_rows(
        project,
        boxes=[replace(box, id=0) if box.id else box for box in boxes],
        text=text or operation("add_boxes", count=len(boxes)),
    )


def update_boxes(
    project: ProjectReader,
    boxes: Sequence[Box],
    *,
    on: Sequence[Image] = (),
    classes: Sequence[ObjectClass] = (),
    text: str = "",
) -> Edit:
    """Boxes as they are to be: geometry, class, flags, origin. Those that stay as they are drop out. They have
    to fit their images as these are, or as they are to be by another edit of the same step (``on``), and may be
    of ``classes`` that such an edit adds.

    ``updated`` becomes now. When the geometry changes, ``extra["area"]``, the area of a mask that
    came with the old box, no longer holds and goes.
    """
    with project.database.read() as connection:
        old = box_rows.rows_by_id(connection, [box.id for box in boxes])
        _require(project, "box", old, [box.id for box in boxes])
        wanted = [_without_stale_area(box, old[box.id]) for box in boxes]
        for box in wanted:
            if box.image_id != old[box.id][0]:
                raise ValueError("a box cannot move to another image")
        settled = {box.id for box in wanted if box.xyxy == old[box.id][2:6]}
        wanted = checked_boxes(connection, wanted, new_images=on, new_classes=classes, settled=settled)
    now, at = time.time(), box_rows.UPDATED_COLUMN
    rows = [(box.id, old[box.id], box_rows.encode(replace(box, updated=old[box.id][at]))) for box in wanted]
    changes = updated("box", box_rows.COLUMNS, rows, finish=lambda row: (*row[:at], now, *row[at + 1 :]))
    return Edit(text=text or operation("change_boxes", count=len(boxes)), changes=tuple(changes))


def delete_boxes(project: ProjectReader, ids: Iterable[int], *, text: str = "") -> Edit:
    wanted = sorted({int(box_id) for box_id in ids})
    with project.database.read() as connection:
        old = box_rows.rows_by_id(connection, wanted)
    _require(project, "box", old, wanted)
    change = deleted("box", box_rows.COLUMNS, wanted, [old[box_id] for box_id in wanted])
    return Edit(text=text or operation("delete_boxes", count=len(wanted)), changes=(change,))


def set_status(project: ProjectReader, image_ids: Iterable[int], status: Status) -> Edit:
    return update_images(
        project,
        {image_id: {"status": status} for image_id in image_ids},
        text=operation(f"mark_images_{status}"),
    )


def set_split(project: ProjectReader, splits: Mapping[int, str | None], *, text: str = "") -> Edit:
    """The split of each image; ``None`` takes it out of all splits."""
    return update_images(
        project,
        {image_id: {"split": split or None} for image_id, split in splits.items()},
        text=text or operation("assign_splits"),
    )


def update_images(project: ProjectReader, values: Mapping[int, Mapping[str, Any]], *, text: str) -> Edit:
    """New values for fields of ``Image`` (not the id), by image id. Images that stay as they are drop out."""
    with project.database.read() as connection:
        old = {row[0]: row[1:] for row in image_rows.rows(connection, list(values))}
    _require(project, "image", old, values)
    rows = [
        (int(image_id), old[int(image_id)], image_rows.with_fields(old[int(image_id)], fields))
        for image_id, fields in values.items()
    ]
    paths = [fields["path"] for fields in values.values() if "path" in fields]
    image_paths.check_paths(paths)
    check_splits(fields["split"] for fields in values.values() if "split" in fields)
    with project.database.read() as connection:
        settings = removals.marks(connection, paths, removed=False)
    return Edit(text=text, changes=tuple(updated("image", image_rows.COLUMNS, rows)), settings=settings)


def change_setting(project: ProjectReader, key: str, value: Any, *, text: str) -> Edit:
    """A JSON value for a setting that belongs to the labels, and is undone with them. Values of before that
    edits do not know of (``Project.set_setting``) must not be in between."""
    with project.database.read() as connection:
        found = connection.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
    before, after = None if found is None else str(found[0]), json.dumps(value)
    change = SettingChange(key=key, before=before, after=after)
    return Edit(text=text, changes=(), settings=() if before == after else (change,))


def add_images(project: ProjectReader, images: Sequence[Image]) -> Edit:
    """New images at the end of the list, whose ids are ignored and given out here.

    Images whose path is in the project already are passed over, and so are repeated ones.
    """
    paths = [image.path for image in images]
    image_paths.check_paths(paths)
    with project.database.read() as connection:
        known = image_rows.known_paths(connection, paths)
    fresh: list[Image] = []
    for image in images:
        if image.path not in known:
            known.add(image.path)
            fresh.append(replace(image, id=0) if image.id else image)
    return add_rows(project, images=fresh, text=operation("add_images", count=len(fresh)))


def remove_images(project: ProjectReader, ids: Iterable[int]) -> Edit:
    """Take images out of the project, with their boxes and verdicts. The files stay; that they were taken out is
    remembered."""
    wanted = sorted({int(image_id) for image_id in ids})
    with project.database.read() as connection:
        images = image_rows.rows(connection, wanted)
        _require(project, "image", {row[0] for row in images}, wanted)
        boxes = box_rows.rows_of_images(connection, wanted)
        verdicts = verdict_rows.rows_of_images(connection, wanted)
        settings = removals.marks(connection, [row[1] for row in images], removed=True)
    tables = (
        ("verdict", verdict_rows.COLUMNS, verdicts),
        ("box", box_rows.COLUMNS, boxes),
        ("image", image_rows.COLUMNS, images),
    )
    return Edit(
        text=operation("remove_images", count=len(wanted)),
        changes=tuple(
            deleted(table, columns, [row[0] for row in rows], [row[1:] for row in rows])
            for table, columns, rows in tables
            if rows
        ),
        settings=settings,
    )


def add_rows(
    project: ProjectReader,
    *,
    text: str,
    classes: Sequence[ObjectClass] = (),
    images: Sequence[Image] = (),
    boxes: Sequence[Box] = (),
) -> Edit:
    """New classes, images and boxes as one step: an import.

    Ids of 0 are given out here; others must come from ``project.new_ids``, so that boxes can name images and
    classes of the same edit. Boxes are checked against the sizes of their images.
    """
    now = time.time()
    with project.database.read() as connection:
        names = {row[1] for row in class_rows.rows(connection)}
        for item in classes:
            check_class_name(item.name)
            if item.name in names:
                raise ProjectError(f"there is already a class {item.name}")
            names.add(item.name)
        image_paths.check_paths([image.path for image in images])
        check_splits(image.split for image in images)
        _check_new_paths(connection, [image.path for image in images])
        checked = checked_boxes(connection, boxes, new_images=images, new_classes=classes)
        settings = removals.marks(connection, [image.path for image in images], removed=False)
    tables = (
        ("class", class_rows.COLUMNS, [item.id for item in classes], map(class_rows.encode, classes)),
        ("image", image_rows.COLUMNS, [item.id for item in images], map(image_rows.encode, images)),
        (
            "box",
            box_rows.COLUMNS,
            [box.id for box in checked],
            (box_rows.encode(box, now) for box in checked),
        ),
    )
    return Edit(
        text=text,
        changes=tuple(
            inserted(table, columns, _fill_ids(project, table, ids), rows)
            for table, columns, ids, rows in tables
            if ids
        ),
        settings=settings,
    )


def _check_new_paths(connection: sqlite3.Connection, paths: Sequence[str]) -> None:
    known = image_rows.known_paths(connection, paths) if paths else set[str]()
    for path in paths:
        if path in known:
            raise ProjectError("the image is in the project already", path=path)
        known.add(path)


def _fill_ids(project: ProjectReader, table: str, ids: list[int]) -> list[int]:
    fresh = iter(project.new_ids(table, sum(1 for item in ids if not item)))
    return [int(item) or next(fresh) for item in ids]


def _without_stale_area(box: Box, old: Row) -> Box:
    if "area" not in box.extra or box.xyxy == old[2:6]:
        return box
    return replace(box, extra={key: value for key, value in box.extra.items() if key != "area"})


def _require(project: ProjectReader, what: str, found: Iterable[int], wanted: Iterable[int]) -> None:
    missing = sorted({int(item) for item in wanted} - set(found))
    if missing:
        raise ProjectError(f"{what} {missing[0]} is not in the project any more", path=project.folder)
