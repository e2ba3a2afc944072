"""Verdicts of a project: reading them, and the edits that give them and take them back. Part of ``edits``.

A verdict and the change of labels that it makes are one step for undo: ``combine`` the two edits.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from detcore.errors import ProjectError
from detcore.project import verdict_rows
from detcore.project.operations import operation
from detcore.project.reading import ProjectReader
from detcore.project.row_change import Edit, deleted, inserted
from detcore.project.verdict_rows import Verdict


def read_verdicts(
    project: ProjectReader,
    *,
    run: str | None = None,
    ids: Iterable[int] | None = None,
    image_ids: Iterable[int] | None = None,
) -> list[Verdict]:
    """In the order in which they were given: all, those of one run, those with some ids that exist, or those on some
    images."""
    with project.database.read() as connection:
        if ids is not None:
            rows = verdict_rows.rows_by_id(connection, ids)
        elif image_ids is not None:
            rows = verdict_rows.rows_of_images(connection, image_ids)
        else:
            rows = verdict_rows.all_rows(connection, run)
        return [verdict_rows.decode(row) for row in rows if run in (None, row[2])]


def add_verdicts(project: ProjectReader, verdicts: Sequence[Verdict], *, text: str = "") -> Edit:
    """New verdicts, whose ids are ignored and given out here: ``edit.changes[0].ids``."""
    now = time.time()
    ids = project.new_ids("verdict", len(verdicts))
    rows = (verdict_rows.encode(verdict, now) for verdict in verdicts)
    text = text or operation("give_verdict")
    return Edit(text=text, changes=(inserted("verdict", verdict_rows.COLUMNS, ids, rows),))


def remove_verdicts(project: ProjectReader, ids: Iterable[int], *, text: str = "") -> Edit:
    """Let what they were about come up again. Labels that they changed stay as they are.

    Raises:
        ProjectError: one does not exist (any more).
    """
    wanted = sorted({int(verdict_id) for verdict_id in ids})
    with project.database.read() as connection:
        rows = verdict_rows.rows_by_id(connection, wanted)
    missing = set(wanted) - {row[0] for row in rows}
    if missing:
        raise ProjectError(f"verdict {min(missing)} is not in the project any more", path=project.folder)
    change = deleted("verdict", verdict_rows.COLUMNS, wanted, [row[1:] for row in rows])
    return Edit(text=text or operation("take_back_verdict"), changes=(change,))
