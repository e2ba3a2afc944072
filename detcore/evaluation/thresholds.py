"""What each confidence threshold gives, and which one to choose.

A threshold keeps scores of at least itself, so equal scores come and go together: only distinct scores are
operating points. Objects per image missed over false positives per image, and its average in the logarithm,
are those of Dollár et al., Pedestrian Detection: An Evaluation of the State of the Art (2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.evaluation.curves import hits_along
from detcore.evaluation.judged import Outcomes
from detcore.evaluation.live import Counts
from detcore.types import BoolArray, FloatArray, IntArray

FPPI_REFERENCES: FloatArray = np.logspace(-2.0, 0.0, 9)
"""Nine rates from 0.01 to 1 false positives per image, evenly spaced in the logarithm."""

_DEFAULT_THRESHOLD = 0.5
_LEAST_MISS_RATE = 1e-10  # a rate of 0 has no logarithm; the value is that of Dollár's toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint(Counts):
    """Counts at one threshold, and false positives per image."""

    threshold: float
    fppi: float

    def f_beta(self, beta: float) -> float:
        """F with recall worth ``beta`` times precision; 0 without a denominator."""
        weight = beta * beta
        return (1 + weight) * self.tp / max((1 + weight) * self.tp + weight * self.fn + self.fp, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoints:
    """N thresholds, highest first, with true and false positives at each. Ratios without a denominator are
    0."""

    thresholds: FloatArray
    tp: IntArray
    fp: IntArray
    positives: int
    image_count: int

    @property
    def precision(self) -> FloatArray:
        return self.tp / np.maximum(self.tp + self.fp, 1)

    @property
    def recall(self) -> FloatArray:
        return self.tp / max(self.positives, 1)

    @property
    def fppi(self) -> FloatArray:
        """False positives per image."""
        return self.fp / max(self.image_count, 1)

    @property
    def miss_rate(self) -> FloatArray:
        """Of the objects, those not found: 1 - recall."""
        return 1.0 - self.recall

    def f_beta(self, beta: float = 1.0) -> FloatArray:
        """F with recall worth ``beta`` times precision."""
        weight = beta * beta
        whole = (1 + weight) * self.tp + weight * (self.positives - self.tp) + self.fp
        return (1 + weight) * self.tp / np.maximum(whole, np.finfo(np.float64).tiny)

    def best_f_beta(self, beta: float = 1.0) -> OperatingPoint | None:
        """The point of the highest F, of equal ones that of the highest threshold; ``None`` if nothing is
        found."""
        if not self.tp.any():
            return None
        return self._point(int(np.argmax(self.f_beta(beta))))

    def for_precision(self, target: float) -> OperatingPoint | None:
        """The point of the highest recall that is at least so precise; ``None`` if none is."""
        return self._furthest(self.precision >= target)

    def for_fppi(self, most: float) -> OperatingPoint | None:
        """The point of the highest recall with so many false positives per image at most."""
        return self._furthest(self.fppi <= most)

    def log_average_miss_rate(self, references: FloatArray = FPPI_REFERENCES) -> float:
        """MR⁻²: the geometric mean of miss rates at the references. At each the last point with no more false
        positives counts, 1 where there is none. -1 without objects."""
        if self.positives == 0:
            return -1.0
        place = np.searchsorted(self.fppi, references, side="right")
        rates = np.append(1.0, self.miss_rate)[place]
        return float(np.exp(np.log(np.maximum(rates, _LEAST_MISS_RATE)).mean()))

    def _furthest(self, allowed: BoolArray) -> OperatingPoint | None:
        allowed = allowed & (self.tp > 0)
        if not allowed.any():
            return None
        # of the places with most hits the first has the fewest false positives
        return self._point(int(np.argmax(np.where(allowed, self.tp, -1))))

    def _point(self, place: int) -> OperatingPoint:
        tp, fp = int(self.tp[place]), int(self.fp[place])
        return OperatingPoint(
            threshold=float(self.thresholds[place]),
            tp=tp,
            fp=fp,
            fn=self.positives - tp,
            fppi=float(self.fppi[place]),
        )


def operating_points(outcomes: Outcomes) -> OperatingPoints:
    """All there are of a class, or of all classes together."""
    scores = outcomes.scores
    last = np.flatnonzero(scores[1:] != scores[:-1])
    last = np.append(last, len(scores) - 1) if len(scores) else last
    return OperatingPoints(
        thresholds=scores[last],
        tp=np.cumsum(outcomes.hit, dtype=np.int64)[last],
        fp=np.cumsum(~outcomes.hit, dtype=np.int64)[last],
        positives=outcomes.positives,
        image_count=outcomes.image_count,
    )


def points_along(scores: FloatArray, recall: FloatArray, *, image_count: int = 0) -> OperatingPoints:
    """Those of a curve: ``recall`` (N,) after each of the detections with ``scores`` (N,), highest first."""
    hit = hits_along(recall)
    found = int(np.count_nonzero(hit))
    # recall says of how many; where nothing is found no threshold is of use
    positives = round(found / float(recall[-1])) if found else 0
    return operating_points(Outcomes(scores=scores, hit=hit, positives=positives, image_count=image_count))


def best_threshold(points: OperatingPoints) -> float:
    """The score itself at which F1 is highest, for whoever has not chosen a threshold; 0.5 where nothing is found."""
    best = points.best_f_beta()
    return _DEFAULT_THRESHOLD if best is None else best.threshold
