"""Which boxes stand behind a number, in the order in which to look at them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from app.models.error_kind import ERRORS, ErrorKind
from detcore.boxes import areas
from detcore.evaluation.live import LiveEvaluation
from detcore.types import FloatArray, IntArray

BACKGROUND_ID = 0
"""Stands for background where a class id is asked for; no class has it."""


class SortOrder(StrEnum):
    """The value is what the person reads."""

    WORST = "Worst first"
    CONFIDENCE = "Highest confidence"
    UNSURE = "Lowest confidence"
    LARGE = "Largest first"
    SMALL = "Smallest first"
    IMAGE = "Image by image"


@dataclass(frozen=True, kw_only=True)
class ErrorFilter:
    """What the list holds. ``cell`` is a cell of the confusion matrix, (label, detection) class ids with
    BACKGROUND_ID for background; it then decides alone."""

    kinds: frozenset[ErrorKind] = ERRORS
    class_id: int | None = None
    cell: tuple[int, int] | None = None

    def with_kinds(self, kinds: frozenset[ErrorKind]) -> ErrorFilter:
        return replace(self, kinds=kinds, cell=None)

    def with_class(self, class_id: int | None) -> ErrorFilter:
        return replace(self, class_id=class_id, cell=None)

    def with_cell(self, cell: tuple[int, int]) -> ErrorFilter:
        return replace(self, cell=cell)


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorRows:
    """N boxes: ``keys`` (N,) are box ids of labels, or -(row + 1) of detections; ``kinds`` (N,)."""

    keys: IntArray
    kinds: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def empty(cls) -> ErrorRows:
        return cls(keys=np.zeros(0, np.int64), kinds=np.zeros(0, np.uint8))


def detection_key(row: int) -> int:
    """The key of a detection; the canvas knows it by the same number."""
    return -(row + 1)


def detection_row(key: int) -> int:
    return -key - 1


def find_rows(
    evaluation: LiveEvaluation, threshold: float, wanted: ErrorFilter, order: SortOrder
) -> ErrorRows:
    """The boxes that a filter lets through at a threshold, sorted."""
    gt_rows, det_rows, det_kinds = _chosen(evaluation, threshold, wanted)
    # rows of labels move when an image is edited, ids do not: equal ones keep their places
    gt_rows = gt_rows[np.argsort(evaluation.gt.ids[gt_rows])]
    if order is SortOrder.WORST:
        # most missed objects are equally bad; the large ones are looked at first
        gt_rows = gt_rows[np.argsort(-areas(evaluation.gt.boxes[gt_rows]), kind="stable")]
    keys = np.concatenate([-(det_rows + 1), evaluation.gt.ids[gt_rows]])
    kinds = np.concatenate([det_kinds, np.full(len(gt_rows), ErrorKind.FN, np.uint8)])
    value = _value(evaluation, gt_rows, det_rows, kinds, order)
    # detections come by falling score and the sort finds such runs, so long lists are quick too
    ranked = np.argsort(value, kind="stable")
    return ErrorRows(keys=keys[ranked], kinds=kinds[ranked])


def _chosen(
    evaluation: LiveEvaluation, threshold: float, wanted: ErrorFilter
) -> tuple[IntArray, IntArray, NDArray[np.uint8]]:
    """Rows of ground truth (missed), rows of detections, and the kinds of these."""
    none = np.zeros(0, np.int64)
    if wanted.cell is not None:
        label, detected = (None if part == BACKGROUND_ID else part for part in wanted.cell)
        gt_rows, det_rows = evaluation.confusion_rows(threshold, label, detected)
        kind = ErrorKind.TP if label == detected else ErrorKind.FP
        if detected is None:
            return gt_rows, none, np.zeros(0, np.uint8)
        return none, det_rows, np.full(len(det_rows), kind, np.uint8)
    kinds, class_id = wanted.kinds, wanted.class_id
    missed = evaluation.missed(threshold, class_id) if ErrorKind.FN in kinds else none
    false = evaluation.false_positives(threshold, class_id) if ErrorKind.FP in kinds else none
    found = evaluation.true_positives(threshold, class_id) if ErrorKind.TP in kinds else none
    det_kinds = np.repeat(np.array([ErrorKind.FP, ErrorKind.TP], np.uint8), [len(false), len(found)])
    return missed, np.concatenate([false, found]), det_kinds


def _value(
    evaluation: LiveEvaluation,
    gt_rows: IntArray,
    det_rows: IntArray,
    kinds: NDArray[np.uint8],
    order: SortOrder,
) -> FloatArray:
    """(N,) sort values, the smallest first."""
    gt, dets = evaluation.gt, evaluation.dets
    if order in (SortOrder.LARGE, SortOrder.SMALL):
        boxes = np.concatenate([dets.boxes[det_rows], gt.boxes[gt_rows]])
        return -areas(boxes) if order is SortOrder.LARGE else areas(boxes)
    if order is SortOrder.IMAGE:
        return np.concatenate([dets.image_ids[det_rows], gt.image_ids[gt_rows]]).astype(np.float64)
    # a missed object has the score of the detection that would find it at a lower threshold
    hidden = np.maximum(evaluation.found_scores()[gt_rows], 0.0)
    scores = np.concatenate([dets.scores[det_rows], hidden])
    if order is SortOrder.CONFIDENCE:
        return -scores
    if order is SortOrder.UNSURE:
        return scores
    # how sure the model is of the opposite of what the labels say
    return np.where(kinds == ErrorKind.FP, -scores, scores - 1.0)
