"""How probably the labels behind the items of a review are wrong, once somebody has asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.evaluation.label_errors import LABEL_ERRORS, LabelError, LabelErrors
from detcore.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """In which way a label is probably wrong; ``score`` 0..1 as ``rank_label_errors`` has it; ``speaker`` is
    the key of the detection that says so, 0 for none."""

    kind: LabelError
    score: float
    speaker: int = 0


class LabelSuspicions:
    """The strongest suspicion by key: the id of a label, or -(row + 1) of a detection that seems to have
    none."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """The labels are others: nothing is known of them."""
        self.is_known = False
        # columns by key; the first is that of the lowest one
        self._first = 0
        self._scores: FloatArray = np.zeros(1)
        self._kinds: IntArray = np.zeros(1, np.int64)
        self._speakers: IntArray = np.zeros(1, np.int64)

    def take(self, errors: LabelErrors, label_ids: IntArray) -> None:
        """``label_ids`` (G,) ids of the labels among which the errors were found."""
        labelled = errors.gt_rows >= 0
        keys = -(errors.det_rows + 1)
        keys[labelled] = label_ids[errors.gt_rows[labelled]]
        self._first = min(int(keys.min(initial=0)), 0)
        size = int(keys.max(initial=0)) - self._first + 1
        self._scores, self._kinds, self._speakers = (
            np.zeros(size),
            np.zeros(size, np.int64),
            np.zeros(size, np.int64),
        )
        # the strongest is written last
        weakest_first = np.argsort(errors.scores, kind="stable")
        places = keys[weakest_first] - self._first
        self._scores[places] = errors.scores[weakest_first]
        self._kinds[places] = errors.kind[weakest_first]
        self._speakers[places] = np.where(errors.det_rows >= 0, -(errors.det_rows + 1), 0)[weakest_first]
        self.is_known = True

    def scores(self, keys: IntArray) -> FloatArray:
        """(N,) scores by key, 0 where nothing is suspected."""
        return self._scores[self._places(keys)]

    def speakers(self, labels: IntArray) -> IntArray:
        """(N,) keys of the detections that speak against labels, 0 for none."""
        return self._speakers[self._places(labels)]

    def told(self, labels: IntArray, detections: IntArray, *, own: BoolArray) -> FloatArray:
        """(N,) scores of the items of a list by the keys of their labels and detections, 0 for none. Of
        several items about one label one tells of it: with the detection that speaks against it, else the
        label's ``own``."""
        scores = self.scores(labels)
        doubtful = np.flatnonzero(scores)
        label = labels[doubtful]
        speaks = detections[doubtful] == self._speakers[self._places(label)]
        order = np.lexsort((~own[doubtful], ~speaks, label))
        again = np.diff(label[order], prepend=0) == 0
        scores[doubtful[order[again]]] = 0.0
        return np.maximum(scores, self.scores(detections))

    def of(self, *keys: int) -> Suspicion | None:
        """The strongest suspicion of some items."""
        places = self._places(np.array(keys, np.int64))
        place = int(places[self._scores[places].argmax()])
        if not self._scores[place]:
            return None
        return Suspicion(
            kind=LABEL_ERRORS[int(self._kinds[place])],
            score=float(self._scores[place]),
            speaker=int(self._speakers[place]),
        )

    def _places(self, keys: IntArray) -> IntArray:
        """(N,) places in the columns; no item has the key 0, and nothing is suspected at its place."""
        places = keys - self._first
        return np.where((places >= 0) & (places < len(self._scores)), places, -self._first)
