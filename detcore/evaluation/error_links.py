"""Which label each false positive belongs to, so that one mistake is shown as one thing.

The kinds are those of TIDE (see error_types.py) at the IoU of a LiveEvaluation. None of them depends on the
confidence threshold: they are about where the labels are, and what makes a duplicate scores higher than it.
So they are found once and looked up while the threshold moves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detcore.evaluation.error_types import KINDS, ErrorType
from detcore.evaluation.live import DetState, LiveEvaluation
from detcore.evaluation.pairs import Pairs, image_pairs
from detcore.evaluation.problem import arrange
from detcore.types import Detections, GroundTruth, IntArray

BACKGROUND_IOU = 0.1
"""Up to this IoU a detection was not meant for a label."""

_CLASS, _LOCATION, _BOTH, _DUPLICATE, _BACKGROUND = (
    KINDS.index(kind)
    for kind in (
        ErrorType.CLASS,
        ErrorType.LOCATION,
        ErrorType.BOTH,
        ErrorType.DUPLICATE,
        ErrorType.BACKGROUND,
    )
)


class ErrorLinks:
    """By row of the evaluation's detections: ``kind`` (D,) place in KINDS, -1 for what is no false positive;
    ``target`` (D,) id of the label that it was meant for, 0 for none. Wrong in class: the label of another
    class that it covers; badly placed: the label of its class that it touches; duplicate: the label that a
    better one has found. Crowds and difficult objects are no targets."""

    def __init__(self, evaluation: LiveEvaluation) -> None:
        self._evaluation = evaluation
        self.kind: NDArray[np.int8] = np.full(len(evaluation.dets), -1, np.int8)
        self.target: IntArray = np.zeros(len(evaluation.dets), np.int64)
        rows = np.sort(evaluation.false_positives(-np.inf))
        self._link(rows, evaluation.dets.take(rows), evaluation.gt)

    def update(self, image_id: int) -> None:
        """Look again at an image that the evaluation has matched again."""
        evaluation = self._evaluation
        view = evaluation.image_view(image_id, -np.inf)
        self.kind[view.det_rows], self.target[view.det_rows] = -1, 0
        rows = np.sort(view.det_rows[view.det_state == DetState.FALSE_POSITIVE])
        self._link(rows, evaluation.dets.take(rows), evaluation.gt.take(view.gt_rows))

    def claimants(self, false_positives: IntArray | None = None) -> IntArray:
        """(M + 1,) for each label id up to the highest: the row of the best-scored false positive that was
        meant for it, -1 for none. It is the best one up to its score; above that there is none. With
        ``false_positives``, rows of those of some images, highest score first, only these are looked at."""
        rows = self._evaluation.false_positives(-np.inf) if false_positives is None else false_positives
        rows = rows[self.target[rows] > 0][::-1]
        highest = int(self._evaluation.gt.ids.max(initial=0))
        found = np.full(highest + 1, -1, np.int64)
        # of equal places the last one is kept: the highest score
        found[self.target[rows]] = rows
        return found

    def _link(self, rows: IntArray, dets: Detections, gt: GroundTruth) -> None:
        """Sort out false positives, given as rows and columns, among the labels of their images."""
        iou_threshold = self._evaluation.iou_threshold
        gt = gt.take(~(gt.crowd | gt.difficult))
        images = np.unique(dets.image_ids)
        problem = arrange(gt, dets, image_ids=images, class_ids=self._evaluation.class_ids)
        pairs = image_pairs(problem, problem.by_group, min_iou=BACKGROUND_IOU)
        same = problem.det_class[pairs.det] == problem.gt_class[pairs.gt]
        place_iou, place_gt = _nearest(pairs.take(same), len(rows))
        other_iou, other_gt = _nearest(pairs.take(~same), len(rows))
        nearest = np.maximum(place_iou, other_iou)
        kind = np.where(nearest <= BACKGROUND_IOU, _BACKGROUND, _BOTH)
        target = np.full(len(rows), -1, np.int64)
        # whatever covers a label of its class without finding it came after the one that did
        for chosen, name, meant_for in (
            (place_iou > iou_threshold, _DUPLICATE, place_gt),
            (other_iou >= iou_threshold, _CLASS, other_gt),
            ((place_iou >= BACKGROUND_IOU) & (place_iou <= iou_threshold), _LOCATION, place_gt),
        ):
            kind[chosen], target[chosen] = name, meant_for[chosen]
        given = rows[problem.det_rows]
        self.kind[given] = kind
        linked = target >= 0
        self.target[given[linked]] = gt.ids[problem.gt_rows[target[linked]]]


def _nearest(pairs: Pairs, count: int) -> tuple[NDArray[np.float64], IntArray]:
    """(D,) the highest IoU of each detection, 0 without a pair, and its ground truth; of equals the first."""
    best = np.lexsort((pairs.gt, -pairs.iou, pairs.det))
    best = best[np.diff(pairs.det[best], prepend=-1) != 0]
    iou, gt = np.zeros(count), np.full(count, -1, np.int64)
    iou[pairs.det[best]], gt[pairs.det[best]] = pairs.iou[best], pairs.gt[best]
    return iou, gt
