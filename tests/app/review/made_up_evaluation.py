"""An evaluation with everything that makes counting hard."""

from __future__ import annotations

import numpy as np

from detcore.evaluation.live import LiveEvaluation
from detcore.types import Detections, FloatArray, GroundTruth, IntArray

CLASSES, IMAGES = (1, 2, 3), tuple(range(1, 13))
_UNKNOWN = 4
"""A class that takes no part."""


def made_up_evaluation(seed: int, *, labels: int = 150, detections: int = 700) -> LiveEvaluation:
    """Boxes of all sizes, crowds, difficult ones, areas of masks, and scores of one decimal, 0 and 1 among
    them."""
    random = np.random.default_rng(seed)
    truth = made_up_truth(random, labels)
    source = random.integers(0, labels, detections)
    moved = random.normal(0, random.choice([0.03, 0.5], (detections, 1)), (detections, 4))
    sides = np.tile(truth.boxes[source, 2:] - truth.boxes[source, :2], 2)
    other = random.random(detections) < 0.1
    found = Detections(
        image_ids=truth.image_ids[source],
        labels=np.where(other, random.integers(1, _UNKNOWN + 1, detections), truth.labels[source]),
        boxes=_in_order(truth.boxes[source] + moved * sides),
        scores=random.integers(0, 11, detections) / 10,
    )
    return LiveEvaluation(truth, found, class_ids=CLASSES, image_ids=IMAGES)


def made_up_truth(random: np.random.Generator, count: int, *, image_id: int | None = None) -> GroundTruth:
    """Labels of all images or of one."""
    corners = random.random((count, 2)) * 300
    boxes = np.concatenate([corners, corners + np.exp(random.normal(3.9, 1.0, (count, 2)))], axis=1)
    where: IntArray = random.choice(IMAGES, count) if image_id is None else np.full(count, image_id)
    return GroundTruth(
        ids=random.permutation(count) + (1 if image_id is None else 1000 * image_id),
        image_ids=where,
        labels=random.integers(1, _UNKNOWN + 1, count),
        boxes=boxes,
        areas=(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) * random.uniform(0.4, 1.0, count),
        crowd=random.random(count) < 0.08,
        difficult=random.random(count) < 0.08,
    )


def _in_order(boxes: FloatArray) -> FloatArray:
    """Left before right and top before bottom, with sides of 1 at least."""
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    return np.concatenate([low, np.maximum(high, low + 1.0)], axis=1)
