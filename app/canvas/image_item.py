"""The image, sharp at every zoom."""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas import style
from app.canvas.paint_cache import PaintCache
from app.canvas.projection import Projection


class ImageItem(QGraphicsItem):
    """Paints an image in its own pixels, or halves of it where it is shown small.

    Qt looks at four pixels for each that it paints: below half size, thin things would flicker or
    vanish. So halves, quarters and so on are made when they are first needed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._levels: list[QImage] = []
        self._cache = PaintCache(scrolls=True)

    def set_image(self, image: QImage | None) -> None:
        self.prepareGeometryChange()
        self._levels = [] if image is None or image.isNull() else [image]
        self.update()

    def image(self) -> QImage | None:
        return self._levels[0] if self._levels else None

    def _level(self, scale: float) -> QImage:
        """The smallest halving that still has a pixel for each one on the screen."""
        number = 0
        while scale <= 0.5 and min(self._levels[number].width(), self._levels[number].height()) >= 4:
            if number + 1 == len(self._levels):
                self._levels.append(halved(self._levels[number]))
            number, scale = number + 1, scale * 2
        return self._levels[number]

    def _paint_image(self, painter: QPainter, projection: Projection) -> None:
        image = self._levels[0]
        level = self._level(projection.scale)
        left, top = -projection.dx / projection.scale, -projection.dy / projection.scale
        right = left + projection.width / projection.scale
        bottom = top + projection.height / projection.scale
        seen = QRectF(left, top, right - left, bottom - top).adjusted(-1, -1, 1, 1)
        seen = QRectF(seen.toAlignedRect()).intersected(self.boundingRect())
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

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        image = self.image()
        return QRectF() if image is None else QRectF(0, 0, image.width(), image.height())

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        image = self.image()
        if image is None or widget is None:
            return
        self._cache.draw(painter, Projection.of(painter, widget), image.cacheKey(), self._paint_image)


def halved(image: QImage) -> QImage:
    """Half the size, each pixel the mean of four."""
    if image.format() not in (QImage.Format.Format_RGB888, QImage.Format.Format_RGB32):
        image = image.convertToFormat(QImage.Format.Format_RGB32)
    channels = image.depth() // 8
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = lines[:, : image.width() * channels].reshape(image.height(), image.width(), channels)
    size = ((image.width() + 1) // 2, (image.height() + 1) // 2)
    small = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return QImage(small.data, size[0], size[1], size[0] * channels, image.format()).copy()
