"""COCO's twelve numbers, as pycocotools 2.0.11 computes them for boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detcore.evaluation.curves import EPSILON, RECALL_THRESHOLDS, needed_hits, precision_at_recall
from detcore.evaluation.matching import NO_MATCH, MatchTable, match
from detcore.evaluation.problem import arrange
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray

MAX_DETECTIONS = (1, 10, 100)
STAT_NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoResult:
    """``stats`` the twelve numbers, -1 where nothing was to be found; ``per_class`` the same for each
    class id, with ``gt_count`` and ``det_count``.

    ``precision`` (A, T, K, R) at COCO's recalls and 100 detections; ``recall`` (M, A, T, K); -1 for a class
    without ground truth of that size. A: all, small, medium, large. M: 1, 10, 100 detections per image and
    class. K: ``class_ids`` ascending.
    """

    stats: Mapping[str, float]
    per_class: Mapping[int, Mapping[str, float]]
    class_ids: IntArray
    precision: FloatArray
    recall: FloatArray


def evaluate_coco(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    gt_box_areas: FloatArray | None = None,
    det_areas: FloatArray | None = None,
    ignore_difficult: bool = True,
    zero_id_is_no_match: bool = False,
) -> CocoResult:
    """COCO's numbers over these images and classes.

    ``gt_box_areas`` and ``det_areas`` as in ``arrange``. COCO knows no difficult boxes; here they are ignored
    like other ignored ones unless said otherwise. ``zero_id_is_no_match`` repeats a fault of pycocotools:
    who matches the ground truth with id 0 counts as false positive.
    """
    problem = arrange(
        gt,
        dets,
        image_ids=image_ids,
        class_ids=class_ids,
        max_detections=MAX_DETECTIONS[-1],
        ignore_difficult=ignore_difficult,
        gt_box_areas=gt_box_areas,
        det_areas=det_areas,
    )
    table = match(problem)
    void = gt.ids[problem.gt_rows] == 0 if zero_id_is_no_match else None
    precision, recall = accumulate(table, void_gt=void)
    everything = _summary(precision, recall)
    gt_counts = np.bincount(problem.gt_class[~problem.gt_ignore], minlength=len(problem.classes))
    det_counts = np.bincount(problem.det_class, minlength=len(problem.classes))
    per_class: dict[int, Mapping[str, float]] = {}
    for place, class_id in enumerate(problem.classes):
        one = slice(place, place + 1)
        numbers = _summary(precision[:, :, one], recall[..., one])
        numbers["gt_count"], numbers["det_count"] = int(gt_counts[place]), int(det_counts[place])
        per_class[int(class_id)] = numbers
    return CocoResult(
        stats=everything, per_class=per_class, class_ids=problem.classes, precision=precision, recall=recall
    )


def accumulate(table: MatchTable, *, void_gt: BoolArray | None = None) -> tuple[FloatArray, FloatArray]:
    """``precision`` and ``recall`` of a CocoResult from a match table.

    Precision is needed after true positives alone, so only candidates are counted through; the false
    positives among all others come from one running count per size range. ``void_gt`` (G,) marks ground
    truths whose regular matches count as none.
    """
    problem = table.problem
    sizes, levels, count = table.matches.shape
    classes = len(problem.classes)
    low, high = table.size_ranges[:, 0, None], table.size_ranges[:, 1, None]
    in_range = (problem.det_area >= low) & (problem.det_area <= high)  # (A, D)

    matched = table.matches != NO_MATCH
    of_size = np.arange(sizes, dtype=np.int64)[:, None, None]
    of_gt = of_size * len(problem.gt_rows) + table.matches
    regular = ~table.gt_ignore
    if void_gt is not None:
        matched &= ~void_gt[table.matches] | table.gt_ignore.ravel()[of_gt]
    hit = matched & regular.ravel()[of_gt]

    # false positives up to a candidate: detections in range, less those that are matched to anything
    settled = matched & in_range[:, None, table.candidates]
    counted = np.cumsum(in_range, axis=1, dtype=np.int32)[:, None, table.candidates]
    misses = counted - np.cumsum(settled, axis=2, dtype=np.int32)
    class_starts = np.searchsorted(problem.det_class, np.arange(classes))
    before = np.searchsorted(table.candidates, class_starts)
    misses_before = _before(in_range, class_starts)[:, None, :] - _before(settled, before)

    run, place = np.nonzero(hit.reshape(sizes * levels, count))
    label = problem.det_class[table.candidates][place]
    hits = np.bincount(run * classes + label, minlength=sizes * levels * classes)
    starts = np.concatenate([[0], np.cumsum(hits)])
    group = run * classes + label
    number = np.arange(1, len(run) + 1) - starts[group]
    false = misses.reshape(sizes * levels, count)[run, place] - misses_before.ravel()[group]
    at_hits = number / ((false + number).astype(np.float64) + EPSILON)

    positives = np.stack([np.bincount(problem.gt_class[row], minlength=classes) for row in regular])
    needed = np.repeat(needed_hits(positives)[:, None], levels, axis=1)  # (A, T, K, R)
    best = precision_at_recall(at_hits, starts, needed.reshape(-1, len(RECALL_THRESHOLDS)))
    precision = best.reshape(sizes, levels, classes, -1)
    rank = problem.det_rank[table.candidates][place]
    found = np.stack(
        [np.bincount(group[rank < most], minlength=len(hits)) for most in MAX_DETECTIONS]
    ).reshape(len(MAX_DETECTIONS), sizes, levels, classes)
    absent = positives == 0
    recall = found / np.maximum(positives, 1)[:, None, :]
    precision = np.where(absent[:, None, :, None], -1.0, precision)
    recall = np.where(absent[:, None, :], -1.0, recall)
    return precision, recall


def _before(flags: BoolArray, starts: IntArray) -> IntArray:
    """(…, K) how many flags (…, N) are set before each start."""
    total = np.cumsum(flags, axis=-1, dtype=np.int64)
    padded = np.concatenate([np.zeros((*flags.shape[:-1], 1), np.int64), total], axis=-1)
    return padded[..., starts]


def _summary(precision: FloatArray, recall: FloatArray) -> dict[str, float]:
    numbers = (
        _mean(precision[0]),
        _mean(precision[0, 0]),
        _mean(precision[0, 5]),
        *(_mean(precision[size]) for size in (1, 2, 3)),
        *(_mean(recall[most, 0]) for most in (0, 1, 2)),
        *(_mean(recall[2, size]) for size in (1, 2, 3)),
    )
    return dict(zip(STAT_NAMES, numbers, strict=True))


def _mean(values: FloatArray) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0
