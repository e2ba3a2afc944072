"""What an import has still to bring into the project: the SQL of the table ``incoming``.

All functions take a connection; those that change something one inside a write transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from detcore.types import Extra, Status
from detcore.untrusted_json import parse_json

_DECIDED = "import"
"""The key in ``meta`` of the import that was decided on."""
_LONGEST = 200_000
"""Characters of content beyond which a slice ends: images with very many boxes come in small slices."""


class IncomingBox(NamedTuple):
    """A box as the dataset says it. ``label`` indexes the classes of the import."""

    label: int
    x1: float
    y1: float
    x2: float
    y2: float
    difficult: bool
    truncated: bool
    occluded: bool
    crowd: bool
    extra: Extra


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingImage:
    """An image as the dataset says it, whatever the project has of it. ``path`` is as the project stores it;
    ``status`` is what its annotation makes of it, ``UNSEEN`` without one."""

    path: str
    width: int | None
    height: int | None
    status: Status
    split: str | None
    extra: Extra
    boxes: Sequence[IncomingBox]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStep:
    """An import that will be carried out whatever happens. ``edit_id`` is its step in the journal, ``None``
    until it has changed something; ``class_ids`` are those of its labels."""

    edit_id: int | None
    text: str
    class_ids: tuple[int, ...]


def stage(connection: sqlite3.Connection, images: Iterable[IncomingImage]) -> None:
    """Write images behind those that wait already. Their paths differ."""
    rows = ((image.path, _encode(image)) for image in images)
    connection.executemany("INSERT INTO incoming (path, content) VALUES (?, ?)", rows)


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
    taken: list[tuple[int, IncomingImage]] = []
    length = 0
    query = "SELECT id, path, content FROM incoming ORDER BY id LIMIT ?"
    for row_id, path, content in connection.execute(query, (most,)):
        taken.append((row_id, _decode(path, content)))
        length += len(content)
        if length > _LONGEST:
            break
    connection.executemany("DELETE FROM incoming WHERE id = ?", [(row_id,) for row_id, _ in taken])
    return [image for _, image in taken]


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
    values = (image.width, image.height, image.status.value, image.split, image.extra, image.boxes)
    return json.dumps(values, separators=(",", ":"))


def _decode(path: str, content: str) -> IncomingImage:
    values: list[Any] = parse_json(content)
    width, height, status, split, extra, boxes = values
    return IncomingImage(
        path=path,
        width=width,
        height=height,
        status=Status(status),
        split=split,
        extra=extra,
        boxes=[IncomingBox(*box) for box in boxes],
    )
