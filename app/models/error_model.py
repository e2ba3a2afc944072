"""The queue: one row for each box behind the number that is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.models.error_filter import SortOrder
from app.models.error_items import ErrorItem, ErrorRows, detection_row
from app.models.error_kind import TYPE_TITLES, ErrorKind, ItemType
from app.models.error_query import PAIRED_TYPES, ErrorSource
from app.models.figures import ap_name, ratio_text
from app.models.label_suspicions import Suspicion, suspicion_text
from app.models.verdict_titles import VERDICT_TITLES
from detcore.evaluation.live import LiveEvaluation
from detcore.project.verdict_rows import Verdict
from detcore.types import ObjectClass

Index = QModelIndex | QPersistentModelIndex

COST_DIGITS = 4


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


class ErrorModel(QAbstractListModel):
    """Rows of an ErrorRows; what they say is looked up when a view asks."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source: ErrorSource | None = None
        self._classes: Mapping[int, ObjectClass] = {}
        self._paths: Mapping[int, Path] = {}
        self._rows = ErrorRows.empty()
        self._places: dict[int, int] = {}
        self._entries: dict[int, ErrorEntry] = {}

    def set_source(
        self,
        source: ErrorSource | None,
        classes: Mapping[int, ObjectClass],
        paths: Mapping[int, Path],
    ) -> None:
        """Where rows are looked up from now on; empties the list."""
        self.beginResetModel()
        self._source, self._classes, self._paths = source, classes, paths
        self._take(ErrorRows.empty())
        self.endResetModel()

    def set_rows(self, rows: ErrorRows) -> None:
        self.beginResetModel()
        self._take(rows)
        self.endResetModel()

    def _take(self, rows: ErrorRows) -> None:
        self._rows = rows
        self._places, self._entries = {}, {}

    @property
    def rows(self) -> ErrorRows:
        return self._rows

    def row_of(self, key: int) -> int:
        """The row of a box, -1 when it is not in the list."""
        place = self._places.get(key)
        if place is None:
            found = np.flatnonzero(self._rows.keys == key)
            place = self._places[key] = int(found[0]) if len(found) else -1
        return place

    def entry(self, row: int) -> ErrorEntry:
        entry = self._entries.get(row)
        if entry is None:
            entry = self._entries[row] = self.describe(self._rows[row], self._rows.threshold)
        return entry

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
        suspicions = self._looked_up_in.suspicions
        strongest = suspicions.of(*halves)
        if strongest is None or item.order is not SortOrder.LABEL_ERRORS:
            return strongest
        # of a label that several items are about another one may tell
        return strongest if strongest.score <= -item.value else suspicions.of(min(halves))

    def _kind(self, key: int, threshold: float) -> ErrorKind:
        """What the other half of an error is: a detection is false, a label is missed or found."""
        evaluation = self._looked_up_in.evaluation
        if key < 0:
            return ErrorKind.FP
        missed = evaluation.found_scores()[_label_row(evaluation, key)] < threshold
        return ErrorKind.FN if missed else ErrorKind.TP

    @property
    def _looked_up_in(self) -> ErrorSource:
        if self._source is None:
            raise RuntimeError("the list has no source")
        return self._source

    def _box(self, key: int, kind: ErrorKind, item_type: ItemType) -> ErrorEntry:
        source = self._looked_up_in
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

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.entry(index.row()).class_name
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(_tip_lines(self.entry(index.row())))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(_tip_lines(self.entry(index.row())))
        return None


def _cost(source: ErrorSource, key: int) -> float | None:
    if not source.costs.is_known:
        return None
    if key < 0:
        return float(source.costs.of_detections(np.array([detection_row(key)]))[0])
    return float(source.costs.of_labels(np.array([key]))[0])


def _label_row(evaluation: LiveEvaluation, box_id: int) -> int:
    return int(evaluation.gt_rows_of(np.array([box_id]))[0])


def _tip_lines(entry: ErrorEntry) -> list[str]:
    lines = [f"{TYPE_TITLES[entry.type]}: {pair_text(entry)}", _score_text(entry), entry.path.name]
    if entry.cost is not None:
        lines.append(f"Costs {cost_text(entry)}: so much would be gained if this error alone were mended")
    if entry.suspicion is not None:
        lines.append(suspicion_text(entry.suspicion))
    if entry.verdict is not None:
        lines.append(f"Verdict: {VERDICT_TITLES[entry.verdict.kind]} ({entry.verdict.run})")
    return lines


def pair_text(entry: ErrorEntry) -> str:
    """The class, or where label and detection differ in it, "label → detection"."""
    label, detection = entry.label, entry.detection
    if label is None or detection is None or label.class_id == detection.class_id:
        return entry.class_name
    return f"{label.class_name} → {detection.class_name}"


def cost_text(entry: ErrorEntry) -> str:
    """Such as "0.0033 AP50"."""
    return f"{ratio_text(entry.cost or 0.0, digits=COST_DIGITS)} {entry.cost_unit}"


def _score_text(entry: ErrorEntry) -> str:
    if entry.is_detection:
        return f"Confidence {ratio_text(entry.score or 0.0, digits=3)}"
    if entry.score is None:
        return "No detection of this class overlaps it enough"
    return f"Found only below the threshold, at {ratio_text(entry.score, digits=3)}"
