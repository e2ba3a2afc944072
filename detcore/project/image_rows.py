"""The SQL of the image table, and its rows as ``Image``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcore.project.values import decode_extra, encode_extra, id_list
from detcore.types import Image, IntArray, Status

COLUMNS = ("path", "width", "height", "status", "split", "image_group", "extra")
STATUSES = tuple(Status)
_SELECT = f"SELECT id, {', '.join(COLUMNS)} FROM image"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageList:
    """All images as columns, N rows, in the order of the list.

    ``ids`` (N,); ``paths`` N; ``statuses`` (N,) index into ``STATUSES``; ``splits`` (N,) index into
    ``split_names`` or -1; ``box_counts`` (N,).
    """

    ids: IntArray
    paths: list[str]
    statuses: NDArray[np.uint8]
    splits: NDArray[np.int16]
    split_names: tuple[str, ...]
    box_counts: IntArray

    def __len__(self) -> int:
        return len(self.paths)

    def status(self, row: int) -> Status:
        return STATUSES[self.statuses[row]]

    def split(self, row: int) -> str | None:
        code = int(self.splits[row])
        return None if code < 0 else self.split_names[code]


def encode(image: Image) -> tuple[Any, ...]:
    """The values of ``COLUMNS``."""
    return (
        image.path,
        None if image.width is None else int(image.width),
        None if image.height is None else int(image.height),
        image.status.value,
        image.split,
        image.group,
        encode_extra(image.extra),
    )


def decode(row: Sequence[Any]) -> Image:
    """An image of the id and the values of ``COLUMNS``."""
    return Image(
        id=row[0],
        path=row[1],
        width=row[2],
        height=row[3],
        status=Status(row[4]),
        split=row[5],
        group=row[6],
        extra=decode_extra(row[7]),
    )


def rows(connection: sqlite3.Connection, ids: Sequence[int] | None = None) -> list[tuple[Any, ...]]:
    """Ids and values in the order of the list; of all images, or of those ids that exist."""
    if ids is None:
        return connection.execute(f"{_SELECT} ORDER BY id").fetchall()
    if len(ids) == 1:
        return connection.execute(f"{_SELECT} WHERE id = ?", (int(ids[0]),)).fetchall()
    query = f"{_SELECT} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    return connection.execute(query, (id_list(ids),)).fetchall()


def all_ids(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT id FROM image ORDER BY id")]


def ids_by_path(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT path, id FROM image").fetchall())


def known_paths(connection: sqlite3.Connection, paths: Sequence[str]) -> set[str]:
    """Those of some paths that are in the project already."""
    query = "SELECT path FROM image WHERE path IN (SELECT value FROM json_each(?))"
    return {row[0] for row in connection.execute(query, (json.dumps(list(paths)),))}


def read_list(connection: sqlite3.Connection) -> ImageList:
    """The columns of the image list; counts boxes from the index alone."""
    found = connection.execute("SELECT id, path, status, split FROM image ORDER BY id").fetchall()
    ids, paths, statuses, splits = zip(*found, strict=True) if found else ((), (), (), ())
    status_codes = {status.value: code for code, status in enumerate(STATUSES)}
    names = tuple(sorted({name for name in set(splits) if name is not None}))
    split_codes: dict[str | None, int] = {None: -1, **{name: code for code, name in enumerate(names)}}
    id_column = np.array(ids, dtype=np.int64)
    return ImageList(
        ids=id_column,
        paths=list(paths),
        statuses=np.array([status_codes[status] for status in statuses], dtype=np.uint8),
        splits=np.array([split_codes[split] for split in splits], dtype=np.int16),
        split_names=names,
        box_counts=_box_counts(connection, id_column),
    )


def _box_counts(connection: sqlite3.Connection, ids: IntArray) -> IntArray:
    counts = np.zeros(len(ids), dtype=np.int64)
    found = connection.execute("SELECT image_id, count(*) FROM box GROUP BY image_id").fetchall()
    if found:
        columns = np.array(found, dtype=np.int64)
        counts[np.searchsorted(ids, columns[:, 0])] = columns[:, 1]
    return counts
