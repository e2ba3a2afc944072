"""What a detector answers at the places of labels, before thresholds and suppression throw its answers away.

A label that no detection accounts for may be around nothing, or around an object that the detector has seen a
little too weakly, or found together with its neighbour. The answers at its own place tell which.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detcore.boxes import iou
from detcore.evaluation.problem import positions
from detcore.types import BoolArray, FloatArray, GroundTruth, IntArray, LabelAnswers

WELL_IOU = 0.5
CLOSE_IOU = 0.65
NEAR_IOU = 0.3


ANSWER_FLOOR = 1e-3
"""Scores below this say nothing."""
_SAME_EDGES = 0.01  # pixels
_AT_ONCE = 8192  # answers


class AnswerRecorder:
    """Takes down, while a detector looks at images one after the other, what it says at each of their labels,
    and at labels put where they do not belong: those of the image before, at the same place of this one.

    ``image_ids`` in any order, ``class_ids`` (K,) in that of the detector's scores.
    """

    def __init__(self, gt: GroundTruth, *, image_ids: Sequence[int], class_ids: IntArray) -> None:
        order = np.argsort(class_ids, kind="stable")
        known = positions(gt.labels, class_ids[order])
        self._gt = gt.take(known >= 0)
        self._class = order[known[known >= 0]]
        self._by_image = np.argsort(self._gt.image_ids, kind="stable")
        self._owners = self._gt.image_ids[self._by_image]
        self._before = dict(zip(image_ids[1:], image_ids[:-1], strict=True))
        if len(image_ids) > 1:
            self._before[image_ids[0]] = image_ids[-1]
        self._heard: dict[int, LabelAnswers] = {}

    def hear(self, image_id: int, boxes: FloatArray, scores: FloatArray) -> None:
        """All that the detector says about an image: ``boxes`` (A, 4) in its pixels, ``scores`` (A, K). Of two
        times the last holds."""
        own = self._labels(image_id)
        before = self._before.get(image_id)
        strange = np.zeros(0, np.int64) if before is None else self._labels(before)
        rows = np.concatenate([own, strange])
        label = np.zeros((len(rows), scores.shape[1]), np.bool_)
        label[np.arange(len(rows)), self._class[rows]] = True
        every, close, near = np.zeros((3, *label.shape))
        # A large image has more answers by far than it takes memory to look at all at once.
        for first in range(0, len(boxes), _AT_ONCE):
            some, said = boxes[first : first + _AT_ONCE], scores[first : first + _AT_ONCE]
            shared = iou(self._gt.boxes[own], some)
            away = iou(self._gt.boxes[strange], some)
            nearest = shared.max(axis=0, initial=0.0)
            overlap = np.concatenate([shared, away])
            mine = np.concatenate([shared >= nearest, away >= nearest])
            every = np.maximum(every, _highest(said, mine & (overlap >= WELL_IOU)))
            close = np.maximum(close, _highest(said, mine & (overlap >= CLOSE_IOU)))
            near = np.maximum(near, _highest(said, mine & (overlap >= NEAR_IOU) & (overlap < WELL_IOU)))
        self._heard[image_id] = LabelAnswers(
            label_ids=self._gt.ids[rows],
            image_ids=np.full(len(rows), image_id, np.int64),
            strange=np.arange(len(rows)) >= len(own),
            labels=self._gt.labels[rows],
            boxes=self._gt.boxes[rows],
            well=every[label],
            close=close[label],
            other=np.where(label, 0.0, every).max(axis=1, initial=0.0),
            near=near[label],
        )

    def answers(self) -> LabelAnswers:
        """Of all images heard of."""
        return LabelAnswers.joined(list(self._heard.values()))

    def _labels(self, image_id: int) -> IntArray:
        """Rows of the labels of an image."""
        first, last = np.searchsorted(self._owners, [image_id, image_id + 1])
        return self._by_image[first:last]


def rows_at_labels(answers: LabelAnswers, labels: GroundTruth, *, strange: bool) -> IntArray:
    """(G,) the row of what is said about each label, at its place or at a strange one, or -1 where nothing is
    or the label has another box or class by now."""
    rows = np.flatnonzero(answers.strange == strange)
    ids, first = np.unique(answers.label_ids[rows], return_index=True)
    place = positions(labels.ids, ids)
    found = np.where(place >= 0, rows[first][place], -1) if len(ids) else place
    kept = np.flatnonzero(found >= 0)
    row = found[kept]
    same = (answers.labels[row] == labels.labels[kept]) & (
        np.abs(answers.boxes[row] - labels.boxes[kept]) < _SAME_EDGES
    ).all(axis=1)
    if not strange:
        same &= answers.image_ids[row] == labels.image_ids[kept]
    found[kept[~same]] = -1
    return found


def _highest(scores: FloatArray, places: BoolArray) -> FloatArray:
    """(P, K) the highest scores (A, K) at the ``places`` of each row (P, A), 0 at none."""
    highest = np.zeros((len(places), scores.shape[1]))
    for row, chosen in enumerate(places):
        highest[row] = scores[chosen].max(axis=0, initial=0.0)
    return highest
