"""Moves a graphics view by a camera: zoom to the pointer, pan, fit, smooth trackpads."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QPointF, QSizeF, Qt, Signal
from PySide6.QtGui import QInputDevice, QNativeGestureEvent, QTransform, QWheelEvent
from PySide6.QtWidgets import QGraphicsView

from app.canvas import camera, style
from app.canvas.camera import Camera

WHEEL_STEP = 1.25
"""Zoom factor for one notch of a wheel (an angle of 120 in Qt's units)."""


class CameraControl(QObject):
    """Shows a part of an image in a view whose scene has the image's pixels as coordinates.

    The camera moves only when the user moves it: a change of image or size keeps zoom and centre,
    unless the whole image was shown, which then stays so.
    """

    # the image lies elsewhere on the screen now
    moved = Signal()
    # new zoom, 1.0 for one screen pixel per image pixel
    zoom_changed = Signal(float)

    def __init__(self, view: QGraphicsView) -> None:
        super().__init__(view)
        self._view = view
        self._camera = Camera()
        self._content = QSizeF(0, 0)

    def place(self) -> Camera:
        """Where the camera is."""
        return self._camera

    def zoom(self) -> float:
        """Logical screen pixels per image pixel."""
        return self._camera.zoom

    def shows_all(self) -> bool:
        """Whether the whole image is seen."""
        return self._camera.shows_all((self._content.width(), self._content.height()), self._view_size())

    def to_image(self, position: QPointF) -> tuple[float, float]:
        """The image point at a point of the view, with fractions."""
        inverse, _ = self._view.viewportTransform().inverted()
        point = inverse.map(position)
        return (point.x(), point.y())

    # --- what is shown

    def set_content(self, width: float, height: float, *, keep_view: bool) -> None:
        """Another image of that size, or none: then the camera waits for the next."""
        self._content = QSizeF(width, height)
        if self._content.isEmpty():
            return
        if keep_view and not self._camera.fitted:
            self.move_to(self._camera)
        else:
            self.fit()

    def follow_size(self) -> None:
        """The view has another size."""
        if self._camera.fitted:
            self.fit()
        else:
            self.move_to(self._camera)

    # --- what moves it

    def fit(self) -> None:
        """The whole image, also after a change of size, and the next one if there is none now."""
        if self._content.isEmpty():
            self._camera = replace(self._camera, fitted=True)
            return
        content = (self._content.width(), self._content.height())
        self.move_to(camera.fit(content, self._view_size(), margin=style.FIT_MARGIN))

    def zoom_to_actual(self) -> None:
        """One screen pixel for each image pixel, around the middle of the view."""
        self.zoom_by(1 / self._camera.zoom)

    def zoom_in(self) -> None:
        self.zoom_by(WHEEL_STEP)

    def zoom_out(self) -> None:
        self.zoom_by(1 / WHEEL_STEP)

    def zoom_to_box(self, xyxy: tuple[float, float, float, float]) -> None:
        """A box in the middle of the view, with its surroundings."""
        self.move_to(camera.show_box(xyxy, self._view_size()))

    def look_at(self, x: float, y: float) -> None:
        """A point of the image in the middle of the view, as far as there is image around it."""
        self.move_to(replace(self._camera, x=x, y=y, fitted=False))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a point of the view, by default its middle."""
        if self._content.isEmpty():
            return
        anchor = (self._camera.x, self._camera.y) if at is None else self.to_image(at)
        self.move_to(self._camera.zoomed(factor, at=anchor))

    def pan_by(self, dx: float, dy: float) -> None:
        """Move the image by screen pixels."""
        if self._content.isEmpty():
            return
        self.move_to(self._camera.panned(dx, dy))

    def move_to(self, place: Camera) -> None:
        """Look from there, or from the nearest place over the image."""
        old_zoom = self._camera.zoom
        self._camera = place
        if not self._content.isEmpty():
            self._camera = place.kept_over(self._content.width(), self._content.height())
        zoom = self._camera.zoom
        width, height = self._view_size()
        # Room for a whole view on each side, so that no place of the camera is out of the scroll range
        room_x, room_y = width / zoom + 1, height / zoom + 1
        self._view.setSceneRect(
            -room_x, -room_y, self._content.width() + 2 * room_x, self._content.height() + 2 * room_y
        )
        self._view.setTransform(QTransform.fromScale(zoom, zoom))
        self._view.horizontalScrollBar().setValue(round(self._camera.x * zoom - width / 2))
        self._view.verticalScrollBar().setValue(round(self._camera.y * zoom - height / 2))
        self.moved.emit()
        if zoom != old_zoom:
            self.zoom_changed.emit(zoom)

    def turn_wheel(self, event: QWheelEvent) -> None:
        """A wheel zooms, with Shift it pans sideways; two fingers pan, with Ctrl they zoom."""
        modifiers = event.modifiers()
        pixels, angle = event.pixelDelta(), event.angleDelta()
        fingers = event.device().type() == QInputDevice.DeviceType.TouchPad or (
            event.phase() != Qt.ScrollPhase.NoScrollPhase and not pixels.isNull()
        )
        if modifiers & Qt.KeyboardModifier.ShiftModifier and not fingers:
            self.pan_by(angle.x() or angle.y(), 0)
        elif fingers and not modifiers & Qt.KeyboardModifier.ControlModifier:
            moved = angle / 2 if pixels.isNull() else pixels
            self.pan_by(moved.x(), moved.y())
        elif angle.y():
            self.zoom_by(WHEEL_STEP ** (angle.y() / 120), event.position())

    def pinch(self, event: QNativeGestureEvent) -> None:
        if event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_by(max(1 + event.value(), 0.1), event.position())

    def _view_size(self) -> tuple[float, float]:
        viewport = self._view.viewport()
        return (float(viewport.width()), float(viewport.height()))
