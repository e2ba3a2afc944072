"""Where an image goes in its frame: a window of it, and one map of coordinates by which it is resampled once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.data.augmentation.labelled import Labelled, clip
from detcore.data.letterbox import PAD_VALUE
from detcore.types import FloatArray, ImageArray

_TRIES = 40
_OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
_LEAST_SIDE = 0.3
_WIDEST = 2.0
_CORNERS = np.array(list(product((0, 2), (1, 3))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """How an image is turned, before it is put somewhere: enlarged by ``zoom``, then mirrored, then turned by
    ``quarters`` and by ``degrees``, all clockwise as it is seen."""

    zoom: float = 1.0
    flip_x: bool = False
    flip_y: bool = False
    quarters: int = 0
    degrees: float = 0.0

    def linear(self) -> FloatArray:
        """(2, 2) the map without its shift."""
        scales = np.diag([-self.zoom if self.flip_x else self.zoom, -self.zoom if self.flip_y else self.zoom])
        if not self.quarters and not self.degrees:
            return scales
        angle = np.deg2rad(self.degrees)
        cosine, sine = np.cos(angle), np.sin(angle)
        quarter = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), self.quarters % 4)
        return np.array([[cosine, -sine], [sine, cosine]]) @ quarter @ scales


def place(pose: Pose, *, size: tuple[int, int], frame: tuple[int, int], at: FloatArray | None) -> FloatArray:
    """(2, 3) the map of an image of a (width, height) into a frame.

    ``at`` (2,) from 0 to 1 says where: where the frame has room the image goes anywhere in it, where it is larger
    any part is seen. Without, it stays in the corner, and what a turn makes wider goes over all borders alike.
    """
    linear = pose.linear()
    first, last = _hull(np.array([[0.0, 0.0, *size]]), np.column_stack([linear, np.zeros(2)]))[0].reshape(
        2, 2
    )
    if at is not None:
        corner = at * (np.array(frame) - (last - first))
    else:
        upright = np.array(size if pose.quarters % 2 == 0 else size[::-1]) * pose.zoom
        corner = (upright - (last - first)) / 2.0
    return np.column_stack([linear, corner - first])


def warp(item: Labelled, matrix: FloatArray, *, width: int, height: int) -> Labelled:
    """An image and its boxes under a (2, 3) map into a frame of that size.

    Boxes, and areas to ignore, become the upright hull of their turned corners, clipped to the frame.
    """
    boxes, kept = clip(_hull(item.boxes, matrix), (0, 0, width, height))
    ignore, _ = clip(_hull(item.ignore, matrix), (0, 0, width, height), any_part=True)
    image = _resample(item.image, matrix, width=width, height=height)
    return replace(
        item, image=image, boxes=boxes, labels=item.labels[kept], ignore=ignore, scores=item.scores[kept]
    )


def crop_window(item: Labelled, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A window that cuts an image as SSD's training does (Liu et al. 2016): sides from 0.3 of the image's, at most
    twice as long as wide, and an IoU with some box of at least 0, 0.1, 0.3, 0.5, 0.7 or 0.9; of an image with
    boxes it leaves some. The whole image where forty tries find none, and in one case of seven."""
    width, height = item.size
    whole = (0, 0, width, height)
    chosen = int(rng.integers(len(_OVERLAPS) + 1))
    if chosen == len(_OVERLAPS):
        return whole
    for _ in range(_TRIES):
        across, down = (int(side * rng.uniform(_LEAST_SIDE, 1.0)) for side in item.size)
        x1, y1 = int(rng.integers(width - across + 1)), int(rng.integers(height - down + 1))
        window = (x1, y1, x1 + across, y1 + down)
        if not 1.0 / _WIDEST <= across / max(down, 1) <= _WIDEST:
            continue
        if not len(item.boxes):
            return window
        if _ious(item.boxes, window).max() >= _OVERLAPS[chosen] and len(clip(item.boxes, window)[1]):
            return window
    return whole


def _ious(boxes: NDArray[np.float32], window: tuple[int, int, int, int]) -> FloatArray:
    x1, y1, x2, y2 = window
    shared = np.minimum(boxes[:, 2:], (x2, y2)) - np.maximum(boxes[:, :2], (x1, y1))
    inter = shared.clip(0.0).prod(axis=1)
    return inter / ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (x2 - x1) * (y2 - y1) - inter)


def _hull(boxes: NDArray[np.floating[Any]], matrix: FloatArray) -> FloatArray:
    """(N, 4) the upright boxes about (N, 4) boxes under a map."""
    corners = boxes.astype(np.float64)[:, _CORNERS]  # (N, 4, 2)
    moved = corners[..., :1] * matrix[:, 0] + corners[..., 1:] * matrix[:, 1] + matrix[:, 2]
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)


def _resample(image: ImageArray, matrix: FloatArray, *, width: int, height: int) -> ImageArray:
    """The image under a map of continuous coordinates (pixel centres are at half pixels).

    One that becomes much smaller is smoothed before, so that nothing aliases.
    """
    shrinks = int(1.0 / max(np.sqrt(abs(np.linalg.det(matrix[:, :2]))), 1.0 / min(image.shape[:2])))
    if shrinks > 2:
        image = cv2.blur(image, (shrinks, shrinks)).astype(np.uint8, copy=False)
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2].sum(axis=1) * 0.5 - 0.5
    grey = (PAD_VALUE, PAD_VALUE, PAD_VALUE)
    warped = cv2.warpAffine(
        image,
        centred,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=grey,
    )
    return warped.astype(np.uint8, copy=False)
