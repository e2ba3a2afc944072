"""What the keys do on the canvas, while it has the focus."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from app.canvas.handles import moved
from app.canvas.key_strokes import LetGo
from app.canvas.pointer_input import PointerInput
from app.canvas.stage import Stage

ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
NUDGE_FAR = 10
"""Image pixels that an arrow key with Shift moves the selection."""

ENTER_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
PLAIN = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.KeypadModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier,
)


class KeyboardInput:
    """Arrows nudge, Enter activates, or takes ghosts, Esc drops.

    A key is taken only when there is something for it to do; else it is left to the window's
    shortcuts. While an arrow is held down the boxes move as a preview; the release is the edit.
    """

    def __init__(self, stage: Stage, pointer: PointerInput) -> None:
        self._stage, self._pointer = stage, pointer
        self._nudging = False
        self._let_go = LetGo(stage)
        self._let_go.gone.connect(self.finish_nudge)

    def cancel(self) -> bool:
        """Drop what is being nudged. Whether there was anything."""
        if not self._nudging:
            return False
        self._nudging = False
        self._stage.end_preview()
        return True

    def finish_nudge(self) -> None:
        """What was nudged stays where it is."""
        if self._nudging:
            self._nudging = False
            self._stage.commit_preview()

    def claim(self, event: QKeyEvent) -> bool:
        """Whether a key that goes down is the canvas's, before the window's shortcuts are asked."""
        self._let_go.press(event)
        return self._has_use_for(event)

    def press(self, event: QKeyEvent) -> bool:
        """Do what a key is for. Whether there was anything."""
        if not self._has_use_for(event):
            return False
        key, stage = event.key(), self._stage
        answered = stage.answer_ghosts(wanted=key in ENTER_KEYS)
        if answered and key not in ARROWS:
            return True
        if key == Qt.Key.Key_Escape:
            if not (self.cancel() or self._pointer.cancel()):
                stage.select(frozenset())
        elif key in ENTER_KEYS:
            stage.box_activated.emit(next(iter(stage.selection)))
        elif not self._pointer.is_busy:
            self._nudge(*ARROWS[Qt.Key(key)], far=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        return True

    def release(self, event: QKeyEvent) -> None:
        if event.key() in ARROWS:
            self._let_go.release(event)

    def _has_use_for(self, event: QKeyEvent) -> bool:
        if event.modifiers() not in PLAIN:
            return False
        key, stage = event.key(), self._stage
        if key == Qt.Key.Key_Escape:
            return self._pointer.is_busy or self._nudging or bool(stage.selection) or len(stage.ghosts) > 0
        if key in ENTER_KEYS:
            return len(stage.selection) == 1 or len(stage.ghosts) > 0
        if key in ARROWS:
            return len(stage.editable_selection()) > 0
        return False

    def _nudge(self, dx: int, dy: int, *, far: bool) -> None:
        """Move the selection, for now as a preview: keys held down are one edit."""
        self._nudging = True
        stage, step = self._stage, NUDGE_FAR if far else 1
        ids = stage.editable_selection()
        rows = stage.boxes.rows_of(ids.tolist())
        start = stage.preview_boxes if len(stage.preview_ids) == len(ids) else stage.boxes.boxes[rows]
        width, height = stage.image_size
        stage.show_preview(ids, moved(start, dx * step, dy * step, width=width, height=height))
