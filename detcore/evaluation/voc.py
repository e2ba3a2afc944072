"""Average precision by the rules of the PASCAL VOC development kit.

A detection looks at the one ground truth of its image and class that it overlaps most, difficult and taken
ones included (the first among equals). Below the threshold it is false; on a difficult one it does not count;
on a free one it is true; on a taken one false, with no second choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from detcore.evaluation.curves import needed_hits, precision_at_recall
from detcore.evaluation.pairs import Pairs, class_pairs
from detcore.evaluation.problem import Problem, arrange
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray


def _tenths() -> FloatArray:
    return np.arange(11) / 10


@dataclass(frozen=True, slots=True, kw_only=True)
class VocRules:
    """``eleven_points``: VOC2007's mean of 11 sampled precisions, else the area under the curve (VOC2010).

    Where programs differ: ``strict`` wants more than the threshold, not just as much (py-faster-rcnn,
    detectron2). ``pixel_offset`` 1 is for boxes of inclusive pixel numbers, of which the last still belongs
    to the box; Reticle's edges are continuous. ``recall_points`` of ``np.linspace(0, 1, 11)`` miss recalls of
    exactly .3, .6 and .7.
    """

    eleven_points: bool
    strict: bool = False
    pixel_offset: float = 0.0
    recall_points: FloatArray = field(default_factory=_tenths)


VOC2007 = VocRules(eleven_points=True)
VOC2010 = VocRules(eleven_points=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VocClass:
    """``ap`` is nan without ground truth; ``gt_count`` leaves difficult ones out."""

    ap: float
    gt_count: int
    tp: int
    fp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VocResult:
    """``mean_ap`` over the classes that have ground truth, nan if none has."""

    mean_ap: float
    per_class: Mapping[int, VocClass]


@dataclass(frozen=True, slots=True, kw_only=True)
class VocMatches:
    """``order`` (D,) positions of detections by class and descending score. In that order: the ground truth
    that each overlaps most and enough, ``choice`` (D,) or -1; whether it is true, ``found`` (D,); whether it
    counts, ``counted`` (D,). ``difficult`` (G,) ground truths that are not to be found."""

    problem: Problem
    order: IntArray
    choice: IntArray
    found: BoolArray
    counted: BoolArray
    difficult: BoolArray


def evaluate_voc(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    rules: VocRules = VOC2010,
    iou_threshold: float = 0.5,
) -> VocResult:
    """Average precision at one IoU. Equal scores keep the order given. VOC knows no crowds: they are
    boxes like others, and difficult. There is no limit of detections."""
    matches = match_voc(gt, dets, image_ids, class_ids, rules=rules, iou_threshold=iou_threshold)
    problem, order = matches.problem, matches.order
    found, counted, difficult = matches.found, matches.counted, matches.difficult

    label = problem.det_class[order]
    classes = len(problem.classes)
    tp = np.bincount(label[found], minlength=classes)
    fp = np.bincount(label[counted & ~found], minlength=classes)
    positives = np.bincount(problem.gt_class[~difficult], minlength=classes)
    starts = np.concatenate([[0], np.cumsum(tp)])
    of_hit = label[found]
    number = np.arange(1, len(of_hit) + 1) - starts[of_hit]
    counted_before = np.concatenate([[0], np.cumsum(counted)])
    first = np.searchsorted(label, np.arange(classes))
    precision = number / (counted_before[np.flatnonzero(found) + 1] - counted_before[first[of_hit]])
    if rules.eleven_points:
        best = precision_at_recall(precision, starts, needed_hits(positives, rules.recall_points))
        aps = best.mean(axis=1)
    else:
        aps = _areas(precision, starts, positives)
    per_class = {
        int(class_id): VocClass(
            ap=float(aps[place]) if positives[place] else float("nan"),
            gt_count=int(positives[place]),
            tp=int(tp[place]),
            fp=int(fp[place]),
        )
        for place, class_id in enumerate(problem.classes)
    }
    known = [one.ap for one in per_class.values() if one.gt_count]
    return VocResult(mean_ap=float(np.mean(known)) if known else float("nan"), per_class=per_class)


def match_voc(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    rules: VocRules = VOC2010,
    iou_threshold: float = 0.5,
) -> VocMatches:
    """Which ground truth each detection looks at, and whether it finds it. See ``evaluate_voc``."""
    far = np.array([0.0, 0.0, rules.pixel_offset, rules.pixel_offset])
    problem = arrange(
        replace(gt, boxes=gt.boxes + far, crowd=np.zeros(len(gt), np.bool_)),
        replace(dets, boxes=dets.boxes + far),
        image_ids=image_ids,
        class_ids=class_ids,
    )
    # problems put equal scores in order of images, VOC in the order given
    order = np.lexsort((problem.det_rows, -problem.det_score, problem.det_class))
    difficult = (gt.difficult | gt.crowd)[problem.gt_rows]
    pairs = class_pairs(problem, min_iou=iou_threshold)
    if rules.strict:
        pairs = pairs.take(pairs.iou > iou_threshold)
    return _judge(problem, pairs, order, difficult)


def _judge(problem: Problem, pairs: Pairs, order: IntArray, difficult: BoolArray) -> VocMatches:
    best = np.lexsort((pairs.gt, -pairs.iou, pairs.det))
    best = best[np.diff(pairs.det[best], prepend=-1) != 0]
    choice = np.full(len(order), -1, np.int64)
    choice[pairs.det[best]] = pairs.gt[best]
    choice = choice[order]

    on_difficult = np.zeros(len(order), np.bool_)
    chosen = np.flatnonzero(choice >= 0)
    on_difficult[chosen] = difficult[choice[chosen]]
    takers = chosen[~on_difficult[chosen]]
    _, first = np.unique(choice[takers], return_index=True)
    found = np.zeros(len(order), np.bool_)
    found[takers[first]] = True
    return VocMatches(
        problem=problem,
        order=order,
        choice=choice,
        found=found,
        counted=~on_difficult,
        difficult=difficult,
    )


def _areas(precision: FloatArray, starts: IntArray, positives: IntArray) -> FloatArray:
    """(K,) area under each class's envelope; recall rises by one part of ``positives`` with every hit."""
    areas = np.zeros(len(positives))
    for place, (first, last) in enumerate(zip(starts[:-1], starts[1:], strict=True)):
        if last > first:
            envelope = np.maximum.accumulate(precision[first:last][::-1])[::-1]
            steps = np.diff(np.arange(int(last - first) + 1) / positives[place])
            areas[place] = steps @ envelope
    return areas
