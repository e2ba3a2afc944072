"""Small versions of whole images, made in the pool and kept."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter

from app.image_loader import decode
from app.tasks import Tasks
from detcore.errors import ReticleError

THUMBNAIL_SIDE = 480
"""Pixels of the longer side: enough for cards of 240 on screens at 200 %."""
_KEPT = 150
_WAITING = 60
_AT_ONCE = 2


def shrink(path: Path) -> QImage:
    """Read a file as a small image; safe off the GUI thread. Raises ImageError."""
    image = decode(path)
    if max(image.width(), image.height()) <= THUMBNAIL_SIDE:
        return image
    return image.scaled(
        THUMBNAIL_SIDE,
        THUMBNAIL_SIDE,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


class Thumbnails(QObject):
    """Hands out small images; what was asked for last comes first, as that is what is on the screen."""

    # Some image that was asked for is at hand now.
    arrived = Signal()

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._kept: OrderedDict[Path, QImage] = OrderedDict()
        self._waiting: OrderedDict[Path, None] = OrderedDict()
        self._reading: set[Path] = set()
        self._broken: set[Path] = set()

    def request(self, path: Path) -> QImage | None:
        """The image if it is at hand, else ``None`` and ``arrived`` follows (not for broken files)."""
        image = self._kept.get(path)
        if image is not None:
            self._kept.move_to_end(path)
            return image
        if path not in self._broken and path not in self._reading:
            self._waiting[path] = None
            self._waiting.move_to_end(path)
            while len(self._waiting) > _WAITING:
                self._waiting.popitem(last=False)
            self._read_next()
        return None

    def clear(self) -> None:
        """Forget everything: another project is shown."""
        self._kept.clear()
        self._waiting.clear()
        self._broken.clear()

    def _read_next(self) -> None:
        while self._waiting and len(self._reading) < _AT_ONCE:
            path, _ = self._waiting.popitem()
            self._reading.add(path)
            self._read(path)

    def _read(self, path: Path) -> None:
        self._tasks.run(
            lambda: shrink(path),
            done=lambda image: self._keep(path, image),
            failed=lambda error: self._give_up(path, error),
        )

    def _keep(self, path: Path, image: QImage) -> None:
        self._reading.discard(path)
        self._kept[path] = image
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self.arrived.emit()
        self._read_next()

    def _give_up(self, path: Path, error: Exception) -> None:
        self._reading.discard(path)
        if not isinstance(error, ReticleError):
            raise error
        # the canvas says why when the person opens the image; the list only lacks its picture
        self._broken.add(path)
        self._read_next()


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
