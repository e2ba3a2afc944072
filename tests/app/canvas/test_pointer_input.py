"""What the input of the pointer does where a tool has a fault."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from app.canvas.pointer_input import PointerInput
from app.canvas.stage import Stage
from app.canvas.tools.tool import Gesture, Look, Pointer


class Faulty:
    """Draws half a box and breaks."""

    def begin(self, stage: Stage, press: Pointer) -> Gesture:
        yield
        raise ZeroDivisionError(f"at {press.x}")

    def look(self, stage: Stage, pointer: Pointer | None) -> Look:
        return Look()


def mouse(kind: QEvent.Type) -> QMouseEvent:
    left = Qt.MouseButton.LeftButton
    at = QPointF(5, 5)
    return QMouseEvent(kind, at, at, left, left, Qt.KeyboardModifier.NoModifier)


def test_a_gesture_that_breaks_is_told_and_does_not_hold_the_canvas(qapp: object) -> None:
    stage = Stage()
    stage.image_size = (100.0, 100.0)
    pointer = PointerInput(stage, lambda point: (point.x(), point.y()), tool=Faulty())
    pointer.press(mouse(QEvent.Type.MouseButtonPress))
    assert pointer.is_busy
    with pytest.raises(ZeroDivisionError, match="at 5"):
        pointer.move(mouse(QEvent.Type.MouseMove))
    assert not pointer.is_busy
