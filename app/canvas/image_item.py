"""The image, sharp at every zoom."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas import style
from app.canvas.image_levels import ImageLevels
from app.canvas.paint_cache import PaintCache
from app.canvas.projection import EVERYWHERE, Projection


class ImageItem(QGraphicsItem):
    """Paints an image in its own pixels, or halves of it where it is shown small.

    Qt looks at four pixels for each that it paints: below half size, thin things would flicker or
    vanish. So a halving of the image is painted that fits the zoom.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._levels: ImageLevels | None = None
        self._cache = PaintCache(scrolls=True)

    def set_image(self, levels: ImageLevels | None) -> None:
        """It is seen when the view is painted next."""
        self._levels = None if levels is None or levels.full.isNull() else levels

    def image(self) -> QImage | None:
        return None if self._levels is None else self._levels.full

    def _paint_image(self, painter: QPainter, projection: Projection) -> None:
        if self._levels is None:
            return
        image, level = self._levels.full, self._levels.for_scale(projection.scale)
        left, top = -projection.dx / projection.scale, -projection.dy / projection.scale
        right = left + projection.width / projection.scale
        bottom = top + projection.height / projection.scale
        seen = QRectF(left, top, right - left, bottom - top).adjusted(-1, -1, 1, 1)
        seen = QRectF(seen.toAlignedRect()).intersected(QRectF(image.rect()))
        if seen.isEmpty():
            return
        scale = projection.scale
        target = QRectF(
            seen.x() * scale + projection.dx,
            seen.y() * scale + projection.dy,
            seen.width() * scale,
            seen.height() * scale,
        )
        across, down = level.width() / image.width(), level.height() / image.height()
        source = QRectF(seen.x() * across, seen.y() * down, seen.width() * across, seen.height() * down)
        smooth = scale / projection.ratio < style.SMOOTH_BELOW_ZOOM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, level, source)

    def boundingRect(self) -> QRectF:
        return EVERYWHERE

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        image = self.image()
        if image is None or widget is None:
            return
        self._cache.draw(
            painter, Projection.of(painter.worldTransform(), widget), image.cacheKey(), self._paint_image
        )
