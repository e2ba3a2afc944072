"""Labels that are probably wrong, and objects that probably have none, from detections of a model that has
not been trained on those images.

Nothing is tuned to a detector: what its scores mean, how often it overlooks objects of a class and size, and
how far its boxes usually are from the labels is learnt from the same labels, most of which are right. What a
label around nothing looks like is learnt by putting labels on other images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from detcore.evaluation.error_rates import ERROR_RATE, at_rate, drawn_rate, misnamed, overlooked
from detcore.evaluation.error_types import KINDS, ErrorType, find_error_types
from detcore.evaluation.label_answers import ANSWER_FLOOR, rows_at_labels
from detcore.evaluation.label_evidence import (
    GOOD_IOU,
    NEAR_IOU,
    Evidence,
    best_other,
    best_overlap,
    gather_evidence,
    label_pairs,
    size_deviation,
)
from detcore.evaluation.logistic import fit_logistic, logit, predict_logistic, sigmoid
from detcore.evaluation.pairs import image_pairs
from detcore.evaluation.problem import Problem, arrange
from detcore.evaluation.spurious import find_spurious
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray, LabelAnswers

_ACTIVE = -4.0  # log odds below which a detection is no candidate for an overlooked object …
_ACTIVE_PER_LABEL = 3  # … unless the model is so weak that there are no more than so many others
_DUPLICATE_IOU = 0.5
_LEAST_SCORE = 1e-4
_TRIM = 2.5
_BEYOND_TWO = 0.0228  # of a normal distribution lies more than two spreads above its middle


class LabelError(StrEnum):
    """``MISSING``: an object without label. ``SPURIOUS``: a label around nothing. ``SWAPPED``: of another
    class. ``LOCATION``: the box is off. ``DUPLICATE``: the object is labelled twice."""

    MISSING = "missing"
    SPURIOUS = "spurious"
    SWAPPED = "swapped"
    LOCATION = "location"
    DUPLICATE = "duplicate"


LABEL_ERRORS: tuple[LabelError, ...] = tuple(LabelError)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelErrors:
    """N candidates as columns, the most suspicious first.

    ``kind`` (N,) place in LABEL_ERRORS; ``image_ids``, ``labels`` (N,) and ``boxes`` (N, 4) of the label, of
    a missing one those of the detection; ``suggested_labels`` and ``suggested_boxes`` what it should rather
    be; ``scores`` (N,) 0..1, comparable within a kind and, for about ERROR_RATE of errors of each, between
    kinds; ``gt_rows`` and ``det_rows`` (N,) rows of what was given or -1; ``error_type`` (N,) what the
    evaluation calls that row, or ``None``.
    """

    kind: IntArray
    image_ids: IntArray
    labels: IntArray
    boxes: FloatArray
    suggested_labels: IntArray
    suggested_boxes: FloatArray
    scores: FloatArray
    gt_rows: IntArray
    det_rows: IntArray
    error_type: tuple[ErrorType | None, ...]

    def __len__(self) -> int:
        return len(self.scores)


def rank_label_errors(
    gt: GroundTruth,
    dets: Detections,
    *,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    predicted: Sequence[int] | IntArray | None = None,
    answers: LabelAnswers | None = None,
) -> LabelErrors:
    """Every label, and every detection without label, with a score for each way in which it may be wrong.

    ``predicted`` are the images that the model has looked at; others say nothing and are left out.
    ``answers`` are what it says at the labels before thresholds; those that have changed since are judged by
    the detections alone. Crowds and difficult labels are not judged.
    """
    images = np.asarray(image_ids, dtype=np.int64)
    if predicted is not None:
        images = images[np.isin(images, np.asarray(predicted, dtype=np.int64))]
    problem = arrange(gt, dets, image_ids=images, class_ids=class_ids)
    if len(problem.det_rows) == 0:
        return _columns(gt, dets, problem, [], images, class_ids)
    evidence = gather_evidence(problem)
    swapped, swap_det = _swapped(evidence)
    off, rate = _off(evidence, _close_answers(problem, gt, answers))
    location = at_rate(off, rate)
    duplicate = _duplicate(evidence, gt)
    explained = np.maximum.reduce([swapped, off, duplicate])
    spurious = find_spurious(evidence, gt, answers, explained)
    missing = _missing(evidence, off)
    judged = ~problem.gt_ignore
    every = np.arange(len(judged))
    nobody = np.full(len(judged), -1)
    parts = [
        (LabelError.MISSING, missing, np.full(len(missing), -1), np.arange(len(missing))),
        (LabelError.SPURIOUS, spurious * judged, every, nobody),
        (LabelError.SWAPPED, swapped * judged, every, swap_det),
        (LabelError.LOCATION, location * judged, every, evidence.finder),
        (LabelError.DUPLICATE, duplicate * judged, every, nobody),
    ]
    return _columns(gt, dets, problem, parts, images, class_ids)


def _missing(evidence: Evidence, off: FloatArray) -> FloatArray:
    """(D,) how probably a detection is an object that has no label.

    Learnt from detections with and without label: besides the score, how much one overlaps *other* labels and
    better detections, and how usual its size is.
    """
    problem = evidence.problem
    active = _active(evidence)
    score = np.zeros(len(problem.det_rows))
    other_iou, inside = best_overlap(evidence, but_own=True)
    features = np.column_stack(
        [
            evidence.trust,
            other_iou,
            inside,
            _beside_better(evidence, active),
            np.abs(size_deviation(problem, problem.det_class, problem.det_area)),
        ]
    )
    apart = active[other_iou[active] < GOOD_IOU]
    if len(apart) == 0:
        return score
    weights = fit_logistic(features[apart], evidence.good[apart])
    chance = predict_logistic(features[apart], weights)
    free = ~evidence.good[apart]
    # nearly every object is labelled: the chance of having a label is that of being an object
    score[apart[free]] = overlooked(chance[free])
    # a label that is a little off is no overlooked object
    loose = np.flatnonzero((evidence.match >= 0) & ~evidence.good)
    score[loose] *= 1 - off[evidence.match[loose]]
    return _strongest_of_place(evidence, score)


def _active(evidence: Evidence) -> IntArray:
    """The detections that may be objects."""
    enough = _ACTIVE_PER_LABEL * len(evidence.problem.gt_rows)
    trusted = np.flatnonzero(evidence.trust > _ACTIVE)
    if len(trusted) >= enough:
        return trusted
    return np.argsort(-evidence.trust, kind="stable")[: max(enough, len(trusted))]


def _swapped(evidence: Evidence) -> tuple[FloatArray, IntArray]:
    """(G,) how probably a label is of another class, and (G,) the detection that says so or -1."""
    det, other, same = best_other(evidence)
    return np.where(det >= 0, misnamed(other * (1 - same)), 0.0), det


def _close_answers(problem: Problem, gt: GroundTruth, answers: LabelAnswers | None) -> FloatArray:
    """(G,) the best score of an answer that lies close on each label, 0 where none does or nothing is known."""
    close = np.zeros(len(problem.gt_rows))
    if answers is not None:
        rows = rows_at_labels(answers, gt.take(problem.gt_rows), strange=False)
        close[rows >= 0] = answers.close[rows[rows >= 0]]
    return close


def _off(evidence: Evidence, close: FloatArray) -> tuple[FloatArray, float]:
    """(G,) how probably a box is off where the usual share of labels is wrong: farther from its detection than
    is usual for such scores, sizes and classes, and no other answer of the model, of scores ``close`` (G,),
    lies where the label does. And the share of the labels that seems to be off: a set where no more boxes lie
    far from their detections than the spread of all of them says has few that are wrong."""
    problem = evidence.problem
    score = np.zeros(len(problem.gt_rows))
    det = np.flatnonzero((evidence.match >= 0) & (evidence.match_iou >= NEAR_IOU))
    det = det[~problem.gt_crowd[evidence.match[det]]]
    if len(det) < 10:
        return score, ERROR_RATE
    gt = evidence.match[det]
    label = problem.gt_class[gt]
    distance = np.log(1.01 - np.minimum(evidence.match_iou[det], 1.0))
    features = np.column_stack([evidence.trust[det], np.log(np.maximum(problem.gt_box_area[gt], 1e-6))])
    usual = np.ones(len(det), np.bool_)
    residual, spread = distance, 1.0
    for _ in range(3):
        residual = distance - _expected(features, label, distance, usual, max(len(problem.classes), 1))
        spread = 1.4826 * float(np.median(np.abs(residual[usual] - np.median(residual[usual])))) + 1e-3
        usual = np.abs(residual) < _TRIM * spread
    # squared, since a detection that lies badly itself is about as common as a label that does
    score[gt] = sigmoid(evidence.trust[det]) * sigmoid(4.0 * (residual / spread - 2.0)) ** 2
    # that the detection alone was left by suppression does not mean that the model is of one mind
    lead = logit(problem.det_score[det]) - logit(np.maximum(close[gt], ANSWER_FLOOR))
    score[gt] *= sigmoid(2.0 * (lead - 2.0))
    errors = max(float((residual > 2 * spread).sum()) - _BEYOND_TWO * len(residual), 0.0)
    return score, min(drawn_rate(errors, len(residual)), ERROR_RATE)


def _expected(
    features: FloatArray, label: IntArray, value: FloatArray, usual: BoolArray, classes: int
) -> FloatArray:
    """(N,) least squares of the features, with a constant for each class that is drawn to the common one."""
    columns = np.column_stack([features, np.ones(len(features))])
    own = np.zeros(classes)
    fitted = np.zeros(len(value))
    for _ in range(3):
        weights = np.linalg.lstsq(columns[usual], (value - own[label])[usual], rcond=None)[0]
        fitted = columns @ weights
        rest = np.bincount(label[usual], weights=(value - fitted)[usual], minlength=classes)
        own = rest / (np.bincount(label[usual], minlength=classes) + 5.0)
    return fitted + own[label]


def _duplicate(evidence: Evidence, gt: GroundTruth) -> FloatArray:
    """(G,) how probably a label repeats another one: they overlap much, and no detection is left for this
    one."""
    problem = evidence.problem
    score = np.zeros(len(problem.gt_rows))
    first, second, iou = label_pairs(problem, gt)
    much = iou >= _DUPLICATE_IOU
    first, second, iou = first[much], second[much], iou[much]
    if len(first) == 0:
        return score
    finder = evidence.finder
    found = np.where(finder >= 0, sigmoid(evidence.trust[finder]) * evidence.match_iou[finder], 0.0)
    # of equal ones the later label is the one too many
    weaker = np.where(found[first] < found[second], first, second)
    alike = np.where(problem.gt_class[first] == problem.gt_class[second], 1.0, 0.5)
    # squared, since two objects beside one another seldom overlap by half, but more often than copies do
    np.maximum.at(score, weaker, alike * iou**2 * (1 - found[weaker]))
    return score


def _among(evidence: Evidence, dets: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of these detections that overlap: the better trusted one, the other, their IoU."""
    problem = evidence.problem
    dets = np.sort(dets)
    trust = evidence.trust[dets]
    boxes = Detections(
        image_ids=problem.det_image[dets],
        labels=problem.det_class[dets],
        boxes=np.ascontiguousarray(problem.det_boxes[:, dets].T),
        scores=trust,
    )
    labels = GroundTruth(
        ids=np.arange(1, len(dets) + 1),
        image_ids=boxes.image_ids,
        labels=boxes.labels,
        boxes=boxes.boxes,
        areas=problem.det_area[dets],
        crowd=np.zeros(len(dets), np.bool_),
        difficult=np.zeros(len(dets), np.bool_),
    )
    both = arrange(
        labels, boxes, image_ids=np.arange(len(problem.images)), class_ids=np.arange(len(problem.classes))
    )
    pairs = image_pairs(both, both.by_group, min_iou=NEAR_IOU)
    better, other = both.det_rows[pairs.det], both.gt_rows[pairs.gt]
    kept = (trust[better] > trust[other]) | ((trust[better] == trust[other]) & (better < other))
    return dets[better[kept]], dets[other[kept]], pairs.iou[kept]


def _beside_better(evidence: Evidence, active: IntArray) -> FloatArray:
    """(D,) highest IoU with a better trusted detection, whatever its class."""
    iou = np.zeros(len(evidence.problem.det_rows))
    _, other, shared = _among(evidence, active)
    np.maximum.at(iou, other, shared)
    return iou


def _strongest_of_place(evidence: Evidence, score: FloatArray) -> FloatArray:
    """Scores, 0 for candidates on a better one: an object is overlooked once."""
    candidates = np.flatnonzero(score >= _LEAST_SCORE)
    if len(candidates) == 0:
        return score
    better, other, iou = _among(evidence, candidates)
    score = score.copy()
    score[other[(iou >= GOOD_IOU) & (score[better] > 0)]] = 0.0
    return score


_Part = tuple[LabelError, FloatArray, IntArray, IntArray]


def _columns(
    gt: GroundTruth,
    dets: Detections,
    problem: Problem,
    parts: Sequence[_Part],
    images: IntArray,
    class_ids: Sequence[int] | IntArray,
) -> LabelErrors:
    """Parts are kind, scores, and positions of labels and of detections or -1."""
    kinds: list[IntArray] = [np.zeros(0, np.int64)]
    scores: list[FloatArray] = [np.zeros(0)]
    labels: list[IntArray] = [np.zeros(0, np.int64)]
    found: list[IntArray] = [np.zeros(0, np.int64)]
    for kind, score, label, det in parts:
        chosen = np.flatnonzero(score >= _LEAST_SCORE)
        kinds.append(np.full(len(chosen), LABEL_ERRORS.index(kind)))
        scores.append(score[chosen])
        labels.append(_rows(problem.gt_rows, label[chosen]))
        found.append(_rows(problem.det_rows, det[chosen]))
    score = np.concatenate(scores)
    order = np.argsort(-score, kind="stable")
    kind, gt_rows, det_rows = (np.concatenate(column)[order] for column in (kinds, labels, found))
    own, suggested = _sides(gt, dets, gt_rows, det_rows)
    moved = (kind == LABEL_ERRORS.index(LabelError.LOCATION)) | (gt_rows < 0)
    renamed = (kind == LABEL_ERRORS.index(LabelError.SWAPPED)) | (gt_rows < 0)
    types = find_error_types(gt, dets, images, class_ids) if len(order) else None
    missed: set[int] = set() if types is None else set(types.missed.tolist())
    names: list[ErrorType | None] = []
    for row, det in zip(gt_rows.tolist(), det_rows.tolist(), strict=True):
        place = -1 if types is None or det < 0 else int(types.kind[det])
        names.append(KINDS[place] if place >= 0 else ErrorType.MISSED if row in missed else None)
    return LabelErrors(
        kind=kind,
        image_ids=own[0],
        labels=own[1],
        boxes=own[2],
        suggested_labels=np.where(renamed, suggested[1], own[1]),
        suggested_boxes=np.where(moved[:, None], suggested[2], own[2]),
        scores=score[order],
        gt_rows=gt_rows,
        det_rows=det_rows,
        error_type=tuple(names),
    )


def _rows(rows: IntArray, places: IntArray) -> IntArray:
    if len(rows) == 0:
        return np.full(len(places), -1)
    return np.where(places >= 0, rows[places], -1)


_Side = tuple[IntArray, IntArray, FloatArray]


def _sides(gt: GroundTruth, dets: Detections, gt_rows: IntArray, det_rows: IntArray) -> tuple[_Side, _Side]:
    """Image, class and box of each candidate's label, or else detection; and of its detection, or else
    label."""
    images = np.concatenate([gt.image_ids, dets.image_ids])
    labels = np.concatenate([gt.labels, dets.labels])
    boxes = np.concatenate([gt.boxes, dets.boxes])
    own = np.where(gt_rows >= 0, gt_rows, len(gt) + det_rows)
    suggested = np.where(det_rows >= 0, len(gt) + det_rows, gt_rows)
    return (images[own], labels[own], boxes[own]), (images[suggested], labels[suggested], boxes[suggested])
