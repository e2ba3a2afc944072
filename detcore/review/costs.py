"""What each item of a review costs in average precision, once somebody has asked."""

from __future__ import annotations

import numpy as np

from detcore.evaluation.error_costs import ErrorCosts
from detcore.types import FloatArray, IntArray


class ItemCosts:
    """Gains in AP by row of detections and by id of labels, as they were when they were found.

    They are not found anew after each edit: that takes seconds, and the list would move under the user's
    hands.
    """

    def __init__(self) -> None:
        self._detections: FloatArray = np.zeros(0)
        self._label_ids: IntArray = np.zeros(0, np.int64)
        self._labels: FloatArray = np.zeros(0)

    @property
    def is_known(self) -> bool:
        return len(self._detections) + len(self._labels) > 0

    def take(self, costs: ErrorCosts, label_ids: IntArray) -> None:
        """``label_ids`` (G,) ids of the labels that the costs were found for."""
        order = np.argsort(label_ids)
        self._detections = costs.det_ap
        self._label_ids, self._labels = label_ids[order], costs.gt_ap[order]

    def of_detections(self, rows: IntArray) -> FloatArray:
        """(N,) gains, 0 while they are not known."""
        return self._detections[rows] if len(self._detections) else np.zeros(len(rows))

    def of_labels(self, ids: IntArray) -> FloatArray:
        """(N,) gains, 0 for labels that were made since."""
        if not len(self._label_ids):
            return np.zeros(len(ids))
        place = np.minimum(np.searchsorted(self._label_ids, ids), len(self._label_ids) - 1)
        return np.where(self._label_ids[place] == ids, self._labels[place], 0.0)
