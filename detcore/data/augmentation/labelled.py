"""An image in memory with its boxes, and what is left of boxes when a part of the image goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcore.data.augmentation.scores import said, unsaid
from detcore.data.letterbox import PAD_VALUE
from detcore.types import ImageArray, IntArray

BoxArray = NDArray[np.float32]
Area = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""

_MIN_SIDE = 2.0
_MIN_VISIBLE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """An image in memory with its boxes in its own pixels; fields as in ``Sample``."""

    image: ImageArray
    boxes: BoxArray
    labels: IntArray
    ignore: BoxArray
    scores: BoxArray = field(default_factory=unsaid)

    def __post_init__(self) -> None:
        """Raises ValueError unless there is a score for each object."""
        object.__setattr__(self, "scores", said(self.scores, self.labels))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.image.shape[1], self.image.shape[0]


def clip(
    boxes: NDArray[np.floating[Any]], area: Area, *, any_part: bool = False
) -> tuple[BoxArray, NDArray[np.intp]]:
    """(N, 4) boxes clipped to an area, and the rows that are left: of which a quarter is inside, and two pixels
    each way; or any part at all, as of areas to ignore, which are no background however little is seen of them."""
    x1, y1, x2, y2 = area
    clipped = np.clip(boxes, np.array([x1, y1, x1, y1]), np.array([x2, y2, x2, y2]))
    kept = _visible(clipped, _areas(boxes), _areas(clipped), any_part=any_part)
    return clipped[kept].astype(np.float32), kept


def uncover(boxes: BoxArray, area: Area, *, any_part: bool = False) -> tuple[BoxArray, NDArray[np.intp]]:
    """(N, 4) boxes of what is still seen once an area is hidden, and the rows that are left, as in ``clip``.

    Where the area cuts a box from side to side the box ends at it; else what is seen reaches as far as before.
    """
    x1, y1, x2, y2 = area
    whole = boxes.astype(np.float64)
    left, top, right, bottom = whole.T.copy()
    inner = np.clip(whole, np.array([x1, y1, x1, y1]), np.array([x2, y2, x2, y2]))
    across_y, across_x = (y1 <= top) & (y2 >= bottom), (x1 <= left) & (x2 >= right)
    rest = whole.copy()
    rest[:, 0] = np.where(across_y & (x1 <= left), inner[:, 2], left)
    rest[:, 2] = np.where(across_y & (x2 >= right), inner[:, 0], right)
    rest[:, 1] = np.where(across_x & (y1 <= top), inner[:, 3], top)
    rest[:, 3] = np.where(across_x & (y2 >= bottom), inner[:, 1], bottom)
    apart = (x2 <= left) | (x1 >= right) | (y2 <= top) | (y1 >= bottom)
    rest[apart] = whole[apart]
    kept = _visible(rest, _areas(whole), _areas(whole) - _areas(inner), any_part=any_part)
    return rest[kept].astype(np.float32), kept


def crop(item: Labelled, window: tuple[int, int, int, int]) -> Labelled:
    """The part of an image in a window x1, y1, x2, y2; its pixels are a view of the whole."""
    x1, y1, x2, y2 = window
    boxes, kept = clip(item.boxes, window)
    ignore, _ = clip(item.ignore, window, any_part=True)
    corner = np.array([x1, y1, x1, y1], np.float32)
    return Labelled(
        image=item.image[y1:y2, x1:x2],
        boxes=boxes - corner,
        labels=item.labels[kept],
        ignore=ignore - corner,
        scores=item.scores[kept],
    )


def hide(item: Labelled, area: Area) -> Labelled:
    """The boxes of an image of which an area is painted over, by whom calls this."""
    boxes, kept = uncover(item.boxes, area)
    ignore, _ = uncover(item.ignore, area, any_part=True)
    return replace(item, boxes=boxes, labels=item.labels[kept], ignore=ignore, scores=item.scores[kept])


def paint_ignored(item: Labelled) -> Labelled:
    """The image with the grey of the padding over all pixels that its areas to ignore touch, but for those that its
    boxes touch."""
    hidden = _touched(item.ignore, item.size) & ~_touched(item.boxes, item.size)
    if not hidden.any():
        return item
    image = item.image.copy()
    image[hidden] = PAD_VALUE
    return replace(item, image=image)


def overlay(first: Labelled, second: Labelled, *, left: float = 0.0, top: float = 0.0) -> Labelled:
    """The first image with the boxes of both, the second's moved by so much."""
    shift = np.array([left, top, left, top], np.float32)
    return Labelled(
        image=first.image,
        boxes=np.concatenate([first.boxes, second.boxes + shift]),
        labels=np.concatenate([first.labels, second.labels]),
        ignore=np.concatenate([first.ignore, second.ignore + shift]),
        scores=np.concatenate([first.scores, second.scores]),
    )


def onto(item: Labelled, *, width: int, height: int) -> Labelled:
    """An image in the top left corner of a frame of that size, cut or filled up with grey."""
    if item.size == (width, height):
        return item
    seen = crop(item, (0, 0, min(width, item.size[0]), min(height, item.size[1])))
    image = np.full((height, width, 3), PAD_VALUE, np.uint8)
    image[: seen.size[1], : seen.size[0]] = seen.image
    return replace(seen, image=image)


def _touched(boxes: BoxArray, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(height, width) whether any of (N, 4) boxes has a part of the pixel."""
    found = np.zeros(size[::-1], np.bool_)
    for box in boxes:
        x1, y1 = np.floor(box[:2]).astype(int).clip(0)
        x2, y2 = np.ceil(box[2:]).astype(int)
        found[y1:y2, x1:x2] = True
    return found


def _visible(
    rest: NDArray[np.floating[Any]],
    before: NDArray[np.floating[Any]],
    now: NDArray[np.floating[Any]],
    *,
    any_part: bool,
) -> NDArray[np.intp]:
    sides = (rest[:, 2:] - rest[:, :2]).min(axis=1)
    if any_part:
        return np.flatnonzero((sides > 0) & (now > 0))
    return np.flatnonzero((sides >= _MIN_SIDE) & (now / np.maximum(before, 1e-9) >= _MIN_VISIBLE))


def _areas(boxes: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    return (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
