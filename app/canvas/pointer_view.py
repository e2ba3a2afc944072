"""Turns the mouse into gestures on the stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QHideEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from app.canvas import tools
from app.canvas.box_layer import BoxLayer, Overlay
from app.canvas.handles import Handle
from app.canvas.stage import Stage
from app.canvas.tools import Gesture, Phase, Pointer
from app.canvas.zoom_view import ZoomView

Tool = Literal["select", "draw"]

RESIZE_CURSORS = {
    Handle.TOP_LEFT: Qt.CursorShape.SizeFDiagCursor,
    Handle.BOTTOM_RIGHT: Qt.CursorShape.SizeFDiagCursor,
    Handle.TOP_RIGHT: Qt.CursorShape.SizeBDiagCursor,
    Handle.BOTTOM_LEFT: Qt.CursorShape.SizeBDiagCursor,
    Handle.LEFT: Qt.CursorShape.SizeHorCursor,
    Handle.RIGHT: Qt.CursorShape.SizeHorCursor,
    Handle.TOP: Qt.CursorShape.SizeVerCursor,
    Handle.BOTTOM: Qt.CursorShape.SizeVerCursor,
}


class PointerView(ZoomView):
    """One gesture at a time, besides a pan that may happen in the midst of it."""

    # double-click or Enter on a box: its id
    box_activated = Signal(int)
    # the pointer, in image pixels; also outside of the image
    cursor_moved = Signal(float, float)
    # the pointer is elsewhere
    cursor_left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stage = Stage(self)
        self._layer = BoxLayer(self._stage)
        self._overlay = Overlay(self._stage, self._layer)
        self.scene().addItem(self._layer)
        self.scene().addItem(self._overlay)
        self._stage.boxes_changed.connect(self._repaint_boxes)
        self._stage.overlay_changed.connect(self._repaint)
        self._stage.pan_requested.connect(self.pan_by)
        self._tool: Tool = "select"
        self._gesture: Gesture | None = None
        self._sending = False
        self._cancelled = False
        self._pan: Gesture | None = None
        self._held = Qt.MouseButton.NoButton
        self._last_press: Pointer | None = None
        self._position: QPointF | None = None
        self._modifiers = Qt.KeyboardModifier.NoModifier
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def tool(self) -> Tool:
        return self._tool

    def set_tool(self, tool: Tool) -> None:
        """``"select"`` or ``"draw"``; what is being drawn or dragged is dropped."""
        if tool not in ("select", "draw"):
            raise ValueError(f"no tool {tool!r}")
        self.cancel()
        self._tool = tool
        self._look_under_pointer()

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

    # --- gestures

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
        finally:
            self._sending = False
        if self._cancelled:
            self._cancelled = False
            self._gesture = None
            gesture.close()

    def _begin(self, press: Pointer) -> None:
        begin = tools.begin_draw if self._tool == "draw" else tools.begin_select
        self._gesture = begin(self._stage, press)
        self._send(None)

    def _pointer(self, event: QMouseEvent, phase: Phase) -> Pointer:
        position, modifiers = event.position(), event.modifiers()
        x, y = self.to_image(position)
        pointer = Pointer(
            phase=phase,
            x=x,
            y=y,
            view_x=position.x(),
            view_y=position.y(),
            shift=bool(modifiers & Qt.KeyboardModifier.ShiftModifier),
            control=bool(modifiers & Qt.KeyboardModifier.ControlModifier),
        )
        self._position, self._modifiers = position, modifiers
        return pointer

    def _camera_moved(self) -> None:
        self._stage.scale = self.zoom()
        self._stage.all_in_view = self.shows_all()
        self._last_press = None

    def _repaint(self) -> None:
        """Asked of the view, not of its items: what they ask for comes round by the scene, and then often only
        after a frame that has shown it already."""
        self.viewport().update()

    def _repaint_boxes(self) -> None:
        self._layer.forget()
        self._repaint()

    # --- what lies under the pointer

    def _look_under_pointer(self) -> None:
        """Hover, crosshair and the shape of the pointer."""
        stage, position = self._stage, self._position
        control = bool(self._modifiers & Qt.KeyboardModifier.ControlModifier)
        drawing = (
            self._tool == "draw" and not control and not stage.read_only and self._stage.image_size[0] > 0
        )
        handle = None if position is None else self._handle_under(position, drawing=drawing)
        self._overlay.pointer = None if position is None else position.toPoint()
        self._overlay.has_crosshair = drawing and handle is None and self._pan is None
        self._repaint()
        if self._pan is not None:
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            return
        if self._gesture is not None:
            return
        hits = stage.hits(*self.to_image(position)) if position is not None and not drawing else []
        stage.set_hovered(int(hits[0]) if len(hits) else 0)
        movable = not set(stage.editable_selection().tolist()).isdisjoint(int(box_id) for box_id in hits)
        if handle is not None:
            self.viewport().setCursor(RESIZE_CURSORS[handle])
        elif drawing:
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
        elif movable:
            self.viewport().setCursor(Qt.CursorShape.SizeAllCursor)
        else:
            self.viewport().setCursor(Qt.CursorShape.ArrowCursor)

    def _handle_under(self, position: QPointF, *, drawing: bool) -> Handle | None:
        """The handle that a press at a point of the view would take."""
        x, y = self.to_image(position)
        if not drawing:
            return self._stage.handle_hit(x, y)
        square = bool(self._modifiers & Qt.KeyboardModifier.ShiftModifier)
        return tools.handle_to_draw_with(self._stage, x, y, square=square)

    def _forget_pointer(self) -> None:
        """It is elsewhere until it moves here again."""
        self._position = None
        self._look_under_pointer()
        self.cursor_left.emit()

    # --- events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        pointer = self._pointer(event, Phase.PRESS)
        button = event.button()
        if button is Qt.MouseButton.MiddleButton:
            self._pan = tools.pan(self._stage, pointer)
            next(self._pan)
        elif button is Qt.MouseButton.LeftButton and self._stage.image_size[0] > 0:
            self._held = button
            if self._gesture is not None:
                self._send(pointer)
            else:
                repeated = self._last_press is not None and pointer.is_near(self._last_press)
                self._last_press = pointer
                self._begin(replace(pointer, repeated=repeated))
        self._look_under_pointer()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        pointer = self._pointer(event, Phase.MOVE)
        self.cursor_moved.emit(pointer.x, pointer.y)
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
        self._look_under_pointer()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        pointer = self._pointer(event, Phase.RELEASE)
        if self._pan is not None and event.button() is not self._held:
            self._pan = None
        elif event.button() is self._held:
            self._held = Qt.MouseButton.NoButton
            if self._last_press is not None and not pointer.is_near(self._last_press):
                self._last_press = None
            self._send(pointer)
        self._look_under_pointer()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        drawing = self._tool == "draw" and not self._stage.read_only
        if event.button() is not Qt.MouseButton.LeftButton or drawing or self._gesture is not None:
            self.mousePressEvent(event)
            return
        event.accept()
        pointer = self._pointer(event, Phase.PRESS)
        hits = self._stage.hits(pointer.x, pointer.y).tolist()
        if hits:
            selected = [box_id for box_id in hits if box_id in self._stage.selection]
            self.box_activated.emit(selected[0] if selected else hits[0])

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._forget_pointer()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._forget_pointer()
