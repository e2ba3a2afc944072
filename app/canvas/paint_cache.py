"""A picture of the view that is painted again only when something in it has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPixmap, QRegion

from app.canvas.projection import Projection, use_device_pixels

Paint = Callable[[QPainter, Projection], None]


class PaintCache:
    """Keeps what was painted last, so that a moving crosshair or a dragged box costs one copy.

    With ``scrolls`` a pan moves the picture and paints only what comes into view. What is painted
    must then depend on its place in the image alone.
    """

    def __init__(self, *, scrolls: bool = False) -> None:
        self._scrolls = scrolls
        self._key: Hashable = None
        self._projection: Projection | None = None
        self._pixmap = QPixmap()

    def holds(self, projection: Projection, key: Hashable) -> bool:
        """Whether the picture is the one of this key and projection."""
        return (key, projection) == (self._key, self._projection)

    def draw(self, painter: QPainter, projection: Projection, key: Hashable, paint: Paint) -> None:
        """Draw what ``paint`` paints; it is called only if the key or the projection is another one.

        The coordinates of the painter that it gets are device pixels.
        """
        if not self.holds(projection, key):
            self._repaint(projection, self._missing(projection, key), paint)
            self._key, self._projection = key, projection
        painter.save()
        use_device_pixels(painter, projection.ratio)
        painter.drawPixmap(0, 0, self._pixmap)
        painter.restore()

    def _missing(self, projection: Projection, key: Hashable) -> QRegion:
        """The region to paint, after what can be kept was moved to where it belongs."""
        whole = QRect(0, 0, projection.width, projection.height)
        old = self._projection
        if not self._scrolls or old is None or key != self._key:
            return QRegion(whole)
        if projection != replace(old, dx=projection.dx, dy=projection.dy):
            return QRegion(whole)
        dx, dy = projection.dx - old.dx, projection.dy - old.dy
        if dx != round(dx) or dy != round(dy) or abs(dx) >= projection.width or abs(dy) >= projection.height:
            return QRegion(whole)
        self._pixmap.scroll(round(dx), round(dy), whole)
        return QRegion(whole) - QRegion(whole.translated(round(dx), round(dy)))

    def _repaint(self, projection: Projection, region: QRegion, paint: Paint) -> None:
        if (self._pixmap.width(), self._pixmap.height()) != (projection.width, projection.height):
            self._pixmap = QPixmap(projection.width, projection.height)
            self._pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(self._pixmap)
        painter.setClipRegion(region)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
        painter.fillRect(self._pixmap.rect(), Qt.GlobalColor.transparent)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
        paint(painter, projection)
        painter.end()
