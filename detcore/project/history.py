"""The journal as a list that people read: what was edited, and when."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.project import journal
from detcore.project.operations import words
from detcore.project.reading import ProjectReader
from detcore.project.row_change import Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One edit that is in force. ``time`` is Unix time; ``added``, ``changed`` and ``removed`` count boxes,
    on ``image_ids``, ascending."""

    text: str
    time: float
    added: int
    changed: int
    removed: int
    image_ids: tuple[int, ...]


def edits_since(project: ProjectReader, time: float, *, most: int | None = None) -> list[JournalEntry]:
    """Edits made after a moment and not undone, the latest first; only the ``most`` latest if given."""
    query = (
        "SELECT id, time FROM edit WHERE time > ? AND id <= (SELECT position FROM journal)"
        " ORDER BY id DESC LIMIT ?"
    )
    with project.database.read() as connection:
        rows = connection.execute(query, (time, -1 if most is None else most)).fetchall()
        edits = [(journal.load(connection, step), when) for step, when in rows]
    return [_entry(edit, when) for edit, when in edits if edit is not None]


def next_step_size(project: ProjectReader, *, redo: bool = False) -> int:
    """How many bytes the journal holds of the step that undo, or ``redo``, would take next; 0 without one. A
    megabyte is some 20,000 boxes."""
    which = (
        "(SELECT min(id) FROM edit WHERE id > (SELECT position FROM journal))"
        if redo
        else "(SELECT position FROM journal)"
    )
    query = (
        f"SELECT coalesce((SELECT length(changes) FROM edit WHERE id = {which}), 0)"
        f" + coalesce((SELECT sum(length(changes)) FROM edit_part WHERE edit_id = {which}), 0)"
    )
    with project.database.read() as connection:
        return int(connection.execute(query).fetchone()[0])


def _entry(edit: Edit, time: float) -> JournalEntry:
    added = changed = removed = 0
    images: set[int] = set()
    for change in edit.changes:
        if change.table != "box":
            continue
        at = change.columns.index("image_id")
        images.update(row[at] for rows in (change.before, change.after) for row in rows or ())
        if change.before is None:
            added += len(change.ids)
        elif change.after is None:
            removed += len(change.ids)
        else:
            changed += len(change.ids)
    return JournalEntry(
        text=words(edit.text),
        time=time,
        added=added,
        changed=changed,
        removed=removed,
        image_ids=tuple(sorted(images)),
    )
