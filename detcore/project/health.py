"""Whether the database of a project is whole, and what the user is told when it is not."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from detcore.atomic import atomic_write
from detcore.errors import ProjectDamagedError, ProjectError
from detcore.project.copies import list_copies
from detcore.untrusted_json import read_object

_FAULTS = (
    # SQLite looks at the CHECK clauses of the tables only in a file that it may write.
    (
        "SELECT 1 FROM image WHERE status NOT IN ('unseen', 'in_progress', 'verified') OR path = ''"
        " OR (width IS NULL) <> (height IS NULL) OR width <= 0 OR height <= 0 LIMIT 1",
        "an image has values that it cannot have",
    ),
    (
        "SELECT 1 FROM box WHERE origin NOT IN ('human', 'import', 'model') OR NOT score BETWEEN 0 AND 1"
        " OR NOT (0 <= x1 AND x1 < x2 AND x2 < 1e9 AND 0 <= y1 AND y1 < y2 AND y2 < 1e9) LIMIT 1",
        "a box has values that it cannot have",
    ),
    (
        "SELECT 1 WHERE (SELECT count(*) FROM meta WHERE key = 'image_root') = 0",
        "the place of the images is missing",
    ),
    ("SELECT 1 WHERE (SELECT count(*) FROM journal) <> 1", "the place in the history is missing"),
)


def sql(name: str) -> str:
    """A file of SQL that makes tables."""
    return files("detcore.project").joinpath(name).read_text(encoding="utf-8")


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Look at every page and every value: 0.04 s for 100,000 images, 0.8 s with 860,000 boxes.

    Raises:
        ProjectDamagedError: something is not as SQLite or Reticle wrote it.
    """
    with told_as_damage(path):
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise damaged(path, str(found).removeprefix("*** in database main ***"))
        orphan = connection.execute('SELECT "table" FROM pragma_foreign_key_check LIMIT 1').fetchone()
        if orphan is not None:
            raise damaged(path, f"a row of {orphan[0]} belongs to nothing")
        for query, what in _FAULTS:
            if connection.execute(query).fetchone() is not None:
                raise damaged(path, what)
        known = "".join(map(sql, ("schema.sql", "long_steps.sql", "class_index.sql")))
        for (text,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL").fetchall():
            # SQLite makes its own tables in its own words.
            if text not in known and not text.startswith("CREATE TABLE sqlite_"):
                raise damaged(path, "a table is not as Reticle makes it")


def check_file(path: Path) -> None:
    """``check`` of a file that nobody has open, without writing to it or beside it.

    Raises:
        ProjectDamagedError: as ``check``.
        ProjectError: it cannot be read.
    """
    # Without a log there is nothing beside the file, and nothing need be made there to read it.
    options = "mode=ro" if _has_log(path) else "mode=ro&immutable=1"
    with told_as_damage(path), closing(sqlite3.connect(f"{path.as_uri()}?{options}", uri=True)) as connection:
        check(connection, path)


def note_as_left(path: Path, *, whole: bool) -> None:
    """Note what a whole database looks like on the disk now that nobody has it open; of one that is not whole
    nothing is noted."""
    with contextlib.suppress(OSError):
        if not whole:
            _note(path).unlink(missing_ok=True)
            return
        with atomic_write(_note(path)) as temporary:
            temporary.write_text(json.dumps(_look(path)), encoding="utf-8")


def is_as_left(path: Path) -> bool:
    """Whether a database is the very file that was left whole: nothing has written to it since, nor copied it
    here, nor brought a copy back."""
    try:
        return not _has_log(path) and read_object(_note(path)) == _look(path)
    except (OSError, ValueError):
        return False


def _note(path: Path) -> Path:
    return path.parent / "cache" / "left.json"


def _look(path: Path) -> dict[str, int]:
    """What no write to a file leaves as it was, whoever writes: the system alone sets the time of its change."""
    found = path.stat()
    return {
        "size": found.st_size,
        "written": found.st_mtime_ns,
        "changed": found.st_ctime_ns,
        "file": found.st_ino,
    }


def _has_log(path: Path) -> bool:
    """Whether there are commits beside the file that are not in it yet."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


@contextmanager
def told_as_damage(path: Path) -> Generator[None, None, None]:
    """SQLite's words on a damaged file as ``ProjectDamagedError``, and those of readers with its path."""
    try:
        yield
    except UnicodeDecodeError as error:  # sqlite3 cannot decode its own message when that quotes the file
        raise damaged(path, "text that is none") from error
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise ProjectError(f"the project cannot be read ({error})", path=path) from error
        raise damaged(path, str(error)) from error
    except ProjectDamagedError as error:
        if error.path is not None:
            raise
        raise damaged(path, error.message) from error


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether SQLite complains of the file's content. What sqlite3 raises by itself has no name: text that it
    cannot decode."""
    name = getattr(error, "sqlite_errorname", "SQLITE_CORRUPT")
    missing = name == "SQLITE_ERROR" and str(error).startswith(("no such table", "no such column"))
    return missing or name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT"))


def damaged(path: Path, reason: str) -> ProjectDamagedError:
    """What is wrong with the database at ``path``, and the ways out."""
    reason = " ".join(reason.split())  # SQLite quotes tables as they were written, on several lines
    return ProjectDamagedError(f"the database is damaged ({reason})", path=path, hint=ways_out(path))


def ways_out(path: Path) -> str:
    """What can be done about a damaged database, as the command line does it."""
    folder = path.parent
    out = folder.with_name(f"{folder.stem} rescued{folder.suffix}")
    ways = [f"`rescue {_quoted(folder)} --out {_quoted(out)}` takes out what can be read"]
    copies = list_copies(folder)
    if copies:
        day = copies[0].day.isoformat()
        ways.insert(0, f"`rescue {_quoted(folder)} --copy {day}` goes back to the daily copy of that day")
    return f"Nothing was written; {', '.join(ways)}"


def _quoted(path: Path) -> str:
    text = str(path)
    return f'"{text}"' if " " in text else text
