"""What project and label files last agreed on, kept beside the project's database."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detcore.errors import ProjectError
from detcore.formats.in_place import FileBox
from detcore.untrusted_json import parse_json

FILE = "in_place.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS link (format TEXT NOT NULL, folder TEXT NOT NULL, names TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS file (
    image_id INTEGER PRIMARY KEY, path TEXT NOT NULL,
    base BLOB, base_verified INTEGER NOT NULL, base_boxes TEXT NOT NULL,
    content BLOB, verified INTEGER NOT NULL, boxes TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A box of the project as it was when it and the file agreed, and its id."""

    box_id: int
    box: FileBox


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A label file and what the project had for it. ``content`` is ``None`` where there was no file; ``boxes`` are those of the
    project by their places in the file, ``None`` for an entry that the project has no box of. ``verified`` is the image's
    in the project."""

    content: bytes | None = None
    verified: bool = False
    boxes: tuple[Held | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The file of an image as both sides knew it last: ``base`` as others wrote it, from which each edit starts, so that
    an edit which is taken back leaves every byte as it was; ``now`` with the edits of the project."""

    image_id: int
    path: Path
    base: State = State()
    now: State = State()


class Record:
    """The agreements of a project, one a file; each outlives the death of the process when ``put`` returns.

    All raise ProjectError where the record cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._told():
            self._connection = sqlite3.connect(path, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    @property
    def link(self) -> tuple[str, Path] | None:
        """The format and the folder that the project is linked with."""
        with self._told():
            row = self._connection.execute("SELECT format, folder FROM link").fetchone()
        return None if row is None else (row[0], Path(row[1]))

    @property
    def names(self) -> dict[int, str]:
        """The numbers of the classes as they were known last."""
        with self._told():
            row = self._connection.execute("SELECT names FROM link").fetchone()
        return {} if row is None else {int(number): name for number, name in parse_json(row[0]).items()}

    @names.setter
    def names(self, names: Mapping[int, str]) -> None:
        with self._told(), self._connection:
            self._connection.execute("UPDATE link SET names = ?", (json.dumps(dict(names)),))

    def begin(
        self, format_name: str, folder: Path, names: Mapping[int, str], agreements: Iterable[Agreed]
    ) -> None:
        """Link the project with a folder, in one transaction."""
        with self._told(), self._connection:
            self._connection.execute("DELETE FROM file")
            self._put(agreements)
            self._connection.execute("DELETE FROM link")
            row = (format_name, str(folder), json.dumps(dict(names)))
            self._connection.execute("INSERT INTO link VALUES (?, ?, ?)", row)

    def put(self, agreements: Iterable[Agreed]) -> None:
        with self._told(), self._connection:
            self._put(agreements)

    def of(self, image_id: int) -> Agreed | None:
        with self._told():
            row = self._connection.execute("SELECT * FROM file WHERE image_id = ?", (image_id,)).fetchone()
        return None if row is None else _agreed(row)

    def paths(self) -> dict[int, Path]:
        """The label file of each image."""
        with self._told():
            rows = self._connection.execute("SELECT image_id, path FROM file ORDER BY image_id").fetchall()
        return {image_id: Path(path) for image_id, path in rows}

    def _put(self, agreements: Iterable[Agreed]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((one.image_id, str(one.path), *_columns(one.base), *_columns(one.now)) for one in agreements),
        )

    @contextmanager
    def _told(self) -> Generator[None]:
        """Failures in words that say what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise ProjectError(
                f"the record of the label files cannot be used ({error})",
                path=self._path,
                hint="Make room on the disk, or link the folder again",
            ) from error


_FLAGS = ("difficult", "truncated", "occluded")


def _columns(state: State) -> tuple[Any, ...]:
    content = None if state.content is None else zlib.compress(state.content, 1)
    boxes = json.dumps([None if held is None else _as_json(held) for held in state.boxes])
    return content, int(state.verified), boxes


def _state(columns: Sequence[Any]) -> State:
    content, verified, boxes = columns
    return State(
        content=None if content is None else zlib.decompress(content),
        verified=bool(verified),
        boxes=tuple(None if item is None else _held(item) for item in parse_json(boxes)),
    )


def _as_json(held: Held) -> list[Any]:
    box = held.box
    return [held.box_id, box.name, *box.xyxy, [flag for flag in _FLAGS if getattr(box, flag)]]


def _agreed(row: Sequence[Any]) -> Agreed:
    return Agreed(image_id=row[0], path=Path(row[1]), base=_state(row[2:5]), now=_state(row[5:8]))


def _held(item: Sequence[Any]) -> Held:
    box_id, name, x1, y1, x2, y2, flags = item
    return Held(
        box_id=box_id, box=FileBox(name=name, x1=x1, y1=y1, x2=x2, y2=y2, **dict.fromkeys(flags, True))
    )
