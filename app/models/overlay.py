"""What lies over an image in a review: found, false and missed objects, as the canvas takes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtGui import QColor

from app.canvas.display import DisplayBoxes, LineStyle
from app.models.error_kind import EVERY_KIND, OVERLAY_COLORS, ErrorKind
from app.models.figures import ratio_text
from detcore.evaluation.live import DetState, GtState, LiveEvaluation
from detcore.types import ObjectClass

IGNORED_COLOR = QColor("#9aa0a8")
LABEL_COLOR = QColor("#f4f5f7")

STYLES = {
    ErrorKind.TP: LineStyle.SOLID,
    ErrorKind.FP: LineStyle.DASHED,
    ErrorKind.FN: LineStyle.DOTTED,
}


def overlay_boxes(
    evaluation: LiveEvaluation,
    classes: Mapping[int, ObjectClass],
    image_id: int,
    threshold: float,
    *,
    kinds: frozenset[ErrorKind] = EVERY_KIND,
    with_labels: bool = False,
    also: frozenset[int] = frozenset(),
) -> DisplayBoxes:
    """The boxes of an image at a threshold.

    Found and false ones are detections, missed ones labels; what the rules ignore is grey.
    ``with_labels`` adds the labels that were found, thin and light, below everything else; ``also`` those with
    these ids.
    """
    view = evaluation.image_view(image_id, threshold)
    gt, dets = evaluation.gt, evaluation.dets
    gt_shown = _shown(
        view.gt_state,
        {GtState.MISSED: ErrorKind.FN in kinds, GtState.MATCHED: with_labels, GtState.IGNORED: True},
    )
    gt_shown |= np.isin(gt.ids[view.gt_rows], list(also)) & (view.gt_state == GtState.MATCHED)
    det_shown = _shown(
        view.det_state,
        {
            DetState.TRUE_POSITIVE: ErrorKind.TP in kinds,
            DetState.FALSE_POSITIVE: ErrorKind.FP in kinds,
            DetState.IGNORED: ErrorKind.FP in kinds,
        },
    )
    gt_rows, gt_state = view.gt_rows[gt_shown], view.gt_state[gt_shown]
    # sure detections lie on top
    det_rows, det_state = view.det_rows[det_shown][::-1], view.det_state[det_shown][::-1]
    gt_looks = {
        GtState.MISSED: (OVERLAY_COLORS[ErrorKind.FN], STYLES[ErrorKind.FN]),
        GtState.MATCHED: (LABEL_COLOR, LineStyle.SOLID),
        GtState.IGNORED: (IGNORED_COLOR, LineStyle.DOTTED),
    }
    det_looks = {
        DetState.TRUE_POSITIVE: (OVERLAY_COLORS[ErrorKind.TP], STYLES[ErrorKind.TP]),
        DetState.FALSE_POSITIVE: (OVERLAY_COLORS[ErrorKind.FP], STYLES[ErrorKind.FP]),
        DetState.IGNORED: (IGNORED_COLOR, LineStyle.DASHED),
    }
    looks = [gt_looks[GtState(state)] for state in gt_state.tolist()]
    looks += [det_looks[DetState(state)] for state in det_state.tolist()]
    names = [classes[label].name for label in gt.labels[gt_rows].tolist()]
    names += [
        f"{classes[label].name} {ratio_text(score)}"
        for label, score in zip(dets.labels[det_rows].tolist(), dets.scores[det_rows].tolist(), strict=True)
    ]
    count = len(looks)
    return DisplayBoxes(
        ids=np.concatenate([gt.ids[gt_rows], -(det_rows + 1)]),
        boxes=np.concatenate([gt.boxes[gt_rows], dets.boxes[det_rows]]).reshape(-1, 4),
        colors=np.array([color.rgba() for color, _ in looks], np.uint32),
        styles=np.array([style for _, style in looks], np.uint8),
        hatched=np.concatenate([gt_state == GtState.MISSED, np.zeros(len(det_rows), np.bool_)]),
        names=names,
        editable=np.zeros(count, np.bool_),
    )


def _shown(states: np.ndarray, wanted: Mapping[int, bool]) -> np.ndarray:
    return np.isin(states, [state for state, show in wanted.items() if show])
