"""The items after the labels or verdicts of one image have changed, without finding all others again."""

from __future__ import annotations

import numpy as np

from detcore.boxes import areas
from detcore.evaluation.live import LiveEvaluation
from detcore.review.filter import ErrorFilter, SortOrder
from detcore.review.items import ErrorItems
from detcore.review.query import ErrorSource, find_items
from detcore.types import BoolArray, FloatArray, IntArray

_RANKS = np.array([1, 0, 2, 0])
"""By ErrorKind: false detections come first, then found ones, then missed labels. Unjudged ones are alone."""


def can_update(wanted: ErrorFilter, image_ids: frozenset[int]) -> bool:
    """Whether ``update_items`` knows what to do; cells, sizes and picked boxes are found anew."""
    return len(image_ids) == 1 and wanted.cell is None and wanted.size is None and wanted.picked is None


def update_items(
    source: ErrorSource, old: ErrorItems, wanted: ErrorFilter, threshold: float, image_id: int
) -> ErrorItems:
    """What ``find_items`` finds now, after it had found ``old`` with this filter and threshold before an edit
    of that image: nothing about the items of other images has changed."""
    new = find_items(source, wanted, old.order, threshold, image_id=image_id)
    gone = np.flatnonzero(old.image_ids == image_id)
    return old.spliced(gone, _places(source.evaluation, old, gone, new), new)


def _places(evaluation: LiveEvaluation, old: ErrorItems, gone: IntArray, new: ErrorItems) -> IntArray:
    """(M,) before which of the old rows each of the new ones belongs; both are in order."""
    wanted = _ties(evaluation, new, np.arange(len(new)))
    # bisection in all at once, among the rows that stay
    staying = gone - np.arange(len(gone))
    low, high = (
        ends - np.searchsorted(gone, ends)
        for ends in (np.searchsorted(old.values, new.values, side) for side in ("left", "right"))
    )
    while (undecided := low < high).any():
        middle = (low + high) >> 1
        rows = middle[undecided]
        is_before = np.zeros(len(new), np.bool_)
        at = _ties(evaluation, old, rows + np.searchsorted(staying, rows, side="right"))
        is_before[undecided] = _precedes(at, wanted[:, undecided])
        low = np.where(is_before, middle + 1, low)
        high = np.where(undecided & ~is_before, middle, high)
    return low + np.searchsorted(staying, low, side="right")


def _precedes(one: FloatArray, other: FloatArray) -> BoolArray:
    """(M,) whether columns of the one, (4, M), come before those of the other."""
    first = (one != other).argmax(axis=0)[None]
    return np.take_along_axis(one, first, axis=0)[0] < np.take_along_axis(other, first, axis=0)[0]


def _ties(evaluation: LiveEvaluation, items: ErrorItems, rows: IntArray) -> FloatArray:
    """(4, M) numbers that decide between items of one value, as ``find_items`` has them, the first to be compared
    first."""
    gt, dets = evaluation.gt, evaluation.dets
    keys = items.keys[rows]
    ties = np.zeros((4, len(rows)))
    ties[0] = _RANKS[items.kinds[rows]]
    seen = keys < 0
    det_rows = -keys[seen] - 1
    ties[1:, seen] = -dets.scores[det_rows], dets.image_ids[det_rows], det_rows
    ties[2, ~seen] = keys[~seen]
    if items.order is SortOrder.WORST:
        ties[1, ~seen] = -areas(gt.boxes[evaluation.gt_rows_of(keys[~seen])])
    return ties
