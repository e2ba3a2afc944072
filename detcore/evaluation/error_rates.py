"""From what a thing looks like to how probably it is an error, given that few things are: Bayes' rule.

A score that is learnt by telling two sets apart says which of them a thing resembles. Scores of several kinds
of errors stand in one list only once each is weighed with how rare its errors are.
"""

from __future__ import annotations

import numpy as np

from detcore.types import FloatArray

ERROR_RATE = 0.05
"""Share of wrong labels that is expected of each kind."""


def overlooked(chance: FloatArray, rate: float = ERROR_RATE) -> FloatArray:
    """(N,) how probably things without a label are objects all the same. ``chance`` (N,): that what looks
    like them is an object.

    Of the objects, the share ``rate`` has no label, of all else nothing has one: that a thing has none speaks
    against its being an object, however much it looks like one.
    """
    return rate * chance / (1 - (1 - rate) * chance)


def unlike_labels(ratio: FloatArray, rate: float = ERROR_RATE) -> FloatArray:
    """(N,) how probably labels are around nothing. ``ratio`` (N,): how much more often labels put around
    nothing look like them than the given labels do.

    The given labels are not all right: the share ``rate`` of them is around nothing itself, and looks like
    that. So that share of the ratio is the probability (Elkan and Noto, KDD 2008, learning from positive and
    unlabelled rows).
    """
    return np.minimum(rate * ratio, 1.0)


def odds_alone(real: FloatArray, explained: FloatArray, rate: float = ERROR_RATE) -> FloatArray:
    """(N,) the ratio for ``unlike_labels`` of labels that may have an error of another kind. ``real`` (N,)
    above 0: how probably each is a label rather than one put around nothing, of as many of both;
    ``explained`` (N,): how probably it has the other error.

    Bayes' rule makes of ``real`` how probably a label is around nothing, which it is only as far as nothing
    else explains it; ``(1 - rate) / rate`` times the odds of that is the ratio, without explanation ``(1 -
    real) / real``.
    """
    nothing = 1 - real
    return (1 - rate) * nothing * (1 - explained) / ((1 - rate) * real + rate * nothing * explained)
