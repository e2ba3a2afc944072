"""Small versions of whole images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from app.services.image_loader import decode
from app.services.tasks import Tasks
from app.widgets.pictures import Pictures

THUMBNAIL_SIDE = 480
"""Pixels of the longer side: enough for cards of 240 on screens at 200 %."""
_KEPT = 150

Thumbnails = Pictures[int, QImage]
"""Images by the longest that their longer side may be."""


def thumbnails(tasks: Tasks, parent: QObject) -> Thumbnails:
    return Pictures(tasks, shrink, kept=_KEPT, parent=parent)


def shrink(path: Path, sides: Sequence[int]) -> dict[int, QImage]:
    """Read a file as small images; safe off the GUI thread. Raises ImageError."""
    image = decode(path)
    return {side: _shrunk(image, side) for side in sides}


def _shrunk(image: QImage, side: int) -> QImage:
    if max(image.width(), image.height()) <= side:
        return image
    return image.scaled(
        side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def paint_inside(painter: QPainter, area: QRect, image: QImage) -> None:
    """Paint a whole image as large as it fits, in the middle."""
    size: QSize = image.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
    target = QRect(0, 0, size.width(), size.height())
    target.moveCenter(area.center())
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(target, image)


def paint_covering(painter: QPainter, area: QRect, image: QImage) -> None:
    """Fill an area with the middle of an image."""
    size: QSize = area.size().scaled(image.size(), Qt.AspectRatioMode.KeepAspectRatio)
    source = QRect(0, 0, size.width(), size.height())
    source.moveCenter(image.rect().center())
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(area, image, source)
