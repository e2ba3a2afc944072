"""What each single error costs: how much average precision and F1 would gain if it alone were put right.

Right is, as in TIDE: a detection of the wrong class or place on an object that nothing else has found becomes
its detection, with its own score; every other false detection goes; an object that is missed is taken as if
it had not been there. Average precision is COCO's, 101 points at one IoU, the mean over classes with objects.
F1 is that of all classes together at a confidence threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detcore.evaluation.coco import MAX_DETECTIONS
from detcore.evaluation.curves import EPSILON, needed_hits
from detcore.evaluation.error_types import KINDS, ErrorType, ErrorTypes, find_error_types
from detcore.evaluation.judged import Judged, judge
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray

_CHUNK = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCosts:
    """By row of the detections: ``types.kind`` (N,) place in KINDS or -1, ``det_ap`` and ``det_f1`` (N,)
    gains. By row of ground truth: ``gt_ap`` and ``gt_f1`` (G,) of objects that are not found, 0 for others.
    ``mendable`` (N,) detections that would find their object. ``ap`` and ``f1`` as they are; ``ap`` is -1
    without objects."""

    types: ErrorTypes
    ap: float
    f1: float
    det_ap: FloatArray
    det_f1: FloatArray
    mendable: BoolArray
    gt_ap: FloatArray
    gt_f1: FloatArray


def find_error_costs(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    threshold: float = 0.5,
    iou_threshold: float = 0.5,
) -> ErrorCosts:
    """Cost of every row, and its type. ``threshold`` is the confidence for F1: what is below costs no F1 and,
    as long as it stays there, mends none."""
    judged = judge(
        gt, dets, image_ids, class_ids, iou_thresholds=[iou_threshold], max_detections=MAX_DETECTIONS[-1]
    )[0]
    types = find_error_types(gt, dets, image_ids, class_ids, iou_threshold=iou_threshold)
    problem = judged.problem
    target = _free_targets(judged, types, len(gt))
    curves = _Curves(judged)
    known = max(int(np.count_nonzero(curves.positives)), 1)
    loose = np.flatnonzero(judged.loose)
    free = loose[target[loose] < 0]
    mended = loose[target[loose] >= 0]
    gain = np.zeros(len(problem.det_rows))
    gain[free] = curves.without(problem.det_class[free], free)
    labels = problem.gt_class[target[mended]]
    alike = labels == problem.det_class[mended]
    gain[mended[alike]] = curves.turned(mended[alike])
    moved = mended[~alike]
    gain[moved] = curves.without(problem.det_class[moved], moved) + curves.added(labels[~alike], moved)

    lost = np.flatnonzero(judged.wanted & (judged.finder < 0))
    det_ap, gt_ap = np.zeros(len(dets)), np.zeros(len(gt))
    det_ap[problem.det_rows] = gain / known
    gt_ap[problem.gt_rows[lost]] = curves.fewer()[problem.gt_class[lost]] / known
    counts = _F1(judged, threshold)
    det_f1, gt_f1 = np.zeros(len(dets)), np.zeros(len(gt))
    above = problem.det_score >= threshold
    det_f1[problem.det_rows[free[above[free]]]] = counts.gain(fp=-1)
    det_f1[problem.det_rows[mended[above[mended]]]] = counts.gain(tp=1, fp=-1, fn=-1)
    below = np.flatnonzero(judged.wanted)
    below = below[(judged.finder[below] < 0) | ~above[judged.finder[below]]]
    gt_f1[problem.gt_rows[below]] = counts.gain(fn=-1)
    mendable = np.zeros(len(dets), np.bool_)
    mendable[problem.det_rows[mended]] = True
    return ErrorCosts(
        types=types,
        ap=curves.mean_ap,
        f1=counts.f1,
        det_ap=det_ap,
        det_f1=det_f1,
        mendable=mendable,
        gt_ap=gt_ap,
        gt_f1=gt_f1,
    )


def _free_targets(judged: Judged, types: ErrorTypes, gt_count: int) -> IntArray:
    """(D,) the object that a detection of the wrong class or place would find, if nothing else has; or -1."""
    problem = judged.problem
    place = np.full(gt_count + 1, -1)
    place[problem.gt_rows] = np.arange(len(problem.gt_rows))
    mends = [KINDS.index(kind) for kind in (ErrorType.CLASS, ErrorType.LOCATION)]
    rows = np.where(np.isin(types.kind, mends), types.gt_row, -1)[problem.det_rows]
    target = place[rows]  # row -1 is the last place, which is -1
    chosen = np.flatnonzero(target >= 0)
    taken = ~judged.wanted[target[chosen]] | (judged.finder[target[chosen]] >= 0)
    target[chosen[taken]] = -1
    return target


class _F1:
    """Of all classes together, at a threshold."""

    def __init__(self, judged: Judged, threshold: float) -> None:
        above = judged.problem.det_score >= threshold
        self._tp = int(np.count_nonzero(judged.hit & above))
        self._fp = int(np.count_nonzero(judged.loose & above))
        self._fn = int(np.count_nonzero(judged.wanted)) - self._tp
        self.f1 = self._value(self._tp, self._fp, self._fn)

    def gain(self, *, tp: int = 0, fp: int = 0, fn: int = 0) -> float:
        """With counts that differ by so many."""
        return self._value(self._tp + tp, self._fp + fp, self._fn + fn) - self.f1

    @staticmethod
    def _value(tp: int, fp: int, fn: int) -> float:
        return 2 * tp / max(2 * tp + fp + fn, 1)


class _Class:
    """One class's curve as hits: hit number i (from 1) comes after ``false[i - 1]`` false detections.

    At each of COCO's recalls counts the best precision at or after hit ``needed``. A change at a place with j
    hits before leaves the first j as they are and shifts the others; so a new value is the best of three
    parts: needed hit to j, what is put in, and the shifted rest.
    """

    def __init__(self, false: IntArray, positives: int) -> None:
        self._count = len(false)
        self._positives = positives
        self._number = np.arange(1.0, self._count + 1)
        self._false = false.astype(np.float64)
        self._needed = needed_hits(np.array(positives))
        precision = self._number / (self._number + self._false + EPSILON)
        self.ap = float(self._best_after(precision, self._needed).mean())
        self._best_before: FloatArray | None = None
        self._precision = precision

    def without(self, before: IntArray) -> FloatArray:
        """(N,) gain if a false detection with ``before`` (N,) hits before it goes."""
        fewer = self._number / np.maximum(self._number + self._false - 1 + EPSILON, self._number)
        places, back = np.unique(before, return_inverse=True)
        return self._gains(places, fewer, shift=0, inserted=None)[back]

    def with_hit(self, before: IntArray, false: IntArray, *, instead: bool) -> FloatArray:
        """(N,) gain if a right detection comes after ``before`` (N,) hits and ``false`` (N,) false ones;
        ``instead`` of a false one that was there, or besides."""
        gone = 1.0 if instead else 0.0
        shifted = (self._number + 1) / (self._number + 1 + self._false - gone + EPSILON)
        inserted = (before + 1) / (before + 1.0 + false + EPSILON)
        return self._gains(before, shifted, shift=1, inserted=inserted)

    def fewer(self) -> float:
        """Gain if there were an object less to find."""
        if self._positives <= 1:
            return 0.0
        needed = needed_hits(np.array(self._positives - 1))
        return float(self._best_after(self._precision, needed).mean()) - self.ap

    def _gains(
        self, before: IntArray, later: FloatArray, *, shift: int, inserted: FloatArray | None
    ) -> FloatArray:
        """``later`` (H,) precision of the hits that come after the change, numbers raised by ``shift``."""
        after = np.append(np.maximum.accumulate(later[::-1])[::-1], 0.0)
        gains = np.empty(len(before))
        head = self._head()
        for start in range(0, len(before), _CHUNK):
            part = slice(start, start + _CHUNK)
            j = before[part, None]
            # what comes after the change: from hit j + 1, or from the needed one if that is later
            first = np.minimum(np.maximum(j, self._needed - 1 - shift), self._count)
            value = np.maximum(head[before[part]], after[first])
            if inserted is not None:
                counts = self._needed <= j + 1
                value = np.maximum(value, np.where(counts, inserted[part, None], 0.0))
            gains[part] = value.mean(axis=1)
        return gains - self.ap

    def _head(self) -> FloatArray:
        """(H + 1, R) best precision from the needed hit to hit j, 0 if there is none."""
        if self._best_before is None:
            counted = np.where(self._number[:, None] >= self._needed, self._precision[:, None], 0.0)
            best = np.maximum.accumulate(counted, axis=0)
            self._best_before = np.concatenate([np.zeros((1, len(self._needed))), best])
        return self._best_before

    def _best_after(self, precision: FloatArray, needed: IntArray) -> FloatArray:
        best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
        return best[np.minimum(needed - 1, self._count)]


class _Curves:
    """The curves of all classes. Gains are in average precision of the class."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        problem = judged.problem
        classes = len(problem.classes)
        self.positives: IntArray = judged.positives
        self._hits = np.concatenate([[0], np.cumsum(judged.hit)])
        self._false = np.concatenate([[0], np.cumsum(judged.loose)])
        self._starts: IntArray = np.searchsorted(problem.det_class, np.arange(classes + 1))
        order = np.empty(len(problem.by_score), np.int64)
        order[problem.by_score] = np.arange(len(order))
        self._precedence = order
        self._classes: dict[int, _Class] = {}
        for label in np.flatnonzero(self.positives).tolist():
            first, last = int(self._starts[label]), int(self._starts[label + 1])
            hits = np.flatnonzero(judged.hit[first:last]) + first
            false = self._false[hits] - self._false[first]
            self._classes[label] = _Class(false, int(self.positives[label]))

    @property
    def mean_ap(self) -> float:
        known = [one.ap for one in self._classes.values()]
        return float(np.mean(known)) if known else -1.0

    def without(self, labels: IntArray, dets: IntArray) -> FloatArray:
        """(N,) if these false detections went."""
        gains = np.zeros(len(dets))
        for label, curve, rows in self._by_class(labels):
            gains[rows] = curve.without(self._hits[dets[rows]] - self._hits[self._starts[label]])
        return gains

    def turned(self, dets: IntArray) -> FloatArray:
        """(N,) if these false detections were right."""
        gains = np.zeros(len(dets))
        for label, curve, rows in self._by_class(self._judged.problem.det_class[dets]):
            start = self._starts[label]
            before = self._hits[dets[rows]] - self._hits[start]
            false = self._false[dets[rows]] - self._false[start]
            gains[rows] = curve.with_hit(before, false, instead=True)
        return gains

    def added(self, labels: IntArray, dets: IntArray) -> FloatArray:
        """(N,) if these detections were right ones of other classes."""
        gains = np.zeros(len(dets))
        for label, curve, rows in self._by_class(labels):
            first, last = int(self._starts[label]), int(self._starts[label + 1])
            place = first + np.searchsorted(self._precedence[first:last], self._precedence[dets[rows]])
            before, false = self._hits[place] - self._hits[first], self._false[place] - self._false[first]
            gains[rows] = curve.with_hit(before, false, instead=False)
        return gains

    def fewer(self) -> FloatArray:
        """(K,) if there were an object less of a class, one that is not found."""
        return np.array(
            [self._classes[k].fewer() if k in self._classes else 0.0 for k in range(len(self.positives))]
        )

    def _by_class(self, labels: IntArray) -> list[tuple[int, _Class, IntArray]]:
        order = np.argsort(labels, kind="stable")
        if len(order) == 0:
            return []
        found, starts = np.unique(labels[order], return_index=True)
        parts = np.split(order, starts[1:])
        return [
            (label, self._classes[label], rows)
            for label, rows in zip(found.tolist(), parts, strict=True)
            if label in self._classes
        ]
