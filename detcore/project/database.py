"""The SQLite file of a project: connections, transactions, and how failures are told.

Durability: WAL with ``synchronous=NORMAL``. A commit has been handed to the operating system before it
returns, so it outlives the death of this process, ``kill -9`` included. A power cut may take back the
commits since the last checkpoint, but never leaves a damaged file. ``FULL`` would close that gap with one
disk flush for every edit, on the thread that draws the window (0.1 ms on a fast disk, 10 ms and more
on slow ones); ``flush`` does it for all edits so far whenever there is time.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from detcore.errors import ProjectDamagedError, ProjectError
from detcore.project import health, migrations
from detcore.project.fair_lock import FairLock

_BUSY_SECONDS = 10.0
_LOG_PAGES = 2000
"""Pages of the log at which a commit moves them to the file; ``tidy`` is to be called before that."""


class EditMismatchError(RuntimeError):
    """A bug: an edit does not fit the rows that are there. Nothing was written."""


class Database:
    """A pool of connections: each thread has one for itself while it reads or writes, so that a reader never
    waits for a writer. Safe to use from any thread, those that Python did not start included (a
    ``threading.local`` is lost there between two calls, and its connection would be too)."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._idle: list[sqlite3.Connection] = []
        self._uses: dict[int, sqlite3.Connection] = {}
        self._changed = threading.Condition()
        self._write_lock = FairLock()
        self._closed = False
        self.is_damaged = False
        """Whether damage was met while it was open."""

    @contextmanager
    def read(self) -> Generator[sqlite3.Connection, None, None]:
        """A connection inside a transaction: all reads in the block see one state of the project.

        Within a block of ``read`` or ``write`` on the same thread it joins that one.
        """
        joined = self._uses.get(threading.get_ident())
        if joined is not None:
            yield joined
            return
        with self._told(), self._connection() as connection, _transaction(connection, "BEGIN"):
            yield connection

    @contextmanager
    def write(
        self, committed: Callable[[], object] = lambda: None
    ) -> Generator[sqlite3.Connection, None, None]:
        """A connection inside a write transaction: committed at the end, undone when the block raises.

        ``committed`` is called after the commit, and before anybody else can write.

        Raises:
            ProjectError: the project is read-only, or the file cannot be written (disk full, …).
        """
        with self._writer() as connection:
            with _transaction(connection, "BEGIN IMMEDIATE"):
                yield connection
            committed()

    @property
    def is_wanted(self) -> bool:
        """Whether another thread waits to write."""
        return self._write_lock.is_wanted

    def upgrade(self, steps: Mapping[int, str]) -> None:
        """Bring the file to the newest version, after a copy of it has been made beside it."""
        with self._writer() as connection:
            migrations.backup(connection, self.path)
            migrations.upgrade(connection, steps)

    def flush(self) -> None:
        """Make all commits so far safe from a power cut."""
        with self._writer() as connection:
            connection.execute("PRAGMA wal_checkpoint(FULL)").fetchall()

    def tidy(self) -> None:
        """Move commits from the log to the file, as far as nobody is in the way. Whoever writes much does it
        between two transactions, or the next edit of somebody else would have to."""
        with self._told(), self._connection() as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close all connections; waits for what other threads are reading or writing just now."""
        if threading.get_ident() in self._uses:
            raise RuntimeError("a project is closed inside of a read or write")
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._uses)
            while self._idle:
                self._idle.pop().close()

    @contextmanager
    def _writer(self) -> Generator[sqlite3.Connection, None, None]:
        if self.read_only:
            raise ProjectError("the project is open for reading only", path=self.path.parent)
        if threading.get_ident() in self._uses:
            raise RuntimeError("a write inside of another read or write of the same thread")
        with self._write_lock, self._told(), self._connection() as connection:
            yield connection

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection, None, None]:
        """A connection that belongs to this thread until the end of the block."""
        with self._changed:
            if self._closed:
                raise ProjectError("the project is closed", path=self.path.parent)
            connection = self._idle.pop() if self._idle else self._connect()
            self._uses[threading.get_ident()] = connection
        try:
            yield connection
        finally:
            with self._changed:
                del self._uses[threading.get_ident()]
                self._idle.append(connection)
                self._changed.notify_all()

    def _connect(self) -> sqlite3.Connection:
        # check_same_thread is off because connections wander; _connection lends each to one thread at a time.
        connection = sqlite3.connect(
            self._uri(), uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA cache_size = -32000")
            connection.execute("PRAGMA trusted_schema = OFF")
            if self.read_only:
                connection.execute("PRAGMA query_only = ON")
            else:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _uri(self) -> str:
        if not self.read_only:
            return f"{self.path.as_uri()}?mode=rw"
        # A reader shares a log file with the writer. Where it may not make that file, nobody may write.
        log = self.path.with_name(f"{self.path.name}-wal")
        fixed = not os.access(self.path.parent, os.W_OK) and not log.exists()
        return f"{self.path.as_uri()}?mode=ro{'&immutable=1' if fixed else ''}"

    @contextmanager
    def _told(self) -> Generator[None, None, None]:
        """SQLite's complaints in the words of the user."""
        try:
            with health.told_as_damage(self.path):
                try:
                    yield
                except sqlite3.IntegrityError as error:
                    raise EditMismatchError(f"the project refuses the edit: {error}") from error
                except sqlite3.ProgrammingError:
                    raise
                except sqlite3.DatabaseError as error:
                    if health.is_damage(error):
                        raise
                    raise ProjectError(
                        f"the project cannot be read or written ({error})", path=self.path, hint=_hint(error)
                    ) from error
        except ProjectDamagedError:
            self.is_damaged = True
            raise


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Generator[None, None, None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _hint(error: sqlite3.DatabaseError) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return "Free some space on the disk; everything that was saved before is still there"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return "Check that you may write to the project's folder"
    return "Nothing of the last edit was written"
