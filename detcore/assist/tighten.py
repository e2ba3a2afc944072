"""Boxes that were drawn loosely, made to fit what they hold: by what a run has found there, else by the pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.boxes import Xyxy, iou
from detcore.errors import Cancelled
from detcore.types import BoolArray, Detections, FloatArray, ImageArray

Progress = Callable[[int, int], bool]
LEAST, MOST = 0.5, 1.5
"""Shares of what was drawn, in width and height, within which a box that fits has to be."""
OVERLAP = 0.4
"""IoU with what was drawn from which a detection is of the same object."""
DRAWN = 0.1
"""The weight of what was drawn among the detections: a run that is hardly sure moves little."""
_ALIKE = 0.5
"""IoU with the best detection from which another one has a say."""

_SIDE = 96
"""Pixels of the longer side of the part that is cut out, box and surroundings: larger ones are made smaller."""
_AROUND = 0.35
"""What is looked at around a box, in sides of it."""
_MAY_BE = 0.25
"""As far around a box the object may reach."""
_CORE = 0.3
"""As far within its edges it is the object for sure."""
_ROUNDS = 2
_NOISE = 2.0
"""Spread of the noise that is put over the part: in a painted picture each colour would be a model of its own."""
_LEAST_SIDE = 6
"""Pixels of a side, as it is looked at, below which nothing can be told."""
_SPUR = 0.06
"""Rows and columns with less of the object than this share of the fullest one are not part of it."""
_RIM = np.ones((7, 7), np.uint8)
_UNCLEAR, _CLEAR = 0.5, 4.0
"""How many spreads of their colours the two sides of an outline are apart: below the first there is none, from the second on
it is believed in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A box as it was drawn, and the class of its object."""

    class_id: int
    xyxy: Xyxy


class Unchanged(Enum):
    """Why a box stays as it was: nothing stands out there, or what fits is beyond ``LEAST`` or ``MOST``."""

    UNCLEAR = auto()
    FAR = auto()


Fit = Xyxy | Unchanged


def tighten(
    loose: Sequence[Loose], found: Detections, read: Callable[[], ImageArray], *, progress: Progress
) -> list[Fit]:
    """The edges that fit, of each box. ``found`` is what a run has found on the image, whatever the score; where it has
    found nothing there, the pixels decide, which ``read`` gives when they are needed.

    Raises:
        Cancelled: ``progress``, which is told how many are done and of how many, returned false.
    """
    image: ImageArray | None = None
    fits: list[Fit] = []
    for number, box in enumerate(loose):
        if not progress(number, len(loose)):
            raise Cancelled("tightening was cancelled")
        fit = vote(box, found)
        if fit is None:
            image = read() if image is None else image
            fit = cut_out(image, box.xyxy)
        fits.append(Unchanged.UNCLEAR if fit is None else _within(box.xyxy, fit))
    return fits


def vote(loose: Loose, found: Detections) -> Xyxy | None:
    """The mean of what was drawn and of what lies on the best detection there, weighted by score and by overlap with both;
    ``None`` without any. Box voting: Gidaris and Komodakis, Object detection via a multi-region and semantic
    segmentation-aware CNN model, ICCV 2015."""
    of_class = found.labels == loose.class_id
    boxes, scores = found.boxes[of_class], found.scores[of_class]
    drawn = np.array([loose.xyxy])
    overlap = iou(drawn, boxes)[0]
    weights = np.where(overlap >= OVERLAP, scores * overlap**2, 0.0)
    if not weights.any():
        return None
    alike = iou(boxes[[int(weights.argmax())]], boxes)[0]
    weights = np.where(alike >= _ALIKE, weights * alike**2, 0.0)
    mean = np.average(np.concatenate([boxes, drawn]), axis=0, weights=np.append(weights, DRAWN))
    x1, y1, x2, y2 = mean.tolist()
    return x1, y1, x2, y2


def cut_out(image: ImageArray, drawn: Xyxy) -> Xyxy | None:
    """Edges of what differs from its surroundings, a part of the way to them where they are blurred; ``None`` where nothing
    does.

    An edge stays where the object seems to go on beyond it. Rother, Kolmogorov and Blake, GrabCut, SIGGRAPH 2004, on a small
    copy of the part.
    """
    part, box, scales = _part(image, drawn)
    height, width = part.shape[:2]
    if min(box[2] - box[0], box[3] - box[1]) < _LEAST_SIDE or part.std() < 1.0:
        return None
    far = _grown(box, _MAY_BE, width, height)
    mask = np.full((height, width), cv2.GC_BGD, np.uint8)
    for by, kind in ((_MAY_BE, cv2.GC_PR_BGD), (0.0, cv2.GC_PR_FGD), (-_CORE, cv2.GC_FGD)):
        x1, y1, x2, y2 = _grown(box, by, width, height)
        mask[y1:y2, x1:x2] = kind
    if not np.isin(mask, (cv2.GC_BGD, cv2.GC_PR_BGD)).any():
        return None
    noisy = part + np.random.default_rng(0).normal(0.0, _NOISE, part.shape)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    picture, whole = np.clip(noisy, 0, 255).astype(np.uint8), (0, 0, width, height)
    cv2.grabCut(picture, mask, whole, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    thing = _largest(np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)))
    apart = _apart(part, thing)
    if apart < _UNCLEAR:
        return None
    (x1, x2), (y1, y2) = _extent(thing.sum(axis=0)), _extent(thing.sum(axis=1))
    there = np.array([x1, y1, x2, y2], np.float64)
    ends = np.array([0, 0, width, height])
    goes_on = (np.abs(there - far) <= 1) & (far != ends)
    belief = min(apart / _CLEAR, 1.0)
    moves = np.where(goes_on, 0.0, belief * (there - box)) / scales
    x1, y1, x2, y2 = (np.array(drawn) + moves).tolist()
    return x1, y1, x2, y2


def _within(drawn: Xyxy, fit: Xyxy) -> Fit:
    """What fits, unless that is too far from what was drawn."""
    shares = [(fit[axis + 2] - fit[axis]) / (drawn[axis + 2] - drawn[axis]) for axis in (0, 1)]
    return fit if min(shares) >= LEAST and max(shares) <= MOST else Unchanged.FAR


def _part(image: ImageArray, drawn: Xyxy) -> tuple[ImageArray, FloatArray, FloatArray]:
    """A box with its surroundings, no larger than ``_SIDE``; the edges of the box in it (4); and its pixels for one of the
    image, along each edge's axis (4)."""
    height, width = image.shape[:2]
    aside, above = _AROUND * (drawn[2] - drawn[0]), _AROUND * (drawn[3] - drawn[1])
    left, right = max(0, math.floor(drawn[0] - aside)), min(width, math.ceil(drawn[2] + aside))
    top, bottom = max(0, math.floor(drawn[1] - above)), min(height, math.ceil(drawn[3] + above))
    part = np.ascontiguousarray(image[top:bottom, left:right])
    scale = min(1.0, _SIDE / max(right - left, bottom - top))
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    if scale < 1.0:
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    scales = np.array([size[0] / (right - left), size[1] / (bottom - top)] * 2)
    return part, (np.array(drawn) - np.array([left, top, left, top])) * scales, scales


def _grown(box: FloatArray, by: float, width: int, height: int) -> NDArray[np.int64]:
    """The whole pixels (4) of a box that is larger on each side by a share of it, in a picture of that size."""
    grown = box + by * np.tile(box[2:] - box[:2], 2) * np.array([-1, -1, 1, 1])
    return np.rint(np.clip(grown, 0, np.array([width, height, width, height]))).astype(np.int64)


def _largest(pixels: BoolArray) -> BoolArray:
    """The largest connected piece."""
    _, pieces, statistics, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8))
    return np.asarray(pieces == 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax()), np.bool_)


def _apart(part: ImageArray, thing: BoolArray) -> float:
    """How far the colours just within an outline are from those just outside of it, in spreads of both (CIELAB)."""
    lab = cv2.cvtColor(part, cv2.COLOR_RGB2LAB).astype(np.float64)
    filled = thing.astype(np.uint8)
    inside, outside = lab[filled > cv2.erode(filled, _RIM)], lab[cv2.dilate(filled, _RIM) > filled]
    if not len(inside) or not len(outside):
        return 0.0
    spread = (inside.std(axis=0) + outside.std(axis=0)) / 2 + 2
    return float(np.linalg.norm((inside.mean(axis=0) - outside.mean(axis=0)) / spread))


def _extent(filled: NDArray[np.int64]) -> tuple[int, int]:
    """From where to where rows or columns have so many pixels of the object that these are no spur."""
    places = np.flatnonzero(filled >= _SPUR * filled.max())
    return int(places[0]), int(places[-1]) + 1
