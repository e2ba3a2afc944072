"""What the pointer looks like, and what looks different under it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QGraphicsView

from app.canvas.box_layer import Overlay
from app.canvas.camera_control import CameraControl
from app.canvas.pointer_input import PointerInput, pointer_at
from app.canvas.stage import Stage
from app.canvas.tools.tool import Look


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
        self._look = Look()  # that of the place where a gesture began, for as long as it goes on

    def follow(self, event: QMouseEvent) -> None:
        """The pointer is there now; what it does there is not shown yet."""
        self._position, self.modifiers = event.position(), event.modifiers()

    def forget(self) -> None:
        """The pointer is elsewhere until it moves here again."""
        self._position = None
        self.refresh()

    def refresh(self) -> None:
        """Look again at what lies under the pointer."""
        position, pointer = self._position, self._pointer
        if not pointer.is_busy:
            self._look = self._look_here()
        self._overlay.pointer = None if position is None else position.toPoint()
        self._overlay.has_crosshair = self._look.crosshair and not pointer.is_panning
        # asked for each time: a viewport that is kept is gone for Python before a view that closes hides
        viewport = self._view.viewport()
        viewport.update()
        if pointer.is_panning:
            viewport.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif not pointer.is_busy:
            self._stage.set_hovered(self._look.hovered)
            viewport.setCursor(self._look.cursor)

    def _look_here(self) -> Look:
        """What the tool says about this place."""
        if not self._stage.image_size[0]:
            return Look()
        position = self._position
        here = None if position is None else pointer_at(position, self.modifiers, self._camera.to_image)
        return self._pointer.tool.look(self._stage, here)
