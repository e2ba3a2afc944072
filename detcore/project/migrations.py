"""Versions of the project file.

``PRAGMA user_version`` holds the version, ``application_id`` says that it is a Reticle project. Version 1
is ``schema.sql``; ``MIGRATIONS[n]`` is the SQL that makes version n + 1 of version n. Released SQL is never
edited. It is empty where only what is in the rows may be new, so that older programs keep away from it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from detcore.errors import ProjectDamagedError, ProjectError, ProjectTooNewError
from detcore.project import health
from detcore.project.health import damaged, ways_out

APPLICATION_ID = 0x52544C31
_LONG_STEPS = health.sql("long_steps.sql")
_CLASS_INDEX = health.sql("class_index.sql")
MIGRATIONS: Mapping[int, str] = {
    1: "",  # the tables stay, but edits in the journal may change settings, which version 1 cannot undo
    2: _LONG_STEPS,
    3: _CLASS_INDEX,
}
SCHEMA_VERSION = 1 + len(MIGRATIONS)

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100


def create_schema(connection: sqlite3.Connection) -> None:
    """Make the tables of a project in an empty file."""
    connection.executescript(health.sql("schema.sql"))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    upgrade(connection, MIGRATIONS)


def check_header(path: Path) -> None:
    """Look at the file's first bytes, without SQLite, which could touch a file that is not ours to write.

    Raises:
        ProjectError: the file is missing or no Reticle project.
        ProjectTooNewError: a newer Reticle wrote it.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError as error:
        raise ProjectError("there is no Reticle project here", path=path.parent) from error
    except OSError as error:
        raise ProjectError(f"cannot read the project ({error.strerror})", path=path) from error
    if not header.startswith(_MAGIC) or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise ProjectDamagedError(
            "this file is not a Reticle project, or it is damaged", path=path, hint=ways_out(path)
        )
    check_version(int.from_bytes(header[60:64], "big"), path)


def check_version(version: int, path: Path) -> None:
    """Refuse what a newer Reticle wrote, or none.

    Raises:
        ProjectTooNewError: a newer one did.
        ProjectDamagedError: no Reticle has written such a version.
    """
    if version < 1:
        raise damaged(path, f"version {version}")
    if version > SCHEMA_VERSION:
        raise ProjectTooNewError(
            f"a newer Reticle wrote this project (version {version}, this one knows {SCHEMA_VERSION})",
            path=path.parent,
            hint="Install the newer Reticle; the project was not touched",
        )


def version_of(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def is_readable(version: int) -> bool:
    """Whether a reader finds in that version what it finds in the newest one: tables for edits and indices that were
    only added do not matter to it."""
    return all(MIGRATIONS[step] in ("", _LONG_STEPS, _CLASS_INDEX) for step in range(version, SCHEMA_VERSION))


def has_long_steps(connection: sqlite3.Connection) -> bool:
    """Whether the file has the tables for steps of several parts; one that is only read may be older."""
    return version_of(connection) > 2


def backup(connection: sqlite3.Connection, path: Path) -> Path:
    """A copy of the project file as it is, beside it: ``project.db.v1.backup``."""
    copy = path.with_name(f"{path.name}.v{version_of(connection)}.backup")
    target = sqlite3.connect(copy)
    try:
        connection.backup(target)
    finally:
        target.close()
    return copy


def upgrade(connection: sqlite3.Connection, migrations: Mapping[int, str]) -> None:
    """Take a file step by step to the newest version; each step is one transaction."""
    while (version := version_of(connection)) in migrations:
        connection.executescript(
            f"BEGIN IMMEDIATE; {migrations[version]}; PRAGMA user_version = {version + 1}; COMMIT;"
        )
