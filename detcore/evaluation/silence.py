"""How much it says that a detector is silent where a label is: no more than how seldom it overlooks what is
there.

A label around nothing is met with silence nearly always, a right one when the detector overlooks its object.
How often that happens is read off the labels for which the detector is unsure, but not silent: of right labels
the fewer are there, the less the detector says, and the exponential tail of their log odds goes on where it is
silent (as distributions of scores have it beyond a high threshold; Pickands, Annals of Statistics 1975). How
many are unsure depends on the class, the size and the crowding. What is silent beyond that is around nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.evaluation.error_rates import ERROR_RATE, drawn_rate
from detcore.evaluation.logistic import fit_logistic, predict_logistic
from detcore.types import FloatArray

LEAST_MISSED = 1e-3
"""Any detector overlooks one object in so many; what is rarer cannot be told from a few thousand labels."""
_SILENT = 0.75  # of labels around nothing; the others happen to lie on something
_UNSURE = 0.25  # of all labels
_LEAST_TAIL = 0.5  # in log odds
_HIGHEST_RATE = 2 * ERROR_RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """``rate``: which share of the labels is around nothing. ``missed`` (G,): how probably the detector is
    silent about each label if it is right."""

    rate: float
    missed: FloatArray


def learn_silence(
    odds: FloatArray, strange: FloatArray, traits: FloatArray, *, counts: FloatArray
) -> Silence:
    """``odds`` (G,): logarithms of those of being a label and not one around nothing, by what is said there;
    ``strange`` (M,): the same of labels put around nothing; ``traits`` (G, F) of the labels; ``counts`` (G,)
    how much each counts here: 0 for those that are not judged or have another error.

    Of N labels the share s is silent, of those around nothing the share q, of right ones m on average; then
    (s - m) / (q - m) of them are around nothing. That is drawn to the usual rate as if by 100 more labels.
    """
    total = float(counts.sum())
    if len(strange) == 0 or total <= 0:
        return Silence(rate=ERROR_RATE, missed=np.full(len(odds), ERROR_RATE))
    silent = float(np.quantile(strange, _SILENT))
    told = float((strange <= silent).mean())
    judged = odds[counts > 0.5]
    unsure = max(float(np.quantile(judged, _UNSURE)) if len(judged) else silent, silent + _LEAST_TAIL)
    between = judged[(judged > silent) & (judged <= unsure)]
    beyond = _tail(unsure - between, unsure - silent)
    weights = fit_logistic(traits, odds <= unsure, counts=counts)
    missed = np.maximum(predict_logistic(traits, weights) * beyond, LEAST_MISSED)
    share, usual = (float((column * counts).sum()) / total for column in (odds <= silent, missed))
    excess = total * max(share - usual, 0.0) / (told - usual) if told > usual else 0.0
    return Silence(rate=min(drawn_rate(excess, total), _HIGHEST_RATE), missed=missed)


def _tail(depths: FloatArray, width: float) -> float:
    """Which share of an exponential tail lies deeper than ``width``, of which the ``depths`` (N,) up to there
    are known: the maximum likelihood, by bisection, since the mean of a tail cut off at w with the scale b is
    b - w / (exp(w / b) - 1)."""
    mean = float(depths.mean()) if len(depths) else width / 2
    low, high = width / 50, width * 50
    for _ in range(40):
        scale = float(np.sqrt(low * high))
        if scale - width / np.expm1(width / scale) < mean:
            low = scale
        else:
            high = scale
    return float(np.exp(-width / high))


def around_nothing(odds: FloatArray, silence: Silence, explained: FloatArray) -> FloatArray:
    """(G,) how probably labels are around nothing. ``odds`` as for ``learn_silence``; ``explained`` (G,): how
    probably a label has another error.

    With probability ``missed`` a right label looks as one around nothing does; so its odds against those are
    higher by that, and the probability is at most rate / (rate + (1 - rate) · missed), whatever is said. That
    the given labels are not all right themselves would make the odds lower; it is left aside, on the careful
    side.
    """
    right = (1 - silence.rate) * (np.exp(np.clip(odds, -60, 60)) + silence.missed)
    nothing = silence.rate * (1 - explained)
    return nothing / (nothing + right)
