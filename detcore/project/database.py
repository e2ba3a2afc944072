"""The SQLite file of a project: connections, transactions, and how failures are told.

Durability: WAL with ``synchronous=NORMAL``. A commit has been handed to the operating system before it
returns, so it outlives the death of this process, ``kill -9`` included. A power cut may take back the
commits since the last checkpoint, but never leaves a damaged file. ``FULL`` would close that gap with one
disk flush for every edit, on the thread that draws the window (0.1 ms on a fast disk, 10 ms and more
on slow ones); ``flush`` does it for all edits so far whenever there is time.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from detcore.errors import ProjectError
from detcore.project import migrations

_BUSY_SECONDS = 10.0


class EditMismatchError(RuntimeError):
    """A bug: an edit does not fit the rows that are there. Nothing was written."""


@dataclass(slots=True)
class _Session:
    """One thread's connection. ``lock`` is held while it is in use; ``depth`` counts nested uses."""

    connection: sqlite3.Connection
    thread: threading.Thread
    lock: threading.RLock = field(default_factory=threading.RLock)
    depth: int = 0
    writing: bool = False


class Database:
    """One connection a thread, so a reader never waits for a writer. Safe to use from any thread."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._local = threading.local()
        self._sessions: list[_Session] = []
        self._sessions_lock = threading.Lock()
        self._write_lock = threading.RLock()
        self._closed = False

    @contextmanager
    def read(self) -> Generator[sqlite3.Connection, None, None]:
        """A connection inside a transaction: all reads in the block see one state of the project.

        Within a block of ``read`` or ``write`` on the same thread it joins that one.
        """
        session = self._session()
        with session.lock:
            if session.depth:
                yield session.connection
                return
            with self._told(), self._transaction(session, "BEGIN"):
                yield session.connection

    @contextmanager
    def write(self) -> Generator[sqlite3.Connection, None, None]:
        """A connection inside a write transaction: committed at the end, undone when the block raises.

        Raises:
            ProjectError: the project is read-only, or the file cannot be written (disk full, …).
        """
        if self.read_only:
            raise ProjectError("the project is open for reading only", path=self.path.parent)
        session = self._session()
        with self._write_lock, session.lock:
            if session.depth:
                raise RuntimeError("a write inside of another read or write of the same thread")
            with self._told(), self._transaction(session, "BEGIN IMMEDIATE"):
                yield session.connection

    def upgrade(self, steps: Mapping[int, str]) -> None:
        """Bring the file to the newest version, after a copy of it has been made beside it."""
        session = self._session()
        with self._write_lock, session.lock, self._told():
            migrations.backup(session.connection, self.path)
            migrations.upgrade(session.connection, steps)

    def flush(self) -> None:
        """Make all commits so far safe from a power cut."""
        session = self._session()
        with self._write_lock, session.lock, self._told():
            session.connection.execute("PRAGMA wal_checkpoint(FULL)").fetchall()

    def close(self) -> None:
        """Close all connections; waits for reads that are under way on other threads."""
        with self._write_lock:
            with self._sessions_lock:
                self._closed = True
                sessions, self._sessions = self._sessions, []
            for session in sessions:
                with session.lock:
                    session.connection.close()

    def _session(self) -> _Session:
        session: _Session | None = getattr(self._local, "session", None)
        if session is not None and not self._closed:
            return session
        with self._sessions_lock:
            if self._closed:
                raise ProjectError("the project is closed", path=self.path.parent)
            with self._told():
                session = _Session(self._connect(), threading.current_thread())
            gone = [other for other in self._sessions if not other.thread.is_alive()]
            for other in gone:
                other.connection.close()
                self._sessions.remove(other)
            self._sessions.append(session)
        self._local.session = session
        return session

    def _connect(self) -> sqlite3.Connection:
        # check_same_thread is off because close() runs on one thread for all; _Session.lock keeps order.
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
        except BaseException:
            connection.close()
            raise
        return connection

    def _uri(self) -> str:
        return f"{self.path.as_uri()}?mode={'ro' if self.read_only else 'rw'}"

    @contextmanager
    def _transaction(self, session: _Session, begin: str) -> Generator[None, None, None]:
        connection = session.connection
        connection.execute(begin)
        session.depth += 1
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            session.depth -= 1

    @contextmanager
    def _told(self) -> Generator[None, None, None]:
        """SQLite's complaints in the words of the person at the keyboard."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise EditMismatchError(f"the project refuses the edit: {error}") from error
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            raise ProjectError(
                f"the project cannot be read or written ({error})", path=self.path, hint=_hint(error)
            ) from error


def _hint(error: sqlite3.DatabaseError) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return "Free some space on the disk; everything that was saved before is still there"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return "Check that you may write to the project's folder"
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return "The file is damaged; take the project from a backup"
    return "Nothing of the last edit was written"
