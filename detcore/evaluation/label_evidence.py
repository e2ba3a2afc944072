"""What detections say about each label: which label each detection accounts for, and how far to trust it.

Trust is learnt from the labels themselves, most of which are right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detcore.evaluation.logistic import calibrate, logit, sigmoid
from detcore.evaluation.matching import match_pairs
from detcore.evaluation.pairs import Pairs, image_pairs
from detcore.evaluation.problem import Problem, arrange, with_ground_truth
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray

GOOD_IOU = 0.5
LEAST_IOU = 0.05
NEAR_IOU = 0.1

_EVERY_SIZE = np.array([[-np.inf, np.inf]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Positions are those of ``problem``; ``pairs`` of one image, any classes, from LEAST_IOU.

    ``match`` (D,) the label of its class that each detection accounts for, or -1, and ``match_iou`` (D,) how
    well; those below GOOD_IOU are made of what is left over. ``trust`` (D,) log odds that a detection is an
    object of its class; ``agreement`` (D,) log odds that the label under it is of its class.
    """

    problem: Problem
    pairs: Pairs
    match: IntArray
    match_iou: FloatArray
    trust: FloatArray
    agreement: FloatArray

    @property
    def good(self) -> BoolArray:
        """(D,) detections that account well for a label."""
        return self.match_iou >= GOOD_IOU

    @property
    def finder(self) -> IntArray:
        """(G,) the detection that accounts for each label, or -1."""
        finder = np.full(len(self.problem.gt_rows), -1)
        matched = np.flatnonzero(self.match >= 0)
        finder[self.match[matched]] = matched
        return finder


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """(G,) each: the best score, as log odds, of a detection of the label's class that lies well on it
    (``same``), of one of another class (``other``), and the best chance times IoU of one of its class
    anywhere near (``near``). Without one, less than any. Detections that account well for another label do
    not count."""

    same: FloatArray
    other: FloatArray
    near: FloatArray


def gather_evidence(problem: Problem) -> Evidence:
    """Match twice, well and then what is left, and calibrate the scores."""
    pairs = image_pairs(problem, problem.by_group, min_iou=LEAST_IOU)
    same = pairs.take(problem.det_class[pairs.det] == problem.gt_class[pairs.gt])
    match, match_iou = _matched(problem, same.take(same.iou >= GOOD_IOU), GOOD_IOU)
    taken = np.zeros(len(problem.gt_rows), np.bool_)
    taken[match[match >= 0]] = True
    rest = same.take((match[same.det] < 0) & ~taken[same.gt] & (same.iou >= NEAR_IOU))
    later, later_iou = _matched(problem, rest, NEAR_IOU)
    match, match_iou = np.where(match >= 0, match, later), np.maximum(match_iou, later_iou)

    hit = match_iou >= GOOD_IOU
    ignored = np.zeros(len(match), np.bool_)
    ignored[hit] = problem.gt_ignore[match[hit]]
    value, classes = logit(problem.det_score), max(len(problem.classes), 1)
    trust = calibrate(value, hit, problem.det_class, classes=classes, fitted=~ignored)
    under, under_iou = _best(pairs.take(~problem.gt_crowd[pairs.gt]), pairs_of=len(match))
    on_label = under_iou >= GOOD_IOU
    agrees = on_label & (problem.gt_class[under] == problem.det_class) if len(problem.gt_rows) else on_label
    agreement = calibrate(value, agrees, problem.det_class, classes=classes, fitted=on_label)
    return Evidence(
        problem=problem, pairs=pairs, match=match, match_iou=match_iou, trust=trust, agreement=agreement
    )


def own_support(evidence: Evidence) -> Support:
    """Of the labels as they are."""
    problem, pairs = evidence.problem, evidence.pairs
    elsewhere = evidence.good[pairs.det] & (evidence.match[pairs.det] != pairs.gt)
    return _support(problem, pairs.take(~elsewhere), evidence.trust)


def strange_support(evidence: Evidence, gt: GroundTruth) -> Support:
    """Of labels (each G as in the problem) that are put where they do not belong: every one on the next
    image. This is what a label around nothing looks like, beside the labels that are there."""
    problem = evidence.problem
    rows = gt.take(problem.gt_rows)
    moved = replace(rows, image_ids=problem.images[(problem.gt_image + 1) % len(problem.images)])
    wrong = with_ground_truth(problem, moved)
    pairs = image_pairs(wrong, wrong.by_group, min_iou=LEAST_IOU)
    found = _support(wrong, pairs.take(~evidence.good[pairs.det]), evidence.trust)
    back = np.argsort(wrong.gt_rows)
    return Support(same=found.same[back], other=found.other[back], near=found.near[back])


def best_overlap(evidence: Evidence, *, but_own: bool) -> tuple[FloatArray, FloatArray]:
    """(D,) highest IoU with a label of any class, and the highest share of the detection inside one;
    ``but_own`` leaves out the label that it accounts well for. Inside a crowd both are the share."""
    problem, pairs = evidence.problem, evidence.pairs
    if but_own:
        pairs = pairs.take(~evidence.good[pairs.det] | (evidence.match[pairs.det] != pairs.gt))
    iou, inside = np.zeros(len(problem.det_rows)), np.zeros(len(problem.det_rows))
    area, others = problem.det_area[pairs.det], problem.gt_box_area[pairs.gt]
    shared = pairs.iou * (area + others) / (1 + pairs.iou) / np.maximum(area, np.finfo(np.float64).tiny)
    np.maximum.at(iou, pairs.det, pairs.iou)
    np.maximum.at(inside, pairs.det, np.where(problem.gt_crowd[pairs.gt], pairs.iou, shared))
    return iou, inside


def best_other(evidence: Evidence) -> tuple[IntArray, FloatArray, FloatArray]:
    """(G,) the detection of another class that speaks most for it well on each label, or -1; (G,) the chance
    that it is right about the class; (G,) the same of the best one of the label's class."""
    problem, pairs = evidence.problem, evidence.pairs
    elsewhere = evidence.good[pairs.det] & (evidence.match[pairs.det] != pairs.gt)
    pairs = pairs.take((pairs.iou >= GOOD_IOU) & ~elsewhere)
    alike = problem.det_class[pairs.det] == problem.gt_class[pairs.gt]
    size = len(problem.gt_rows)
    other, same = pairs.take(~alike), pairs.take(alike)
    det, odds = _strongest(other, evidence.agreement, size)
    _, same_odds = _strongest(same, evidence.agreement, size)
    return det, sigmoid(odds), sigmoid(same_odds)


def _strongest(pairs: Pairs, odds: FloatArray, size: int) -> tuple[IntArray, FloatArray]:
    order = np.lexsort((-odds[pairs.det], pairs.gt))
    order = order[np.diff(pairs.gt[order], prepend=-1) != 0]
    det, best = np.full(size, -1), np.full(size, -np.inf)
    det[pairs.gt[order]], best[pairs.gt[order]] = pairs.det[order], odds[pairs.det[order]]
    return det, best


def _matched(problem: Problem, pairs: Pairs, iou_threshold: float) -> tuple[IntArray, FloatArray]:
    """(D,) the label that each detection takes by COCO's rule, or -1, and their IoU or 0."""
    table = match_pairs(problem, pairs, iou_thresholds=np.array([iou_threshold]), size_ranges=_EVERY_SIZE)
    match = table.det_matches()
    iou = np.zeros(len(match))
    made = pairs.gt == match[pairs.det]
    iou[pairs.det[made]] = pairs.iou[made]
    return match, iou


def _best(pairs: Pairs, *, pairs_of: int) -> tuple[IntArray, FloatArray]:
    """(D,) the label that each detection overlaps most, or -1, and the IoU."""
    order = np.lexsort((-pairs.iou, pairs.det))
    order = order[np.diff(pairs.det[order], prepend=-1) != 0]
    gt, iou = np.full(pairs_of, -1), np.zeros(pairs_of)
    gt[pairs.det[order]], iou[pairs.det[order]] = pairs.gt[order], pairs.iou[order]
    return gt, iou


def _support(problem: Problem, pairs: Pairs, trust: FloatArray) -> Support:
    size = len(problem.gt_rows)
    value = logit(problem.det_score)
    none = float(value.min(initial=0.0)) - 1.0
    same, other, near = np.full(size, none), np.full(size, none), np.zeros(size)
    alike = problem.det_class[pairs.det] == problem.gt_class[pairs.gt]
    well = pairs.iou >= GOOD_IOU
    for column, chosen in ((same, alike & well), (other, ~alike & well)):
        np.maximum.at(column, pairs.gt[chosen], value[pairs.det[chosen]])
    close = pairs.take(alike)
    np.maximum.at(near, close.gt, sigmoid(trust[close.det]) * close.iou)
    return Support(same=same, other=other, near=near)


def size_deviation(problem: Problem, label: IntArray, area: FloatArray) -> FloatArray:
    """(N,) how many standard deviations the logarithm of an area is from the labels of its class."""
    classes = max(len(problem.classes), 1)
    size = np.log(np.maximum(problem.gt_box_area, 1e-6))
    if len(size) == 0:
        return np.zeros(len(label))
    middle, spread = float(size.mean()), float(size.std()) + 0.1
    count = np.bincount(problem.gt_class, minlength=classes) + 2.0
    mean = (np.bincount(problem.gt_class, weights=size, minlength=classes) + 2 * middle) / count
    squares = np.bincount(problem.gt_class, weights=(size - mean[problem.gt_class]) ** 2, minlength=classes)
    deviation = np.sqrt((squares + 2 * spread**2) / count)
    return (np.log(np.maximum(area, 1e-6)) - mean[label]) / np.maximum(deviation[label], 0.05)


def label_pairs(problem: Problem, gt: GroundTruth) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of labels of one image that overlap, crowds left out: the earlier one, the later one, their
    IoU."""
    rows = gt.take(problem.gt_rows)
    once = Detections(
        image_ids=rows.image_ids, labels=rows.labels, boxes=rows.boxes, scores=np.ones(len(rows))
    )
    twice = arrange(rows, once, image_ids=problem.images, class_ids=problem.classes)
    pairs = image_pairs(twice, twice.by_group, min_iou=LEAST_IOU)
    first, second = twice.det_rows[pairs.det], twice.gt_rows[pairs.gt]
    regular = (first < second) & ~problem.gt_crowd[first] & ~problem.gt_crowd[second]
    return first[regular], second[regular], pairs.iou[regular]
