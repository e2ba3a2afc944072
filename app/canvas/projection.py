"""From image pixels to pixels of the screen, in numpy, so that painters work on whole arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QTransform
from PySide6.QtWidgets import QWidget

from detcore.types import FloatArray, IntArray

PixelRects = NDArray[np.int32]
"""(N, 4) x1, y1, x2, y2 in device pixels, right and bottom edges exclusive."""

EVERYWHERE = QRectF(-1e7, -1e7, 2e7, 2e7)
"""The bounding rectangle of what paints within the view itself, wherever that looks."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """``scale`` device pixels per image pixel, ``dx``, ``dy`` where the image's corner is, the size of the
    view in device pixels, and ``ratio`` device pixels per logical pixel."""

    scale: float
    dx: float
    dy: float
    width: int
    height: int
    ratio: float

    @classmethod
    def of(cls, transform: QTransform, widget: QWidget) -> Projection:
        """That of a viewport on which a transform puts image pixels."""
        ratio = widget.devicePixelRatioF()
        return cls(
            scale=transform.m11() * ratio,
            dx=transform.dx() * ratio,
            dy=transform.dy() * ratio,
            width=math.ceil(widget.width() * ratio),
            height=math.ceil(widget.height() * ratio),
            ratio=ratio,
        )

    def px(self, logical: float) -> int:
        """A length of the style sheet in device pixels, at least one."""
        return max(1, round(logical * self.ratio))

    def to_device(self, boxes: FloatArray) -> FloatArray:
        """(N, 4) edges in device pixels."""
        return boxes * self.scale + np.array([self.dx, self.dy, self.dx, self.dy])

    def visible(self, device_boxes: FloatArray, *, margin: float) -> IntArray:
        """Rows that reach into the view, given edges in device pixels."""
        return np.flatnonzero(
            (device_boxes[:, 2] >= -margin)
            & (device_boxes[:, 0] <= self.width + margin)
            & (device_boxes[:, 3] >= -margin)
            & (device_boxes[:, 1] <= self.height + margin)
        ).astype(np.int64)


def use_device_pixels(painter: QPainter, ratio: float) -> None:
    """Let the painter's coordinates be device pixels: lines are then sharp at any scaling of the screen."""
    painter.setWorldTransform(QTransform.fromScale(1 / ratio, 1 / ratio))
