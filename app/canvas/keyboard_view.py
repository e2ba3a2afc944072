"""What the keys do on the canvas, while it has the focus."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from app.canvas import tools
from app.canvas.key_strokes import LetGo
from app.canvas.pointer_view import PointerView

ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
NUDGE_FAR = 10
"""Image pixels that an arrow key with Shift moves the selection."""

DELETE_KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
ENTER_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
PLAIN = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.KeypadModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier,
)


class KeyboardView(PointerView):
    """Arrows nudge, Delete deletes, Enter activates, Esc drops.

    A key is taken only when there is something for it to do; else it is left to the window's
    shortcuts. While an arrow is held down the boxes move as a preview; the release is the edit.
    """

    # ids that the user wants to be deleted, as a tuple
    delete_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nudging = False
        self._let_go = LetGo(self)
        self._let_go.gone.connect(self._finish_nudge)

    def cancel(self) -> bool:
        """Drop what is being drawn, dragged or nudged. Whether there was anything."""
        if self._nudging:
            self._nudging = False
            self._stage.end_preview()
            return True
        return super().cancel()

    def _finish_nudge(self) -> None:
        if self._nudging:
            self._nudging = False
            self._stage.commit_preview()

    def _has_use_for(self, event: QKeyEvent) -> bool:
        if event.modifiers() not in PLAIN:
            return False
        key, stage = event.key(), self._stage
        if key == Qt.Key.Key_Escape:
            return self._gesture is not None or self._nudging or bool(stage.selection)
        if key in ENTER_KEYS:
            return len(stage.selection) == 1
        if key in ARROWS or key in DELETE_KEYS:
            return len(stage.editable_selection()) > 0
        return False

    def _press(self, event: QKeyEvent) -> None:
        key, stage = event.key(), self._stage
        if key == Qt.Key.Key_Escape:
            if not self.cancel():
                stage.select(frozenset())
        elif key in ENTER_KEYS:
            self.box_activated.emit(next(iter(stage.selection)))
        elif self._gesture is not None:
            return
        elif key in DELETE_KEYS:
            self._finish_nudge()
            self.delete_requested.emit(tuple(stage.editable_selection().tolist()))
        else:
            dx, dy = ARROWS[Qt.Key(key)]
            far = NUDGE_FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self._nudging = True
            tools.nudge(stage, dx * far, dy * far)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            self._let_go.press(event)
            if self._has_use_for(event):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._modifiers = event.modifiers()
        if self._has_use_for(event):
            self._press(event)
            event.accept()
        else:
            event.ignore()
        self._look_under_pointer()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        self._modifiers = event.modifiers()
        if event.key() in ARROWS:
            self._let_go.release(event)
        event.ignore()
        self._look_under_pointer()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._finish_nudge()
        super().mousePressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        # A drag whose end may never be seen is dropped; a nudge is complete at every moment
        self._finish_nudge()
        self.cancel()
        self._modifiers = Qt.KeyboardModifier.NoModifier
        # a menu or dialog takes the pointer along, and nobody tells the canvas that it left
        self._forget_pointer()
        super().focusOutEvent(event)
