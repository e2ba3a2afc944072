"""A key that is held down, told from one that is struck again and again."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QKeyEvent

REPEAT_WAIT_MS = 50
"""Within this the press of a repeat is read after its release, also on a busy machine."""


class HeldKeys:
    """Tells a key that is held down from one that is struck again and again.

    Qt marks the repeats of a held key where it recognises them. Through a remote screen they may come as
    presses without a release between them, and X sends each as a release and a press of the same instant,
    which Qt takes for a stroke when it has not read both at once. Only the key that was pressed last repeats.
    """

    def __init__(self) -> None:
        self.is_repeat = False
        self._down = 0
        self._released = (0, 0)

    def follow(self, event: QKeyEvent) -> None:
        """Look at an event before anything is done about it: a press (as ShortcutOverride) or a release."""
        key, instant = _stroke(event)
        if event.type() == QEvent.Type.ShortcutOverride:
            same_instant = instant > 0 and self._released == (key, instant)
            self.is_repeat = event.isAutoRepeat() or key == self._down or same_instant
            self._down = key
        elif event.type() == QEvent.Type.KeyRelease and not event.isAutoRepeat():
            self._down = 0 if key == self._down else self._down
            self._released = (key, instant)

    def forget(self) -> None:
        """The keyboard is another program's now: releases are not seen."""
        self._down = 0
        self.is_repeat = False


class LetGo(QObject):
    """Tells when a key has been let go for good, for what a held key does that is written once, at its end.

    A release that Qt does not mark as a repeat may be half of one (see ``HeldKeys``): only when no press of
    the same key and instant follows has the key been let go.

    Signals:
        gone(): the key was let go.
    """

    gone = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._released = (0, 0)
        self._wait = QTimer(self, singleShot=True, interval=REPEAT_WAIT_MS)
        self._wait.timeout.connect(self.gone)

    def press(self, event: QKeyEvent) -> None:
        """A key is pressed: before anything is done about it what was let go is settled."""
        if self._wait.isActive():
            self._wait.stop()
            if _stroke(event) != self._released:
                self.gone.emit()

    def release(self, event: QKeyEvent) -> None:
        """A key is released, or Qt says so. An event without a time comes from no window system."""
        if event.isAutoRepeat():
            return
        self._released = _stroke(event)
        if event.timestamp():
            self._wait.start()
        else:
            self.gone.emit()


def _stroke(event: QKeyEvent) -> tuple[int, int]:
    """Which key, and when in milliseconds: what the two halves of a repeat have in common."""
    return event.nativeScanCode() or event.key(), event.timestamp()
