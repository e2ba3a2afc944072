"""A picture of the view that is painted again only when something in it has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPixmap

from app.canvas.projection import Projection, use_device_pixels


class PaintCache:
    """Keeps what was painted last, so that a moving crosshair or a dragged box costs one copy."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._pixmap = QPixmap()

    def draw(
        self,
        painter: QPainter,
        projection: Projection,
        key: Hashable,
        paint: Callable[[QPainter, Projection], None],
    ) -> None:
        """Draw what ``paint`` paints; it is called only if the key or the projection is another one.

        Both painters' coordinates are device pixels.
        """
        if self._key != (key, projection):
            if (self._pixmap.width(), self._pixmap.height()) != (projection.width, projection.height):
                self._pixmap = QPixmap(projection.width, projection.height)
            self._pixmap.fill(Qt.GlobalColor.transparent)
            inner = QPainter(self._pixmap)
            paint(inner, projection)
            inner.end()
            self._key = (key, projection)
        painter.save()
        use_device_pixels(painter, projection.ratio)
        painter.drawPixmap(0, 0, self._pixmap)
        painter.restore()
