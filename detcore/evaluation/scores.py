"""Whether scores mean what they say, and whether they tell right from wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """B bins of scores: ``edges`` (B + 1,), ``counts`` (B,), mean score ``confidence`` (B,) and ``precision``
    (B,), both nan in an empty bin. ``error`` is the mean distance of the two, weighted by the counts (D-ECE
    of the confidence alone), ``largest_error`` the largest distance; nan without detections."""

    edges: FloatArray
    counts: IntArray
    confidence: FloatArray
    precision: FloatArray
    error: float
    largest_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Roc:
    """Scores as a test for right detections: from (0, 0) to (1, 1) the shares of false and of true positives
    at or above each of ``thresholds`` (N,), which starts at infinity. ``auc`` is the chance that a true
    positive scores higher than a false one, equal scores counted half; nan if either is missing."""

    false_share: FloatArray
    true_share: FloatArray
    thresholds: FloatArray
    auc: float


def reliability(scores: FloatArray, hit: BoolArray, *, bins: int = 20) -> Reliability:
    """Precision over confidence in equal bins of 0..1; the upper edge of a bin belongs to the next one."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = _bin(scores, bins)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, weights=scores, minlength=bins) / counts
        precision = np.bincount(place, weights=hit, minlength=bins) / counts
    gaps = np.abs(confidence - precision)[counts > 0]
    return Reliability(
        edges=edges,
        counts=counts,
        confidence=confidence,
        precision=precision,
        error=float(gaps @ counts[counts > 0] / len(scores)) if len(scores) else float("nan"),
        largest_error=float(gaps.max()) if len(scores) else float("nan"),
    )


def detection_calibration_error(
    scores: FloatArray,
    hit: BoolArray,
    features: FloatArray | None = None,
    *,
    bins: int = 20,
    least_count: int = 1,
) -> float:
    """D-ECE of Küppers et al., Multivariate Confidence Calibration for Object Detection (2020).

    ``features`` (N, F) in 0..1, such as centre and size of the box relative to the image, are binned together
    with the score, all into so many ``bins``. Bins with fewer than ``least_count`` detections are left out of
    the sum, not out of the total. nan without detections.
    """
    if len(scores) == 0:
        return float("nan")
    cell = _bin(scores, bins)
    for column in () if features is None else features.T:
        cell = cell * bins + _bin(column, bins)
    _, cell = np.unique(cell, return_inverse=True)
    counts = np.bincount(cell)
    gaps = np.abs(np.bincount(cell, weights=scores) - np.bincount(cell, weights=hit))
    return float(gaps[counts >= least_count].sum() / len(scores))


def roc(scores: FloatArray, hit: BoolArray) -> Roc:
    """Receiver operating characteristic of the scores of true against false positives."""
    order = np.argsort(-scores, kind="stable")
    scores, hit = scores[order], hit[order]
    last = (
        np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) if len(scores) else np.zeros(0, np.int64)
    )
    true, false = np.append(0, np.cumsum(hit)[last]), np.append(0, np.cumsum(~hit)[last])
    total_true, total_false = int(true[-1]), int(false[-1])
    doubled = int(((true[1:] + true[:-1]) * np.diff(false)).sum())
    known = total_true > 0 and total_false > 0
    return Roc(
        false_share=false / max(total_false, 1),
        true_share=true / max(total_true, 1),
        thresholds=np.append(np.inf, scores[last]),
        auc=doubled / (2 * total_true * total_false) if known else float("nan"),
    )


def _bin(values: FloatArray, bins: int) -> IntArray:
    return np.clip((values * bins).astype(np.int64), 0, bins - 1)
