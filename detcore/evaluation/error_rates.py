"""From what a thing looks like to how probably it is an error, given that few things are: Bayes' rule.

A score that is learnt by telling two sets apart says which of them a thing resembles. Scores of several kinds
of errors stand in one list only once each is weighed with how rare its errors are.
"""

from __future__ import annotations

import numpy as np

from detcore.types import FloatArray

ERROR_RATE = 0.05
"""Share of wrong labels that is expected of each kind."""
RATE_WEIGHT = 100.0
"""Labels that this share counts for, beside those in which errors of a kind can be counted."""


def overlooked(chance: FloatArray, rate: float = ERROR_RATE) -> FloatArray:
    """(N,) how probably things without a label are objects all the same. ``chance`` (N,): that what looks
    like them is an object.

    Of the objects, the share ``rate`` has no label, of all else nothing has one: that a thing has none speaks
    against its being an object, however much it looks like one.
    """
    return rate * chance / (1 - (1 - rate) * chance)


def misnamed(chance: FloatArray, rate: float = ERROR_RATE) -> FloatArray:
    """(N,) how probably labels that are of another class than the detections on them are wrong. ``chance``
    (N,): how often labels agree with such detections.

    Of detections the share t is right, and labels agree with t · (1 - rate) of them, the ``chance``; they
    differ from t · rate because they are wrong, so that of 1 - chance that differ rate / (1 - rate) · chance
    are. No more than is the ``chance`` itself.
    """
    odds = chance / np.maximum(1 - chance, np.finfo(np.float64).tiny)
    return np.minimum(odds * rate / (1 - rate), chance)


def drawn_rate(errors: float, labels: float, rate: float = ERROR_RATE) -> float:
    """The share of labels with an error of which there seem to be so many, drawn to the usual one where labels
    are few."""
    return (errors + rate * RATE_WEIGHT) / (labels + RATE_WEIGHT)


def at_rate(chance: FloatArray, rate: float) -> FloatArray:
    """(N,) probabilities that hold where ERROR_RATE of the labels is wrong, where ``rate`` is: the odds change
    as the rate does (Saerens et al., Neural Computation 2002)."""
    return rate * chance / (rate * chance + ERROR_RATE * (1 - chance))
