"""Small pictures of single boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage

from app.services.image_loader import decode
from app.services.tasks import Tasks
from app.widgets.pictures import Pictures

Edges = tuple[float, float, float, float]

CROP_SIDE = 96
"""Pixels of a kept crop: twice what a list shows, for screens at 200 %."""
_KEPT = 3000
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


Crops = Pictures[Edges, Crop]


def crops(tasks: Tasks, parent: QObject) -> Crops:
    return Pictures(tasks, cut, kept=_KEPT, parent=parent)


def cut(path: Path, boxes: Sequence[Edges]) -> dict[Edges, Crop]:
    """Decode a file and cut out the boxes; safe off the GUI thread. Raises ImageError."""
    image = decode(path)
    found: dict[Edges, Crop] = {}
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
        found[box] = Crop(image=picture, box=inside)
    return found
