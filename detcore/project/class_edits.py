"""Edits of classes. Part of ``edits``."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from detcore.errors import ProjectError
from detcore.project import box_rows, class_rows
from detcore.project.operations import operation
from detcore.project.palette import next_color
from detcore.project.reading import ProjectReader
from detcore.project.row_change import Edit, Row, RowChange, deleted, inserted, updated
from detcore.project.values import check_class_name
from detcore.types import ObjectClass
from detcore.wording import counted

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_KEYS = range(1, 10)
_CLASS_ID = box_rows.COLUMNS.index("class_id")


def add_class(project: ProjectReader, name: str, color: str | None = None, key: int | None = None) -> Edit:
    """A class at the end of the list. Without a colour it gets the next of the palette, without a key the
    lowest number key that is free. A key that is asked for is taken from another class that has it."""
    classes = project.classes()
    item = _new_class(project, classes, name, color, key)
    freed = [(other, replace(other, key=None)) for other in classes if key and other.key == key]
    row = inserted("class", class_rows.COLUMNS, [item.id], [class_rows.encode(item)])
    return Edit(text=operation("add_class", name=name), changes=(*_updates(freed), row))


def add_classes(project: ProjectReader, names: Iterable[str]) -> Edit:
    """Classes at the end of the list, in the order given; names that are there already are passed over."""
    fresh = new_classes(project, names)
    rows = inserted("class", class_rows.COLUMNS, [item.id for item in fresh], map(class_rows.encode, fresh))
    text = (
        operation("add_class", name=fresh[0].name)
        if len(fresh) == 1
        else operation("add_classes", count=len(fresh))
    )
    return Edit(text=text, changes=(rows,) if fresh else ())


def new_classes(project: ProjectReader, names: Iterable[str]) -> list[ObjectClass]:
    """What :func:`add_classes` adds, for an edit that needs the ids as well."""
    classes = project.classes()
    fresh: list[ObjectClass] = []
    for name in names:
        present = [*classes, *fresh]
        if all(item.name != name for item in present):
            fresh.append(_new_class(project, present, name))
    return fresh


def update_class(project: ProjectReader, item: ObjectClass) -> Edit:
    """The class as it is to be: name, colour, key, source id, extra. Its key is taken from another that has
    it."""
    classes = project.classes()
    old = _find(project, classes, item.id)
    others = [other for other in classes if other.id != item.id]
    _check(item, others)
    pairs = [(other, replace(other, key=None)) for other in others if item.key and other.key == item.key]
    text = (
        operation("rename_class", old=old.name, new=item.name)
        if old.name != item.name
        else operation("change_class", name=item.name)
    )
    return Edit(text=text, changes=tuple(_updates([*pairs, (old, item)])))


def reorder_classes(project: ProjectReader, ids: Sequence[int]) -> Edit:
    """Classes in the order of ``ids``, which lists them all."""
    by_id = {item.id: item for item in project.classes()}
    if sorted(ids) != sorted(by_id):
        raise ValueError("an order of classes lists each of them once")
    pairs = [(by_id[class_id], replace(by_id[class_id], position=at)) for at, class_id in enumerate(ids)]
    return Edit(text=operation("reorder_classes"), changes=tuple(_updates(pairs)))


def merge_classes(project: ProjectReader, source_ids: Iterable[int], target_id: int) -> Edit:
    """Give the boxes and verdicts of some classes to another one, and delete those classes."""
    sources = sorted({int(class_id) for class_id in source_ids} - {int(target_id)})
    with project.database.read() as connection:
        classes = project.classes()
        target = _find(project, classes, target_id)
        gone = [_find(project, classes, class_id) for class_id in sources]
        boxes = box_rows.rows_of_classes(connection, sources)
        verdicts = _verdicts(connection, sources)
    at = _CLASS_ID + 1
    rows: list[tuple[int, Row, Row]] = [
        (row[0], row[1:], (*row[1:at], target.id, *row[at + 1 :])) for row in boxes
    ]
    changes = [
        *updated("box", box_rows.COLUMNS, rows),
        *updated(
            "verdict",
            ("image_id", "class_id"),
            [(row[0], row[1:], (row[1], target.id)) for row in verdicts],
        ),
        _deletion(gone),
    ]
    text = operation("merge_classes", names=[item.name for item in gone], target=target.name)
    return Edit(text=text, changes=tuple(changes) if gone else ())


def delete_class(project: ProjectReader, class_id: int, *, delete_boxes: bool = False) -> Edit:
    """Delete a class, and its boxes when asked to.

    Raises:
        ProjectError: boxes have this class, and ``delete_boxes`` is off.
    """
    with project.database.read() as connection:
        item = _find(project, project.classes(), class_id)
        boxes = box_rows.rows_of_classes(connection, [class_id])
    if boxes and not delete_boxes:
        raise ProjectError(
            f"{counted(len(boxes), 'box has', 'boxes have')} the class {item.name}",
            hint="Merge it into another class, or delete its boxes too",
        )
    gone = deleted("box", box_rows.COLUMNS, [row[0] for row in boxes], [row[1:] for row in boxes])
    changes = (gone, _deletion([item])) if boxes else (_deletion([item]),)
    return Edit(text=operation("delete_class", name=item.name), changes=changes)


def _new_class(
    project: ProjectReader,
    present: Sequence[ObjectClass],
    name: str,
    color: str | None = None,
    key: int | None = None,
) -> ObjectClass:
    taken = {item.key for item in present}
    item = ObjectClass(
        id=project.new_ids("class")[0],
        name=name,
        color=color or next_color([item.color for item in present]),
        key=key or next((number for number in _KEYS if number not in taken), None),
        position=max((item.position for item in present), default=-1) + 1,
    )
    _check(item, present)
    return item


def _check(item: ObjectClass, others: Sequence[ObjectClass]) -> None:
    check_class_name(item.name)
    if any(other.name == item.name for other in others):
        raise ProjectError(
            f"there is already a class {item.name}", hint="Take another name, or merge the two classes"
        )
    if not _COLOR.fullmatch(item.color):
        raise ProjectError(f"{item.color!r} is not a colour", hint="Write it as #rrggbb")
    if item.key is not None and item.key not in _KEYS:
        raise ProjectError(f"the key of a class is 1 to 9, not {item.key}")


def _find(project: ProjectReader, classes: Iterable[ObjectClass], class_id: int) -> ObjectClass:
    for item in classes:
        if item.id == class_id:
            return item
    raise ProjectError(f"class {class_id} is not in the project any more", path=project.folder)


def _updates(pairs: Iterable[tuple[ObjectClass, ObjectClass]]) -> list[RowChange]:
    rows = [(old.id, class_rows.encode(old), class_rows.encode(new)) for old, new in pairs]
    return updated("class", class_rows.COLUMNS, rows)


def _deletion(items: Sequence[ObjectClass]) -> RowChange:
    return deleted("class", class_rows.COLUMNS, [item.id for item in items], map(class_rows.encode, items))


def _verdicts(connection: sqlite3.Connection, class_ids: Sequence[int]) -> list[Row]:
    query = "SELECT id, image_id, class_id FROM verdict WHERE class_id = ?"
    return [row for class_id in class_ids for row in connection.execute(query, (class_id,))]
