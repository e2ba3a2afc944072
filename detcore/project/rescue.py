"""What can still be read of a damaged project, as a new one beside it. The damaged one is only read."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detcore.errors import ProjectDamagedError, ProjectError, disk_error
from detcore.project import box_rows, class_rows, image_paths, image_rows, migrations, verdict_rows
from detcore.project.project import Project
from detcore.wording import counted

_DATABASE = "project.db"
_PAGE = 4096
"""Bytes of a page, as SQLite makes them unless told otherwise; Reticle never does."""
_PAGES = slice(28, 32)
"""Where the first page tells how many there are (sqlite.org/fileformat2.html)."""
_HIGHEST_ID = 2**62
_LEAST_ROW = 20
"""Bytes that the shortest row takes, about: there are no more ids to look for than the file has room for."""
_READ_ERRORS = (sqlite3.Error, UnicodeDecodeError)
_RUNS = "runs"


@dataclass(slots=True, kw_only=True)
class Rescued:
    """How much there is in the new project at ``folder``, and in ``losses`` what there is not, a sentence
    each."""

    folder: Path
    images: int = 0
    classes: int = 0
    boxes: int = 0
    verdicts: int = 0
    losses: list[str] = field(default_factory=list[str])


def rescue(damaged: Path, out: Path) -> Rescued:
    """Make the project ``out`` of what can be read of ``damaged``: classes, images, boxes and verdicts that
    hold together, with their ids, settings, and the runs. The history of edits stays behind.

    Raises:
        ProjectError: ``out`` is there already, nothing can be read, or it cannot be written.
    """
    if not (damaged / _DATABASE).is_file():
        raise ProjectError("there is no Reticle project here", path=damaged)
    if out.exists():
        raise ProjectError("there is already something here", path=out, hint="Choose another name")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".rescue.", dir=out.parent) as place:
            found = _Salvage(_copied(damaged, Path(place)))
            return _written(found, damaged, out)
    except OSError as error:
        raise disk_error(error, path=out) from error


def _copied(damaged: Path, place: Path) -> Path:
    """The damaged file and its log where reading them may write: SQLite takes the log in, and its first page is
    replaced when it tells nothing."""
    for ending in ("", "-wal"):
        source = damaged / f"{_DATABASE}{ending}"
        if source.exists():
            shutil.copyfile(source, place / source.name)
    path = place / _DATABASE
    if not _lists_its_tables(path):
        fresh = place / "fresh.db"
        with closing(sqlite3.connect(fresh)) as connection:
            migrations.create_schema(connection)
        # The tables of every project begin on the same pages, since they are made in the same order.
        first = bytearray(fresh.read_bytes()[:_PAGE])
        first[_PAGES] = bytes(4)  # not known: as many as the file has
        with path.open("rb+") as file:
            file.write(first)
        path.with_name(f"{_DATABASE}-wal").unlink(missing_ok=True)
    return path


def _lists_its_tables(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except _READ_ERRORS:
        return False
    return {"meta", "setting", "image", "class", "box", "verdict"} <= names


class _Salvage:
    """Rows of the damaged file that are what they should be, by table, and what is missing."""

    def __init__(self, path: Path) -> None:
        self.losses: list[str] = []
        self._most_rows = path.stat().st_size // _LEAST_ROW
        with closing(sqlite3.connect(path)) as connection:
            self._connection = connection
            self._last_ids = self._given_ids()
            self.meta = self._pairs("meta")
            self.settings = self._pairs("setting")
            self.classes = self._rows("class", class_rows.COLUMNS, class_rows.decode)
            self.images = self._rows("image", image_rows.COLUMNS, _checked_image)
            image_ids, class_ids = self.images.keys(), self.classes.keys()
            boxes = self._rows("box", box_rows.COLUMNS, box_rows.decode)
            self.boxes = {
                key: row for key, row in boxes.items() if row[0] in image_ids and row[1] in class_ids
            }
            self._missed(len(boxes) - len(self.boxes), "boxes belong to no image or class that is left")
            verdicts = self._rows("verdict", verdict_rows.COLUMNS, verdict_rows.decode)
            self.verdicts = {key: row for key, row in verdicts.items() if row[0] in image_ids}
            self._missed(len(verdicts) - len(self.verdicts), "verdicts belong to no image that is left")

    def _missed(self, count: int, what: str) -> None:
        if count:
            self.losses.append(f"{count:,} {what}.")

    def _given_ids(self) -> dict[str, int] | None:
        """The last id that each table has given out; none is ever given out twice."""
        try:
            rows = self._connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
        except _READ_ERRORS:
            return None
        return {name: seq for name, seq in rows if isinstance(name, str) and isinstance(seq, int)}

    def _unread(self, table: str, ids: Sequence[int], last_read: int) -> None:
        """Tell of ids that cannot be looked for. How many of them were rows is not known, only that there are no
        more than ids were given out."""
        if self._last_ids is None:
            self.losses.append(f"Rows of the table {table} cannot be read; how many there were is not known.")
            return
        last = max(last_read, self._last_ids.get(table, 0))
        most = sum(row_id <= last for row_id in ids)
        if most:
            self.losses.append(f"Up to {counted(most, 'row')} of the table {table} cannot be read.")

    def _pairs(self, table: str) -> dict[str, str]:
        found: dict[str, str] = {}
        cursor: Iterator[tuple[Any, Any]] = iter(())
        try:
            cursor = self._connection.execute(f"SELECT key, value FROM {table}")
            for key, value in cursor:
                if isinstance(key, str) and isinstance(value, str):
                    found[key] = value
        except _READ_ERRORS as error:
            self.losses.append(f"Not all of the table {table} can be read ({error}).")
        return found

    def _rows(
        self, table: str, columns: Sequence[str], decode: Callable[[Sequence[Any]], object]
    ) -> dict[int, tuple[Any, ...]]:
        """Rows by id, those left out that cannot be read or are not what ``decode`` takes."""
        query = f"SELECT id, {', '.join(columns)} FROM {table} WHERE id BETWEEN ? AND ? ORDER BY id"
        found: dict[int, tuple[Any, ...]] = {}
        broken = 0
        unread: list[int] = []
        ranges = [(1, _HIGHEST_ID)]
        while ranges:
            low, high = ranges.pop()
            last = low - 1
            try:
                for row in self._connection.execute(query, (low, high)):
                    last = row[0]
                    try:
                        decode(row)
                    except (ProjectDamagedError, ValueError, TypeError):
                        broken += 1
                        continue
                    found[row[0]] = tuple(row[1:])
            except _READ_ERRORS:
                # What came before the fault is there; the rest, as far as there can be any, is tried in halves.
                high = max(low, min(high, max(self._most_rows, 2 * last)))
                if low == high:
                    unread.append(low)
                elif last >= low:
                    ranges.append((last + 1, high))
                else:
                    middle = (low + high) // 2
                    ranges += [(middle + 1, high), (low, middle)]
        if broken:
            self.losses.append(
                f"{counted(broken, 'row holds', 'rows hold')} values that cannot be, in the table {table}."
            )
        if unread:
            self._unread(table, unread, max(found, default=0))
        return found


def _checked_image(row: Sequence[Any]) -> None:
    """Raises ProjectDamagedError, ProjectError or ValueError for what is no image."""
    image = image_rows.decode(row)
    try:
        image_paths.check_path(image.path)
    except (ProjectError, AttributeError) as error:
        raise ProjectDamagedError("a path that is none") from error


def _written(found: _Salvage, damaged: Path, out: Path) -> Rescued:
    if not found.images and not found.classes:
        raise ProjectError(
            "nothing can be read of this project", path=damaged, hint="Take it from a backup of your own"
        )
    root = found.meta.get("image_root")
    if root is None:
        found.losses.append(
            f"The place of the images is not known any more: it is taken for {damaged.parent}."
        )
    done = Rescued(folder=out, losses=found.losses)
    with contextlib.ExitStack() as undo:
        project = Project.create(out, image_root=Path(root) if root else damaged.parent)
        undo.callback(shutil.rmtree, out, ignore_errors=True)
        with project, project.database.write() as connection:
            connection.executemany("INSERT INTO setting VALUES (?, ?)", found.settings.items())
            done.classes = _put(connection, "class", class_rows.COLUMNS, found.classes, done.losses)
            done.images = _put(connection, "image", image_rows.COLUMNS, found.images, done.losses)
            done.boxes = _put(connection, "box", box_rows.COLUMNS, found.boxes, done.losses)
            done.verdicts = _put(connection, "verdict", verdict_rows.COLUMNS, found.verdicts, done.losses)
        if (damaged / _RUNS).is_dir():
            shutil.copytree(damaged / _RUNS, out / _RUNS, dirs_exist_ok=True)
        undo.pop_all()
    done.losses.append("The history of edits stays behind: undo begins anew.")
    return done


def _put(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    rows: dict[int, tuple[Any, ...]],
    losses: list[str],
) -> int:
    """Write rows; returns how many the table takes. What breaks its rules is left out."""
    names = ", ".join(("id", *columns))
    query = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * (len(columns) + 1))})"
    refused = 0
    for row_id, row in rows.items():
        try:
            connection.execute(query, (row_id, *row))
        except sqlite3.IntegrityError:
            refused += 1
    if refused:
        losses.append(f"{counted(refused, 'row breaks', 'rows break')} the rules of the table {table}.")
    return len(rows) - refused
