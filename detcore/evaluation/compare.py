"""Two sets of detections on one ground truth: what was gained, what was lost, and whether that is more than
chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from detcore.evaluation.bootstrap import (
    Draws,
    Interval,
    as_drawn,
    draw_images,
    interval,
    mean_average_precision,
    precision_recall_f1,
)
from detcore.evaluation.coco import MAX_DETECTIONS
from detcore.evaluation.error_types import find_error_types
from detcore.evaluation.judged import Judged, judge
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray


class ObjectState(IntEnum):
    """What became of an object: found, or how nearly. The first two are places in KINDS, too."""

    CLASS = 0
    LOCATION = 1
    BELOW_THRESHOLD = 2
    MISSED = 3
    FOUND = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure of both, and the difference (second less first) with an interval over images. ``better`` is
    the share of draws in which the second is ahead, ties counted half."""

    first: float
    second: float
    difference: Interval
    better: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChanges:
    """``first`` and ``second`` (G,) ObjectState values by row of ground truth, -1 where it does not count.
    ``gained`` rows found by the second alone, ``lost`` by the first alone, ``changed`` found by neither, but
    lost in another way. ``false_first`` and ``false_second`` rows of false detections that the other one does
    not have."""

    first: IntArray
    second: IntArray
    gained: IntArray
    lost: IntArray
    changed: IntArray
    false_first: IntArray
    false_second: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(ObjectChanges):
    """``figures``: AP50, precision, recall and F1, and AP if asked for."""

    figures: Mapping[str, Difference]


def compare_runs(
    gt: GroundTruth,
    first: Detections,
    second: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    thresholds: tuple[float, float] = (0.5, 0.5),
    iou_thresholds: Sequence[float] | FloatArray = (0.5,),
    draws: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare at the first IoU; ``thresholds`` are the confidences of either. Several ``iou_thresholds`` add
    AP, their mean, to the figures. The draws are the same for both. AP is of COCO's 100 detections per image
    and class, all the rest of all detections above the thresholds."""
    runs = (first, second)
    iou_threshold = float(iou_thresholds[0])
    ranked = [
        judge(gt, run, image_ids, class_ids, iou_thresholds=iou_thresholds, max_detections=MAX_DETECTIONS[-1])
        for run in runs
    ]
    judged = [judge(gt, run, image_ids, class_ids, iou_thresholds=[iou_threshold])[0] for run in runs]
    objects = _object_changes(
        gt, runs, judged, image_ids, class_ids, thresholds=thresholds, iou_threshold=iou_threshold
    )
    image_draws = draw_images(len(judged[0].problem.images), draws=draws, seed=seed)
    return Comparison(
        **{field.name: getattr(objects, field.name) for field in fields(objects)},
        figures=_figures(ranked, judged, thresholds, image_draws),
    )


def changed_objects(
    gt: GroundTruth,
    first: Detections,
    second: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    thresholds: tuple[float, float] = (0.5, 0.5),
    iou_threshold: float = 0.5,
) -> ObjectChanges:
    """What became of each object, without figures and their intervals."""
    judged = [
        judge(gt, run, image_ids, class_ids, iou_thresholds=[iou_threshold])[0] for run in (first, second)
    ]
    return _object_changes(
        gt, (first, second), judged, image_ids, class_ids, thresholds=thresholds, iou_threshold=iou_threshold
    )


def paired_difference(
    figures: tuple[float, float], samples: tuple[FloatArray, FloatArray], *, level: float = 0.95
) -> Difference:
    """Two figures and their samples over the same draws."""
    apart = samples[1] - samples[0]
    known = apart[~np.isnan(apart)]
    better = float(((known > 0) + 0.5 * (known == 0)).mean()) if len(known) else float("nan")
    return Difference(
        first=figures[0],
        second=figures[1],
        difference=interval(figures[1] - figures[0], apart, level=level),
        better=better,
    )


def _object_changes(
    gt: GroundTruth,
    runs: tuple[Detections, Detections],
    judged: Sequence[Judged],
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    thresholds: tuple[float, float],
    iou_threshold: float,
) -> ObjectChanges:
    states = [
        _object_states(gt, run, one, image_ids, class_ids, threshold, iou_threshold)
        for run, one, threshold in zip(runs, judged, thresholds, strict=True)
    ]
    found = [state == ObjectState.FOUND for state in states]
    counted = states[0] >= 0
    false = [
        _false_rows(run, one, threshold) for run, one, threshold in zip(runs, judged, thresholds, strict=True)
    ]
    shared = _shared(*runs, false[0], false[1], iou_threshold)
    return ObjectChanges(
        first=states[0],
        second=states[1],
        gained=np.flatnonzero(counted & found[1] & ~found[0]),
        lost=np.flatnonzero(counted & found[0] & ~found[1]),
        changed=np.flatnonzero(counted & ~found[0] & ~found[1] & (states[0] != states[1])),
        false_first=false[0][~shared[0]],
        false_second=false[1][~shared[1]],
    )


def _figures(
    ranked: Sequence[Sequence[Judged]],
    judged: Sequence[Judged],
    thresholds: tuple[float, float],
    draws: Draws,
) -> dict[str, Difference]:
    """AP of ``ranked``, by run and IoU; the figures at the thresholds of ``judged``, by run."""
    once = as_drawn(judged[0])
    columns: dict[str, list[tuple[float, FloatArray]]] = {}
    for one, whole, threshold in zip(ranked, judged, thresholds, strict=True):
        plain = (mean_average_precision(one[:1], once), *precision_recall_f1(whole, once, threshold))
        drawn = (mean_average_precision(one[:1], draws), *precision_recall_f1(whole, draws, threshold))
        for name, value, samples in zip(("AP50", "precision", "recall", "F1"), plain, drawn, strict=True):
            columns.setdefault(name, []).append((float(value[0]), samples))
        if len(one) > 1:
            value = float(mean_average_precision(one, once)[0])
            columns.setdefault("AP", []).append((value, mean_average_precision(one, draws)))
    return {
        name: paired_difference((first[0], second[0]), (first[1], second[1]))
        for name, (first, second) in columns.items()
    }


def _object_states(
    gt: GroundTruth,
    dets: Detections,
    judged: Judged,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    threshold: float,
    iou_threshold: float,
) -> IntArray:
    """(G,) by row, -1 for those that do not count."""
    problem = judged.problem
    states = np.full(len(gt), -1)
    states[problem.gt_rows[judged.wanted]] = ObjectState.MISSED
    above = np.flatnonzero(dets.scores >= threshold)
    types = find_error_types(gt, dets.take(above), image_ids, class_ids, iou_threshold=iou_threshold)
    # of several that come near, the wrong class tells more than the wrong place
    for state in (ObjectState.LOCATION, ObjectState.CLASS):
        near = types.gt_row[types.kind == int(state)]
        states[near[states[near] >= 0]] = state
    detected = np.flatnonzero(judged.finder >= 0)
    scores = problem.det_score[judged.finder[detected]]
    rows = problem.gt_rows[detected]
    weak = rows[(scores < threshold) & (states[rows] == ObjectState.MISSED)]
    states[weak] = ObjectState.BELOW_THRESHOLD
    states[rows[scores >= threshold]] = ObjectState.FOUND
    return states


def _false_rows(dets: Detections, judged: Judged, threshold: float) -> IntArray:
    """Rows of false positives at a threshold, highest score first."""
    problem = judged.problem
    rows = problem.det_rows[judged.loose & (problem.det_score >= threshold)]
    return rows[np.argsort(-dets.scores[rows], kind="stable")]


def _shared(
    first: Detections, second: Detections, rows: IntArray, others: IntArray, iou_threshold: float
) -> tuple[BoolArray, BoolArray]:
    """Which of these rows of either has one of its class at its place in the other."""
    one, other = first.take(rows), second.take(others)
    return _present(one, other, iou_threshold), _present(other, one, iou_threshold)


def _present(dets: Detections, among: Detections, iou_threshold: float) -> BoolArray:
    truth = GroundTruth(
        ids=np.arange(1, len(among) + 1),
        image_ids=among.image_ids,
        labels=among.labels,
        boxes=among.boxes,
        areas=np.ones(len(among)),
        crowd=np.zeros(len(among), np.bool_),
        difficult=np.zeros(len(among), np.bool_),
    )
    judged = judge(
        truth,
        dets,
        np.unique(dets.image_ids),
        np.unique(dets.labels),
        iou_thresholds=[iou_threshold],
    )[0]
    there = np.zeros(len(dets), np.bool_)
    there[judged.problem.det_rows[judged.hit]] = True
    return there
