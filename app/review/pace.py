"""Work that follows something that moves, in steps that leave the window time for the rest."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

_SHARE = 8
"""The pauses are so many times as long as the work."""
_LONGEST_MS = 200


class Pace(QObject):
    """Calls a function when it is asked to: at once after a pause, else when the pause is over."""

    def __init__(
        self, parent: QObject, work: Callable[[], object], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``clock`` tells the seconds by which pauses are measured."""
        super().__init__(parent)
        self._work = work
        self._clock = clock
        self._rest_until = 0.0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._do)

    def ask(self) -> None:
        """Let the work be done soon."""
        if self._timer.isActive():
            return
        left = self._rest_until - self._clock()
        if left <= 0:
            self._do()
        else:
            self._timer.start(round(left * 1000) + 1)

    def catch_up(self) -> None:
        """Do at once what is still to be done."""
        if self._timer.isActive():
            self._timer.stop()
            self._do()

    def _do(self) -> None:
        begin = self._clock()
        self._work()
        end = self._clock()
        self._rest_until = end + min(_SHARE * (end - begin), _LONGEST_MS / 1000)
