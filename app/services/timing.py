"""When work is done that is asked for again and again: after a rest, a few times a second, when there is time.

Each tool calls one function in the window's thread, and lives as long as its parent.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, QTimer

HALF_FRAME_MS = 8
"""What moves can do so more than once in a frame; what follows it need not."""
_HALF, _WHOLE = HALF_FRAME_MS / 1000, 2 * HALF_FRAME_MS / 1000
_LATE = 0.002
"""Seconds. A timer that comes so late had to wait for other work: the frame is full."""
_LATEST = 0.2
"""Work that follows frames waits so long at most, be the frames as full as they may."""
_SHARE = 8
"""Its pauses are so many times as long as the work, up to the same time."""
_PORTION = 0.003
"""Seconds of work while idle, after which the window has its turn."""

Work = Callable[[], object]
Clock = Callable[[], float]
"""Tells the seconds."""


class Debouncer(QObject):
    """Works once nobody has asked for ``pause_ms``; with ``longest_ms`` also when the first who asked has waited
    for so long."""

    def __init__(self, parent: QObject, work: Work, *, pause_ms: int, longest_ms: int | None = None) -> None:
        super().__init__(parent)
        self._work = work
        self._pause = QTimer(self, singleShot=True, interval=pause_ms)
        self._longest = None if longest_ms is None else QTimer(self, singleShot=True, interval=longest_ms)
        for timer in self._timers():
            timer.timeout.connect(self._do)

    def ask(self) -> None:
        """Let the work be done; the pause begins anew."""
        self._pause.start()
        if self._longest is not None and not self._longest.isActive():
            self._longest.start()

    def stop(self) -> None:
        """Forget what was asked for."""
        for timer in self._timers():
            timer.stop()

    def _timers(self) -> list[QTimer]:
        return [self._pause] if self._longest is None else [self._pause, self._longest]

    def _do(self) -> None:
        self.stop()
        self._work()


class Throttle(QObject):
    """Works at once when asked, then at most once in ``interval_ms``."""

    def __init__(
        self, parent: QObject, work: Work, *, interval_ms: int, clock: Clock = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._work, self._interval, self._clock = work, interval_ms / 1000, clock
        self._next = 0.0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._do)

    def ask(self) -> None:
        """Let the work be done, now or as soon as may be."""
        if self._timer.isActive():
            return
        left = math.ceil((self._next - self._clock()) * 1000)
        if left > 0:
            self._timer.start(left)
        else:
            self._do()

    def catch_up(self) -> None:
        """Do at once what is still to be done."""
        if self._timer.isActive():
            self._timer.stop()
            self._do()

    def _do(self) -> None:
        self._next = self._clock() + self._interval
        self._work()


class FrameThrottle(QObject):
    """Works half a frame after it was asked to, if the window has nothing else to do by then: else
    after the next time, and in the end all the same, at the beginning of a frame: what it changes is then painted
    together with what moves."""

    def __init__(self, parent: QObject, work: Work, *, clock: Clock = time.monotonic) -> None:
        super().__init__(parent)
        self._work, self._clock = work, clock
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


class IdleRunner(QObject):
    """Goes through steps whenever the window has nothing else to do, in portions so short that neither a key nor
    the pointer waits for the whole."""

    def __init__(self, parent: QObject, *, clock: Clock = time.monotonic) -> None:
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
