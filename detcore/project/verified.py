"""What is verified in a project by now, for who learns from it while somebody else writes."""

from __future__ import annotations

import time

from detcore.project.reading import ProjectReader
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.types import Status

_SHARE = 0.1
"""Of the time, what reading takes at most."""


class VerifiedImages:
    """Follows a project that others write to, from one thread."""

    def __init__(self, project: ProjectReader) -> None:
        self._project = project
        self._version: int | None = None
        self._not_before = 0.0

    def news(self) -> Snapshot | None:
        """The verified images with their boxes, and the classes, once something was written since they were read last;
        ``None`` where nothing was. Where there are many, what was written waits for a while. Raises ProjectError."""
        begin = time.monotonic()
        if begin < self._not_before:
            return None
        with self._project.database.read() as connection:
            # another number after each commit of another connection (SQLite, "PRAGMA data_version")
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return None
            snapshot = take_snapshot(self._project, status=Status.VERIFIED)
        self._version = version
        end = time.monotonic()
        self._not_before = end + (end - begin) * (1.0 - _SHARE) / _SHARE
        return snapshot
