"""Sorted and running counts behind a confidence slider, at one IoU threshold.

A greedy match never depends on lower scores, so at any confidence threshold the detections that count are a
prefix of an order made once, and an object is missed where its finder scores below the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detcore.evaluation.curves import EPSILON, RECALL_THRESHOLDS, needed_hits, precision_at_recall
from detcore.evaluation.problem import Problem, positions
from detcore.types import BoolArray, FloatArray, IntArray

Kind = Literal["hit", "loose"]
"""True and false positives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """(K,) counts at one threshold."""

    tp: IntArray
    fp: IntArray
    fn: IntArray


class LiveTables:
    """Everything that a threshold is looked up in. Detections are positions of the problem (class order),
    ground truths are rows.

    ``matched`` (M,) detections and ``taken`` (M,) their ground truths; ``gt_class`` (G,) class position or
    -1; ``gt_counts`` (G,) whether a ground truth can be missed.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        matched: IntArray,
        taken: IntArray,
        gt_class: IntArray,
        gt_counts: BoolArray,
    ) -> None:
        self._problem = problem
        self.gt_class = gt_class
        self.gt_counts = gt_counts
        self.class_count = len(problem.classes)
        total = len(problem.det_rows)
        regular = gt_counts[taken]
        self.hit: BoolArray = np.zeros(total, np.bool_)
        self.hit[matched[regular]] = True
        self.loose: BoolArray = np.ones(total, np.bool_)
        self.loose[matched] = False
        self.match: IntArray = np.full(total, -1, np.int64)
        self.match[matched] = taken
        self.found_score: FloatArray = np.full(len(gt_counts), -np.inf)
        self.found_score[taken[regular]] = problem.det_score[matched[regular]]
        counted_class = gt_class[gt_counts]
        self.positives: IntArray = np.bincount(counted_class, minlength=self.class_count)
        self.class_starts: IntArray = np.searchsorted(problem.det_class, np.arange(self.class_count + 1))
        self._counted: tuple[float, ClassCounts] | None = None
        self._hits_before = _running(self.hit)
        self._loose_before = _running(self.loose)

    def ends(self, threshold: float) -> IntArray:
        """(K,) where each class's detections of at least this score end, by bisection in all at once."""
        low, high = self.class_starts[:-1].copy(), self.class_starts[1:].copy()
        scores = self._problem.det_score
        while (undecided := low < high).any():
            middle = (low + high) >> 1
            above = undecided.copy()
            above[undecided] = scores[middle[undecided]] >= threshold
            low = np.where(above, middle + 1, low)
            high = np.where(undecided & ~above, middle, high)
        return low

    def class_counts(self, threshold: float) -> ClassCounts:
        """The latest are kept: several figures are asked for at each step of a slider."""
        if self._counted is None or self._counted[0] != threshold:
            self._counted = (threshold, self._count(threshold))
        return self._counted[1]

    def _count(self, threshold: float) -> ClassCounts:
        ends, starts = self.ends(threshold), self.class_starts[:-1]
        tp = (self._hits_before[ends] - self._hits_before[starts]).astype(np.int64)
        fp = (self._loose_before[ends] - self._loose_before[starts]).astype(np.int64)
        return ClassCounts(tp=tp, fp=fp, fn=self.positives - tp)

    @cached_property
    def hits_by_score(self) -> IntArray:
        """True positives by descending score."""
        return self._by_score(self.hit)

    @cached_property
    def loose_by_score(self) -> IntArray:
        """False positives by descending score."""
        return self._by_score(self.loose)

    @cached_property
    def _negated_by_score(self) -> dict[Kind, FloatArray]:
        """Negated scores of true and of false positives, by descending score."""
        scores = self._problem.det_score
        return {"hit": -scores[self.hits_by_score], "loose": -scores[self.loose_by_score]}

    def label(self, class_id: int) -> int:
        """The class's place. Raises KeyError for one that takes no part."""
        place = int(positions(np.array([class_id]), self._problem.classes)[0])
        if place < 0:
            raise KeyError(f"class {class_id} takes no part")
        return place

    def above(self, kind: Kind, threshold: float, class_id: int | None = None) -> IntArray:
        """True or false positives of at least this score, highest first."""
        if class_id is None:
            order = self.hits_by_score if kind == "hit" else self.loose_by_score
            return order[: np.searchsorted(self._negated_by_score[kind], -threshold, side="right")]
        label = self.label(class_id)
        first, last = int(self.class_starts[label]), int(self.ends(threshold)[label])
        flags = self.hit if kind == "hit" else self.loose
        return np.flatnonzero(flags[first:last]) + first

    def missed(self, threshold: float, class_id: int | None = None) -> IntArray:
        """Rows of ground truths that nothing of at least this score has found."""
        lost = self.gt_counts & (self.found_score < threshold)
        if class_id is not None:
            lost &= self.gt_class == self.label(class_id)
        return np.flatnonzero(lost)

    @cached_property
    def average_precision(self) -> FloatArray:
        """(K,) COCO's average precision at this IoU, -1 for a class without ground truth."""
        hits = np.flatnonzero(self.hit)
        starts = np.searchsorted(hits, self.class_starts)
        label = self._problem.det_class[hits]
        number = np.arange(1, len(hits) + 1) - starts[label]
        false = self._loose_before[hits] - self._loose_before[self.class_starts[label]]
        precision = number / ((false + number).astype(np.float64) + EPSILON)
        best = precision_at_recall(precision, starts, needed_hits(self.positives, RECALL_THRESHOLDS))
        return np.where(self.positives > 0, best.mean(axis=1), -1.0)

    def _by_score(self, flags: BoolArray) -> IntArray:
        order = self._problem.by_score
        return order[flags[order]]


def _running(flags: BoolArray) -> NDArray[np.int32]:
    """(N + 1,) how many flags are set before each place."""
    counts = np.zeros(len(flags) + 1, np.int32)
    np.cumsum(flags, out=counts[1:])
    return counts
