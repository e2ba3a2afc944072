"""The SQL of the image table, and its rows as ``Image``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcore.project import roles
from detcore.project.values import decode_extra, decode_word, encode_extra, id_list, integers
from detcore.types import BoolArray, Image, IntArray, Status

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

    @property
    def labelled(self) -> BoolArray:
        """(N,) whether each image is labelled, as ``roles`` has it."""
        return roles.labelled(self.box_counts, self.statuses == STATUSES.index(Status.VERIFIED))

    def in_splits(self, *names: str) -> BoolArray:
        """(N,) whether each image is in one of these splits."""
        return np.isin(self.splits, [code for code, name in enumerate(self.split_names) if name in names])

    def status(self, row: int) -> Status:
        return STATUSES[int(self.statuses[row])]

    def count(self, status: Status) -> int:
        """How many images have that status."""
        return int(np.count_nonzero(self.statuses == STATUSES.index(status)))

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
        status=decode_word(Status, row[4]),
        split=row[5],
        group=row[6],
        extra=decode_extra(row[7]),
    )


def with_fields(row: Sequence[Any], fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of ``COLUMNS`` with those of some fields of ``Image`` in their place."""
    values = list(row)
    for name, value in fields.items():
        at = COLUMNS.index("image_group" if name == "group" else name)
        if name == "extra":
            values[at] = encode_extra(value)
        else:
            values[at] = value.value if isinstance(value, Status) else value
    return tuple(values)


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


def rows_of_paths(connection: sqlite3.Connection, paths: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Ids and values of those of some paths that are in the project, by path."""
    query = f"{_SELECT} WHERE path IN (SELECT value FROM json_each(?))"
    return {row[1]: row for row in connection.execute(query, (json.dumps(list(paths)),))}


def read_list(connection: sqlite3.Connection) -> ImageList:
    """The columns of the image list.

    SQLite joins numbers to one text that numpy parses, since a Python object for each of them takes longer.
    """
    ids = integers(connection, "SELECT id AS value FROM image")
    ids.sort()
    statuses = np.zeros(
        len(ids), dtype=np.uint8
    )  # as most images are at first: each status costs a look at all
    for code, status in enumerate(STATUSES[1:], start=1):
        statuses[np.searchsorted(ids, _ids_where(connection, "status", status.value))] = code
    found = connection.execute("SELECT DISTINCT split FROM image WHERE split IS NOT NULL ORDER BY split")
    split_names = tuple(row[0] for row in found)
    splits = np.full(len(ids), -1, dtype=np.int16)
    for code, name in enumerate(split_names):
        splits[np.searchsorted(ids, _ids_where(connection, "split", name))] = code
    return ImageList(
        ids=ids,
        paths=list(chain.from_iterable(connection.execute("SELECT path FROM image ORDER BY id"))),
        statuses=statuses,
        splits=splits,
        split_names=split_names,
        box_counts=_box_counts(connection, ids),
    )


def _ids_where(connection: sqlite3.Connection, column: str, value: str) -> IntArray:
    return integers(connection, f"SELECT id AS value FROM image WHERE {column} = ?", value)


def _box_counts(connection: sqlite3.Connection, ids: IntArray) -> IntArray:
    pairs = integers(
        connection, "SELECT image_id || ' ' || count(*) AS value FROM box GROUP BY image_id"
    ).reshape(-1, 2)
    counts = np.zeros(len(ids), dtype=np.int64)
    counts[np.searchsorted(ids, pairs[:, 0])] = pairs[:, 1]
    return counts
