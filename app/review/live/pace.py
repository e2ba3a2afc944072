"""Work that follows something that moves, in the frames that have time for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

HALF_FRAME_MS = 8
"""What moves can do so more than once in a frame; what follows it need not."""
_HALF, _WHOLE = HALF_FRAME_MS / 1000, 2 * HALF_FRAME_MS / 1000
_LATE = 0.002
"""Seconds. A timer that comes so late had to wait for other work: the frame is full."""
_LATEST = 0.2
"""Work waits so long at most, be the frames as full as they may."""
_SHARE = 8
"""The pauses are so many times as long as the work, up to the same time."""


class Pace(QObject):
    """Calls a function half a frame after it was asked to, if the window has nothing else to do by then: else
    after the next time, and in the end all the same, at the beginning of a frame: what it changes is then painted
    together with what moves."""

    def __init__(
        self, parent: QObject, work: Callable[[], object], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``clock`` tells the seconds."""
        super().__init__(parent)
        self._work = work
        self._clock = clock
        self._rest_until = 0.0
        self._expected = 0.0
        self._latest = 0.0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._look)

    def ask(self) -> None:
        """Let the work be done soon."""
        now = self._clock()
        if not self._timer.isActive():
            self._latest = max(now, self._rest_until) + _LATEST
        elif now + _HALF >= self._latest:
            self.catch_up()
            return
        # what asks once in a frame asks again before a whole one has passed since the pause ended
        moment = now + _HALF if now >= self._rest_until else self._rest_until + _WHOLE
        self._wait_until(min(moment, self._latest))

    def catch_up(self) -> None:
        """Do at once what is still to be done."""
        if self._timer.isActive():
            self._timer.stop()
            self._do()

    def _wait_until(self, moment: float) -> None:
        self._expected = moment
        self._timer.start(max(round((moment - self._clock()) * 1000), 0))

    def _look(self) -> None:
        now = self._clock()
        if now - self._expected > _LATE and now < self._latest:
            self._wait_until(self._latest)
        else:
            self._do()

    def _do(self) -> None:
        begin = self._clock()
        self._work()
        end = self._clock()
        self._rest_until = end + min(_SHARE * (end - begin), _LATEST)
