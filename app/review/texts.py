"""What Review says of the items of its queue, and of the queue itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.review.models.kind_looks import TYPE_TITLES
from app.services.figures import counted, ratio_text
from detcore.boxes import iou
from detcore.evaluation.error_links import BACKGROUND_IOU
from detcore.evaluation.label_errors import LabelError
from detcore.evaluation.live import LiveEvaluation
from detcore.project.verdict_rows import VerdictKind
from detcore.review.entries import ErrorEntry
from detcore.review.filter import BACKGROUND_ID, ErrorFilter
from detcore.review.items import detection_row
from detcore.review.kinds import ErrorKind
from detcore.review.review import Review
from detcore.review.sizes import SIZE_NAMES
from detcore.review.suspicions import Suspicion
from detcore.types import FloatArray, IntArray, ObjectClass

LABEL_ERROR_TEXTS: Mapping[LabelError, str] = {
    LabelError.MISSING: "no label",
    LabelError.SPURIOUS: "nothing there",
    LabelError.SWAPPED: "wrong class",
    LabelError.LOCATION: "badly placed",
    LabelError.DUPLICATE: "labelled twice",
}
LABEL_ERROR_TITLES: Mapping[LabelError, str] = {
    LabelError.MISSING: "No label",
    LabelError.SPURIOUS: "Nothing there",
    LabelError.SWAPPED: "Wrong class",
    LabelError.LOCATION: "Badly placed label",
    LabelError.DUPLICATE: "Labelled twice",
}
"""Where a row says it alone."""
VERDICT_TITLES = {
    VerdictKind.ACCEPT: "Accepted as label",
    VerdictKind.CLASS: "Class taken",
    VerdictKind.BOX: "Box taken",
    VerdictKind.DELETE: "Label deleted",
    VerdictKind.MODEL_WRONG: "Model is wrong",
    VerdictKind.AMBIGUOUS: "Ambiguous",
    VerdictKind.IGNORE: "Difficult",
}
_DONE = {
    VerdictKind.ACCEPT: ("prediction accepted as label", "predictions accepted as labels"),
    VerdictKind.CLASS: ("label given the predicted class", "labels given the predicted class"),
    VerdictKind.BOX: ("label given the predicted box", "labels given the predicted box"),
    VerdictKind.DELETE: ("label deleted", "labels deleted"),
    VerdictKind.MODEL_WRONG: ("item judged: the model is wrong", "items judged: the model is wrong"),
    VerdictKind.AMBIGUOUS: ("item judged ambiguous", "items judged ambiguous"),
    VerdictKind.IGNORE: ("object marked as difficult", "objects marked as difficult"),
}
COST_DIGITS = 4
_LEAST_IOU = 0.01


def suspicion_text(suspicion: Suspicion) -> str:
    """Such as "Label error 0.93: no label"."""
    return f"Label error {ratio_text(suspicion.score)}: {LABEL_ERROR_TEXTS[suspicion.kind]}"


def tip_lines(entry: ErrorEntry) -> list[str]:
    """All there is to say of an item, line by line."""
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


def kind_word(kinds: frozenset[ErrorKind]) -> str:
    """What a list of these kinds holds."""
    words = {ErrorKind.TP: "found objects", ErrorKind.FP: "false positives", ErrorKind.FN: "missed objects"}
    return ", ".join(words[kind] for kind in sorted(kinds)) or "boxes"


def done_text(kind: VerdictKind, count: int) -> str:
    """What so many verdicts of a kind have done."""
    one, many = _DONE[kind]
    return counted(count, one, many)


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


def narrowed_to(wanted: ErrorFilter, review: Review | None) -> str:
    """What the list is narrowed to, "" for nothing."""
    if review is None:
        return ""
    names = {BACKGROUND_ID: "background", **{item.id: item.name for item in review.classes.values()}}
    if wanted.cell is not None:
        return f"{names[wanted.cell[0]]} → {names[wanted.cell[1]]}"
    parts = [] if wanted.class_id is None else [names[wanted.class_id]]
    if wanted.size is not None:
        parts.append(SIZE_NAMES[wanted.size].lower())
    if wanted.picked is not None:
        parts.append(wanted.picked.name)
    return ", ".join(parts)


def empty_text(wanted: ErrorFilter, *, unjudged: bool) -> str:
    """Why the list is empty; ``unjudged`` where there are no labels to be wrong about."""
    if wanted.cell is not None:
        return "No pairs in this cell at this threshold."
    if wanted.picked is not None:
        return f"None of these boxes ({wanted.picked.name}) is listed: they are gone or filtered out."
    if unjudged:
        what = "no detections"
    elif wanted.type is not None:
        what = f"nothing of the type “{TYPE_TITLES[wanted.type]}”"
    else:
        what = f"no {kind_word(wanted.kinds)}"
    where = "on this image" if wanted.image_id is not None else "at this threshold"
    more = "" if wanted.shows_judged else " that have not been judged"
    return f"There are {what} {where}{more}."
