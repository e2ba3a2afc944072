"""Images that the user took out of the project, so that looking for new ones does not bring them back bare.

Each has a setting of its own, which the edit that takes it out sets and the one that adds it clears: undo and
redo keep it right by themselves.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from detcore.project import box_rows, class_rows, image_rows, journal, verdict_rows
from detcore.project.operations import operation
from detcore.project.reading import ProjectReader
from detcore.project.row_change import Edit, Row, SettingChange, inserted

_PREFIX = "removed:"
_MARK = "true"
_AFTER_ALL = "removed;"  # what follows every key that begins with the prefix


@dataclass(slots=True, kw_only=True)
class RemovedImages:
    """What the journal still has of images that were taken out: rows with their ids, by table."""

    images: dict[int, Row] = field(default_factory=dict[int, Row])
    boxes: dict[int, Row] = field(default_factory=dict[int, Row])
    verdicts: dict[int, Row] = field(default_factory=dict[int, Row])

    @property
    def paths(self) -> set[str]:
        return {str(row[0]) for row in self.images.values()}


def removed_paths(project: ProjectReader) -> set[str]:
    """Paths of the images that were taken out and not added again."""
    with project.database.read() as connection:
        query = "SELECT key FROM setting WHERE key >= ? AND key < ?"
        return {key[len(_PREFIX) :] for (key,) in connection.execute(query, (_PREFIX, _AFTER_ALL))}


def marks(
    connection: sqlite3.Connection, paths: Iterable[str], *, removed: bool
) -> tuple[SettingChange, ...]:
    """What the edit that takes images out (``removed``), or adds them, changes about what is remembered."""
    any_mark = "SELECT 1 FROM setting WHERE key >= ? AND key < ? LIMIT 1"
    if not removed and connection.execute(any_mark, (_PREFIX, _AFTER_ALL)).fetchone() is None:
        return ()
    keys = [_PREFIX + path for path in paths]
    query = "SELECT key, value FROM setting WHERE key IN (SELECT value FROM json_each(?))"
    found: dict[str, str] = dict(connection.execute(query, (json.dumps(keys),)))
    after = _MARK if removed else None
    return tuple(
        SettingChange(key=key, before=found.get(key), after=after) for key in keys if found.get(key) != after
    )


def find_removed(project: ProjectReader, paths: Sequence[str]) -> RemovedImages:
    """Images that were taken out, with their boxes and verdicts, as they were then; as far as the journal goes
    back. May take seconds after large imports."""
    wanted, found = set(paths), RemovedImages()
    with project.database.read() as connection:
        for edit in journal.in_force(connection):
            gone = {
                change.table: dict(zip(change.ids, change.before or (), strict=True))
                for change in edit.changes
                if change.after is None
            }
            images = {key: row for key, row in gone.get("image", {}).items() if row[0] in wanted}
            wanted -= {row[0] for row in images.values()}
            found.images |= images
            for table, rows in (("box", found.boxes), ("verdict", found.verdicts)):
                rows |= {key: row for key, row in gone.get(table, {}).items() if row[0] in images}
            if not wanted:
                break
    return found


def bring_back(project: ProjectReader, found: RemovedImages) -> Edit:
    """Images that were taken out as they were then, but for boxes of classes that are gone since. Those that
    have come back by themselves are passed over."""
    with project.database.read() as connection:
        known = image_rows.known_paths(connection, sorted(found.paths))
        classes = {row[0] for row in class_rows.rows(connection)}
        images = {key: row for key, row in found.images.items() if row[0] not in known}
        settings = marks(connection, [row[0] for row in images.values()], removed=False)
    of_class = box_rows.COLUMNS.index("class_id")
    boxes = {key: row for key, row in found.boxes.items() if row[0] in images and row[of_class] in classes}
    verdicts = {key: row for key, row in found.verdicts.items() if row[0] in images}
    tables = (
        ("image", image_rows.COLUMNS, images),
        ("box", box_rows.COLUMNS, boxes),
        ("verdict", verdict_rows.COLUMNS, verdicts),
    )
    return Edit(
        text=operation("bring_back_images", count=len(images)),
        changes=tuple(
            inserted(table, columns, list(rows), rows.values()) for table, columns, rows in tables if rows
        ),
        settings=settings,
    )
