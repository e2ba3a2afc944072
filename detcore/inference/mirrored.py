"""Looking at each image twice, as it is and mirrored: what both views find is surer and better placed."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from detcore.boxes import iou
from detcore.data.sweep import Detect
from detcore.types import FloatArray, IntArray
from detcore.zoo.base import MAX_DETECTIONS
from detcore.zoo.running import Seen

_SAME = 0.55
"""IoU from which boxes of one class are taken for one object, as in weighted box fusion (Solovyev et al. 2021)."""


class Mirrored:
    """Sees with ``detect`` what is there in either view, fused. Answers behind detections are those of the image as
    it is. For detectors that were trained on mirrored images, too."""

    def __init__(self, detect: Detect) -> None:
        self._detect = detect

    def __call__(self, images: Tensor) -> list[Seen]:
        width = images.shape[-1]
        both = zip(self._detect(images), self._detect(images.flip(-1)), strict=True)
        return [_fused(seen, _turned(mirrored, width)) for seen, mirrored in both]


def _turned(seen: Seen, width: int) -> Seen:
    """What was seen in the mirror image, in pixels of the image."""
    boxes = seen.boxes.copy()
    boxes[:, [0, 2]] = width - seen.boxes[:, [2, 0]]
    return seen._replace(boxes=boxes)


def _fused(one: Seen, other: Seen) -> Seen:
    boxes, labels, scores = fuse(
        np.concatenate([one.boxes, other.boxes]),
        np.concatenate([one.labels, other.labels]),
        np.concatenate([one.scores, other.scores]),
        views=2,
    )
    return Seen(boxes=boxes, labels=labels, scores=scores, answers=one.answers)


def fuse(
    boxes: FloatArray, labels: IntArray, scores: FloatArray, *, views: int
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Boxes (N, 4), labels (N,) and scores (N,) of several views of one image, with those that mean one object made
    one, best first and no more than ``MAX_DETECTIONS``.

    Weighted box fusion (Solovyev et al. 2021): the place is the mean weighed by scores, the score their sum over the
    number of ``views``, so that what one view alone finds counts for less.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, labels, scores = boxes[order], labels[order], scores[order]
    near = (iou(boxes, boxes) > _SAME) & (labels[:, None] == labels[None, :])
    free = np.ones(len(boxes), dtype=bool)
    groups: list[IntArray] = []
    for row in range(len(boxes)):
        if free[row]:
            members = np.flatnonzero(near[row] & free)[:views]
            free[members] = False
            groups.append(members)
    if not groups:
        return boxes, labels, scores
    placed = np.stack([np.average(boxes[group], axis=0, weights=scores[group]) for group in groups])
    sums = np.array([scores[group].sum() / views for group in groups])
    best = np.argsort(-sums, kind="stable")[:MAX_DETECTIONS]
    return placed[best], np.array([labels[group[0]] for group in groups], np.int64)[best], sums[best]
