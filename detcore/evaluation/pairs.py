"""Pairs of a detection and a ground truth that overlap, as flat lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.evaluation.problem import Problem
from detcore.types import BoolArray, FloatArray, IntArray

_CHUNK = 1 << 17  # pairs worked on at once: the temporaries then stay in the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """P pairs: positions ``det`` and ``gt`` in a Problem, and their ``iou`` (for a crowd: the share of
    the detection that lies in it)."""

    det: IntArray
    gt: IntArray
    iou: FloatArray

    def __len__(self) -> int:
        return len(self.det)

    def take(self, rows: IntArray | BoolArray) -> Pairs:
        return Pairs(det=self.det[rows], gt=self.gt[rows], iou=self.iou[rows])


def class_pairs(problem: Problem, *, min_iou: float) -> Pairs:
    """Pairs of one image and one class with at least ``min_iou`` (above 0), detections in group order."""
    class_count = max(len(problem.classes), 1)
    dets = problem.by_group
    keys = problem.det_image[dets] * class_count + problem.det_class[dets]
    return _overlapping(problem, dets, keys, problem.gt_image * class_count + problem.gt_class, min_iou)


def image_pairs(problem: Problem, dets: IntArray, *, min_iou: float) -> Pairs:
    """Pairs of one image, whatever their classes, with at least ``min_iou``. ``dets`` are the detections to
    look at, images ascending."""
    return _overlapping(problem, dets, problem.det_image[dets], problem.gt_image, min_iou)


def _overlapping(
    problem: Problem, dets: IntArray, det_keys: IntArray, gt_keys: IntArray, min_iou: float
) -> Pairs:
    """Pairs with equal keys, both ascending. A key is looked up once for each run of equal ones."""
    if len(dets) == 0 or len(gt_keys) == 0:
        return Pairs(det=np.zeros(0, np.int64), gt=np.zeros(0, np.int64), iou=np.zeros(0))
    starts = np.flatnonzero(np.concatenate([[True], det_keys[1:] != det_keys[:-1]]))
    lengths = np.diff(starts, append=len(det_keys))
    first = np.searchsorted(gt_keys, det_keys[starts], side="left")
    count = np.searchsorted(gt_keys, det_keys[starts], side="right") - first
    per_det = np.repeat(count, lengths)
    chosen = np.flatnonzero(per_det)
    first_gt, per_det = np.repeat(first, lengths)[chosen], per_det[chosen]
    dets = dets[chosen]

    ends = np.cumsum(per_det)
    parts: list[Pairs] = []
    start = 0
    while start < len(dets):
        done = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, done + _CHUNK, side="right")), start + 1)
        counts = per_det[start:stop]
        det = np.repeat(dets[start:stop], counts)
        offset = np.repeat(first_gt[start:stop] - (ends[start:stop] - counts - done), counts)
        parts.append(_measure(problem, det, offset + np.arange(len(det)), min_iou))
        start = stop
    if not parts:
        return Pairs(det=np.zeros(0, np.int64), gt=np.zeros(0, np.int64), iou=np.zeros(0))
    return Pairs(
        det=np.concatenate([part.det for part in parts]),
        gt=np.concatenate([part.gt for part in parts]),
        iou=np.concatenate([part.iou for part in parts]),
    )


def _measure(problem: Problem, det: IntArray, gt: IntArray, min_iou: float) -> Pairs:
    """The pairs that overlap enough. Operations and their order are those of COCO's bbIou."""
    d_x1, d_y1, d_x2, d_y2 = problem.det_boxes
    g_x1, g_y1, g_x2, g_y2 = problem.gt_boxes
    width = np.minimum(d_x2[det], g_x2[gt]) - np.maximum(d_x1[det], g_x1[gt])
    beside = np.flatnonzero(width > 0)
    det, gt, width = det[beside], gt[beside], width[beside]
    height = np.minimum(d_y2[det], g_y2[gt]) - np.maximum(d_y1[det], g_y1[gt])
    above = np.flatnonzero(height > 0)
    det, gt = det[above], gt[above]
    intersection = width[above] * height[above]
    det_area = problem.det_area[det]
    union = np.where(problem.gt_crowd[gt], det_area, det_area + problem.gt_box_area[gt] - intersection)
    iou = intersection / union
    enough = np.flatnonzero(iou >= min_iou)
    return Pairs(det=det[enough], gt=gt[enough], iou=iou[enough])
