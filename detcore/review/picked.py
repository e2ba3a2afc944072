"""Boxes that were picked one by one, as what two runs do not have in common."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from detcore.evaluation.live import LiveEvaluation
from detcore.types import Detections, IntArray


@dataclass(frozen=True, kw_only=True)
class PickedBoxes:
    """``labels`` are ids of boxes, ``detections`` rows of the detections with this ``fingerprint``; ``name``
    is what the user reads. A label is listed for itself while it is missed, and as the detection that found
    it else."""

    name: str
    fingerprint: str
    labels: frozenset[int] = frozenset()
    detections: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.labels) + len(self.detections)


def fingerprint_of(detections: Detections) -> str:
    """Equal for the same detections only: a run can predict again, and its rows are others then."""
    found = hashlib.blake2b(digest_size=16)
    for column in (detections.image_ids, detections.labels, detections.boxes, detections.scores):
        found.update(np.ascontiguousarray(column).data)
    return found.hexdigest()


def picked_detections(
    evaluation: LiveEvaluation, run_rows: IntArray, threshold: float, picked: PickedBoxes
) -> IntArray:
    """Rows of the evaluation's detections that were picked, or found a label that was. ``run_rows`` (D,):
    which rows of the run they are."""
    own = np.flatnonzero(np.isin(run_rows, _array(picked.detections)))
    if not picked.labels:
        return own
    finders = evaluation.true_positives(threshold)
    wanted = np.isin(evaluation.gt.ids[evaluation.taken_by(finders)], _array(picked.labels))
    return np.union1d(own, finders[wanted])


def picked_labels(evaluation: LiveEvaluation, gt_rows: IntArray, picked: PickedBoxes) -> IntArray:
    """Those of the rows of labels that were picked."""
    return gt_rows[np.isin(evaluation.gt.ids[gt_rows], _array(picked.labels))]


def _array(numbers: frozenset[int]) -> IntArray:
    return np.fromiter(numbers, np.int64, len(numbers))
