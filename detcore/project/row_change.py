"""What an edit does to rows: the form in which edits are applied, journalled and undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from detcore.project.operations import words
from detcore.types import Changes

Row = tuple[Any, ...]
"""Values as SQLite holds them: int, float, str or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """What happens to some rows of one table, all in the same columns.

    ``ids`` (N), ``columns`` (C) without the id; ``before`` and ``after`` N rows of C values. Without
    ``before`` the rows are inserted, without ``after`` deleted; then all columns are listed. An update lists
    the columns that change, and first those that say where the row belongs (see ``KEY_COLUMNS``).
    """

    table: str
    columns: tuple[str, ...]
    ids: tuple[int, ...]
    before: tuple[Row, ...] | None
    after: tuple[Row, ...] | None

    def __post_init__(self) -> None:
        for rows in (self.before, self.after):
            if rows is not None and len(rows) != len(self.ids):
                raise ValueError(f"as many ids as rows are needed: {len(self.ids)} and {len(rows)}")
        if self.before is None and self.after is None:
            raise ValueError("neither rows before nor rows after")

    def inverse(self) -> RowChange:
        return RowChange(
            table=self.table, columns=self.columns, ids=self.ids, before=self.after, after=self.before
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """Another value, as JSON text, for one setting of the project; ``None`` when there is none."""

    key: str
    before: str | None
    after: str | None

    def inverse(self) -> SettingChange:
        return SettingChange(key=self.key, before=self.after, after=self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One undoable step. ``text`` names it: an operation as ``operations.operation`` writes it, from which its
    words are made when they are shown, or plain words. ``settings`` are those that belong to the
    labels; most settings are set outside of edits."""

    text: str
    changes: tuple[RowChange, ...]
    settings: tuple[SettingChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.settings) or any(change.ids for change in self.changes)

    def inverse(self) -> Edit:
        """The edit that takes this one back."""
        changes = tuple(change.inverse() for change in reversed(self.changes))
        settings = tuple(change.inverse() for change in reversed(self.settings))
        return Edit(text=self.text, changes=changes, settings=settings)

    def summary(self) -> Changes:
        """What views must refresh once the edit is applied."""
        touched: dict[str, set[int]] = {"image": set(), "class": set(), "box": set(), "verdict": set()}
        box_images: set[int] = set()
        for change in self.changes:
            touched[change.table].update(change.ids)
            if change.table == "box":
                at = change.columns.index("image_id")
                for rows in (change.before, change.after):
                    box_images.update(row[at] for row in rows or ())
        return Changes(
            images=frozenset(touched["image"]),
            boxes=frozenset(touched["box"]),
            box_images=frozenset(box_images),
            classes=frozenset(touched["class"]),
            verdicts=frozenset(touched["verdict"]),
            image_list=any(
                change.table == "image"
                and bool(change.ids)
                and (change.before is None or change.after is None)
                for change in self.changes
            ),
            settings=bool(self.settings),
            text=words(self.text),
        )


KEY_COLUMNS = {"image": (), "class": (), "box": ("image_id",), "verdict": ("image_id",)}
"""Columns that every change of a table lists, and that an update does not alter."""


FACT_COLUMNS = frozenset({("image", "width"), ("image", "height")})
"""Columns that are filled in outside of edits, once a file has been opened; ``before`` need not hold for
them."""


def combine(text: str, edits: Iterable[Edit]) -> Edit:
    """Several edits, each made for the state that the ones before it leave, as one step."""
    parts = list(edits)
    return Edit(
        text=text,
        changes=tuple(change for edit in parts for change in edit.changes),
        settings=tuple(change for edit in parts for change in edit.settings),
    )


def inserted(table: str, columns: Sequence[str], ids: Sequence[int], rows: Iterable[Row]) -> RowChange:
    return RowChange(table=table, columns=tuple(columns), ids=tuple(ids), before=None, after=tuple(rows))


def deleted(table: str, columns: Sequence[str], ids: Sequence[int], rows: Iterable[Row]) -> RowChange:
    return RowChange(table=table, columns=tuple(columns), ids=tuple(ids), before=tuple(rows), after=None)


def updated(
    table: str,
    columns: Sequence[str],
    rows: Iterable[tuple[int, Row, Row]],
    *,
    finish: Callable[[Row], Row] | None = None,
) -> list[RowChange]:
    """Updates from full rows ``(id, before, after)``: one ``RowChange`` for each set of changed columns.

    Rows that stay as they are drop out. ``finish`` completes a changed row, such as with the time.
    """
    keys = {columns.index(name) for name in KEY_COLUMNS[table]}
    groups: dict[tuple[int, ...], list[tuple[int, Row, Row]]] = {}
    for row_id, before, after in rows:
        if before == after:
            continue
        final = finish(after) if finish else after
        at = tuple(i for i, old in enumerate(before) if i in keys or old != final[i])
        groups.setdefault(at, []).append((row_id, tuple(before[i] for i in at), tuple(final[i] for i in at)))
    return [
        RowChange(
            table=table,
            columns=tuple(columns[i] for i in at),
            ids=tuple(item[0] for item in group),
            before=tuple(item[1] for item in group),
            after=tuple(item[2] for item in group),
        )
        for at, group in groups.items()
    ]
