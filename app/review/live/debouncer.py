"""Work that waits until what it follows has come to rest, but not for ever."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal


class Debouncer(QObject):
    """Announces rest after a pause without changes, and between changes that never pause now and then."""

    # There was no change for ``pause_ms``, or the first of those not yet announced is ``longest_ms`` old.
    settled = Signal()

    def __init__(self, parent: QObject, *, pause_ms: int, longest_ms: int) -> None:
        super().__init__(parent)
        self._pause = QTimer(self, singleShot=True, interval=pause_ms)
        self._longest = QTimer(self, singleShot=True, interval=longest_ms)
        for timer in (self._pause, self._longest):
            timer.timeout.connect(self._announce)

    def ask(self) -> None:
        """Something has changed."""
        self._pause.start()
        if not self._longest.isActive():
            self._longest.start()

    def _announce(self) -> None:
        self._pause.stop()
        self._longest.stop()
        self.settled.emit()
