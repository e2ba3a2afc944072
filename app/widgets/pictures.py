"""Small pictures of image files, made in the pool and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter

from app.services.image_loader import decode
from app.services.tasks import Tasks
from detcore.errors import ReticleError

_WAITING = 60
_AT_ONCE = 2
Part = TypeVar("Part", bound=Hashable)
Picture = TypeVar("Picture")
THUMBNAIL_SIDE = 480
"""Pixels of the longer side: enough for cards of 240 on screens at 200 %."""
_KEPT = 150


class Pictures(QObject, Generic[Part, Picture]):
    """Hands out pictures; what was asked for last comes first, as that is what is on the screen.

    ``make`` decodes a file once and gives a picture of each part that is asked for; it runs off the GUI
    thread and raises ImageError. The latest ``kept`` pictures stay.
    """

    # Some picture that was asked for is at hand now.
    arrived = Signal()

    def __init__(
        self,
        tasks: Tasks,
        make: Callable[[Path, Sequence[Part]], Mapping[Part, Picture]],
        *,
        kept: int,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._tasks, self._make, self._most = tasks, make, kept
        self._kept: OrderedDict[tuple[Path, Part], Picture] = OrderedDict()
        self._waiting: OrderedDict[Path, set[Part]] = OrderedDict()
        self._reading: dict[Path, set[Part]] = {}
        self._broken: set[Path] = set()
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._read_next)

    def request(self, path: Path, part: Part) -> Picture | None:
        """The picture if it is at hand, else ``None`` and ``arrived`` follows (not for broken files)."""
        picture = self._kept.get((path, part))
        if picture is not None:
            self._kept.move_to_end((path, part))
            return picture
        if path not in self._broken and part not in self._reading.get(path, ()):
            self._waiting.setdefault(path, set()).add(part)
            self._waiting.move_to_end(path)
            while len(self._waiting) > _WAITING:
                self._waiting.popitem(last=False)
            # pictures are asked for while a list is painted, which has to be done first
            self._soon.start()
        return None

    def clear(self) -> None:
        """Forget everything: another project is shown."""
        self._kept.clear()
        self._waiting.clear()
        self._broken.clear()

    def forget(self, path: Path) -> None:
        """The file is another by now: make its pictures anew."""
        self._broken.discard(path)
        for key in [key for key in self._kept if key[0] == path]:
            del self._kept[key]
        self.arrived.emit()

    def _read_next(self) -> None:
        while len(self._reading) < _AT_ONCE:
            path = next((path for path in reversed(self._waiting) if path not in self._reading), None)
            if path is None:
                return
            self._read(path)

    def _read(self, path: Path) -> None:
        parts = self._reading[path] = self._waiting.pop(path)
        self._tasks.run(
            lambda: self._make(path, list(parts)),
            done=lambda pictures: self._keep(path, pictures),
            failed=lambda error: self._give_up(path, error),
        )

    def _keep(self, path: Path, pictures: Mapping[Part, Picture]) -> None:
        del self._reading[path]
        for part, picture in pictures.items():
            self._kept[(path, part)] = picture
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        self.arrived.emit()
        self._read_next()

    def _give_up(self, path: Path, error: Exception) -> None:
        del self._reading[path]
        if not isinstance(error, ReticleError):
            raise error
        # the canvas says why when the user opens the image; the list only lacks its picture
        self._broken.add(path)
        self._read_next()


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
