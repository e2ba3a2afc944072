"""Fitting an image into a frame, and boxes back out of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.types import FloatArray, ImageArray
from detcore.zoo.spec import InputRule

PAD_VALUE = 114
"""Grey of the padding, 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How an original of (width, height) was resized: to (new_width, new_height), aspect kept to the
    rounding unless it was stretched. The resized image sits in the frame's top left corner."""

    width: int
    height: int
    new_width: int
    new_height: int

    @property
    def scale_x(self) -> float:
        return self.new_width / self.width

    @property
    def scale_y(self) -> float:
        return self.new_height / self.height

    def to_frame(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 4) boxes of the original in pixels of the frame."""
        factors = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y], np.float32)
        return boxes * factors

    def to_original(self, boxes: FloatArray) -> FloatArray:
        """(N, 4) boxes of the frame in pixels of the original, clipped to it."""
        factors = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y], np.float64)
        limits = np.array([self.width, self.height, self.width, self.height], np.float64)
        return np.clip(boxes / factors, 0.0, limits)


def fit_size(*, width: int, height: int, longer_side: int) -> Fit:
    """The fit that makes the longer side ``longer_side`` pixels; enlarges small images too."""
    return fit_scale(width=width, height=height, scale=longer_side / max(width, height))


def fit_frame(*, width: int, height: int, longer_side: int, rule: InputRule) -> Fit:
    """The fit of a whole image: as ``fit_size``, or stretched as the rule says, the longer side ``longer_side`` pixels."""
    if rule.resize == "letterbox":
        return fit_size(width=width, height=height, longer_side=longer_side)
    new_height, new_width = rule.frame(longer_side)
    return Fit(width=width, height=height, new_width=new_width, new_height=new_height)


def fit_scale(*, width: int, height: int, scale: float) -> Fit:
    """The fit that makes ``scale`` pixels of each of the original's."""
    return Fit(
        width=width,
        height=height,
        new_width=max(1, round(width * scale)),
        new_height=max(1, round(height * scale)),
    )


def resize(image: ImageArray, fit: Fit, *, smooth: bool = True) -> ImageArray:
    """The image at the size of the fit; area averaging when it shrinks, so nothing aliases, unless it is not to be ``smooth``."""
    if (fit.new_width, fit.new_height) == (fit.width, fit.height):
        return image
    shrinks = fit.new_width * fit.new_height < fit.width * fit.height
    resized = cv2.resize(
        image,
        (fit.new_width, fit.new_height),
        interpolation=cv2.INTER_AREA if shrinks and smooth else cv2.INTER_LINEAR,
    )
    return resized.astype(np.uint8, copy=False)


def round_up(length: int, step: int) -> int:
    """The next multiple of ``step``."""
    return -(-length // step) * step


def pad(image: ImageArray, *, width: int, height: int) -> ImageArray:
    """The image in the top left corner of a grey frame of that size."""
    frame = np.full((height, width, 3), PAD_VALUE, np.uint8)
    frame[: image.shape[0], : image.shape[1]] = image
    return frame
