"""Where the pointer is in the image, and how large that is shown, for the status bar."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.canvas.view import ImageCanvas


class PlaceText(QObject):
    """Follows the pointer and the zoom of a canvas.

    Signals:
        changed(str): ``120, 45    100%``; the zoom alone while the pointer is elsewhere.
    """

    changed = Signal(str)

    def __init__(self, canvas: ImageCanvas) -> None:
        super().__init__(canvas)
        self._position = self._zoom = ""
        canvas.cursor_moved.connect(self._show_position)
        canvas.cursor_left.connect(self._show_no_position)
        canvas.camera.zoom_changed.connect(self._show_zoom)

    def _show_position(self, x: float, y: float) -> None:
        self._position = f"{x:.0f}, {y:.0f}    "
        self.changed.emit(f"{self._position}{self._zoom}")

    def _show_no_position(self) -> None:
        self._position = ""
        self.changed.emit(self._zoom)

    def _show_zoom(self, zoom: float) -> None:
        self._zoom = f"{zoom:.0%}"
        self.changed.emit(f"{self._position}{self._zoom}")
