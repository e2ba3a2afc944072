"""What became of every detection and every object at one IoU threshold, by COCO's matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detcore.evaluation.matching import NO_MATCH, SIZE_RANGES, match
from detcore.evaluation.problem import Problem, arrange, positions
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """The N detections of a class, or of all, that count, by descending ``scores`` (N,): which are right,
    ``hit`` (N,); of how many ``positives``; on how many images."""

    scores: FloatArray
    hit: BoolArray
    positives: int
    image_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Positions are those of ``problem``. ``hit`` (D,) detections that found an object; ``loose`` (D,) false
    ones (the rest is ignored); ``taken`` (D,) the ground truth each took, ignored ones included, or -1;
    ``wanted`` (G,) the objects that count; ``finder`` (G,) the detection that found them, or -1."""

    problem: Problem
    hit: BoolArray
    loose: BoolArray
    taken: IntArray
    wanted: BoolArray
    finder: IntArray

    @property
    def positives(self) -> IntArray:
        """(K,) how many objects of each class there are to find."""
        return np.bincount(self.problem.gt_class[self.wanted], minlength=len(self.problem.classes))

    def outcomes(self, class_id: int | None = None) -> Outcomes:
        """Of one class, or of all together. Raises KeyError for a class that takes no part."""
        problem = self.problem
        counted = self.hit | self.loose
        if class_id is None:
            order = problem.by_score[counted[problem.by_score]]
            positives = int(np.count_nonzero(self.wanted))
        else:
            label = int(positions(np.array([class_id]), problem.classes)[0])
            if label < 0:
                raise KeyError(f"class {class_id} takes no part")
            order = np.flatnonzero(counted & (problem.det_class == label))
            positives = int(self.positives[label])
        return Outcomes(
            scores=problem.det_score[order],
            hit=self.hit[order],
            positives=positives,
            image_count=len(problem.images),
        )


def judge(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    iou_thresholds: Sequence[float] | FloatArray = (0.5,),
    max_detections: int | None = None,
) -> list[Judged]:
    """One for each threshold, from one match table. ``max_detections`` is per image and class."""
    problem = arrange(gt, dets, image_ids=image_ids, class_ids=class_ids, max_detections=max_detections)
    table = match(problem, iou_thresholds=iou_thresholds, size_ranges=SIZE_RANGES[:1])
    wanted = ~table.gt_ignore[0]
    return [_judged(problem, table.det_matches(place), wanted) for place in range(len(iou_thresholds))]


def _judged(problem: Problem, taken: IntArray, wanted: BoolArray) -> Judged:
    matched = np.flatnonzero(taken != NO_MATCH)
    right = matched[wanted[taken[matched]]]
    hit = np.zeros(len(taken), np.bool_)
    hit[right] = True
    finder = np.full(len(wanted), -1, np.int64)
    finder[taken[right]] = right
    return Judged(
        problem=problem, hit=hit, loose=taken == NO_MATCH, taken=taken, wanted=wanted, finder=finder
    )
