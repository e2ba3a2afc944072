"""The queue after the labels or verdicts of one image have changed, without finding all other items again."""

from __future__ import annotations

import numpy as np

from app.models.error_filter import ErrorFilter, SortOrder
from app.models.error_kind import ErrorKind
from app.models.error_query import ErrorRows, ErrorSource, find_rows_on
from detcore.boxes import areas
from detcore.types import BoolArray, FloatArray, IntArray

_RANKS = {ErrorKind.FP: 0, ErrorKind.TP: 1, ErrorKind.FN: 2}


def can_update(wanted: ErrorFilter, image_ids: frozenset[int]) -> bool:
    """Whether ``update_rows`` knows what to do; lists that numbers open are found anew."""
    return len(image_ids) == 1 and wanted.cell is None and wanted.size is None and wanted.picked is None


def update_rows(
    source: ErrorSource, old: ErrorRows, wanted: ErrorFilter, order: SortOrder, image_id: int
) -> ErrorRows:
    """What ``find_rows`` finds now at the threshold of ``old``, which it found with this filter and order before
    an edit of that image: nothing about the items of other images has changed."""
    rest = old.take(old.image_ids != image_id)
    new = find_rows_on(source, old.threshold, wanted, order, image_id)
    return rest.with_inserted(_places(source, rest, new, order), new)


def _places(source: ErrorSource, rest: ErrorRows, new: ErrorRows, order: SortOrder) -> IntArray:
    """(M,) before which of the rows each of the new ones belongs; both are in order."""
    first = np.searchsorted(rest.values, new.values, side="left")
    last = np.searchsorted(rest.values, new.values, side="right")
    places = first.copy()
    for value in np.unique(new.values[first < last]).tolist():
        mine: BoolArray = new.values == value
        low, high = int(first[mine][0]), int(last[mine][0])
        tied = _ties(source, rest.take(np.arange(low, high)), order)
        both = np.concatenate([tied, _ties(source, new.take(mine), order)], axis=1)
        sorted_rows = np.lexsort(both[::-1])
        is_new = sorted_rows >= high - low
        places[mine] = low + np.cumsum(~is_new)[is_new]
    return places


def _ties(source: ErrorSource, rows: ErrorRows, order: SortOrder) -> FloatArray:
    """(4, N) what decides between items of one value, the first row first: see ``find_rows``."""
    gt, dets = source.evaluation.gt, source.evaluation.dets
    ties = np.zeros((4, len(rows)))
    ties[0] = np.array([_RANKS[kind] for kind in ErrorKind])[rows.kinds]
    seen = rows.keys < 0
    det_rows = -rows.keys[seen] - 1
    ties[1:, seen] = -dets.scores[det_rows], dets.image_ids[det_rows], det_rows
    ties[2, ~seen] = rows.keys[~seen]
    if order is SortOrder.WORST and not seen.all():
        by_id = np.argsort(gt.ids)
        gt_rows = by_id[np.searchsorted(gt.ids[by_id], rows.keys[~seen])]
        ties[1, ~seen] = -areas(gt.boxes[gt_rows])
    return ties
