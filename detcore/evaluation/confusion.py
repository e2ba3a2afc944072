"""Which class was taken for which, from the same matches as every other number.

The match table knows pairs of one class. A false positive may also lie on an object of another class; it
then claims that object. Detections of an image claim by descending score: the free object of another class
with the highest IoU of at least the threshold, unless a higher-scored detection of the right class has
found it already; among equals the one of the last class, there the last given. An object is claimed once. No
claim depends on a lower score, so at any confidence threshold the claims that hold are those of detections
above it on objects not found above it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.evaluation.matching import match_pairs
from detcore.evaluation.pairs import image_pairs
from detcore.evaluation.problem import Problem
from detcore.types import BoolArray, IntArray

_EVERY_SIZE = np.array([[-np.inf, np.inf]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """N claims: positions ``det`` and ``gt`` in the problem."""

    det: IntArray
    gt: IntArray


def find_claims(problem: Problem, *, loose: BoolArray, found_by: IntArray, iou_threshold: float) -> Claims:
    """Claims of the ``loose`` (D,) detections, neither matched nor ignored. ``found_by`` (G,) is the
    detection matched to each ground truth or -1."""
    dets = problem.by_score[loose[problem.by_score]]
    dets = dets[np.argsort(problem.det_image[dets], kind="stable")]
    pairs = image_pairs(problem, dets, min_iou=iou_threshold)
    finder = found_by[pairs.gt]
    precedence = np.empty(len(problem.by_score), np.int64)
    precedence[problem.by_score] = np.arange(len(problem.by_score))
    other = problem.det_class[pairs.det] != problem.gt_class[pairs.gt]
    free = (finder < 0) | (precedence[finder] > precedence[pairs.det])
    pairs = pairs.take(np.flatnonzero(other & free & ~problem.gt_ignore[pairs.gt]))
    table = match_pairs(
        problem,
        pairs,
        iou_thresholds=np.array([iou_threshold]),
        size_ranges=_EVERY_SIZE,
        class_aware=False,
    )
    claimed = table.matches[0, 0]
    made = claimed >= 0
    return Claims(det=table.candidates[made], gt=claimed[made].astype(np.int64))


def confusion_matrix(
    *,
    claims_gt_class: IntArray,
    claims_det_class: IntArray,
    hits: IntArray,
    false_positives: IntArray,
    misses: IntArray,
) -> IntArray:
    """(K + 1, K + 1) counts, rows true, columns detected, background last, from the claims that hold and
    each class's (K,) true positives, false positives and misses."""
    count = len(hits)
    pairs = claims_gt_class * count + claims_det_class
    matrix = np.zeros((count + 1, count + 1), np.int64)
    matrix[:count, :count] = np.bincount(pairs, minlength=count * count).reshape(count, count)
    matrix[:count, count] = misses - matrix[:count, :count].sum(axis=1)
    matrix[count, :count] = false_positives - matrix[:count, :count].sum(axis=0)
    matrix[np.arange(count), np.arange(count)] = hits
    return matrix
