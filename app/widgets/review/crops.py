"""Small pictures of single boxes, cut out in the pool and kept."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage

from app.image_loader import decode
from app.tasks import Tasks
from detcore.errors import ReticleError

Edges = tuple[float, float, float, float]

CROP_SIDE = 96
"""Pixels of a kept crop: twice what a list shows, for screens at 200 %."""
_KEPT = 3000
_WAITING = 60
_AT_ONCE = 2
_CONTEXT = 0.35
_SMALLEST = 24.0


def crop_rect(box: Edges, size: QSize) -> QRect:
    """A square around a box with some of what surrounds it, inside an image of that size where it fits."""
    width, height = box[2] - box[0], box[3] - box[1]
    side = min(max(max(width, height) * (1 + 2 * _CONTEXT), _SMALLEST), max(size.width(), size.height()))
    left, top = (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2
    left = min(max(left, 0.0), max(size.width() - side, 0.0))
    top = min(max(top, 0.0), max(size.height() - side, 0.0))
    return QRect(round(left), round(top), max(round(side), 1), max(round(side), 1))


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A picture of a box with its surroundings, and where in it the box is, in 0..1."""

    image: QImage
    box: QRectF


def cut(path: Path, boxes: list[Edges]) -> dict[Edges, Crop]:
    """Decode a file and cut out the boxes; safe off the GUI thread. Raises ImageError."""
    image = decode(path)
    crops: dict[Edges, Crop] = {}
    for box in boxes:
        rect = crop_rect(box, image.size())
        picture = image.copy(rect).scaled(
            CROP_SIDE,
            CROP_SIDE,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        side = rect.width()
        inside = QRectF(
            (box[0] - rect.left()) / side,
            (box[1] - rect.top()) / side,
            (box[2] - box[0]) / side,
            (box[3] - box[1]) / side,
        )
        crops[box] = Crop(image=picture, box=inside)
    return crops


class Crops(QObject):
    """Hands out crops; what was asked for last comes first, as that is what is on the screen."""

    # Some crop that was asked for is at hand now.
    arrived = Signal()

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._kept: OrderedDict[tuple[Path, Edges], Crop] = OrderedDict()
        self._waiting: OrderedDict[Path, set[Edges]] = OrderedDict()
        self._reading: set[Path] = set()
        self._broken: set[Path] = set()

    def request(self, path: Path, box: Edges) -> Crop | None:
        """The crop if it is at hand, else ``None`` and ``arrived`` follows (not for broken files)."""
        crop = self._kept.get((path, box))
        if crop is not None:
            self._kept.move_to_end((path, box))
            return crop
        if path not in self._broken:
            self._waiting.setdefault(path, set()).add(box)
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
        for path in reversed(self._waiting):
            if len(self._reading) >= _AT_ONCE:
                return
            if path not in self._reading:
                self._read(path)
                return

    def _read(self, path: Path) -> None:
        boxes = list(self._waiting.pop(path))
        self._reading.add(path)
        self._tasks.run(
            lambda: cut(path, boxes),
            done=lambda crops: self._keep(path, crops),
            failed=lambda error: self._give_up(path, error),
        )

    def _keep(self, path: Path, crops: dict[Edges, Crop]) -> None:
        self._reading.discard(path)
        for box, crop in crops.items():
            self._kept[(path, box)] = crop
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
