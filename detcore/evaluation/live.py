"""The Review page's engine: one IoU threshold, every confidence threshold at once, edits at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detcore.evaluation.confusion import confusion_matrix
from detcore.evaluation.curves import Curve
from detcore.evaluation.live_curves import LiveCurves
from detcore.evaluation.live_matches import LiveMatches
from detcore.evaluation.problem import positions
from detcore.types import Detections, FloatArray, GroundTruth, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Counts at a threshold. A ratio without a denominator is 0."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        return self.tp / max(self.tp + self.fp, 1)

    @property
    def recall(self) -> float:
        return self.tp / max(self.tp + self.fn, 1)

    @property
    def f1(self) -> float:
        return 2 * self.tp / max(2 * self.tp + self.fp + self.fn, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSummary(Counts):
    """One class at a threshold. ``ap`` is COCO's at this IoU, -1 without ground truth."""

    class_id: int
    gt_count: int
    ap: float


class GtState(IntEnum):
    MISSED = 0
    MATCHED = 1
    IGNORED = 2


class DetState(IntEnum):
    FALSE_POSITIVE = 0
    TRUE_POSITIVE = 1
    IGNORED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageView:
    """One image at a threshold. ``gt_rows`` (G,) rows of ``gt`` and ``gt_state`` (GtState values);
    ``det_rows`` (D,) rows of ``dets`` above the threshold, highest score first, ``det_state`` (DetState
    values) and ``det_match`` the row of ``gt`` that each took, or -1."""

    gt_rows: IntArray
    gt_state: NDArray[np.uint8]
    det_rows: IntArray
    det_state: NDArray[np.uint8]
    det_match: IntArray


class LiveEvaluation:
    """Matches detections once and answers for any confidence threshold; score >= threshold counts.

    Crowds and difficult boxes are ignored: neither to be found nor wrong to find. ``image_ids`` adds images
    that have neither ground truth nor detections. Rows of other classes than ``class_ids`` take no part.
    There is no limit of detections per image, so ``ap`` is COCO's unless an image has over 100 of a class.
    """

    def __init__(
        self,
        gt: GroundTruth,
        dets: Detections,
        *,
        class_ids: Sequence[int] | IntArray,
        iou_threshold: float = 0.5,
        image_ids: Sequence[int] | IntArray = (),
    ) -> None:
        self._matches = LiveMatches(
            gt,
            dets,
            image_ids=np.asarray(image_ids, dtype=np.int64),
            class_ids=np.asarray(class_ids, dtype=np.int64),
            iou_threshold=iou_threshold,
        )
        self._curves = LiveCurves()

    @property
    def gt(self) -> GroundTruth:
        return self._matches.gt

    @property
    def dets(self) -> Detections:
        return self._matches.dets

    @property
    def iou_threshold(self) -> float:
        return self._matches.iou_threshold

    @property
    def class_ids(self) -> IntArray:
        """Ascending; the order of the confusion matrix."""
        return self._matches.class_ids

    @property
    def image_ids(self) -> IntArray:
        """Ascending ids of all images that take part."""
        return self._matches.problem.images

    def replace_image(self, image_id: int, gt: GroundTruth) -> None:
        """Put these boxes in place of all of an image and match that image again; the outcome is that of a
        full run. They become the last rows of ``gt``, the other rows keep their order."""
        self._matches.replace_image(image_id, gt)

    def counts(self, threshold: float, class_id: int | None = None) -> Counts:
        """Of one class, or of all together."""
        found = self._matches.tables().class_counts(threshold)
        chosen = slice(None) if class_id is None else self._matches.tables().label(class_id)
        tp, fp, fn = (int(np.sum(column[chosen])) for column in (found.tp, found.fp, found.fn))
        return Counts(tp=tp, fp=fp, fn=fn)

    def per_class(self, threshold: float) -> list[ClassSummary]:
        """By ascending class id."""
        tables = self._matches.tables()
        found = tables.class_counts(threshold)
        rows = (self.class_ids, tables.positives, tables.average_precision, found.tp, found.fp, found.fn)
        return [
            ClassSummary(class_id=class_id, gt_count=count, ap=ap, tp=tp, fp=fp, fn=fn)
            for class_id, count, ap, tp, fp, fn in zip(*(row.tolist() for row in rows), strict=True)
        ]

    def curve(self, class_id: int | None = None) -> Curve:
        """Precision and recall over all detections of a class, or of all classes together; ``ap`` is then
        the mean over classes that have ground truth."""
        return self._curves.curve(self._matches.problem, self._matches.tables(), class_id)

    def score_histogram(self, bins: int = 50) -> tuple[FloatArray, IntArray, IntArray]:
        """(bins + 1,) edges over 0..1 and (bins,) counts of true and of false positives."""
        edges = np.linspace(0.0, 1.0, bins + 1)
        scores = self._matches.problem.det_score
        true, false = (
            np.histogram(scores[kind], bins=edges)[0]
            for kind in (self._matches.tables().hit, self._matches.tables().loose)
        )
        return edges, true, false

    def confusion(self, threshold: float) -> IntArray:
        """(K + 1, K + 1) counts in the order of ``class_ids``; rows are true classes, columns detected ones,
        the last of each is background. See confusion.py."""
        claims = self._matches.claims_at(threshold)
        found = self._matches.tables().class_counts(threshold)
        return confusion_matrix(
            claims_gt_class=self._matches.tables().gt_class[claims.gt],
            claims_det_class=self._matches.problem.det_class[claims.det],
            hits=found.tp,
            false_positives=found.fp,
            misses=found.fn,
        )

    def confusion_rows(
        self, threshold: float, gt_class_id: int | None, det_class_id: int | None
    ) -> tuple[IntArray, IntArray]:
        """(N,) rows of ``gt`` and (N,) rows of ``dets`` behind one cell of the matrix; ``None`` is
        background, whose rows are -1. Highest score first where there are detections."""
        problem, tables = self._matches.problem, self._matches.tables()
        claims = self._matches.claims_at(threshold)
        if gt_class_id is not None and det_class_id is None:
            rows = np.setdiff1d(self.missed(threshold, gt_class_id), claims.gt)
            return rows, np.full(len(rows), -1, np.int64)
        if det_class_id is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        if gt_class_id is None:
            rows = self.false_positives(threshold, det_class_id)
            rows = rows[~np.isin(rows, problem.det_rows[claims.det])]
            return np.full(len(rows), -1, np.int64), rows
        if gt_class_id == det_class_id:
            dets = tables.above("hit", threshold, det_class_id)
            return tables.match[dets], problem.det_rows[dets]
        of_gt = tables.gt_class[claims.gt] == self._matches.tables().label(gt_class_id)
        chosen = np.flatnonzero(
            of_gt & (problem.det_class[claims.det] == self._matches.tables().label(det_class_id))
        )
        chosen = chosen[np.argsort(claims.det[chosen])]
        return claims.gt[chosen], problem.det_rows[claims.det[chosen]]

    def missed(self, threshold: float, class_id: int | None = None) -> IntArray:
        """Rows of ``gt``, ascending."""
        return self._matches.tables().missed(threshold, class_id)

    def false_positives(self, threshold: float, class_id: int | None = None) -> IntArray:
        """Rows of ``dets``, highest score first."""
        return self._matches.problem.det_rows[self._matches.tables().above("loose", threshold, class_id)]

    def true_positives(self, threshold: float, class_id: int | None = None) -> IntArray:
        """Rows of ``dets``, highest score first."""
        return self._matches.problem.det_rows[self._matches.tables().above("hit", threshold, class_id)]

    def taken_by(self, rows: IntArray) -> IntArray:
        """(N,) rows of ``gt`` that detections which take part (rows of ``dets``) have taken, -1 for none."""
        return self._matches.tables().match[self._matches.det_places[rows]]

    def gt_rows_of(self, ids: IntArray) -> IntArray:
        """(N,) rows of ``gt``. Raises KeyError for ids that are not there."""
        return self._matches.gt_rows_of(ids)

    def found_scores(self) -> FloatArray:
        """(G,) score of the detection that found each ground truth; -inf where none did or none had to."""
        return self._matches.tables().found_score

    def image_view(self, image_id: int, threshold: float) -> ImageView:
        """What to paint over one image."""
        problem, tables = self._matches.problem, self._matches.tables()
        gt_rows = np.flatnonzero(self.gt.image_ids == image_id)
        gt_state = np.where(tables.found_score[gt_rows] >= threshold, GtState.MATCHED, GtState.MISSED)
        gt_state = np.where(tables.gt_counts[gt_rows], gt_state, GtState.IGNORED)
        place = int(positions(np.array([image_id]), problem.images)[0])
        dets = self._matches.dets_of(place) if place >= 0 else np.zeros(0, np.int64)
        dets = dets[problem.det_score[dets] >= threshold]
        dets = dets[np.argsort(-problem.det_score[dets], kind="stable")]
        det_state = np.where(tables.loose[dets], DetState.FALSE_POSITIVE, DetState.IGNORED)
        det_state = np.where(tables.hit[dets], DetState.TRUE_POSITIVE, det_state)
        return ImageView(
            gt_rows=gt_rows,
            gt_state=gt_state.astype(np.uint8),
            det_rows=problem.det_rows[dets],
            det_state=det_state.astype(np.uint8),
            det_match=tables.match[dets],
        )
