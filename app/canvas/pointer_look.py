"""What the pointer looks like, and what looks different under it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QGraphicsView

from app.canvas import tools
from app.canvas.box_layer import Overlay
from app.canvas.camera_control import CameraControl
from app.canvas.handles import Handle
from app.canvas.pointer_input import PointerInput
from app.canvas.stage import Stage

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


class PointerLook:
    """Shows what a press would do here: the box it would take, crosshair, shape of the pointer.

    Attributes:
        modifiers: the modifier keys that are held.
    """

    def __init__(
        self,
        view: QGraphicsView,
        stage: Stage,
        overlay: Overlay,
        camera: CameraControl,
        pointer: PointerInput,
    ) -> None:
        self.modifiers = Qt.KeyboardModifier.NoModifier
        self._view, self._stage, self._overlay = view, stage, overlay
        self._camera, self._pointer = camera, pointer
        self._position: QPointF | None = None

    def follow(self, event: QMouseEvent) -> None:
        """The pointer is there now; what it does there is not shown yet."""
        self._position, self.modifiers = event.position(), event.modifiers()

    def forget(self) -> None:
        """The pointer is elsewhere until it moves here again."""
        self._position = None
        self.refresh()

    def refresh(self) -> None:
        """Look again at what lies under the pointer."""
        stage, position = self._stage, self._position
        control = bool(self.modifiers & Qt.KeyboardModifier.ControlModifier)
        drawing = (
            self._pointer.tool == "draw" and not control and not stage.read_only and stage.image_size[0] > 0
        )
        handle = None if position is None else self._handle_under(position, drawing=drawing)
        self._overlay.pointer = None if position is None else position.toPoint()
        self._overlay.has_crosshair = drawing and handle is None and not self._pointer.is_panning
        # asked for each time: a viewport that is kept is gone for Python before a view that closes hides
        viewport = self._view.viewport()
        viewport.update()
        if self._pointer.is_panning:
            viewport.setCursor(Qt.CursorShape.ClosedHandCursor)
            return
        if self._pointer.is_busy:
            return
        hits = stage.hits(*self._camera.to_image(position)) if position is not None and not drawing else []
        stage.set_hovered(int(hits[0]) if len(hits) else 0)
        movable = not set(stage.editable_selection().tolist()).isdisjoint(int(box_id) for box_id in hits)
        if handle is not None:
            viewport.setCursor(RESIZE_CURSORS[handle])
        elif drawing:
            viewport.setCursor(Qt.CursorShape.CrossCursor)
        elif movable:
            viewport.setCursor(Qt.CursorShape.SizeAllCursor)
        else:
            viewport.setCursor(Qt.CursorShape.ArrowCursor)

    def _handle_under(self, position: QPointF, *, drawing: bool) -> Handle | None:
        """The handle that a press at a point of the view would take."""
        x, y = self._camera.to_image(position)
        if not drawing:
            return self._stage.handle_hit(x, y)
        square = bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)
        return tools.handle_to_draw_with(self._stage, x, y, square=square)
