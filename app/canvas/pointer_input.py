"""Turns the mouse into gestures on the stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from app.canvas.stage import Stage
from app.canvas.tools.gestures import pan
from app.canvas.tools.tool import Gesture, Phase, Pointer, Tool


class PointerInput:
    """One gesture of the tool at a time, besides a pan that may happen in the midst of it.

    ``to_image`` gives the image point at a point of the view.
    """

    def __init__(
        self, stage: Stage, to_image: Callable[[QPointF], tuple[float, float]], *, tool: Tool
    ) -> None:
        self.tool = tool
        self._stage, self._to_image = stage, to_image
        self._gesture: Gesture | None = None
        self._sending = False
        self._cancelled = False
        self._pan: Gesture | None = None
        self._held = Qt.MouseButton.NoButton
        self._last_press: Pointer | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something is being drawn or dragged."""
        return self._gesture is not None

    @property
    def is_panning(self) -> bool:
        return self._pan is not None

    def cancel(self) -> bool:
        """Drop what is being drawn or dragged. Whether there was anything."""
        gesture = self._gesture
        self._pan = None
        if gesture is None:
            return False
        if self._sending:
            # A receiver of one of our signals asks for it: the gesture is closed when it comes back
            self._cancelled = True
        else:
            self._gesture = None
            gesture.close()
        return True

    def forget_click(self) -> None:
        """The next press repeats none: the place of the last one shows something else."""
        self._last_press = None

    def press(self, event: QMouseEvent) -> None:
        pointer = self._pointer(event, Phase.PRESS)
        button = event.button()
        if button is Qt.MouseButton.MiddleButton:
            self._pan = pan(self._stage, pointer)
            next(self._pan)
        elif button is Qt.MouseButton.LeftButton and self._stage.image_size[0] > 0:
            self._held = button
            if self._gesture is not None:
                self._send(pointer)
            else:
                repeated = self._last_press is not None and pointer.is_near(self._last_press)
                self._last_press = pointer
                self._gesture = self.tool.begin(self._stage, replace(pointer, repeated=repeated))
                self._send(None)

    def move(self, event: QMouseEvent) -> None:
        pointer = self._pointer(event, Phase.MOVE)
        if self._pan is not None:
            if event.buttons() == Qt.MouseButton.NoButton:
                self._pan = None
            else:
                self._pan.send(pointer)
        elif self._held is not Qt.MouseButton.NoButton and not event.buttons() & self._held:
            # The release went to another window: nobody can say where it was
            self._held = Qt.MouseButton.NoButton
            self.cancel()
        else:
            self._send(pointer)

    def release(self, event: QMouseEvent) -> None:
        pointer = self._pointer(event, Phase.RELEASE)
        if self._pan is not None and event.button() is not self._held:
            self._pan = None
        elif event.button() is self._held:
            self._held = Qt.MouseButton.NoButton
            if self._last_press is not None and not pointer.is_near(self._last_press):
                self._last_press = None
            self._send(pointer)

    def _send(self, pointer: Pointer | None) -> None:
        """Hand an event to the gesture, ``None`` to start it; it may end by it."""
        gesture = self._gesture
        if gesture is None or self._sending:
            # In the midst of a signal whose receiver runs an event loop, a dialog for one
            return
        self._sending = True
        try:
            if pointer is None:
                next(gesture)
            else:
                gesture.send(pointer)
        except StopIteration:
            self._gesture = None
        except BaseException:
            # a fault of the tool, told elsewhere: it is not to hold the canvas busy
            self._gesture = None
            raise
        finally:
            self._sending = False
        if self._cancelled:
            self._cancelled = False
            self._gesture = None
            gesture.close()

    def _pointer(self, event: QMouseEvent, phase: Phase) -> Pointer:
        pointer = pointer_at(event.position(), event.modifiers(), self._to_image, phase)
        return replace(pointer, double=event.type() == QEvent.Type.MouseButtonDblClick)


def pointer_at(
    position: QPointF,
    modifiers: Qt.KeyboardModifier,
    to_image: Callable[[QPointF], tuple[float, float]],
    phase: Phase = Phase.MOVE,
) -> Pointer:
    """The pointer at a point of the view while modifier keys are held."""
    x, y = to_image(position)
    return Pointer(
        phase=phase,
        x=x,
        y=y,
        view_x=position.x(),
        view_y=position.y(),
        shift=bool(modifiers & Qt.KeyboardModifier.ShiftModifier),
        control=bool(modifiers & Qt.KeyboardModifier.ControlModifier),
    )
