"""Steps in a widget that write: while a key or a button is held they are looked at, its release means them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app.canvas.key_strokes import LetGo

_DOWN = (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress)
_UP = (QEvent.Type.MouseButtonRelease, QEvent.Type.FocusOut)


class HeldSteps(QObject):
    """Keeps what was stepped to in a widget until the key or button that steps is let go.

    Signals:
        meant(object): the last of what was stepped to.
    """

    meant = Signal(object)

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._is_held = False
        self._wanted: object = None
        self._let_go = LetGo(self)
        self._let_go.gone.connect(self._end)
        widget.installEventFilter(self)

    def step_to(self, wanted: object) -> None:
        """It is meant at once unless it came of something that is held."""
        self._wanted = wanted
        if not self._is_held:
            self._settle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            self._let_go.press(event)
        elif event.type() is QEvent.Type.KeyRelease and isinstance(event, QKeyEvent):
            self._let_go.release(event)
        elif event.type() in _DOWN:
            self._is_held = True
        elif event.type() in _UP:
            self._end()
        return super().eventFilter(watched, event)

    def _end(self) -> None:
        self._is_held = False
        self._settle()

    def _settle(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.meant.emit(wanted)
