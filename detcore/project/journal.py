"""Applying edits, and the journal that undo and redo walk along.

All functions take a connection inside a write transaction, except ``load``, ``undo_text``, ``redo_text`` and
``undo_step``.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass

from detcore.project import box_rows, class_rows, image_rows, migrations, verdict_rows
from detcore.project.database import EditMismatchError
from detcore.project.edit_blob import pack, unpack
from detcore.project.many_rows import insert_rows
from detcore.project.operations import words
from detcore.project.row_change import (
    FACT_COLUMNS,
    KEY_COLUMNS,
    Edit,
    RowChange,
    SettingChange,
    combine,
)

_COLUMNS: dict[str, tuple[str, ...]] = {
    "image": image_rows.COLUMNS,
    "class": class_rows.COLUMNS,
    "box": box_rows.COLUMNS,
    "verdict": verdict_rows.COLUMNS,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the journal was: the ``step`` that undo would have taken back, and the newest ``part`` of a long one."""

    step: int
    part: int


def mark(connection: sqlite3.Connection) -> Mark:
    """How far it is now."""
    return Mark(step=undo_step(connection), part=_newest_part(connection))


def images_since(connection: sqlite3.Connection, before: Mark) -> frozenset[int] | None:
    """Ids of the images whose boxes may be others than they were ``before``; ``None`` where the journal does not tell,
    since what was in force then is forgotten."""
    step = undo_step(connection)
    known = connection.execute("SELECT 1 FROM edit WHERE id = ?", (before.step,)).fetchone()
    if known is None:
        return None
    steps = {
        row[0]
        for row in connection.execute(
            "SELECT id FROM edit WHERE id > ? AND id <= ?", (min(step, before.step), max(step, before.step))
        )
    }
    if _newest_part(connection) > before.part:
        query = "SELECT DISTINCT edit_id FROM edit_part WHERE id > ?"
        steps.update(row[0] for row in connection.execute(query, (before.part,)))
    touched: set[int] = set()
    for number in sorted(steps):
        edit = load(connection, number)
        if edit is not None:
            touched |= edit.summary().box_images
    return frozenset(touched)


def _newest_part(connection: sqlite3.Connection) -> int:
    if not migrations.has_long_steps(connection):
        return 0
    return connection.execute("SELECT coalesce(max(id), 0) FROM edit_part").fetchone()[0]


def record(connection: sqlite3.Connection, edit: Edit) -> int:
    """Apply an edit and enter it in the journal; what could have been redone is dropped. Returns its number.

    Raises:
        EditMismatchError: the edit was not made for the rows that are there.
    """
    perform(connection, edit)
    return _enter(connection, edit)


def extend(connection: sqlite3.Connection, step: int, edit: Edit) -> None:
    """Apply one more part of a step that is in force. Edits that came after it must concern other rows.

    Raises:
        EditMismatchError: the part was not made for the rows that are there.
    """
    perform(connection, edit)
    connection.execute("INSERT INTO edit_part (edit_id, changes) VALUES (?, ?)", (step, pack(edit)))


def _enter(connection: sqlite3.Connection, edit: Edit) -> int:
    position = undo_step(connection)
    connection.execute("DELETE FROM edit WHERE id > ?", (position,))
    cursor = connection.execute(
        "INSERT INTO edit (text, time, changes) VALUES (?, ?, ?)",
        (edit.text, time.time(), pack(edit)),
    )
    step = cursor.lastrowid or 0
    _move_to(connection, step)
    return step


def undo(connection: sqlite3.Connection) -> Edit | None:
    """Take back the latest edit; returns the inverse that was applied."""
    position = undo_step(connection)
    edit = load(connection, position)
    if edit is None:
        return None
    inverse = edit.inverse()
    perform(connection, inverse)
    (previous,) = connection.execute("SELECT max(id) FROM edit WHERE id < ?", (position,)).fetchone()
    _move_to(connection, previous or 0)
    return inverse


def redo(connection: sqlite3.Connection) -> Edit | None:
    """Apply again the edit that was undone last; returns it."""
    (following,) = connection.execute(
        "SELECT min(id) FROM edit WHERE id > ?", (undo_step(connection),)
    ).fetchone()
    if following is None:
        return None
    edit = load(connection, following)
    if edit is None:
        return None
    perform(connection, edit)
    _move_to(connection, following)
    return edit


def in_force(connection: sqlite3.Connection) -> Iterator[Edit]:
    """The edits that are not undone, the latest first."""
    query = "SELECT id FROM edit WHERE id <= (SELECT position FROM journal) ORDER BY id DESC"
    for (step,) in connection.execute(query).fetchall():
        edit = load(connection, step)
        if edit is not None:
            yield edit


def load(connection: sqlite3.Connection, step: int) -> Edit | None:
    """An edit of the journal with all its parts; ``None`` when there is none of that number."""
    found = connection.execute("SELECT text, changes FROM edit WHERE id = ?", (step,)).fetchone()
    if found is None:
        return None
    text, first = found
    parts: list[tuple[bytes]] = []
    if migrations.has_long_steps(connection):
        query = "SELECT changes FROM edit_part WHERE edit_id = ? ORDER BY id"
        parts = connection.execute(query, (step,)).fetchall()
    edit = unpack(text, first)
    return combine(text, [edit, *(unpack(text, blob) for (blob,) in parts)]) if parts else edit


def forget(connection: sqlite3.Connection) -> None:
    """Make the present state the one that undo does not go behind."""
    connection.execute("DELETE FROM edit")
    _move_to(connection, 0)


def undo_text(connection: sqlite3.Connection) -> str | None:
    """The name of the edit that ``undo`` would take back."""
    found = connection.execute(
        "SELECT edit.text FROM journal JOIN edit ON edit.id = journal.position"
    ).fetchone()
    return None if found is None else words(found[0])


def undo_step(connection: sqlite3.Connection) -> int:
    """The number of the edit that ``undo`` would take back; 0 when there is none."""
    return connection.execute("SELECT position FROM journal").fetchone()[0]


def redo_text(connection: sqlite3.Connection) -> str | None:
    """The name of the edit that ``redo`` would apply."""
    found = connection.execute(
        "SELECT text FROM edit WHERE id > (SELECT position FROM journal) ORDER BY id LIMIT 1"
    ).fetchone()
    return None if found is None else words(found[0])


def perform(connection: sqlite3.Connection, edit: Edit) -> None:
    """Write the rows and settings of an edit. Each must be as ``before`` says, and is compared as it is
    written."""
    for setting in edit.settings:
        if not _set(connection, setting):
            raise EditMismatchError(f"{words(edit.text)}: the setting {setting.key} is not as expected")
    for change in edit.changes:
        if not change.ids:
            continue
        _check_columns(change)
        if change.before is None:
            done = _insert(connection, change)
        elif change.after is None:
            done = _delete(connection, change)
        else:
            done = _update(connection, change)
        if done != len(change.ids):
            raise EditMismatchError(
                f"{words(edit.text)}: {len(change.ids) - done} of {len(change.ids)} {change.table} rows are not as expected"
            )


def _set(connection: sqlite3.Connection, change: SettingChange) -> bool:
    """Whether the setting was as it should be; then it is changed."""
    found = connection.execute("SELECT value FROM setting WHERE key = ?", (change.key,)).fetchone()
    if (None if found is None else found[0]) != change.before:
        return False
    connection.execute("DELETE FROM setting WHERE key = ?", (change.key,))
    if change.after is not None:
        connection.execute("INSERT INTO setting (key, value) VALUES (?, ?)", (change.key, change.after))
    return True


def _check_columns(change: RowChange) -> None:
    """Names go into SQL, and an edit may come out of a file: only known ones pass."""
    known = _COLUMNS.get(change.table)
    if known is None or not set(change.columns) <= set(known):
        raise EditMismatchError(f"unknown table or columns: {change.table} {change.columns}")
    if (change.before is None or change.after is None) and change.columns != known:
        raise EditMismatchError(f"an insert or delete in {change.table} that does not list all columns")


def _insert(connection: sqlite3.Connection, change: RowChange) -> int:
    rows = ((row_id, *row) for row_id, row in zip(change.ids, change.after or (), strict=True))
    return insert_rows(connection, change.table, ("id", *change.columns), rows)


def _delete(connection: sqlite3.Connection, change: RowChange) -> int:
    at, same = _comparison(change)
    rows = zip(change.ids, change.before or (), strict=True)
    return connection.executemany(
        f"DELETE FROM {change.table} WHERE id = ?{same}",
        ((row_id, *(before[i] for i in at)) for row_id, before in rows),
    ).rowcount


def _update(connection: sqlite3.Connection, change: RowChange) -> int:
    keys = len(KEY_COLUMNS[change.table])
    at, same = _comparison(change)
    values = ", ".join(f"{name} = ?" for name in change.columns[keys:])
    rows = zip(change.ids, change.before or (), change.after or (), strict=True)
    return connection.executemany(
        f"UPDATE {change.table} SET {values} WHERE id = ?{same}",
        ((*after[keys:], row_id, *(before[i] for i in at)) for row_id, before, after in rows),
    ).rowcount


def _comparison(change: RowChange) -> tuple[list[int], str]:
    """Which values of ``before`` the row must have, and the SQL that compares them."""
    at = [i for i, name in enumerate(change.columns) if (change.table, name) not in FACT_COLUMNS]
    return at, "".join(f" AND {change.columns[i]} IS ?" for i in at)


def _move_to(connection: sqlite3.Connection, position: int) -> None:
    connection.execute("UPDATE journal SET position = ?", (position,))
