"""Learning from a teacher: what another detector has found, as objects that are more or less sure.

Distillation by soft targets (Hinton et al. 2015), of a detector: each object carries the score that the teacher gives
it, and the student learns to give the same. On images without labels this is self-training with soft pseudo labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detcore.boxes import iou
from detcore.curation.lesson import Lesson
from detcore.data.samples import BoxArray, Sample, class_ids
from detcore.project import roles
from detcore.project.snapshot import Snapshot
from detcore.types import BoolArray, Detections, FloatArray, IntArray

LEAST_SCORE = 0.1
"""What a teacher is less sure of than this is background to its student."""
SURE_SCORE = 0.5
"""From which on what it has found is a label to a student that cannot weigh; below, an area that is neither object nor
background."""
_SAME_IOU = 0.5
"""From which on two boxes are of one object."""


def taught(
    samples: Sequence[Sample], snapshot: Snapshot, lesson: Lesson, *, weighs: bool
) -> tuple[Sample, ...]:
    """The labelled ``samples`` to learn from with what the teacher adds to them, then its images without labels.

    A student that ``weighs`` scores learns in all images what the teacher has found, with its scores, where neither a label
    nor something surer nor an area to ignore is. To others labels are all there is in labelled images; elsewhere
    they learn what is sure, and leave out what is not. Held-out images are never among them.
    """
    found = lesson.detections.take(lesson.detections.scores >= LEAST_SCORE)
    found = found.take(np.lexsort((-found.scores, found.image_ids)))
    ids = class_ids(snapshot)
    looked_at = set(lesson.looked_at.tolist())
    labelled = {image.id for image in snapshot.labelled_images}
    bare = [
        Sample(
            image_id=image.id,
            path=image.path,
            boxes=np.zeros((0, 4), np.float32),
            labels=np.zeros(0, np.int64),
            ignore=np.zeros((0, 4), np.float32),
            frame=None if image.width is None or image.height is None else (image.width, image.height),
        )
        for image in snapshot.images
        if image.id in looked_at and image.id not in labelled and roles.is_learnt_from(image.split)
    ]
    softened = [_with_found(sample, _of(found, sample.image_id), ids) for sample in (*samples, *bare)]
    if weighs:
        return tuple(softened)
    return (*samples, *(_hardened(sample) for sample in softened[len(samples) :]))


def _of(found: Detections, image_id: int) -> Detections:
    first, last = (int(row) for row in np.searchsorted(found.image_ids, [image_id, image_id + 1]))
    return found.take(np.arange(first, last))


def _with_found(sample: Sample, found: Detections, ids: IntArray) -> Sample:
    """A sample with what was ``found`` there, the surest first, of the classes ``ids``."""
    found = found.take(np.isin(found.labels, ids))
    taken = _apart(sample.boxes, found.boxes) & ~_within(found.boxes, sample.ignore)
    found = found.take(taken)
    order = np.argsort(ids, kind="stable")
    return replace(
        sample,
        boxes=np.concatenate([sample.boxes, found.boxes.astype(np.float32)]),
        labels=np.concatenate([sample.labels, order[np.searchsorted(ids[order], found.labels)]]),
        scores=np.concatenate([sample.scores, found.scores.astype(np.float32)]),
    )


def _apart(labels: BoxArray, found: FloatArray) -> BoolArray:
    """(N,) which of the boxes ``found``, the surest first, are of another object than any of the labels and of those
    that are kept before them."""
    boxes = np.concatenate([labels.astype(np.float64), found])
    overlaps = iou(found, boxes)
    kept = np.concatenate([np.ones(len(labels), np.bool_), np.zeros(len(found), np.bool_)])
    for row in range(len(found)):
        kept[len(labels) + row] = not (overlaps[row, kept] >= _SAME_IOU).any()
    return kept[len(labels) :]


def _within(boxes: FloatArray, areas: BoxArray) -> BoolArray:
    """(N,) whether the middle of each box lies in one of (M, 4) areas."""
    middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2.0
    inside = (middles >= areas[None, :, :2]) & (middles <= areas[None, :, 2:])
    return np.any(np.all(inside, axis=2), axis=1)


def _hardened(sample: Sample) -> Sample:
    """For a student to which an object is there or not."""
    sure = sample.scores >= SURE_SCORE
    return replace(
        sample,
        boxes=sample.boxes[sure],
        labels=sample.labels[sure],
        scores=np.ones(int(sure.sum()), np.float32),
        ignore=np.concatenate([sample.ignore, sample.boxes[~sure]]),
    )
