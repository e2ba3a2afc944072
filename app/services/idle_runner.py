"""Work of the window done in portions, so that neither a key nor the pointer waits for the whole of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, QTimer

_PORTION = 0.003
"""Seconds, after which the window has its turn."""


class IdleRunner(QObject):
    """Goes through steps whenever the window has nothing else to do."""

    def __init__(self, parent: QObject, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` tells the seconds."""
        super().__init__(parent)
        self._clock = clock
        self._steps: Iterator[object] = iter(())
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._go_on)

    def start(self, steps: Iterator[object]) -> None:
        """Go through these; what is left of others is dropped."""
        self._steps = steps
        self._timer.start()

    def stop(self) -> None:
        """Drop what is left."""
        self._steps = iter(())
        self._timer.stop()

    def finish(self) -> None:
        """Do at once what is left."""
        steps = self._steps
        self.stop()
        for _ in steps:
            pass

    def _go_on(self) -> None:
        end = self._clock() + _PORTION
        steps = self._steps
        for _ in steps:
            # a step may have begun something else
            if steps is not self._steps or self._clock() >= end:
                return
        if steps is self._steps:
            self.stop()
