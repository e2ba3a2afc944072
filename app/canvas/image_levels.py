"""An image together with its half, quarter and so on, for views that show it small."""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtGui import QImage

_SMALLEST_SIDE = 4
_PREPARED_SIDE = 1024
"""Views are rarely smaller than this; the rest is made when it is needed, and quickly."""


class ImageLevels:
    """Level 0 is the image; each further one has half the sides, each pixel the mean of four."""

    def __init__(self, image: QImage) -> None:
        self._levels = [image]

    @classmethod
    def prepared(cls, image: QImage) -> ImageLevels:
        """With the levels made that a view is likely to ask for; for large images better done off the GUI
        thread."""
        levels = cls(image)
        longest = max(image.width(), image.height())
        while longest > _PREPARED_SIDE:
            longest //= 2
            levels._add()
        return levels

    @property
    def full(self) -> QImage:
        return self._levels[0]

    @property
    def bytes_used(self) -> int:
        return sum(level.sizeInBytes() for level in self._levels)

    def for_scale(self, scale: float) -> QImage:
        """The smallest level that still has a pixel for each one on a screen that shows the image at
        ``scale``."""
        number = 0
        while (
            scale <= 0.5
            and min(self._levels[number].width(), self._levels[number].height()) >= _SMALLEST_SIDE
        ):
            if number + 1 == len(self._levels):
                self._add()
            number, scale = number + 1, scale * 2
        return self._levels[number]

    def _add(self) -> None:
        self._levels.append(halved(self._levels[-1]))


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
