"""How probably the labels behind the items of a review are wrong, once somebody has asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.models.figures import ratio_text
from detcore.evaluation.label_errors import LABEL_ERRORS, LabelError, LabelErrors
from detcore.types import FloatArray, IntArray

LABEL_ERROR_TEXTS: Mapping[LabelError, str] = {
    LabelError.MISSING: "no label",
    LabelError.SPURIOUS: "nothing there",
    LabelError.SWAPPED: "wrong class",
    LabelError.LOCATION: "badly placed",
    LabelError.DUPLICATE: "labelled twice",
}


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """In which way a label is probably wrong; ``score`` 0..1 as ``rank_label_errors`` has it."""

    kind: LabelError
    score: float


def suspicion_text(suspicion: Suspicion) -> str:
    """Such as "Label error 0.93: no label"."""
    return f"Label error {ratio_text(suspicion.score)}: {LABEL_ERROR_TEXTS[suspicion.kind]}"


class LabelSuspicions:
    """The strongest suspicion by key of item: the id of a label, or -(row + 1) of a detection."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """The labels are others: nothing is known of them."""
        self.is_known = False
        self._keys: IntArray = np.zeros(0, np.int64)
        self._scores: FloatArray = np.zeros(0)
        self._kinds: IntArray = np.zeros(0, np.int64)

    def take(self, errors: LabelErrors, label_ids: IntArray) -> None:
        """``label_ids`` (G,) ids of the labels among which the errors were found."""
        seen, labelled = errors.det_rows >= 0, errors.gt_rows >= 0
        keys = np.concatenate([-(errors.det_rows[seen] + 1), label_ids[errors.gt_rows[labelled]]])
        scores = np.concatenate([errors.scores[seen], errors.scores[labelled]])
        kinds = np.concatenate([errors.kind[seen], errors.kind[labelled]])
        strongest = np.argsort(-scores, kind="stable")
        self._keys, first = np.unique(keys[strongest], return_index=True)
        self._scores, self._kinds = scores[strongest][first], kinds[strongest][first]
        self.is_known = True

    def scores(self, keys: IntArray) -> FloatArray:
        """(N,) scores of items, 0 where nothing is suspected."""
        places = self._places(keys)
        return np.where(places >= 0, np.append(self._scores, 0.0)[places], 0.0)

    def of(self, *keys: int) -> Suspicion | None:
        """The strongest suspicion of some items."""
        places = self._places(np.array(keys, np.int64))
        places = places[places >= 0]
        if not len(places):
            return None
        place = int(places[self._scores[places].argmax()])
        return Suspicion(kind=LABEL_ERRORS[int(self._kinds[place])], score=float(self._scores[place]))

    def _places(self, keys: IntArray) -> IntArray:
        """(N,) places in the columns, -1 for items of which nothing is suspected."""
        places = np.searchsorted(self._keys, keys)
        known = np.append(self._keys, 0)[places] == keys
        return np.where(known & (keys != 0), places, -1)
