"""How far figures would move with other images of the same kind: intervals by drawing images with
replacement.

Nothing is matched again. A draw is how often each image was drawn; detections and objects count that often.
The same draws may be given for two runs, so that their difference is free of what both share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcore.evaluation.curves import EPSILON, needed_hits
from detcore.evaluation.judged import Judged
from detcore.types import FloatArray, IntArray

Draws = NDArray[np.int32]
"""(B, I) how often each of I images, ascending ids, is in each of B draws."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """``value`` of the images as they are, the middle share of ``samples`` (B,) between ``low`` and
    ``high``."""

    value: float
    low: float
    high: float
    samples: FloatArray

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def draw_images(image_count: int, *, draws: int = 1000, seed: int = 0) -> Draws:
    """``draws`` times as many images as there are, with replacement."""
    rng = np.random.default_rng(seed)
    counts = np.empty((draws, image_count), np.int32)
    for row in counts:
        row[:] = np.bincount(rng.integers(0, image_count, image_count), minlength=image_count)
    return counts


def interval(value: float, samples: FloatArray, *, level: float = 0.95) -> Interval:
    """The percentile interval; samples that are nan (no such object drawn) are left out."""
    known = samples[~np.isnan(samples)]
    tail = (1 - level) / 2
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (float("nan"), float("nan"))
    return Interval(value=value, low=float(low), high=float(high), samples=samples)


def average_precisions(judged: Judged, draws: Draws) -> FloatArray:
    """(B, K) COCO's average precision of each class in each draw; nan where nothing of it was drawn.

    That of a file in which every image stands as often as it was drawn, if no scores of one image are equal.
    """
    curves = _WeightedCurves(judged)
    return np.stack([curves.average_precision(counts) for counts in draws])


def mean_average_precision(judged: Sequence[Judged], draws: Draws) -> FloatArray:
    """(B,) mean over classes with objects, and over IoU thresholds if there are several."""
    return mean_over_classes(np.stack([average_precisions(one, draws) for one in judged]))


def mean_over_classes(aps: FloatArray) -> FloatArray:
    """(B,) of (T, B, K): mean over classes with objects, and over T IoU thresholds."""
    known = ~np.isnan(aps)
    total = known.sum(axis=(0, 2))
    sums = np.where(known, aps, 0.0).sum(axis=(0, 2))
    return np.divide(sums, total, out=np.full(len(sums), np.nan), where=total > 0)


def precision_recall_f1(
    judged: Judged, draws: Draws, threshold: float, class_id: int | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(B,) each: at a confidence threshold, of one class or of all together; 0 without a denominator."""
    problem = judged.problem
    det = problem.det_score >= threshold
    wanted = judged.wanted
    if class_id is not None:
        label = int(np.searchsorted(problem.classes, class_id))
        det, wanted = det & (problem.det_class == label), wanted & (problem.gt_class == label)
    size = len(problem.images)
    per_image = np.stack(
        [
            np.bincount(problem.det_image[judged.hit & det], minlength=size),
            np.bincount(problem.det_image[judged.loose & det], minlength=size),
            np.bincount(problem.gt_image[wanted], minlength=size),
        ],
        axis=1,
    )
    # whole numbers below 2**53: exact, and a product of floats is much faster
    tp, fp, positives = (draws.astype(np.float64) @ per_image.astype(np.float64)).T
    return (
        tp / np.maximum(tp + fp, 1),
        tp / np.maximum(positives, 1),
        2 * tp / np.maximum(tp + fp + positives, 1),
    )


def as_drawn(judged: Judged) -> Draws:
    """(1, I) every image once."""
    return np.ones((1, len(judged.problem.images)), np.int32)


class _WeightedCurves:
    """The detections that matter for precision at hits, class by class: false ones after the last hit do
    not."""

    def __init__(self, judged: Judged) -> None:
        problem = judged.problem
        self._classes = len(problem.classes)
        counted = np.flatnonzero(judged.hit | judged.loose)
        hit = judged.hit[counted]
        label = problem.det_class[counted]
        last = np.full(self._classes, -1)
        np.maximum.at(last, label[hit], np.flatnonzero(hit))
        kept = np.arange(len(counted)) <= last[label]
        counted, hit = counted[kept], hit[kept]
        self._image = problem.det_image[counted]
        self._hit_places: IntArray = np.flatnonzero(hit)
        self._starts: IntArray = np.searchsorted(problem.det_class[counted], np.arange(self._classes + 1))
        self._hit_starts: IntArray = np.searchsorted(self._hit_places, self._starts)
        self._hit_class: IntArray = problem.det_class[counted][self._hit_places]
        self._gt_image = problem.gt_image[judged.wanted]
        self._gt_class = problem.gt_class[judged.wanted]

    def average_precision(self, counts: NDArray[np.int32]) -> FloatArray:
        """(K,) with images as often as ``counts`` (I,) says; nan without objects."""
        positives = np.bincount(self._gt_class, weights=counts[self._gt_image], minlength=self._classes)
        seen = np.concatenate([[0], np.cumsum(counts[self._image], dtype=np.int64)])
        hits = np.cumsum(counts[self._image[self._hit_places]], dtype=np.int64)
        before = np.concatenate([[0], hits])[self._hit_starts]
        number = hits - before[self._hit_class]
        precision = number / (seen[self._hit_places + 1] - seen[self._starts[:-1]][self._hit_class] + EPSILON)
        needed = needed_hits(positives.astype(np.int64))
        # of a hit that was drawn several times the last copy is the most precise, and it may be reached by
        # any
        place = np.searchsorted(hits, (needed + before[:-1, None]).ravel()).reshape(needed.shape)
        place = np.minimum(place, self._hit_starts[1:, None])
        best = np.maximum.reduceat(np.append(precision, 0.0), place.ravel()).reshape(place.shape)
        best[place == self._hit_starts[1:, None]] = 0.0
        best = np.maximum.accumulate(best[:, ::-1], axis=1)
        return np.where(positives > 0, best.mean(axis=1), np.nan)
