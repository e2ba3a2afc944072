"""What is labelled in one frame of a sequence proposed in the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detcore.assist.tracking import SURE, Picture, background_motion, track
from detcore.boxes import greedy_pairs, iou
from detcore.types import Box, Detections, FloatArray, IntArray

_SAME = 0.3
"""IoU from which boxes of one class in two frames that follow each other are one object."""
_PANNED = 0.01
"""The share of the image by which the background has to move to matter."""
_APART = 1e-6
"""Between the scores of two proposals: a label that was one is known by its score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What there is in a frame: its ``time`` in frames of the sequence, class ids ``labels`` (N,), ``boxes`` (N, 4) and
    their ``scores`` (N,)."""

    time: int
    labels: IntArray
    boxes: FloatArray
    scores: FloatArray

    @classmethod
    def by(cls, boxes: Sequence[Box], *, time: int) -> Labelled:
        """Of labels. A crowd is no object that could be followed."""
        objects = [box for box in boxes if not box.crowd]
        return cls(
            time=time,
            labels=np.array([box.class_id for box in objects], np.int64),
            boxes=np.array([box.xyxy for box in objects], np.float64).reshape(-1, 4),
            scores=np.ones(len(objects)),
        )

    def detections(self, image_id: int) -> Detections:
        """As what was found on an image, no two with one score."""
        return Detections(
            image_ids=np.full(len(self.labels), image_id, np.int64),
            labels=self.labels,
            boxes=self.boxes,
            scores=self.scores - _APART * np.arange(len(self.labels)),
        )


def carry(
    labelled: Labelled, before: Picture, after: Picture, *, time: int, earlier: Labelled | None = None
) -> Labelled:
    """The boxes of a frame that are found again in a later one, at ``time``. Objects that an ``earlier`` frame has as well
    are looked for where they would be had they moved on as before, others where they were, or where the background went.
    A picture that shows something else has none of them."""
    background = background_motion(before, after) if len(labelled.boxes) else None
    if background is None:
        boxes, scores = labelled.boxes, np.zeros(len(labelled.boxes))
    else:
        motions = _motions(labelled, earlier, time)
        tracked = track(before, after, labelled.boxes, motions)
        if np.abs(background).max() > _PANNED * max(after.size):
            panned = track(before, after, labelled.boxes, np.tile(background, (len(motions), 1)))
            tracked = tracked.or_better(panned)
        boxes, scores = tracked.boxes, tracked.scores
    sure = scores >= SURE
    return Labelled(time=time, labels=labelled.labels[sure], boxes=boxes[sure], scores=scores[sure])


def _motions(labelled: Labelled, earlier: Labelled | None, time: int) -> FloatArray:
    """(N, 2) pixels by which each box will have moved at ``time``, by what it moved since the ``earlier`` frame."""
    motions = np.zeros((len(labelled.boxes), 2))
    if earlier is None:
        return motions
    same = labelled.labels[:, None] == earlier.labels[None, :]
    alike = np.where(same, iou(labelled.boxes, earlier.boxes), 0.0)
    pace = (time - labelled.time) / (labelled.time - earlier.time)
    for row, column in greedy_pairs(alike, least=_SAME):
        moved = labelled.boxes[row] - earlier.boxes[column]
        motions[row] = pace * (moved[:2] + moved[2:]) / 2
    return motions
