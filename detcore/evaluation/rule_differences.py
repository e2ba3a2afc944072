"""Why two sets of rules give two figures for the same boxes: the rows they judge differently.

Where a class has two figures and no such row, the curve is drawn or sampled differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from detcore.boxes import areas
from detcore.evaluation.bootstrap import as_drawn, average_precisions
from detcore.evaluation.coco import MAX_DETECTIONS
from detcore.evaluation.judged import judge
from detcore.evaluation.problem import Problem, positions
from detcore.evaluation.ultralytics import class_average_precisions, match_ultralytics
from detcore.evaluation.voc import VOC2007, VOC2010, evaluate_voc, match_voc
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray

_BORDER = 1e-6  # single precision and rounded boxes move an IoU by less


class RuleSet(StrEnum):
    COCO = "coco"
    VOC2007 = "voc2007"
    VOC2010 = "voc2010"
    ULTRALYTICS = "ultralytics"


class RowState(IntEnum):
    """What a set of rules makes of a detection."""

    LEFT_OUT = -1
    FALSE_POSITIVE = 0
    TRUE_POSITIVE = 1
    IGNORED = 2


class Reason(StrEnum):
    """Why two sets of rules judge a detection differently."""

    LIMIT = "limit"
    """One looks at fewer detections of an image."""
    REGION = "region"
    """One ignores what lies on a crowd or a difficult object."""
    BORDER = "border"
    """The IoU is the threshold itself, up to the last bits."""
    CHOICE = "choice"
    """It overlaps several objects, or others overlap its object: they are dealt out differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """By rows of what was given: ``det_state`` (N,) RowState values, ``det_gt`` (N,) the row of ground truth
    found or -1, ``gt_wanted`` (G,) whether it counts, ``gt_found`` (G,). ``aps`` (K,) of each class, nan
    without objects."""

    det_state: IntArray
    det_gt: IntArray
    gt_wanted: BoolArray
    gt_found: BoolArray
    aps: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDifferences:
    """``class_ids`` (K,) ascending. ``det_rows`` (N,) detections that end differently or find another object,
    highest score first, and the ``reasons`` for it; ``gt_rows`` (M,) objects that count, or are found, for
    one alone."""

    class_ids: IntArray
    first: RuleView
    second: RuleView
    det_rows: IntArray
    reasons: tuple[Reason, ...]
    gt_rows: IntArray


def find_rule_differences(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    first: RuleSet,
    second: RuleSet,
    iou_threshold: float = 0.5,
) -> RuleDifferences:
    """Judge the rows by both sets of rules at one IoU."""
    views = [view_by_rules(gt, dets, image_ids, class_ids, rules, iou_threshold) for rules in (first, second)]
    one, other = views
    apart = (one.det_state != other.det_state) | (one.det_gt != other.det_gt)
    rows = np.flatnonzero(apart)
    rows = rows[np.argsort(-dets.scores[rows], kind="stable")]
    gt_apart = (one.gt_wanted != other.gt_wanted) | (one.gt_found != other.gt_found)
    return RuleDifferences(
        class_ids=np.unique(np.asarray(class_ids, dtype=np.int64)),
        first=one,
        second=other,
        det_rows=rows,
        reasons=_reasons(gt, dets, one, other, rows, iou_threshold),
        gt_rows=np.flatnonzero(gt_apart),
    )


def view_by_rules(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    rules: RuleSet,
    iou_threshold: float = 0.5,
) -> RuleView:
    """What one set of rules makes of each row."""
    columns = (gt, dets, image_ids, class_ids)
    if rules == RuleSet.COCO:
        judged = judge(*columns, iou_thresholds=[iou_threshold], max_detections=MAX_DETECTIONS[-1])[0]
        aps = average_precisions(judged, as_drawn(judged))[0]
        taken, hit, counted, wanted = judged.taken, judged.hit, judged.hit | judged.loose, judged.wanted
        return _by_row(judged.problem, len(gt), len(dets), taken, hit, counted, wanted, aps)
    if rules == RuleSet.ULTRALYTICS:
        threshold = np.array([iou_threshold], dtype=np.float32).astype(np.float64)
        table = match_ultralytics(*columns, iou_thresholds=threshold)
        taken = table.det_matches()
        every, wanted = np.ones(len(taken), np.bool_), np.ones(len(table.problem.gt_rows), np.bool_)
        aps = class_average_precisions(table, 0)
        return _by_row(table.problem, len(gt), len(dets), taken, taken >= 0, every, wanted, aps)
    kind = VOC2007 if rules == RuleSet.VOC2007 else VOC2010
    voc = match_voc(*columns, rules=kind, iou_threshold=iou_threshold)
    back = np.argsort(voc.order)
    found = evaluate_voc(*columns, rules=kind, iou_threshold=iou_threshold)
    aps = np.array([found.per_class[class_id].ap for class_id in voc.problem.classes.tolist()])
    taken, hit, counted = voc.choice[back], voc.found[back], voc.counted[back]
    return _by_row(voc.problem, len(gt), len(dets), taken, hit, counted, ~voc.difficult, aps)


def _by_row(
    problem: Problem,
    gt_count: int,
    det_count: int,
    taken: IntArray,
    hit: BoolArray,
    counted: BoolArray,
    wanted: BoolArray,
    aps: FloatArray,
) -> RuleView:
    """From positions of a problem to rows."""
    state, det_gt = np.full(det_count, int(RowState.LEFT_OUT)), np.full(det_count, -1)
    state[problem.det_rows] = np.where(
        hit, RowState.TRUE_POSITIVE, np.where(counted, RowState.FALSE_POSITIVE, RowState.IGNORED)
    )
    targets = problem.gt_rows[taken[hit]]
    det_gt[problem.det_rows[hit]] = targets
    gt_wanted, gt_found = np.zeros(gt_count, np.bool_), np.zeros(gt_count, np.bool_)
    gt_wanted[problem.gt_rows] = wanted
    gt_found[targets] = True
    return RuleView(det_state=state, det_gt=det_gt, gt_wanted=gt_wanted, gt_found=gt_found, aps=aps)


def _reasons(
    gt: GroundTruth,
    dets: Detections,
    first: RuleView,
    second: RuleView,
    rows: IntArray,
    iou_threshold: float,
) -> tuple[Reason, ...]:
    states = np.stack([first.det_state[rows], second.det_state[rows]])
    left_out = (states == RowState.LEFT_OUT).any(axis=0)
    ignored = (states == RowState.IGNORED).any(axis=0)
    near = np.zeros(len(rows), np.bool_)
    for view in (first, second):
        target = view.det_gt[rows]
        found = np.flatnonzero(target >= 0)
        boxes, others = dets.boxes[rows[found]], gt.boxes[target[found]]
        sides = np.clip(
            np.minimum(boxes[:, 2:], others[:, 2:]) - np.maximum(boxes[:, :2], others[:, :2]), 0, None
        )
        shared = sides[:, 0] * sides[:, 1]
        iou = shared / (areas(boxes) + areas(others) - shared)
        near[found] |= np.abs(iou - iou_threshold) < _BORDER
        on_region = (gt.crowd | gt.difficult)[target[found]]
        ignored[found] |= on_region
    kinds = (Reason.LIMIT, Reason.REGION, Reason.BORDER, Reason.CHOICE)
    place = np.full(len(rows), 3, np.int64)
    for number, those in ((2, near), (1, ignored), (0, left_out)):
        place[those] = number
    return tuple(kinds[one] for one in place.tolist())


def classes_apart(differences: RuleDifferences, dets: Detections) -> list[tuple[int, float, float, int]]:
    """Class id, both average precisions and the number of detections judged differently, for each class whose
    figures differ."""
    first, second = differences.first.aps, differences.second.aps
    rows = np.bincount(
        positions(dets.labels[differences.det_rows], differences.class_ids), minlength=len(first)
    )
    apart = np.flatnonzero((np.abs(first - second) > 1e-9) | (np.isnan(first) != np.isnan(second)))
    return [(int(differences.class_ids[k]), float(first[k]), float(second[k]), int(rows[k])) for k in apart]
