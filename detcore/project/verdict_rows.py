"""The SQL of the verdict table, and its rows as ``Verdict``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from detcore.project.values import decode_word, id_list

COLUMNS = (
    *("image_id", "run", "kind", "box_id", "detection_row", "class_id"),
    *("x1", "y1", "x2", "y2", "threshold", "time", "note"),
)
_SELECT = f"SELECT id, {', '.join(COLUMNS)} FROM verdict"


class VerdictKind(StrEnum):
    """What a person decided about a disagreement of detector and labels."""

    ACCEPT = "accept"
    CLASS = "class"
    BOX = "box"
    DELETE = "delete"
    MODEL_WRONG = "model_wrong"
    AMBIGUOUS = "ambiguous"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One decision, given while ``run`` was looked at with confidence ``threshold``.

    It is about a detection when it has a ``detection_row``, a row of that run's detections, else about the
    label ``box_id``; class and edges are those of what it is about, as they were then. A verdict about a
    detection names in ``box_id`` the label that it settles as well: the one that it made or changed, or that
    the detection was meant to find. Box, class and run may be gone later on. A ``time`` of 0 becomes now.
    """

    id: int
    image_id: int
    run: str
    kind: VerdictKind
    class_id: int
    x1: float
    y1: float
    x2: float
    y2: float
    box_id: int | None = None
    detection_row: int | None = None
    threshold: float | None = None
    time: float = 0.0
    note: str = ""

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        return (self.x1, self.y1, self.x2, self.y2)


def encode(verdict: Verdict, now: float = 0.0) -> tuple[Any, ...]:
    """The values of ``COLUMNS``, with a time of 0 set to ``now``."""
    return (
        int(verdict.image_id),
        verdict.run,
        verdict.kind.value,
        None if verdict.box_id is None else int(verdict.box_id),
        None if verdict.detection_row is None else int(verdict.detection_row),
        int(verdict.class_id),
        *(float(edge) for edge in verdict.xyxy),
        None if verdict.threshold is None else float(verdict.threshold),
        float(verdict.time or now),
        verdict.note,
    )


def decode(row: Sequence[Any]) -> Verdict:
    """A verdict of the id and the values of ``COLUMNS``."""
    return Verdict(
        id=row[0],
        image_id=row[1],
        run=row[2],
        kind=decode_word(VerdictKind, row[3]),
        box_id=row[4],
        detection_row=row[5],
        class_id=row[6] or 0,
        x1=row[7],
        y1=row[8],
        x2=row[9],
        y2=row[10],
        threshold=row[11],
        time=row[12],
        note=row[13],
    )


def all_rows(connection: sqlite3.Connection, run: str | None = None) -> list[tuple[Any, ...]]:
    """Ids and values, in the order in which they were given; of all runs or of one."""
    if run is None:
        return connection.execute(f"{_SELECT} ORDER BY id").fetchall()
    return connection.execute(f"{_SELECT} WHERE run = ? ORDER BY id", (run,)).fetchall()


def rows_by_id(connection: sqlite3.Connection, ids: Iterable[int]) -> list[tuple[Any, ...]]:
    """Ids and values of those that exist."""
    query = f"{_SELECT} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    return connection.execute(query, (id_list(ids),)).fetchall()


def rows_of_images(connection: sqlite3.Connection, image_ids: Iterable[int]) -> list[tuple[Any, ...]]:
    """Ids and values of all verdicts on some images."""
    query = f"{_SELECT} WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY id"
    return connection.execute(query, (id_list(image_ids),)).fetchall()
