"""Ground truth and detections arranged for matching: which rows take part, and in which order.

The order is that of COCOeval: images and classes ascending by id; in an image and class detections by
descending score, equal scores in the order given; over images by score, then image, then the order given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from detcore.errors import EvaluationError
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray

_LOOKUP_SPAN = 1 << 22  # ids that span no more than this are found by a table instead of by bisection


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Columns of the rows that take part. ``images`` and ``classes`` are ascending ids; ``*_image`` and
    ``*_class`` are positions in them; ``*_rows`` are rows of what was given.

    G ground truths, grouped by image and class, in the order given within a group.
    D detections by class, then descending score, then image, then the order given. ``by_group`` permutes
    them to image, class, descending score; ``by_score`` to descending score, image, order given; ``det_rank``
    is the place (from 0) in image and class.
    Boxes are (4, N) columns x1, y1, x2, y2; ``gt_box_area`` and ``det_area`` are width times height,
    ``gt_area`` the area that decides the size range.
    """

    images: IntArray
    classes: IntArray
    gt_rows: IntArray
    gt_image: IntArray
    gt_class: IntArray
    gt_boxes: FloatArray
    gt_box_area: FloatArray
    gt_area: FloatArray
    gt_crowd: BoolArray
    gt_ignore: BoolArray
    det_rows: IntArray
    det_image: IntArray
    det_class: IntArray
    det_boxes: FloatArray
    det_area: FloatArray
    det_score: FloatArray
    det_rank: IntArray
    by_group: IntArray
    by_score: IntArray


def positions(ids: IntArray, ordered: IntArray) -> IntArray:
    """(N,) place of each id in the ascending unique ``ordered``, or -1."""
    if len(ids) == 0 or len(ordered) == 0:
        return np.full(len(ids), -1, np.int64)
    low, high = int(ordered[0]), int(ordered[-1])
    if high - low < _LOOKUP_SPAN:
        table = np.full(high - low + 3, -1, np.int64)
        table[ordered - low + 1] = np.arange(len(ordered))
        return table[np.clip(ids, low - 1, high + 1) - (low - 1)]
    place = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
    return np.where(ordered[place] == ids, place, -1)


def stable_order(values: IntArray, count: int) -> IntArray:
    """Stable argsort of whole numbers in 0..count-1; numpy sorts 16-bit ones by radix."""
    narrow = values.astype(np.uint16) if count <= 1 << 16 else values
    return np.argsort(narrow, kind="stable")


def box_sides_area(boxes: FloatArray) -> FloatArray:
    """(N,) width times height, as signed as the boxes are."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def columns(boxes: FloatArray, rows: IntArray) -> FloatArray:
    """(4, N) columns of the given rows of (M, 4) boxes."""
    return np.ascontiguousarray(boxes[rows].T)


def arrange(
    gt: GroundTruth,
    dets: Detections,
    *,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    max_detections: int | None = None,
    ignore_difficult: bool = True,
    gt_box_areas: FloatArray | None = None,
    det_areas: FloatArray | None = None,
) -> Problem:
    """Put the rows of these images and classes in order; ``max_detections`` is per image and class.

    ``gt_box_areas`` and ``det_areas`` are given where the source had widths and heights: edges alone lose
    the last bit, and an IoU of exactly a threshold may hang on it. Crowds are always ignored, difficult
    boxes unless said otherwise. Raises EvaluationError for scores that are no numbers.
    """
    images = np.unique(np.asarray(image_ids, dtype=np.int64))
    classes = np.unique(np.asarray(class_ids, dtype=np.int64))
    if np.isnan(dets.scores).any():
        row = int(np.flatnonzero(np.isnan(dets.scores))[0])
        raise EvaluationError(f"the score of detection {row} is not a number")
    image, label = positions(dets.image_ids, images), positions(dets.labels, classes)
    rows = np.flatnonzero((image >= 0) & (label >= 0))
    if len(rows) and (image[rows][1:] < image[rows][:-1]).any():
        rows = rows[stable_order(image[rows], len(images))]
    rows = rows[np.argsort(-dets.scores[rows], kind="stable")]
    by_class = stable_order(label[rows], len(classes))
    by_score = np.empty(len(rows), np.int64)
    by_score[by_class] = np.arange(len(rows))
    rows = rows[by_class]
    by_group, rank = _ranks(image[rows], label[rows], len(images), len(classes))
    if max_detections is not None and len(rank) and int(rank.max()) >= max_detections:
        kept = rank < max_detections
        renumbered = np.cumsum(kept) - 1
        by_group, by_score = renumbered[by_group[kept[by_group]]], renumbered[by_score[kept[by_score]]]
        rows, rank = rows[kept], rank[kept]
    areas = box_sides_area(dets.boxes) if det_areas is None else det_areas
    nobody = np.zeros(0, np.int64)
    problem = Problem(
        images=images,
        classes=classes,
        gt_rows=nobody,
        gt_image=nobody,
        gt_class=nobody,
        gt_boxes=np.zeros((4, 0)),
        gt_box_area=np.zeros(0),
        gt_area=np.zeros(0),
        gt_crowd=np.zeros(0, np.bool_),
        gt_ignore=np.zeros(0, np.bool_),
        det_rows=rows,
        det_image=image[rows],
        det_class=label[rows],
        det_boxes=columns(dets.boxes, rows),
        det_area=areas[rows],
        det_score=dets.scores[rows],
        det_rank=rank,
        by_group=by_group,
        by_score=by_score,
    )
    return with_ground_truth(problem, gt, box_areas=gt_box_areas, ignore_difficult=ignore_difficult)


def with_ground_truth(
    problem: Problem, gt: GroundTruth, *, box_areas: FloatArray | None = None, ignore_difficult: bool = True
) -> Problem:
    """The same detections, images and classes with other ground truth."""
    image, label = positions(gt.image_ids, problem.images), positions(gt.labels, problem.classes)
    rows = np.flatnonzero((image >= 0) & (label >= 0))
    rows = rows[np.argsort(image[rows] * len(problem.classes) + label[rows], kind="stable")]
    areas = box_sides_area(gt.boxes) if box_areas is None else box_areas
    ignore = gt.crowd | gt.difficult if ignore_difficult else gt.crowd
    return replace(
        problem,
        gt_rows=rows,
        gt_image=image[rows],
        gt_class=label[rows],
        gt_boxes=columns(gt.boxes, rows),
        gt_box_area=areas[rows],
        gt_area=gt.areas[rows],
        gt_crowd=gt.crowd[rows],
        gt_ignore=ignore[rows],
    )


def _ranks(image: IntArray, label: IntArray, image_count: int, class_count: int) -> tuple[IntArray, IntArray]:
    """The permutation to image and class groups, and each detection's place in its group."""
    by_group = stable_order(image, image_count)
    rank = np.empty(len(image), np.int64)
    rank[by_group] = places(image[by_group] * class_count + label[by_group])
    return by_group, rank


def places(keys: IntArray) -> IntArray:
    """(N,) how many equal keys lie directly before each entry."""
    if len(keys) == 0:
        return np.zeros(0, np.int64)
    first = np.concatenate([[True], keys[1:] != keys[:-1]])
    starts = np.flatnonzero(first)
    return np.arange(len(keys)) - np.repeat(starts, np.diff(starts, append=len(keys)))
