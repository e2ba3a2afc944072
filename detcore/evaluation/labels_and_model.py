"""What better labels and what a better model have changed, kept apart, with all that a table of it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from detcore.errors import Cancelled
from detcore.evaluation.bootstrap import (
    Draws,
    Interval,
    as_drawn,
    average_precisions,
    draw_images,
    interval,
    mean_over_classes,
)
from detcore.evaluation.coco import MAX_DETECTIONS
from detcore.evaluation.compare import Difference, paired_difference
from detcore.evaluation.judged import Judged, judge
from detcore.evaluation.live import Counts
from detcore.evaluation.matching import IOU_THRESHOLDS
from detcore.types import Detections, FloatArray, GroundTruth, IntArray

Progress = Callable[[int, int], bool]
"""Called with (done, total); returns False to stop."""

_DRAWS_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Labels and detections taken together. ``ap`` is the mean over COCO's IoU thresholds, ``ap_at_iou`` that
    at the chosen one, both of COCO's 100 detections per image and class, nan without objects; ``hit_scores``
    (H,) and ``false_scores`` (F,) of the detections that count, ascending; ``positives`` objects are to be
    found on ``image_count`` images."""

    ap: float
    ap_at_iou: float
    hit_scores: FloatArray
    false_scores: FloatArray
    positives: int
    image_count: int

    def counts(self, threshold: float) -> Counts:
        """Found, false and missed where score >= threshold counts."""
        found, false = (
            len(scores) - int(np.searchsorted(scores, threshold))
            for scores in (self.hit_scores, self.false_scores)
        )
        return Counts(tp=found, fp=false, fn=self.positives - found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLabels:
    """The same detections over old and new labels, and the differences (new less old) with intervals over
    images."""

    old: Cell
    new: Cell
    ap: Interval
    ap_at_iou: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ByModel:
    """Old and new detections over the same labels."""

    old: Cell
    new: Cell
    ap: Difference
    ap_at_iou: Difference


class LabelsAndModel:
    """Compares on the same draws of images. AP is that of COCO, counts are those of the live evaluation,
    which knows no limit of detections.

    ``iou_threshold`` is one of COCO's. ``progress`` is called while images are drawn; once it returns False
    the comparison ends with ``Cancelled``. ``parts`` is how many comparisons are to come, for the total.
    """

    def __init__(
        self,
        class_ids: Sequence[int] | IntArray,
        *,
        iou_threshold: float = 0.5,
        draws: int = 500,
        seed: int = 0,
        progress: Progress = lambda _done, _total: True,
        parts: int = 1,
    ) -> None:
        self._class_ids = class_ids
        self._place = int(np.abs(IOU_THRESHOLDS - iou_threshold).argmin())
        self._draws, self._seed = draws, seed
        self._progress = progress
        self._done, self._total = 0, parts * 2 * draws * len(IOU_THRESHOLDS)

    def by_labels(
        self, old: GroundTruth, new: GroundTruth, dets: Detections, image_ids: Sequence[int] | IntArray
    ) -> ByLabels:
        """Raises ``Cancelled``."""
        (one, samples), (other, others) = (self._cell(gt, dets, image_ids) for gt in (old, new))
        differences = [
            interval(after - before, drawn - drawn_before)
            for before, after, drawn_before, drawn in zip(
                _figures(one), _figures(other), samples, others, strict=True
            )
        ]
        return ByLabels(old=one, new=other, ap=differences[0], ap_at_iou=differences[1])

    def by_model(
        self, gt: GroundTruth, old: Detections, new: Detections, image_ids: Sequence[int] | IntArray
    ) -> ByModel:
        """Raises ``Cancelled``."""
        (one, samples), (other, others) = (self._cell(gt, dets, image_ids) for dets in (old, new))
        differences = [
            paired_difference((before, after), (drawn_before, drawn))
            for before, after, drawn_before, drawn in zip(
                _figures(one), _figures(other), samples, others, strict=True
            )
        ]
        return ByModel(old=one, new=other, ap=differences[0], ap_at_iou=differences[1])

    def _cell(
        self, gt: GroundTruth, dets: Detections, image_ids: Sequence[int] | IntArray
    ) -> tuple[Cell, tuple[FloatArray, FloatArray]]:
        """A cell, and its two figures (B,) in each draw."""
        where = (gt, dets, image_ids, self._class_ids)
        judged = judge(*where, iou_thresholds=IOU_THRESHOLDS, max_detections=MAX_DETECTIONS[-1])
        once = np.stack([average_precisions(one, as_drawn(one)) for one in judged])
        place = slice(self._place, self._place + 1)
        chosen = judge(*where, iou_thresholds=IOU_THRESHOLDS[place])[0]
        cell = Cell(
            ap=float(mean_over_classes(once)[0]),
            ap_at_iou=float(mean_over_classes(once[place])[0]),
            hit_scores=np.sort(chosen.problem.det_score[chosen.hit]),
            false_scores=np.sort(chosen.problem.det_score[chosen.loose]),
            positives=int(np.count_nonzero(chosen.wanted)),
            image_count=len(chosen.problem.images),
        )
        draws = draw_images(cell.image_count, draws=self._draws, seed=self._seed)
        drawn = np.stack([self._drawn(one, draws) for one in judged])
        return cell, (mean_over_classes(drawn), mean_over_classes(drawn[place]))

    def _drawn(self, judged: Judged, draws: Draws) -> FloatArray:
        """(B, K) average precisions, a few draws at a time."""
        parts: list[FloatArray] = []
        for start in range(0, len(draws), _DRAWS_AT_ONCE):
            if not self._progress(self._done, self._total):
                raise Cancelled("comparing runs was cancelled")
            part = draws[start : start + _DRAWS_AT_ONCE]
            parts.append(average_precisions(judged, part))
            self._done += len(part)
        return np.concatenate(parts)


def same_labels(one: GroundTruth, other: GroundTruth) -> bool:
    """Whether both hold the same boxes, in whatever order."""
    return len(one) == len(other) and all(
        np.array_equal(getattr(one, name)[np.argsort(one.ids)], getattr(other, name)[np.argsort(other.ids)])
        for name in ("ids", "image_ids", "labels", "boxes", "crowd", "difficult")
    )


def _figures(cell: Cell) -> tuple[float, float]:
    return cell.ap, cell.ap_at_iou
