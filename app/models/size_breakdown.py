"""How well small, medium and large objects are found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.models.error_kind import ErrorKind
from detcore.boxes import areas
from detcore.evaluation.coco import accumulate, evaluate_coco
from detcore.evaluation.live import LiveEvaluation
from detcore.evaluation.matching import match
from detcore.evaluation.problem import arrange
from detcore.types import FloatArray, IntArray

SIZE_NAMES = ("Small", "Medium", "Large")
_TIPS = ("Less than 32 × 32 pixels", "32 × 32 to 96 × 96 pixels", "96 × 96 pixels and more")
_LIMITS: IntArray = np.array([32**2, 96**2])


@dataclass(frozen=True, kw_only=True)
class SizeRow:
    """One size at a threshold, or all of them: ``size`` is then ``None``. ``ap`` is COCO's mean over IoU
    thresholds, ``ap_at`` that at one; -1 without labels, ``None`` while they are not known."""

    size: int | None
    name: str
    tip: str
    labels: int
    ap: float | None
    ap_at: float | None
    counts: tuple[int, int, int]

    @property
    def recall(self) -> float:
        found, _, missed = self.counts
        return found / (found + missed) if found + missed else float("nan")

    @property
    def precision(self) -> float:
        found, false, _ = self.counts
        return found / (found + false) if found + false else float("nan")


def sizes_of(pixels: FloatArray) -> IntArray:
    """(N,) places in SIZE_NAMES of areas in square pixels."""
    return np.digitize(pixels, _LIMITS)


def sized_rows(
    evaluation: LiveEvaluation, threshold: float, kind: ErrorKind, class_id: int | None
) -> tuple[IntArray, IntArray]:
    """Rows of missed labels or of detections, (N,), and their sizes (N,): a detection that found an object
    has the size of its label, a false one its own."""
    gt, dets = evaluation.gt, evaluation.dets
    if kind is ErrorKind.FN:
        rows = evaluation.missed(threshold, class_id)
        return rows, sizes_of(gt.areas[rows])
    if kind is ErrorKind.FP:
        rows = evaluation.false_positives(threshold, class_id)
        return rows, sizes_of(areas(dets.boxes[rows]))
    classes = evaluation.class_ids.tolist() if class_id is None else [class_id]
    pairs = [evaluation.confusion_rows(threshold, one, one) for one in classes]
    labels = np.concatenate([np.zeros(0, np.int64), *(pair[0] for pair in pairs)])
    rows = np.concatenate([np.zeros(0, np.int64), *(pair[1] for pair in pairs)])
    order = np.argsort(-dets.scores[rows], kind="stable")
    return rows[order], sizes_of(gt.areas[labels[order]])


def size_rows(
    evaluation: LiveEvaluation, threshold: float, class_id: int | None, aps: FloatArray | None
) -> list[SizeRow]:
    """A row for all objects and one for each size; ``aps`` as ``size_aps`` has them."""
    objects = evaluation.missed(np.inf, class_id)
    found = objects[evaluation.found_scores()[objects] >= threshold]
    sizes = (
        sizes_of(evaluation.gt.areas[found]),
        sized_rows(evaluation, threshold, ErrorKind.FP, class_id)[1],
        sized_rows(evaluation, threshold, ErrorKind.FN, class_id)[1],
    )
    by_size = np.stack([np.bincount(column, minlength=len(SIZE_NAMES)) for column in sizes], axis=1)
    counts = [by_size.sum(axis=0), *by_size]
    chosen = slice(None) if class_id is None else evaluation.class_ids == class_id
    names = ((None, "All sizes", "Objects of every size"), *zip(range(3), SIZE_NAMES, _TIPS, strict=True))
    return [
        SizeRow(
            size=size,
            name=name,
            tip=tip,
            labels=tp + fn,
            ap=None if aps is None else _mean(aps[0, place, chosen]),
            ap_at=None if aps is None else _mean(aps[1, place, chosen]),
            counts=(tp, fp, fn),
        )
        for place, ((size, name, tip), (tp, fp, fn)) in enumerate(
            zip(names, (column.tolist() for column in counts), strict=True)
        )
    ]


def size_aps(evaluation: LiveEvaluation) -> FloatArray:
    """(2, 4, K) average precision of all, small, medium and large objects by class, -1 without labels: COCO's
    mean over IoU thresholds, and at the evaluation's IoU with all detections. Takes a second for 400,000
    detections; safe off the GUI thread."""
    of = (evaluation.gt, evaluation.dets)
    coco = evaluate_coco(*of, evaluation.image_ids, evaluation.class_ids)
    problem = arrange(*of, image_ids=evaluation.image_ids, class_ids=evaluation.class_ids)
    at_one, _ = accumulate(match(problem, iou_thresholds=[evaluation.iou_threshold]))
    return np.stack([coco.precision.mean(axis=(1, 3)), at_one[:, 0].mean(axis=2)])


def _mean(values: FloatArray) -> float:
    known = values[values > -1]
    return float(known.mean()) if len(known) else -1.0
