"""What an import has still to bring into the project: the SQL of the table ``incoming``.

All functions take a connection; those that change something one inside a write transaction.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detcore.boxes import Xyxy
from detcore.project import box_rows
from detcore.project.many_rows import insert_rows
from detcore.project.values import encode_extra
from detcore.types import FloatArray, Status
from detcore.untrusted_json import parse_json

_DECIDED = "import"
"""The key in ``meta`` of the import that was decided on."""
_LONGEST = 200_000
"""Characters of content beyond which a slice ends: images with very many boxes come in small slices."""
_REALS = np.dtype("<f8")
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingBoxes:
    """Boxes of an image as the dataset says them, as columns, N rows.

    ``labels`` index the classes of the import; ``edges`` (N, 4) absolute xyxy; ``flags`` have a bit for each of
    ``box_rows.FLAGS``, the first the lowest; ``extras`` are JSON as ``encode_extra`` writes it.
    """

    labels: Sequence[int]
    edges: FloatArray
    flags: Sequence[int]
    extras: Sequence[str]

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, boxes: Sequence[tuple[int, Xyxy, Sequence[bool], str]]) -> IncomingBoxes:
        """From label, edges, flags and ``extra`` of each."""
        return cls(
            labels=[label for label, _, _, _ in boxes],
            edges=np.array([edges for _, edges, _, _ in boxes], np.float64).reshape(-1, 4),
            flags=[sum(bool(flag) << at for at, flag in enumerate(flags)) for _, _, flags, _ in boxes],
            extras=[extra for _, _, _, extra in boxes],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingImage:
    """An image as the dataset says it, whatever the project has of it. ``path`` is as the project stores it;
    ``status`` is what its annotation makes of it, ``UNSEEN`` without one; ``extra`` is JSON as ``encode_extra``
    writes it."""

    path: str
    width: int | None
    height: int | None
    status: Status
    split: str | None
    extra: str
    boxes: IncomingBoxes


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStep:
    """An import that will be carried out whatever happens. ``edit_id`` is its step in the journal, ``None``
    until it has changed something; ``class_ids`` are those of its labels."""

    edit_id: int | None
    text: str
    class_ids: tuple[int, ...]


def stage(connection: sqlite3.Connection, images: Iterable[IncomingImage]) -> None:
    """Write images behind those that wait already. Their paths differ."""
    insert_rows(
        connection, "incoming", ("path", "content"), ((image.path, _encode(image)) for image in images)
    )


def decide(connection: sqlite3.Connection, step: ImportStep) -> None:
    """Say that all that waits belongs to this step and will be carried out."""
    value = json.dumps([step.edit_id, step.text, step.class_ids])
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_DECIDED, value))


def decided(connection: sqlite3.Connection) -> ImportStep | None:
    """The import that is to be carried out."""
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (_DECIDED,)).fetchone()
    if found is None:
        return None
    edit_id, text, class_ids = parse_json(found[0])
    return ImportStep(edit_id=edit_id, text=text, class_ids=tuple(class_ids))


def conclude(connection: sqlite3.Connection) -> None:
    """Nothing waits any more."""
    connection.execute("DELETE FROM meta WHERE key = ?", (_DECIDED,))


def count(connection: sqlite3.Connection) -> int:
    """The number of images that wait."""
    return connection.execute("SELECT count(*) FROM incoming").fetchone()[0]


def waiting(connection: sqlite3.Connection, paths: Iterable[str]) -> list[str]:
    """Those of some paths that wait."""
    query = "SELECT path FROM incoming WHERE path IN (SELECT value FROM json_each(?))"
    return [row[0] for row in connection.execute(query, (json.dumps(list(paths)),))]


def take(connection: sqlite3.Connection, most: int) -> list[IncomingImage]:
    """Take the images that have waited longest, at most so many, out of those that wait."""
    taken: list[IncomingImage] = []
    last = length = 0
    query = "SELECT id, path, content FROM incoming ORDER BY id LIMIT ?"
    for row_id, path, content in connection.execute(query, (most,)):
        taken.append(_decode(path, content))
        last = row_id
        length += len(content)
        if length > _LONGEST:
            break
    connection.execute("DELETE FROM incoming WHERE id <= ?", (last,))
    return taken


def take_paths(connection: sqlite3.Connection, paths: Sequence[str]) -> list[IncomingImage]:
    """Take images by their paths, all of which wait."""
    marks = [(path,) for path in paths]
    query = "SELECT content FROM incoming WHERE path = ?"
    images = [_decode(path, connection.execute(query, (path,)).fetchone()[0]) for path in paths]
    connection.executemany("DELETE FROM incoming WHERE path = ?", marks)
    return images


def drop(connection: sqlite3.Connection, most: int) -> bool:
    """Forget so many of the images that wait; whether any was left to forget."""
    query = "DELETE FROM incoming WHERE id IN (SELECT id FROM incoming ORDER BY id LIMIT ?)"
    return connection.execute(query, (most,)).rowcount > 0


def _encode(image: IncomingImage) -> str:
    """A line of JSON, and a line for each ``extra``, which has no line feeds: that of the image and those of its
    boxes. Reals are in base 64: to write them as text, and read them, takes ten times as long."""
    boxes = image.boxes
    edges = base64.b64encode(np.ascontiguousarray(boxes.edges, _REALS).tobytes()).decode()
    columns = (list(boxes.labels), edges, list(boxes.flags))
    head = _ENCODE((image.width, image.height, image.status.value, image.split, *columns))
    return "\n".join((head, image.extra, *boxes.extras))


def _decode(path: str, content: str) -> IncomingImage:
    head, *extras = content.split("\n")
    values: list[Any] = parse_json(head)
    width, height, status, split, *columns = values
    if extras:
        extra, *box_extras = extras
        labels, edges, flags = columns
        array = np.frombuffer(base64.b64decode(edges), _REALS).reshape(-1, 4)
        boxes = IncomingBoxes(labels=labels, edges=array, flags=flags, extras=box_extras)
    else:  # of a program that knows versions of the project file up to 3
        extra, boxes = encode_extra(columns[0]), _of_rows(columns[1])
    return IncomingImage(
        path=path,
        width=width,
        height=height,
        status=Status(status),
        split=split,
        extra=extra,
        boxes=boxes,
    )


def _of_rows(rows: Sequence[Any]) -> IncomingBoxes:
    """Boxes of label, edges, flags and ``extra``."""
    first_flag = 5
    end = first_flag + len(box_rows.FLAGS)
    return IncomingBoxes.of(
        [(row[0], tuple(row[1:first_flag]), row[first_flag:end], encode_extra(row[end])) for row in rows]
    )
