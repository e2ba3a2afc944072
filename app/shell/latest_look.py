"""Looking at the disk for what is typed into a dialog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject

from app.services.tasks import Tasks


class LatestLook(QObject):
    """Looks in the pool, once at a time: a disk may take seconds to answer, and typing must not wait for it.
    Only what was asked last is answered, and nothing once the dialog is done."""

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._waiting: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self._is_looking = self._has_left = False
        parent.destroyed.connect(self.leave)

    def ask(self, look: Callable[[], Any], show: Callable[[Any], None]) -> None:
        """Hand what ``look`` finds to ``show``, unless something else is asked by then."""
        self._waiting = (look, show)
        if not self._is_looking:
            self._begin()

    def leave(self) -> None:
        """Answer nothing any more."""
        self._has_left = True

    def _begin(self) -> None:
        if self._waiting is None or self._has_left:
            return
        (look, show), self._waiting = self._waiting, None
        self._is_looking = True
        self._tasks.run(look, done=lambda found: self._end(show, found), failed=self._fail)

    def _end(self, show: Callable[[Any], None], found: Any) -> None:
        self._is_looking = False
        if self._has_left:
            return
        if self._waiting is None:
            show(found)
        else:
            self._begin()

    def _fail(self, error: Exception) -> None:
        self._is_looking = False
        raise error
