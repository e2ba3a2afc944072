"""Average precision and precision-recall curves from lists of true and false positives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.types import BoolArray, FloatArray, IntArray

RECALL_THRESHOLDS: FloatArray = np.linspace(0.0, 1.0, 101)
"""COCO's, as its code computes them (0.35 is 0.35000000000000003)."""

EPSILON = float(np.spacing(1))
"""Added to the denominator of precision, as COCOeval does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Precision and recall after each detection that counts, by descending score: (N,) each.

    ``ap`` is COCO's 101-point average precision at this IoU; -1 where there is nothing to find.
    """

    recall: FloatArray
    precision: FloatArray
    scores: FloatArray
    ap: float

    @property
    def hits(self) -> BoolArray:
        """(N,) which detections found an object."""
        return hits_along(self.recall)


def hits_along(recall: FloatArray) -> BoolArray:
    """(N,) which detections raise the recall: those that found an object."""
    return np.diff(recall, prepend=0.0) > 0


def f1_along(precision: FloatArray, recall: FloatArray) -> FloatArray:
    """(N,) harmonic mean of precision and recall at each point; 0 where both are 0."""
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)


def needed_hits(positives: IntArray, recall_thresholds: FloatArray = RECALL_THRESHOLDS) -> IntArray:
    """(…, R) how many hits reach each recall among so many ``positives`` (…), at least 1.

    Exact in floating point: the smallest k with k / positives >= threshold.
    """
    total = np.maximum(positives, 1)[..., None].astype(np.float64)
    needed = np.ceil(recall_thresholds * total)
    needed -= (needed - 1) / total >= recall_thresholds
    needed += needed / total < recall_thresholds
    return np.maximum(needed, 1).astype(np.int64)


def precision_at_recall(precision: FloatArray, starts: IntArray, needed: IntArray) -> FloatArray:
    """(B, R) best precision at or beyond each recall, for B lists laid end to end.

    ``precision`` (N,) after each hit; list b is ``precision[starts[b]:starts[b + 1]]`` with ``starts`` of
    B + 1; ``needed`` (B, R) ascending hits (from 1) per recall. 0 where a list never gets there. Between
    hits precision only falls, so the hits alone hold the envelope.
    """
    first, last = starts[:-1, None], starts[1:, None]
    place = np.minimum(first + needed - 1, last)
    padded = np.append(precision, 0.0)
    best = np.maximum.reduceat(padded, place.ravel()).reshape(place.shape)
    best[place == last] = 0.0
    return np.maximum.accumulate(best[:, ::-1], axis=1)[:, ::-1]


def precision_recall(hit: BoolArray, positives: int, scores: FloatArray, *, ap: float) -> Curve:
    """The curve of one list of detections by descending score, ignored ones left out."""
    hits = np.cumsum(hit, dtype=np.float64)
    precision = hits / (np.arange(1.0, len(hit) + 1) + EPSILON)
    return Curve(recall=hits / max(positives, 1), precision=precision, scores=scores, ap=ap)
