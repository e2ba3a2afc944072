"""How well small, medium and large objects are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcore.boxes import areas
from detcore.evaluation.coco import accumulate, evaluate_coco
from detcore.evaluation.live import LiveEvaluation
from detcore.evaluation.matching import match
from detcore.evaluation.problem import arrange
from detcore.review.kinds import ErrorKind
from detcore.types import FloatArray, GroundTruth, IntArray

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
    gt = evaluation.gt
    if kind is ErrorKind.FN:
        rows = evaluation.missed(threshold, class_id)
        return rows, sizes_of(gt.areas[rows])
    if kind is ErrorKind.FP:
        rows = evaluation.false_positives(threshold, class_id)
        return rows, sizes_of(areas(evaluation.dets.boxes[rows]))
    rows = evaluation.true_positives(threshold, class_id)
    return rows, sizes_of(gt.areas[evaluation.taken_by(rows)])


class SizeCounts:
    """Counts by size at any threshold, with the labels as they are. What no threshold changes is found once
    for the labels and the class that were asked for last."""

    def __init__(self, evaluation: LiveEvaluation) -> None:
        self.evaluation = evaluation
        self._det_sizes = sizes_of(areas(evaluation.dets.boxes)).astype(np.uint8)
        self._of: tuple[GroundTruth, int | None] | None = None
        self._labels: IntArray = np.zeros(len(SIZE_NAMES), np.int64)
        self._found: Sequence[FloatArray] = ()
        self._false: Sequence[FloatArray] = ()

    def at(self, threshold: float, class_id: int | None) -> IntArray:
        """(3, 3) what is found, false and missed of each size, of a class or of all together."""
        if self._of is None or self._of[0] is not self.evaluation.gt or self._of[1] != class_id:
            self._look(class_id)
        found, false = (
            np.array([np.searchsorted(negated, -threshold, side="right") for negated in by_size])
            for by_size in (self._found, self._false)
        )
        return np.stack([found, false, self._labels - found], axis=1)

    def _look(self, class_id: int | None) -> None:
        evaluation = self.evaluation
        _, sizes = sized_rows(evaluation, np.inf, ErrorKind.FN, class_id)
        self._labels = np.bincount(sizes, minlength=len(SIZE_NAMES))
        self._found = self._by_size(*sized_rows(evaluation, -np.inf, ErrorKind.TP, class_id))
        false = evaluation.false_positives(-np.inf, class_id)
        self._false = self._by_size(false, self._det_sizes[false])
        self._of = (evaluation.gt, class_id)

    def _by_size(self, rows: IntArray, sizes: NDArray[np.integer]) -> list[FloatArray]:
        """Negated scores of each size, highest score first, as the rows are."""
        negated = -self.evaluation.dets.scores[rows]
        return [negated[np.flatnonzero(sizes == size)] for size in range(len(SIZE_NAMES))]


def size_rows(
    by_size: IntArray, class_ids: IntArray, class_id: int | None, aps: FloatArray | None
) -> list[SizeRow]:
    """A row for all objects and one for each size, from what ``SizeCounts`` has of a class or of all, and from
    ``size_aps`` of all ``class_ids``."""
    counts = [by_size.sum(axis=0), *by_size]
    chosen = slice(None) if class_id is None else class_ids == class_id
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
