"""Whether scores mean what they say, and whether they tell right from wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """B bins of scores: ``edges`` (B + 1,), ``counts`` (B,), mean score ``confidence`` (B,) and ``precision``
    (B,), both nan in an empty bin. ``error`` is the mean distance of the two, weighted by the counts (D-ECE
    of Küppers et al., Multivariate Confidence Calibration for Object Detection, 2020, of the confidence
    alone); nan without detections."""

    edges: FloatArray
    counts: IntArray
    confidence: FloatArray
    precision: FloatArray
    error: float


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
    )


def area_under_roc(scores: FloatArray, hit: BoolArray) -> float:
    """The chance that a true positive scores higher than a false one, equal scores counted half: the area under
    the receiver operating characteristic. nan if either is missing."""
    order = np.argsort(-scores, kind="stable")
    scores, hit = scores[order], hit[order]
    last = (
        np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) if len(scores) else np.zeros(0, np.int64)
    )
    true, false = np.append(0, np.cumsum(hit)[last]), np.append(0, np.cumsum(~hit)[last])
    pairs = int(true[-1]) * int(false[-1])
    doubled = int(((true[1:] + true[:-1]) * np.diff(false)).sum())
    return doubled / (2 * pairs) if pairs else float("nan")


def _bin(values: FloatArray, bins: int) -> IntArray:
    return np.clip((values * bins).astype(np.int64), 0, bins - 1)
