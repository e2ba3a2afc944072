"""The items of a queue with all that is said of them: class, box, image, verdict, cost, suspicion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from detcore.evaluation.live import LiveEvaluation
from detcore.project.verdict_rows import Verdict
from detcore.review.filter import SortOrder
from detcore.review.items import ErrorItem, detection_row
from detcore.review.kinds import ErrorKind, ItemType
from detcore.review.query import PAIRED_TYPES, ErrorSource
from detcore.review.suspicions import Suspicion
from detcore.types import ObjectClass
from detcore.wording import ap_name


@dataclass(frozen=True, kw_only=True)
class ErrorEntry:
    """One box. ``score`` is that of the detection; for a missed object that of the detection below the
    threshold that would find it, or ``None``. ``partner`` is the other half: the label that a detection was
    meant for or has found, or the detection that was meant for a label. It has no partner of its own.
    ``run_row`` is the row of a detection in its run. ``cost`` is what AP at this IoU (``cost_unit``) would
    gain without the error, ``suspicion`` in which way the labels are probably wrong there; ``None`` while
    nobody has asked."""

    key: int
    kind: ErrorKind
    type: ItemType
    image_id: int
    class_id: int
    class_name: str
    class_color: str
    xyxy: tuple[float, float, float, float]
    score: float | None
    path: Path
    run_row: int | None = None
    partner: ErrorEntry | None = None
    verdict: Verdict | None = None
    cost: float | None = None
    cost_unit: str = ""
    suspicion: Suspicion | None = None

    @property
    def is_detection(self) -> bool:
        return self.key < 0

    @property
    def keys(self) -> frozenset[int]:
        """The box, and its other half."""
        return frozenset({self.key} if self.partner is None else {self.key, self.partner.key})

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The edges around the box and its other half."""
        other = self.xyxy if self.partner is None else self.partner.xyxy
        low = [min(pair) for pair in zip(self.xyxy, other, strict=True)]
        high = [max(pair) for pair in zip(self.xyxy, other, strict=True)]
        return (low[0], low[1], high[2], high[3])

    @property
    def detection(self) -> ErrorEntry | None:
        """The detection of the pair."""
        return self if self.is_detection else self.partner

    @property
    def label(self) -> ErrorEntry | None:
        """The label of the pair."""
        return self.partner if self.is_detection else self


class Entries:
    """Looks up what is to be said of an item. ``classes`` and ``paths`` by id."""

    def __init__(
        self, source: ErrorSource, classes: Mapping[int, ObjectClass], paths: Mapping[int, Path]
    ) -> None:
        self._source, self._classes, self._paths = source, classes, paths

    def describe(self, item: ErrorItem, threshold: float) -> ErrorEntry:
        """An entry for an item that need not be in the list."""
        entry = self._box(item.key, item.kind, item.type)
        entry = replace(entry, suspicion=self._suspicion(item))
        if not item.partner:
            return entry
        kind = entry.kind if item.type is ItemType.FOUND else self._kind(item.partner, threshold)
        return replace(entry, partner=self._box(item.partner, kind, item.type))

    def _suspicion(self, item: ErrorItem) -> Suspicion | None:
        halves = (item.key, item.partner) if item.type in PAIRED_TYPES else (item.key,)
        suspicions = self._source.suspicions
        strongest = suspicions.of(*halves)
        if strongest is None or item.order is not SortOrder.LABEL_ERRORS:
            return strongest
        # of a label that several items are about another one may tell
        return strongest if strongest.score <= -item.value else suspicions.of(min(halves))

    def _kind(self, key: int, threshold: float) -> ErrorKind:
        """What the other half of an error is: a detection is false, a label is missed or found."""
        evaluation = self._source.evaluation
        if key < 0:
            return ErrorKind.FP
        missed = evaluation.found_scores()[_label_row(evaluation, key)] < threshold
        return ErrorKind.FN if missed else ErrorKind.TP

    def _box(self, key: int, kind: ErrorKind, item_type: ItemType) -> ErrorEntry:
        source = self._source
        evaluation = source.evaluation
        score: float | None
        if key < 0:
            row, columns = detection_row(key), evaluation.dets
            score = float(evaluation.dets.scores[row])
        else:
            row, columns = _label_row(evaluation, key), evaluation.gt
            hidden = float(evaluation.found_scores()[row])
            score = hidden if np.isfinite(hidden) else None
        image_id, class_id = int(columns.image_ids[row]), int(columns.labels[row])
        x1, y1, x2, y2 = columns.boxes[row].tolist()
        return ErrorEntry(
            key=key,
            kind=kind,
            type=item_type,
            image_id=image_id,
            class_id=class_id,
            class_name=self._classes[class_id].name,
            class_color=self._classes[class_id].color,
            xyxy=(x1, y1, x2, y2),
            score=score,
            path=self._paths[image_id],
            run_row=int(source.run_rows[row]) if key < 0 else None,
            verdict=source.judged.of(key, image_id),
            cost=_cost(source, key),
            cost_unit=ap_name(evaluation.iou_threshold),
        )


def _cost(source: ErrorSource, key: int) -> float | None:
    if not source.costs.is_known:
        return None
    if key < 0:
        return float(source.costs.of_detections(np.array([detection_row(key)]))[0])
    return float(source.costs.of_labels(np.array([key]))[0])


def _label_row(evaluation: LiveEvaluation, box_id: int) -> int:
    return int(evaluation.gt_rows_of(np.array([box_id]))[0])
