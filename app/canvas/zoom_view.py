"""A graphics view that is moved by a camera: zoom to the pointer, pan, fit, smooth trackpads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, QSizeF, Qt, Signal
from PySide6.QtGui import QInputDevice, QNativeGestureEvent, QPainter, QResizeEvent, QTransform, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

from app.canvas import camera, style
from app.canvas.camera import Camera

WHEEL_STEP = 1.25
"""Zoom factor for one notch of a wheel (an angle of 120 in Qt's units)."""


class ZoomView(QGraphicsView):
    """Shows a part of an image whose pixels are the coordinates of the scene.

    The view moves only when the user moves it: a change of image or size keeps zoom and centre,
    unless the whole image was shown, which then stays so.
    """

    # new zoom, 1.0 for one screen pixel per image pixel
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._camera = Camera()
        self._content = QSizeF(0, 0)
        scene = QGraphicsScene(self)
        scene.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setScene(scene)
        self.setInteractive(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setOptimizationFlags(
            QGraphicsView.OptimizationFlag.DontSavePainterState
            | QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing
        )
        self.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def zoom(self) -> float:
        """Logical screen pixels per image pixel."""
        return self._camera.zoom

    def shows_all(self) -> bool:
        """Whether the whole image is seen."""
        return self._camera.shows_all((self._content.width(), self._content.height()), self._view_size())

    def fit(self) -> None:
        """The whole image, also after a change of size, and the next one if there is none now."""
        if self._content.isEmpty():
            self._camera = replace(self._camera, fitted=True)
            return
        content = (self._content.width(), self._content.height())
        self._move_camera(camera.fit(content, self._view_size(), margin=style.FIT_MARGIN))

    def zoom_to_actual(self) -> None:
        """One screen pixel for each image pixel, around the middle of the view."""
        self.zoom_by(1 / self._camera.zoom)

    def zoom_in(self) -> None:
        self.zoom_by(WHEEL_STEP)

    def zoom_out(self) -> None:
        self.zoom_by(1 / WHEEL_STEP)

    def zoom_to_box(self, xyxy: tuple[float, float, float, float]) -> None:
        """A box in the middle of the view, with its surroundings."""
        self._move_camera(camera.show_box(xyxy, self._view_size()))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a point of the view, by default its middle."""
        if self._content.isEmpty():
            return
        anchor = (self._camera.x, self._camera.y) if at is None else self.to_image(at)
        self._move_camera(self._camera.zoomed(factor, at=anchor))

    def pan_by(self, dx: float, dy: float) -> None:
        """Move the image by screen pixels."""
        if self._content.isEmpty():
            return
        self._move_camera(self._camera.panned(dx, dy))

    def to_image(self, position: QPointF) -> tuple[float, float]:
        """The image point at a point of the view, with fractions."""
        inverse, _ = self.viewportTransform().inverted()
        point = inverse.map(position)
        return (point.x(), point.y())

    def view_state(self) -> dict[str, float | bool]:
        """What ``restore_view_state`` takes; fit for JSON."""
        view = self._camera
        return {"zoom": view.zoom, "x": view.x, "y": view.y, "fitted": view.fitted}

    def restore_view_state(self, state: object) -> None:
        """Show what was shown when the state was taken; anything else than such a state is left alone.

        Without an image it holds for the next one that is set with ``keep_view``.
        """
        if not isinstance(state, Mapping):
            return
        if state.get("fitted", True):
            self.fit()
            return
        numbers = [state.get(name) for name in ("zoom", "x", "y")]
        if all(isinstance(number, (int, float)) for number in numbers):
            zoom, x, y = (float(number) for number in numbers if isinstance(number, (int, float)))
            self._move_camera(Camera(zoom=camera.limited_zoom(zoom), x=x, y=y, fitted=False))

    def _set_content(self, width: float, height: float, *, keep_view: bool) -> None:
        """Another image of that size, or none: then the camera waits for the next."""
        self._content = QSizeF(width, height)
        if self._content.isEmpty():
            return
        if keep_view and not self._camera.fitted:
            self._move_camera(self._camera)
        else:
            self.fit()

    def _view_size(self) -> tuple[float, float]:
        return (float(self.viewport().width()), float(self.viewport().height()))

    def _move_camera(self, new: Camera) -> None:
        old_zoom = self._camera.zoom
        self._camera = new
        if not self._content.isEmpty():
            self._camera = new.kept_over(self._content.width(), self._content.height())
        zoom = self._camera.zoom
        width, height = self._view_size()
        # Room for a whole view on each side, so that no place of the camera is out of the scroll range
        room_x, room_y = width / zoom + 1, height / zoom + 1
        self.setSceneRect(
            -room_x, -room_y, self._content.width() + 2 * room_x, self._content.height() + 2 * room_y
        )
        self.setTransform(QTransform.fromScale(zoom, zoom))
        self.horizontalScrollBar().setValue(round(self._camera.x * zoom - width / 2))
        self.verticalScrollBar().setValue(round(self._camera.y * zoom - height / 2))
        self._camera_moved()
        if zoom != old_zoom:
            self.zoom_changed.emit(zoom)

    def _camera_moved(self) -> None:
        """For subclasses: the image lies elsewhere on the screen now."""

    def wheelEvent(self, event: QWheelEvent) -> None:
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
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_by(max(1 + event.value(), 0.1), event.position())
            return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._camera.fitted:
            self.fit()
        else:
            self._move_camera(self._camera)
