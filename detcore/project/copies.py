"""Daily copies of a project's database, for the day on which the file turns out to be damaged.

They lie in the project folder, ``daily copies/2026-11-29.db``: whole SQLite files, each as the project was when
it was opened first on that day. Only a database that has passed ``health.check`` is copied.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from detcore.atomic import atomic_write, sync_folder
from detcore.errors import ProjectError

FOLDER = "daily copies"
KEPT = 7
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})\.db")
_COMPANIONS = ("-wal", "-shm")
"""What SQLite keeps beside a database: recent commits, which belong to it alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCopy:
    """The database as it was on a day."""

    day: date
    path: Path


def list_copies(folder: Path) -> list[DailyCopy]:
    """The copies in a project folder, the newest first."""
    found: list[DailyCopy] = []
    for path in (folder / FOLDER).glob("*.db"):
        match = _NAME.fullmatch(path.name)
        if match is not None:
            try:
                found.append(DailyCopy(day=date.fromisoformat(match[1]), path=path))
            except ValueError:
                continue  # 2026-13-40.db is none of ours
    return sorted(found, key=lambda copy: copy.day, reverse=True)


def find_copy(folder: Path, day: str | None) -> DailyCopy:
    """The copy of a day such as ``2026-11-29``; the newest without one.

    Raises:
        ProjectError: there is none, or no project.
    """
    copies = list_copies(folder)
    found = [copy for copy in copies if day is None or copy.day.isoformat() == day]
    if not copies and not (folder / "project.db").is_file():
        raise ProjectError("there is no Reticle project here", path=folder)
    if not found:
        days = ", ".join(copy.day.isoformat() for copy in copies)
        hint = f"There are those of {days}" if days else "Take out what can be read with rescue --out"
        raise ProjectError(f"there is no daily copy{f' of {day}' if day else ''}", path=folder, hint=hint)
    return found[0]


def make_daily_copy(database: Path, today: date) -> None:
    """Copy a database that was found to be whole, unless there is a copy of today; the oldest of more than
    ``KEPT`` go.

    Raises:
        OSError, sqlite3.Error: it cannot be written. Then there is no copy of today, and the others stay.
    """
    folder = database.parent / FOLDER
    path = folder / f"{today.isoformat()}.db"
    if path.exists():
        return
    folder.mkdir(exist_ok=True)
    with (
        atomic_write(path) as temporary,
        closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(temporary)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, with nothing beside it
    for old in list_copies(database.parent)[KEPT:]:
        old.path.unlink()


def put_back(copy: DailyCopy, database: Path) -> Path:
    """Let a copy take the place of a database that nobody has open. The old one is moved into a folder beside
    it, which is returned; nothing is deleted.

    Raises:
        OSError: it cannot be written; then the old one is where it was.
    """
    stamp = datetime.now().strftime("%Y-%m-%d %H-%M-%S")
    aside = database.parent / f"damaged {stamp} {secrets.token_hex(2)}"
    fresh = database.with_name(f".{database.name}.{secrets.token_hex(4)}.part")
    try:
        shutil.copyfile(copy.path, fresh)
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        aside.mkdir()
        for name in (database.name, *(database.name + ending for ending in _COMPANIONS)):
            if database.with_name(name).exists():
                os.rename(database.with_name(name), aside / name)
        os.rename(fresh, database)
    except BaseException:
        fresh.unlink(missing_ok=True)
        for moved in aside.iterdir() if aside.is_dir() else ():
            os.rename(moved, database.with_name(moved.name))
        if aside.is_dir():
            aside.rmdir()
        raise
    sync_folder(database.parent)
    return aside
