"""The match table: which ground truth each detection takes, for many IoU thresholds and size ranges at once.

The rule is COCOeval's: detections by descending score, each takes the free ground truth of its image and
class with the highest IoU of at least the threshold (the last one among equals), a regular one before an
ignored one, and a crowd may be taken any number of times. No match is -1.

Instead of going through images, the r-th detection of every image and class is handled in one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detcore.evaluation.pairs import Pairs, class_pairs
from detcore.evaluation.problem import Problem, places
from detcore.types import BoolArray, FloatArray, IntArray

IOU_THRESHOLDS: FloatArray = np.linspace(0.5, 0.95, 10)
"""COCO's, as its code computes them (0.9 is 0.8999999999999999)."""

SIZE_RANGES: FloatArray = np.array([[0.0, 1e10], [0.0, 32.0**2], [32.0**2, 96.0**2], [96.0**2, 1e10]])
"""COCO's all, small, medium and large in square pixels, both ends inclusive."""

NO_MATCH = -1
_CHUNK = 1 << 15  # pairs handled at once


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchTable:
    """A size ranges, T IoU thresholds, C candidates: detections that overlap some ground truth enough.

    ``candidates`` (C,) positions of detections, ascending; ``matches`` (A, T, C) position of the ground
    truth taken, or -1; ``gt_ignore`` (A, G). Detections that are no candidates have no match.
    """

    problem: Problem
    iou_thresholds: FloatArray
    size_ranges: FloatArray
    candidates: IntArray
    matches: NDArray[np.int32]
    gt_ignore: BoolArray

    def det_matches(self, threshold: int = 0, size: int = 0) -> IntArray:
        """(D,) ground truth of each detection or -1, at one place of thresholds and sizes."""
        found = np.full(len(self.problem.det_rows), NO_MATCH, np.int64)
        found[self.candidates] = self.matches[size, threshold]
        return found


def match(
    problem: Problem,
    *,
    iou_thresholds: Sequence[float] | FloatArray = IOU_THRESHOLDS,
    size_ranges: FloatArray = SIZE_RANGES,
) -> MatchTable:
    """Match all detections of a problem."""
    thresholds = np.minimum(np.asarray(iou_thresholds, dtype=np.float64), 1 - 1e-10)
    pairs = class_pairs(problem, min_iou=float(thresholds.min()))
    return match_pairs(problem, pairs, iou_thresholds=thresholds, size_ranges=size_ranges)


def ignored_by_size(problem: Problem, size_ranges: FloatArray) -> BoolArray:
    """(A, G) ground truths that do not count: ignored anyway, or of another size."""
    low, high = size_ranges[:, 0, None], size_ranges[:, 1, None]
    return problem.gt_ignore | (problem.gt_area < low) | (problem.gt_area > high)


def match_pairs(
    problem: Problem,
    pairs: Pairs,
    *,
    iou_thresholds: FloatArray,
    size_ranges: FloatArray,
    class_aware: bool = True,
    last_wins: bool = True,
) -> MatchTable:
    """Match, given all pairs with at least the lowest threshold. They come by image (and by class, if
    ``class_aware``) with detections by descending score, and ground truths ascending for each. Among equal
    IoUs the last ground truth wins, or the first."""
    sizes, levels = len(size_ranges), len(iou_thresholds)
    gt_ignore = ignored_by_size(problem, size_ranges)
    if len(pairs) == 0:
        return MatchTable(
            problem=problem,
            iou_thresholds=iou_thresholds,
            size_ranges=size_ranges,
            candidates=np.zeros(0, np.int64),
            matches=np.zeros((sizes, levels, 0), np.int32),
            gt_ignore=gt_ignore,
        )
    ordered, segments, step = _in_steps(problem, pairs, class_aware=class_aware, last_wins=last_wins)
    found = np.empty((len(segments), sizes, levels), np.int32)
    state = _State(
        taken=np.zeros((len(problem.gt_rows), sizes, levels), np.bool_),
        regular=np.ascontiguousarray(~gt_ignore.T),
        crowd=problem.gt_crowd,
        thresholds=iou_thresholds,
    )
    bounds: IntArray = np.append(segments, len(ordered))
    step_starts = [*np.flatnonzero(np.diff(step, prepend=-1)).tolist(), len(segments)]
    for first, last in pairwise(step_starts):
        start = first
        while start < last:
            # one step's detections never share a ground truth, so it may be cut anywhere
            limit = int(bounds[start]) + _CHUNK
            stop = int(np.searchsorted(bounds, limit, side="right")) - 1
            stop = min(max(stop, start + 1), int(last))
            part = slice(int(bounds[start]), int(bounds[stop]))
            local = bounds[start:stop] - bounds[start]
            found[start:stop] = state.choose(ordered.gt[part], ordered.iou[part], local)
            start = stop
    dets = ordered.det[segments]
    back = np.argsort(dets, kind="stable")
    return MatchTable(
        problem=problem,
        iou_thresholds=iou_thresholds,
        size_ranges=size_ranges,
        candidates=dets[back],
        matches=np.ascontiguousarray(np.moveaxis(found[back], 0, 2)),
        gt_ignore=gt_ignore,
    )


def _in_steps(
    problem: Problem, pairs: Pairs, *, class_aware: bool, last_wins: bool
) -> tuple[Pairs, IntArray, IntArray]:
    """Pairs by step (the place of the detection among its group's candidates), within a detection the
    best last; where each detection's pairs start; and each detection's step."""
    new = np.concatenate([[True], pairs.det[1:] != pairs.det[:-1]])
    starts = np.flatnonzero(new)
    dets = pairs.det[starts]
    group = problem.det_image[dets]
    if class_aware:
        group = group * len(problem.classes) + problem.det_class[dets]
    step = places(group)
    lengths = np.diff(starts, append=len(pairs))
    number = np.repeat(np.arange(len(starts)), lengths)
    if lengths.max() > 1:
        # of the pairs of a detection the best comes last
        favour = pairs.gt if last_wins else -pairs.gt
        pairs = pairs.take(np.lexsort((favour, pairs.iou, number)))
    by_step = np.argsort(step, kind="stable")
    lengths = lengths[by_step]
    ends = np.cumsum(lengths)
    rows = np.repeat(starts[by_step] - (ends - lengths), lengths) + np.arange(len(pairs))
    return pairs.take(rows), ends - lengths, step[by_step]


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What has been taken so far: ``taken`` (G, A, T), ``regular`` (G, A), ``crowd`` (G,)."""

    taken: BoolArray
    regular: BoolArray
    crowd: BoolArray
    thresholds: FloatArray

    def choose(self, gt: IntArray, iou: FloatArray, starts: IntArray) -> NDArray[np.int32]:
        """(S, A, T) ground truth that each of S detections takes; their pairs start at ``starts``."""
        open_to = self.taken[gt]
        np.logical_not(open_to, out=open_to)
        crowds = np.flatnonzero(self.crowd[gt])
        if len(crowds):
            open_to[crowds] = True
        open_to &= (iou[:, None] >= self.thresholds)[:, None, :]
        count = len(gt)
        place = np.arange(1, count + 1, dtype=np.int32)
        # a regular ground truth outranks every ignored one; within a kind the later pair is the better one
        value = place[:, None] + np.where(self.regular[gt], np.int32(count), np.int32(0))
        key = open_to * value[:, :, None].astype(np.int32)
        best = np.maximum.reduceat(key, starts, axis=0) if len(starts) < count else key
        taken = best > 0
        chosen = gt.astype(np.int32)[(best - 1) % count]
        detection, size, level = np.nonzero(taken)
        self.taken[chosen[detection, size, level], size, level] = True
        return np.where(taken, chosen, np.int32(NO_MATCH))
