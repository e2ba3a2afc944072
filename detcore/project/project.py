"""A project on disk: the one way to open, read and change it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec

from filelock import FileLock, Timeout

from detcore.atomic import sync_folder
from detcore.errors import ProjectError, ProjectLockedError, ReticleError, disk_error
from detcore.project import copies, health, image_paths, journal, migrations
from detcore.project.copies import DailyCopy
from detcore.project.database import Database
from detcore.project.imports import Imported, Imports, Part, Progress, changes_of, unwatched
from detcore.project.incoming import IncomingImage
from detcore.project.leftovers import clear_up
from detcore.project.reading import ProjectReader
from detcore.project.row_change import Edit
from detcore.types import Changes

_DATABASE = "project.db"
_LOCK = "project.lock"

_P = ParamSpec("_P")


class Project(ProjectReader):
    """An open project folder ``NAME.reticle``; one process at a time may write.

    Safe to use from any thread. Every edit is on the disk when ``edit`` returns; there is no saving.
    """

    def __init__(self, folder: Path, database: Database, lock: FileLock | None) -> None:
        """For ``create`` and ``open`` alone."""
        super().__init__(folder, database)
        self._lock = lock
        self.copy_problem: ReticleError | None = None
        """Why there is no daily copy of today, if there should be one."""
        self._imports = Imports(self)

    @classmethod
    def create(cls, folder: Path, *, image_root: Path, image_paths: Iterable[str] = ()) -> Project:
        """Make a project and open it; ``image_paths`` (posix, relative to the root) are in it from the start.

        The folder appears complete or not at all. Its parents are made.

        Raises:
            ProjectError: there is something in the folder already, or it cannot be written.
        """
        folder = folder.resolve()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ProjectError("there is already something here", path=folder, hint="Choose another name")
        building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
        try:
            building.mkdir(parents=True)
            _build(building / _DATABASE, folder, Path(os.path.abspath(image_root)), list(image_paths))
            (building / "runs").mkdir()
            (building / "cache").mkdir()
            if folder.is_dir():
                folder.rmdir()
            os.rename(building, folder)
            sync_folder(folder.parent)
        except OSError as error:
            message = f"cannot make the project ({error.strerror or error})"
            raise ProjectError(message, path=folder, hint=disk_error(error).hint) from error
        except sqlite3.OperationalError as error:
            raise ProjectError(f"cannot make the project ({error})", path=folder) from error
        finally:
            if building.exists():
                shutil.rmtree(building)
        return cls._open(folder, read_only=False, known_whole=True, progress=unwatched)

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False, progress: Progress = unwatched) -> Project:
        """Open a project folder. Reading only works while another process writes.

        An import that a dead process has decided on is carried out to its end, which ``progress`` watches.

        Raises:
            ProjectError: there is no project, or its tables are older and it is opened for reading only.
            ProjectDamagedError: the database is damaged; nothing was written.
            ProjectLockedError: another process (or this one) has it open for writing.
            ProjectTooNewError: a newer Reticle wrote it.
        """
        folder = folder.resolve()
        path = folder / _DATABASE
        migrations.check_header(path)
        return cls._open(folder, read_only=read_only, known_whole=False, progress=progress)

    @classmethod
    def _open(cls, folder: Path, *, read_only: bool, known_whole: bool, progress: Progress) -> Project:
        path = folder / _DATABASE
        lock = None if read_only else _acquire(folder)
        with contextlib.ExitStack() as undo:
            if lock is not None:
                undo.callback(lock.release)
                if not known_whole and not (_has_copy_of_today(path) and health.is_as_left(path)):
                    health.check_file(path)  # before there is a connection that may write
            database = Database(path, read_only=read_only)
            undo.callback(database.close)
            if read_only and not health.is_as_left(path):
                with database.read() as connection:
                    health.check(connection, path)
            _bring_up_to_date(database)
            project = cls(folder, database, lock)
            if not read_only and not known_whole:
                clear_up(folder)
                project.copy_problem = _copy_of_today(path)
                project._imports.finish(progress)
            undo.pop_all()
        return project

    def close(self) -> None:
        """Close the files and let others in. Closing twice is fine."""
        self.database.close()
        if self._lock is not None and self._lock.is_locked:
            health.note_as_left(self.database.path, whole=not self.database.is_damaged)
            self._lock.release()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def read_only(self) -> bool:
        return self.database.read_only

    def set_image_root(self, path: Path) -> None:
        """Say where the images are now. Not undoable: it concerns the disk, not the labels."""
        root = Path(os.path.abspath(path))
        with self.database.write() as connection:
            _write_image_root(connection, self.folder, root)
        self._image_root = root

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a JSON value, such as the image shown last. Not undoable."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO setting (key, value) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, json.dumps(value)),
            )

    def record_image_sizes(self, sizes: Mapping[int, tuple[int, int]]) -> None:
        """Keep the (width, height) that images turned out to have. Not undoable: nobody edited anything."""
        with self.database.write() as connection:
            connection.executemany(
                "UPDATE image SET width = ?, height = ? WHERE id = ?",
                [(int(width), int(height), int(image_id)) for image_id, (width, height) in sizes.items()],
            )

    def edit(
        self, build: Callable[Concatenate[Project, _P], Edit], *args: _P.args, **kwargs: _P.kwargs
    ) -> Changes:
        """Make an edit and commit it: ``project.edit(add_boxes, boxes)``. When this returns, the edit outlives
        the death of the process.

        ``build(project, *args, **kwargs)`` is one of ``detcore.project.edits`` or made of them. It runs inside
        the write transaction, so that nothing that it reads of the project can change before the edit is in.
        An edit that changes nothing does not enter the journal.

        Raises:
            ProjectError: the project is read-only or cannot be written (disk full …), or ``build`` refuses;
                nothing was changed.
            EditMismatchError: a bug; ``build`` returned an edit that does not fit the rows that are there.
        """
        parts: list[Part] = []
        with self.database.write(lambda: self._imports.note(parts)) as connection:
            edit = self._imports.put_before(connection, lambda: build(self, *args, **kwargs), parts)
            step = journal.record(connection, edit) if edit else 0
        changes = edit.summary() if edit else Changes()
        return replace(changes, step=step, preceded_by=changes_of(parts))

    def bring_in(
        self,
        images: Iterable[IncomingImage],
        count: int,
        decide: Callable[[ProjectReader], tuple[Edit, Sequence[int]]],
        *,
        text: str,
        progress: Progress,
    ) -> Imported:
        """Bring in many images with their boxes as one edit ``text``, while others go on editing; see
        ``Imports.bring_in``."""
        return self._imports.bring_in(images, count, decide, text=text, progress=progress)

    def undo(self, *, only: Changes | None = None) -> Changes | None:
        """Take back the latest edit, of this session or an earlier one, or ``only`` the one that made those
        changes; ``None`` when there is none, or the latest is another."""
        with self.database.write() as connection:
            asked = only is not None or self._imports.is_under_way
            position = journal.undo_step(connection) if asked else 0
            edit = journal.undo(connection) if only is None or only.step == position else None
            self._imports.check(connection, edit, undoes=position)
        return None if edit is None else edit.summary()

    def redo(self) -> Changes | None:
        """Apply again what was undone last; ``None`` when there is nothing."""
        with self.database.write() as connection:
            edit = journal.redo(connection)
            self._imports.check(connection, edit)
        return None if edit is None else edit.summary()

    def begin_history(self) -> None:
        """Let undo not go behind the present state: what came before was the making of the project."""
        with self.database.write() as connection:
            journal.forget(connection)

    def flush(self) -> None:
        """Make the edits so far safe from a power cut as well; takes a disk flush, so call it when idle."""
        if not self.read_only:
            self.database.flush()


def go_back(folder: Path, copy: DailyCopy) -> Path:
    """Let a daily copy take the place of the database of a project that nobody has open; returns the folder
    that the old one was moved to.

    Raises:
        ProjectDamagedError: the copy is damaged, too.
        ProjectError: the project is open elsewhere, or cannot be written.
    """
    health.check_file(copy.path)
    lock = _acquire(folder)
    try:
        return copies.put_back(copy, folder / _DATABASE)
    except OSError as error:
        raise disk_error(error, path=folder) from error
    finally:
        lock.release()


def _acquire(folder: Path) -> FileLock:
    # Not thread-local: a project may be closed on another thread than the one that opened it.
    lock = FileLock(folder / _LOCK, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise ProjectLockedError(
            "the project is open in another Reticle",
            path=folder,
            hint="Close it there first",
        ) from error
    except (OSError, NotImplementedError) as error:
        raise ProjectError(
            f"cannot lock the project ({error})", path=folder, hint="Check that you may write to this folder"
        ) from error
    return lock


def _bring_up_to_date(database: Database) -> None:
    with database.read() as connection:
        version = migrations.version_of(connection)
    # The header on disk may be older than what the write-ahead log holds.
    migrations.check_version(version, database.path)
    if version == migrations.SCHEMA_VERSION:
        return
    if database.read_only:
        if migrations.is_readable(version):
            return
        raise ProjectError(
            f"the project has the older version {version}",
            path=database.path.parent,
            hint="Open it once for writing to bring it up to date",
        )
    database.upgrade(migrations.MIGRATIONS)


def _has_copy_of_today(path: Path) -> bool:
    """Whether the database has been looked at today: only one that is whole is copied."""
    return any(copy.day == date.today() for copy in copies.list_copies(path.parent))


def _copy_of_today(path: Path) -> ReticleError | None:
    """Make the daily copy of a database that is whole; a full disk is no reason not to open the project."""
    try:
        copies.make_daily_copy(path, date.today())
    except OSError as error:
        return disk_error(error, path=path.parent / copies.FOLDER)
    except sqlite3.Error as error:
        return ProjectError(f"there is no daily copy of today ({error})", path=path.parent / copies.FOLDER)
    return None


def _build(path: Path, folder: Path, root: Path, paths: Sequence[str]) -> None:
    """A complete project file that nobody else can see yet, hence without a journal, flushed once."""
    image_paths.check_paths(paths)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        migrations.create_schema(connection)
        connection.execute("BEGIN")
        _write_image_root(connection, folder, root)
        # One statement over a JSON list is several times quicker than one statement a path.
        connection.execute(
            "INSERT INTO image (path) SELECT value FROM json_each(?) ORDER BY key", (json.dumps(paths),)
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _write_image_root(connection: sqlite3.Connection, folder: Path, root: Path) -> None:
    """Absolute, and relative to the project for the case that both move together."""
    rows = [("image_root", str(root))]
    with contextlib.suppress(ValueError):  # another drive of Windows: no relative path leads there
        rows.append(("image_root_from_project", Path(os.path.relpath(root, folder)).as_posix()))
    connection.execute("DELETE FROM meta WHERE key IN ('image_root', 'image_root_from_project')")
    connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", rows)
