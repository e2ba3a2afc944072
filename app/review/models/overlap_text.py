"""How a box of a review lies to what is nearest to it, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.services.figures import ratio_text
from detcore.boxes import iou
from detcore.evaluation.error_links import BACKGROUND_IOU
from detcore.evaluation.live import LiveEvaluation
from detcore.review.entries import ErrorEntry
from detcore.review.items import detection_row
from detcore.types import FloatArray, IntArray, ObjectClass

_LEAST_IOU = 0.01


def overlap_text(
    entry: ErrorEntry, evaluation: LiveEvaluation, classes: Mapping[int, ObjectClass], threshold: float
) -> str:
    """How well an item lies on its other half; without one, on which label a detection lies most, or which
    detection lies most on a label. Of detections below the threshold it tells where nothing above is near, or
    where one of them says that the label is wrong."""
    if entry.partner is not None:
        what = "label" if entry.is_detection else "detection"
        overlap = float(iou(np.array([entry.xyxy]), np.array([entry.partner.xyxy]))[0, 0])
        return f"IoU with the {what} {ratio_text(overlap)}"
    if entry.is_detection:
        gt = evaluation.gt
        row, overlap = _nearest(entry, np.flatnonzero(gt.image_ids == entry.image_id), gt.boxes)
        if overlap < _LEAST_IOU:
            return "No label nearby"
        return f"Nearest label: {classes[int(gt.labels[row])].name}, IoU {ratio_text(overlap)}"
    dets = evaluation.dets
    rows = evaluation.image_view(entry.image_id, -np.inf).det_rows
    above = dets.scores[rows] >= threshold
    row, overlap = _nearest(entry, rows[above], dets.boxes)
    speaker = 0 if entry.suspicion is None else entry.suspicion.speaker
    speaks = ~above & (rows == detection_row(speaker))
    hidden_row, hidden = _nearest(entry, rows[speaks if speaks.any() else ~above], dets.boxes)
    if speaks.any() or overlap < BACKGROUND_IOU <= hidden:
        name, score = classes[int(dets.labels[hidden_row])].name, float(dets.scores[hidden_row])
        return f"Detection below the threshold: {name} {ratio_text(score)}, IoU {ratio_text(hidden)}"
    if overlap < _LEAST_IOU:
        return "No detection nearby"
    return f"Nearest detection: {classes[int(dets.labels[row])].name}, IoU {ratio_text(overlap)}"


def _nearest(entry: ErrorEntry, rows: IntArray, boxes: FloatArray) -> tuple[int, float]:
    """The row whose box overlaps the entry most, and the IoU; -1 and 0 without any."""
    if not len(rows):
        return -1, 0.0
    overlaps = iou(np.array([entry.xyxy]), boxes[rows])[0]
    best = int(overlaps.argmax())
    return int(rows[best]), float(overlaps[best])
