"""The SQL of the box table, and its rows as ``Box`` or as columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from detcore.project.values import decode_extra, decode_word, encode_extra, id_list, integers
from detcore.types import Box, Extra, GroundTruth, IntArray, Origin

FLAGS = ("difficult", "truncated", "occluded", "crowd")
COLUMNS = (
    *("image_id", "class_id", "x1", "y1", "x2", "y2"),
    *FLAGS,
    *("origin", "run", "score", "created", "updated", "area", "extra"),
)
UPDATED_COLUMN = COLUMNS.index("updated")
_SELECT = f"SELECT id, {', '.join(COLUMNS)} FROM box"
_BATCH = 500


def encode(box: Box, now: float = 0.0) -> tuple[Any, ...]:
    """The values of ``COLUMNS``, with times of 0 set to ``now``."""
    return (
        int(box.image_id),
        int(box.class_id),
        float(box.x1),
        float(box.y1),
        float(box.x2),
        float(box.y2),
        int(box.difficult),
        int(box.truncated),
        int(box.occluded),
        int(box.crowd),
        box.origin.value,
        box.run,
        None if box.score is None else float(box.score),
        float(box.created or now),
        float(box.updated or now),
        _area(box.extra) if box.extra else None,
        encode_extra(box.extra),
    )


def area_of(extra: str) -> float | None:
    """The value of ``area`` for an ``extra`` as it is stored: what is called so there, so that SQL has it."""
    return _area(decode_extra(extra)) if '"area"' in extra else None


def _area(extra: Extra) -> float | None:
    area: Any = extra.get("area")
    known = isinstance(area, int | float) and not isinstance(area, bool) and 0 <= area < float("inf")
    return float(area) if known else None


def decode(row: Sequence[Any]) -> Box:
    """A box of the id and the values of ``COLUMNS``."""
    return Box(
        id=row[0],
        image_id=row[1],
        class_id=row[2],
        x1=row[3],
        y1=row[4],
        x2=row[5],
        y2=row[6],
        difficult=bool(row[7]),
        truncated=bool(row[8]),
        occluded=bool(row[9]),
        crowd=bool(row[10]),
        origin=decode_word(Origin, row[11]),
        run=row[12],
        score=row[13],
        created=row[14],
        updated=row[15],
        extra=decode_extra(row[17]),
    )


def rows_by_id(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """Values of ``COLUMNS`` of those boxes that exist."""
    query = f"{_SELECT} WHERE id IN (SELECT value FROM json_each(?))"
    return {row[0]: row[1:] for row in connection.execute(query, (id_list(ids),))}


def rows_of_images(
    connection: sqlite3.Connection, image_ids: Sequence[int] | None = None
) -> list[tuple[Any, ...]]:
    """Ids and values, by image and id; of all images or of some."""
    if image_ids is None:
        return connection.execute(f"{_SELECT} ORDER BY image_id, id").fetchall()
    if len(image_ids) == 1:
        query = f"{_SELECT} WHERE image_id = ? ORDER BY id"
        return connection.execute(query, (int(image_ids[0]),)).fetchall()
    query = f"{_SELECT} WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY image_id, id"
    return connection.execute(query, (id_list(image_ids),)).fetchall()


def rows_in_turn(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Ids and values of all, by image and id, without having them all at once."""
    return connection.execute(f"{_SELECT} ORDER BY image_id, id")


def rows_of_classes(connection: sqlite3.Connection, class_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """Ids and values of all boxes of some classes."""
    query = f"{_SELECT} WHERE class_id IN (SELECT value FROM json_each(?)) ORDER BY id"
    return connection.execute(query, (id_list(class_ids),)).fetchall()


def class_counts(connection: sqlite3.Connection) -> dict[int, dict[int, int]]:
    """How many boxes of each class each image with boxes has."""
    counts: dict[int, dict[int, int]] = {}
    query = "SELECT image_id, class_id, count(*) FROM box GROUP BY image_id, class_id"
    for image_id, class_id, number in connection.execute(query):
        counts.setdefault(image_id, {})[class_id] = number
    return counts


def images_with(
    connection: sqlite3.Connection, image_ids: Sequence[int] | None, *, class_id: int, flag: str
) -> IntArray:
    """Ids of the images, of all or of some, with a box of a class (0: any) that has a flag ("": any).

    Raises:
        ValueError: there is no such flag.
    """
    if flag and flag not in FLAGS:
        raise ValueError(f"no flag {flag!r}")
    conditions, values = ["TRUE"], list[int | str]()
    if image_ids is not None:
        conditions.append("image_id IN (SELECT value FROM json_each(?))")
        values.append(id_list(image_ids))
    if class_id:
        conditions.append("class_id = ?")
        values.append(int(class_id))
    if flag:
        conditions.append(f"{flag} = 1")
    query = f"SELECT DISTINCT image_id AS value FROM box WHERE {' AND '.join(conditions)}"
    return np.sort(integers(connection, query, *values))


def ground_truth(connection: sqlite3.Connection, image_ids: Sequence[int] | None = None) -> GroundTruth:
    """Columns for matching, by image and id."""
    query = (
        "SELECT id, image_id, class_id, x1, y1, x2, y2,"
        " coalesce(area, (x2 - x1) * (y2 - y1)), crowd, difficult FROM box"
    )
    if image_ids is None:
        cursor = connection.execute(query)
    else:
        where = "WHERE image_id IN (SELECT value FROM json_each(?))"
        cursor = connection.execute(f"{query} {where}", (id_list(image_ids),))
    # Small batches: half a million tuples at once would each be visited by the garbage collector.
    batches = [np.zeros((0, 10))]
    while rows := cursor.fetchmany(_BATCH):
        batches.append(np.array(rows, dtype=np.float64))
    table = np.concatenate(batches)
    table = table[np.lexsort((table[:, 0], table[:, 1]))]
    return GroundTruth(
        ids=table[:, 0].astype(np.int64),
        image_ids=table[:, 1].astype(np.int64),
        labels=table[:, 2].astype(np.int64),
        boxes=np.ascontiguousarray(table[:, 3:7]),
        areas=table[:, 7].copy(),
        crowd=table[:, 8] != 0,
        difficult=table[:, 9] != 0,
    )
