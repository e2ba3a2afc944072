"""Labels around nothing: those that look to the detector like labels put where they do not belong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.evaluation.label_answers import ANSWER_FLOOR, rows_at_labels
from detcore.evaluation.label_evidence import (
    Evidence,
    Support,
    label_pairs,
    own_support,
    size_deviation,
    strange_support,
)
from detcore.evaluation.logistic import calibrate, fit_logistic, logit
from detcore.evaluation.silence import around_nothing, learn_silence
from detcore.types import BoolArray, FloatArray, GroundTruth, IntArray, LabelAnswers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """What is seen at N places, (N,) each: log odds for the class of the label (``same``) and for ``other``
    ones, how sure it is of the label's class beside the place (``near``); with the ``label`` and how ``usual``
    its size is."""

    same: FloatArray
    other: FloatArray
    near: FloatArray
    label: IntArray
    usual: FloatArray


def find_spurious(
    evidence: Evidence, gt: GroundTruth, answers: LabelAnswers | None, explained: FloatArray
) -> FloatArray:
    """(G,) how probably labels are around nothing, from what is answered at their places where that is known,
    else from the detections. ``explained`` (G,) how probably a label has an error of another kind."""
    problem = evidence.problem
    if len(problem.gt_rows) == 0:
        return np.zeros(0)
    usual = size_deviation(problem, problem.gt_class, problem.gt_box_area)
    traits = _traits(evidence, gt, usual)
    judged = ~problem.gt_ignore

    def score(own: _Places, strange: _Places, rows: IntArray) -> FloatArray:
        odds, wrong = _odds_of_labels(own, strange, judged[rows], classes=len(problem.classes))
        counts = judged[rows] * (1 - explained[rows])
        return around_nothing(odds, learn_silence(odds, wrong, traits[rows], counts=counts), explained[rows])

    own, strange = _answered_rows(answers, gt.take(problem.gt_rows))
    asked, elsewhere = np.flatnonzero(own >= 0), np.flatnonzero((strange >= 0) & judged)
    if answers is None or len(elsewhere) == 0:
        asked = asked[:0]
    scores = np.zeros(len(judged))
    if len(asked) < len(judged):
        scores = score(
            _detected(own_support(evidence), problem.gt_class, usual),
            _detected(strange_support(evidence, gt), problem.gt_class, usual),
            np.arange(len(judged)),
        )
    if answers is not None and len(asked):
        scores[asked] = score(
            _answered(answers.take(own[asked]), problem.gt_class[asked], usual[asked]),
            _answered(answers.take(strange[elsewhere]), problem.gt_class[elsewhere], usual[elsewhere]),
            asked,
        )
    return scores


def _answered_rows(answers: LabelAnswers | None, labels: GroundTruth) -> tuple[IntArray, IntArray]:
    """(G,) rows of what is said at each label and at its strange place, -1 for nothing."""
    if answers is None:
        nothing = np.full(len(labels), -1)
        return nothing, nothing
    return rows_at_labels(answers, labels, strange=False), rows_at_labels(answers, labels, strange=True)


def _detected(support: Support, label: IntArray, usual: FloatArray) -> _Places:
    return _Places(same=support.same, other=support.other, near=support.near, label=label, usual=usual)


def _answered(answers: LabelAnswers, label: IntArray, usual: FloatArray) -> _Places:
    same, other, near = (_log_odds(score) for score in (answers.well, answers.other, answers.near))
    return _Places(same=same, other=other, near=near, label=label, usual=usual)


def _odds_of_labels(
    own: _Places, strange: _Places, judged: BoolArray, *, classes: int
) -> tuple[FloatArray, FloatArray]:
    """Logarithms of the odds that a place is that of a label, (N,) of their own and (M,) of strange ones, were
    there as many of both."""
    size = len(own.same)
    same, other, near, label, usual = (
        np.concatenate([getattr(own, name), getattr(strange, name)])
        for name in ("same", "other", "near", "label", "usual")
    )
    right = np.arange(len(same)) < size
    fitted = np.concatenate([judged, np.ones(len(strange.same), np.bool_)])
    first = calibrate(same, right, label, classes=max(classes, 1), fitted=fitted)
    # An answer beside a label says little where there is one at it. Where there is none, it says that the box is off.
    beside = np.where(first < 0, near, 0.0)
    # large objects are seldom overlooked, so that nothing at a large label says more
    features = np.column_stack([first, other, near, beside, usual, usual * first])
    # both sets count for as much as there are labels, however many strange places there are
    sizes = np.bincount(right[fitted], minlength=2)
    counts = np.where(right, 1.0, sizes[1] / max(int(sizes[0]), 1))
    weights = fit_logistic(features[fitted], right[fitted], counts=counts[fitted])
    odds = features @ weights[:-1] + weights[-1]
    return odds[:size], odds[size:]


def _traits(evidence: Evidence, gt: GroundTruth, usual: FloatArray) -> FloatArray:
    """(G, F) of labels, on which it may depend how often they are overlooked: the class, the size among all
    labels and among those of the class, and how much another label covers it."""
    problem = evidence.problem
    size = np.log(np.maximum(problem.gt_box_area, 1e-6))
    size = (size - size.mean()) / (size.std() + 0.1)
    covered = np.zeros(len(size))
    first, second, shared = label_pairs(problem, gt)
    np.maximum.at(covered, first, shared)
    np.maximum.at(covered, second, shared)
    classes = np.zeros((len(size), max(len(problem.classes), 1)))
    classes[np.arange(len(size)), problem.gt_class] = 1.0
    return np.column_stack([classes, size, np.abs(usual), covered, 3 * covered**2])


def _log_odds(score: FloatArray) -> FloatArray:
    """Log odds, of which those below the floor of answers are all the same."""
    return logit(np.maximum(score, ANSWER_FLOOR))
