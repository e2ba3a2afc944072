"""Which detections and labels of a review have been judged already, also while another run was looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from detcore.boxes import iou
from detcore.evaluation.live import LiveEvaluation
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.types import BoolArray, FloatArray, IntArray

SAME_BOX_IOU = 0.5
"""A verdict holds for what has its class and overlaps it at least so much."""


def same_boxes(verdict: Verdict, labels: IntArray, boxes: FloatArray) -> BoolArray:
    """(N,) which of these boxes of the verdict's image, ``labels`` (N,) and ``boxes`` (N, 4), it holds
    for."""
    same: BoolArray = labels == verdict.class_id
    same[same] = iou(np.array([verdict.xyxy]), boxes[same])[0] >= SAME_BOX_IOU
    return same


class JudgedItems:
    """Verdicts laid over an evaluation; of several about one box the last one holds.

    What a verdict is about is known by its row or id, and where that means nothing any more, as in another
    run, by image, class and overlap. ``run_rows`` (D,) are the rows that the evaluation's detections have in
    their run, ascending. ``detection`` (D,) ids of verdicts, 0 for none.
    """

    def __init__(
        self, evaluation: LiveEvaluation, run: str, run_rows: IntArray, verdicts: Iterable[Verdict]
    ) -> None:
        self._evaluation, self._run, self._run_rows = evaluation, run, run_rows
        self._verdicts: dict[int, Verdict] = {}
        self._by_image: dict[int, dict[int, Verdict]] = {}
        self._labels: dict[int, dict[int, int]] = {}
        self.detection: IntArray = np.zeros(len(evaluation.dets), np.int64)
        self.replace((), verdicts)

    def __contains__(self, verdict_id: int) -> bool:
        return verdict_id in self._verdicts

    def __len__(self) -> int:
        return len(self._verdicts)

    def count_since(self, time: float) -> int:
        """How many verdicts were given at that time (seconds since the epoch) or later."""
        return sum(verdict.time >= time for verdict in self._verdicts.values())

    def of(self, key: int, image_id: int) -> Verdict | None:
        """The verdict about a box: id of a label, or -(row + 1) of a detection."""
        found = self._labels.get(image_id, {}).get(key, 0) if key > 0 else int(self.detection[-key - 1])
        return self._verdicts.get(found)

    def labels(self) -> IntArray:
        """Ids of the labels that have been judged."""
        found = [box_id for labels in self._labels.values() for box_id in labels]
        return np.array(found, np.int64)

    def replace(self, gone: Collection[int], verdicts: Iterable[Verdict]) -> frozenset[int]:
        """Forget the verdicts with some ids, and take in others; returns the images that they are on."""
        touched: set[int] = set()
        for verdict_id in gone:
            old = self._verdicts.pop(verdict_id, None)
            if old is not None:
                del self._by_image[old.image_id][verdict_id]
                touched.add(old.image_id)
        for verdict in verdicts:
            self._verdicts[verdict.id] = verdict
            self._by_image.setdefault(verdict.image_id, {})[verdict.id] = verdict
            touched.add(verdict.image_id)
        for image_id in touched:
            self.update(image_id)
        return frozenset(touched)

    def update(self, image_id: int) -> None:
        """Lay the verdicts of an image over its boxes as they are now."""
        view = self._evaluation.image_view(image_id, -np.inf)
        self.detection[view.det_rows] = 0
        labels: dict[int, int] = {}
        verdicts = self._by_image.get(image_id, {})
        for verdict_id in sorted(verdicts):
            verdict = verdicts[verdict_id]
            if verdict.detection_row is not None or verdict.kind is VerdictKind.DELETE:
                self.detection[self._detections(verdict, view.det_rows)] = verdict_id
            for box_id in self._label_ids(verdict, view.gt_rows):
                labels[box_id] = verdict_id
        self._labels[image_id] = labels

    def _detections(self, verdict: Verdict, rows: IntArray) -> IntArray:
        dets = self._evaluation.dets
        if verdict.detection_row is not None and verdict.run == self._run:
            row = int(np.searchsorted(self._run_rows, verdict.detection_row))
            # a prediction that was made again has other rows
            if (
                row in rows
                and self._run_rows[row] == verdict.detection_row
                and dets.labels[row] == verdict.class_id
                and np.allclose(dets.boxes[row], verdict.xyxy, atol=1e-3)
            ):
                return np.array([row])
        return rows[same_boxes(verdict, dets.labels[rows], dets.boxes[rows])]

    def _label_ids(self, verdict: Verdict, rows: IntArray) -> list[int]:
        gt = self._evaluation.gt
        ids: IntArray = gt.ids[rows]
        if verdict.box_id is None:
            return []
        about_label = verdict.detection_row is None and verdict.kind is not VerdictKind.DELETE
        if verdict.box_id in ids or not about_label:
            return [verdict.box_id]
        # a label that was imported anew has another id
        return ids[same_boxes(verdict, gt.labels[rows], gt.boxes[rows])].tolist()
