"""Ids for the rows of edits that are being made."""

from __future__ import annotations

import threading

from detcore.project.database import Database

_TABLES = ("image", "class", "box", "verdict")


class NewIds:
    """Gives out ids, each once: ``new_ids("box", 3)``. Safe to use from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, table: str, count: int = 1) -> range:
        """Ids for rows of a table, never given out before and never again."""
        if table not in _TABLES:
            raise ValueError(f"no table {table} that edits write to")
        with self._lock:
            if table not in self._next:
                with self._database.read() as connection:
                    found = connection.execute(
                        "SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)
                    ).fetchone()
                self._next[table] = 1 + (0 if found is None else found[0])
            first = self._next[table]
            self._next[table] = first + count
        return range(first, first + count)
