"""Average precision by the rules of Ultralytics 8.4.190, for comparison alone.

Written from a description of its behaviour and from its answers. Where it differs from COCO: IoU in single
precision with 1e-7 added to the union, so that thresholds are met or missed by a last bit; of equal IoUs the
first object wins; crowds and difficult boxes are objects like others; the curve is drawn with straight lines
to the last recall, sampled at 101 points and integrated by trapezoids, so that nothing scores above 0.995; at
most 300 detections of an image over all classes, or as many as the busiest image has objects. It works in
pixels of the letterboxed image; here they are those of the image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detcore.evaluation.matching import MatchTable, match_pairs
from detcore.evaluation.pairs import Pairs, class_pairs
from detcore.evaluation.problem import Problem, arrange, places
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray

MAX_DETECTIONS = 300
IOU_THRESHOLDS: FloatArray = np.linspace(0.5, 0.95, 10, dtype=np.float32).astype(np.float64)
"""As single precision has them: .6 and .7 are a little more, .65 and .95 a little less."""

_EVERY_SIZE = np.array([[-np.inf, np.inf]])
_POINTS: FloatArray = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True, kw_only=True)
class UltralyticsResult:
    """``mAP50-95``, ``mAP50`` and ``mAP75``; 0 without ground truth. ``per_class`` AP (T,) over
    IOU_THRESHOLDS of each class that has ground truth."""

    ap: float
    ap50: float
    ap75: float
    per_class: Mapping[int, FloatArray]


def evaluate_ultralytics(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
) -> UltralyticsResult:
    """Its three figures over these images and classes. Equal scores of several images keep the order of the
    images, where the original's sort leaves it open."""
    table = match_ultralytics(gt, dets, image_ids, class_ids)
    levels = [class_average_precisions(table, level) for level in range(len(IOU_THRESHOLDS))]
    aps = np.stack(levels, axis=1)
    known = ~np.isnan(aps[:, 0])
    per_class = dict(zip(table.problem.classes[known].tolist(), aps[known], strict=True))
    aps = aps[known] if known.any() else np.zeros((1, len(IOU_THRESHOLDS)))
    return UltralyticsResult(
        ap=float(aps.mean()), ap50=float(aps[:, 0].mean()), ap75=float(aps[:, 5].mean()), per_class=per_class
    )


def match_ultralytics(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    iou_thresholds: FloatArray = IOU_THRESHOLDS,
) -> MatchTable:
    """Which object each detection takes. Rows of the table's problem are those given."""
    nobody = np.zeros(len(gt), np.bool_)
    kept = _best_of_each_image(gt, dets, image_ids)
    problem = arrange(
        replace(gt, crowd=nobody, difficult=nobody),
        dets.take(kept),
        image_ids=image_ids,
        class_ids=class_ids,
    )
    problem = replace(problem, det_rows=kept[problem.det_rows])
    lowest = float(iou_thresholds.min())
    pairs = class_pairs(problem, min_iou=lowest * 0.99)
    pairs = replace(pairs, iou=_single_precision_iou(problem, pairs))
    return match_pairs(
        problem,
        pairs.take(pairs.iou >= lowest),
        iou_thresholds=iou_thresholds,
        size_ranges=_EVERY_SIZE,
        last_wins=False,
    )


def class_average_precisions(table: MatchTable, level: int) -> FloatArray:
    """(K,) average precision of each class at one threshold of the table; nan without ground truth."""
    problem = table.problem
    hit = table.det_matches(level) >= 0
    positives = np.bincount(problem.gt_class, minlength=len(problem.classes))
    starts = np.searchsorted(problem.det_class, np.arange(len(problem.classes) + 1))
    aps = np.full(len(problem.classes), np.nan)
    for label in np.flatnonzero(positives):
        aps[label] = _average_precision(hit[starts[label] : starts[label + 1]], int(positives[label]))
    return aps


def _best_of_each_image(gt: GroundTruth, dets: Detections, image_ids: Sequence[int] | IntArray) -> IntArray:
    """Rows of the detections within the limit, ascending."""
    objects = gt.image_ids[np.isin(gt.image_ids, image_ids)]
    busiest = int(np.unique(objects, return_counts=True)[1].max()) if len(objects) else 0
    order = np.lexsort((-dets.scores, dets.image_ids))
    return np.sort(order[places(dets.image_ids[order]) < max(MAX_DETECTIONS, busiest)])


def _single_precision_iou(problem: Problem, pairs: Pairs) -> FloatArray:
    det = problem.det_boxes[:, pairs.det].astype(np.float32)
    gt = problem.gt_boxes[:, pairs.gt].astype(np.float32)
    sides = np.minimum(det[2:], gt[2:]) - np.maximum(det[:2], gt[:2])
    intersection = sides[0] * sides[1]
    det_area, gt_area = ((box[2] - box[0]) * (box[3] - box[1]) for box in (det, gt))
    union = det_area + gt_area - intersection + np.float32(1e-7)
    return (intersection / union).astype(np.float64)


def _average_precision(hit: BoolArray, positives: int) -> float:
    """Area under the envelope; beyond the last recall the curve is 0."""
    hits = np.cumsum(hit)
    if len(hit) == 0:
        return 0.0
    recall, precision = hits / positives, hits / np.arange(1, len(hit) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    curve = np.interp(
        _POINTS,
        np.concatenate([[0.0], recall, [recall[-1], 1.0]]),
        np.concatenate([[max(1.0, float(envelope[0]))], envelope, [0.0, 0.0]]),
    )
    return float(np.trapezoid(curve, _POINTS))
