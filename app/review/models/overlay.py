"""What lies over an image in a review: found, false and missed objects, as the canvas takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from app.canvas.display import DisplayBoxes, LineStyle
from app.review.models.kind_looks import OVERLAY_COLORS
from app.services.figures import ratio_text
from app.services.theme import NEUTRAL
from detcore.evaluation.live import DetState, GtState, ImageView, LiveEvaluation
from detcore.review.kinds import EVERY_KIND, ErrorKind
from detcore.types import ObjectClass

IGNORED_COLOR = QColor(NEUTRAL)
LABEL_COLOR = QColor("#f4f5f7")

STYLES = {
    ErrorKind.TP: LineStyle.SOLID,
    ErrorKind.FP: LineStyle.DASHED,
    ErrorKind.FN: LineStyle.DOTTED,
    ErrorKind.UNJUDGED: LineStyle.DASH_DOTTED,
}


def overlay_boxes(
    evaluation: LiveEvaluation,
    classes: Mapping[int, ObjectClass],
    view: ImageView,
    *,
    kinds: frozenset[ErrorKind] = EVERY_KIND,
    with_labels: bool = False,
    also: frozenset[int] = frozenset(),
) -> DisplayBoxes:
    """The boxes of an image at the threshold of the view.

    Found and false ones are detections, missed ones labels; what the rules ignore is grey.
    ``with_labels`` adds the labels that were found, thin and light, below everything else; ``also`` those
    with these ids.
    """
    gt, dets = evaluation.gt, evaluation.dets
    gt_shown = _by_state(
        {GtState.MISSED: ErrorKind.FN in kinds, GtState.MATCHED: with_labels, GtState.IGNORED: True}
    )[view.gt_state]
    gt_shown |= np.isin(gt.ids[view.gt_rows], list(also)) & (view.gt_state == GtState.MATCHED)
    det_shown = _by_state(
        {
            DetState.TRUE_POSITIVE: ErrorKind.TP in kinds,
            DetState.FALSE_POSITIVE: ErrorKind.FP in kinds,
            DetState.IGNORED: ErrorKind.FP in kinds,
        }
    )[view.det_state]
    gt_rows, gt_state = view.gt_rows[gt_shown], view.gt_state[gt_shown]
    # sure detections lie on top
    det_rows, det_state = view.det_rows[det_shown][::-1], view.det_state[det_shown][::-1]
    names = [classes[label].name for label in gt.labels[gt_rows].tolist()]
    names += [
        f"{classes[label].name} {ratio_text(score)}"
        for label, score in zip(dets.labels[det_rows].tolist(), dets.scores[det_rows].tolist(), strict=True)
    ]
    return DisplayBoxes(
        ids=np.concatenate([gt.ids[gt_rows], -(det_rows + 1)]),
        boxes=np.concatenate([gt.boxes[gt_rows], dets.boxes[det_rows]]).reshape(-1, 4),
        colors=np.concatenate([_GT_COLORS[gt_state], _DET_COLORS[det_state]]).astype(np.uint32),
        styles=np.concatenate([_GT_STYLES[gt_state], _DET_STYLES[det_state]]).astype(np.uint8),
        hatched=np.concatenate([gt_state == GtState.MISSED, np.zeros(len(det_rows), np.bool_)]),
        names=names,
        editable=np.zeros(len(names), np.bool_),
    )


def unjudged_boxes(
    evaluation: LiveEvaluation,
    classes: Mapping[int, ObjectClass],
    view: ImageView,
    *,
    kinds: frozenset[ErrorKind] = frozenset({ErrorKind.UNJUDGED}),
) -> DisplayBoxes:
    """The boxes of an image that had no labels: detections, grey, and the labels that there are by now in
    place of those that they were made of."""
    kept = (view.det_state == DetState.FALSE_POSITIVE) & (ErrorKind.UNJUDGED in kinds)
    view = replace(
        view,
        gt_state=np.where(view.gt_state == GtState.IGNORED, GtState.IGNORED, GtState.MATCHED),
        det_rows=view.det_rows[kept],
        det_state=view.det_state[kept],
        det_match=view.det_match[kept],
    )
    shown = overlay_boxes(evaluation, classes, view, with_labels=True)
    seen = shown.ids < 0
    return replace(
        shown,
        colors=np.where(seen, OVERLAY_COLORS[ErrorKind.UNJUDGED].rgba(), shown.colors).astype(np.uint32),
        styles=np.where(seen, STYLES[ErrorKind.UNJUDGED], shown.styles).astype(np.uint8),
    )


def _by_state(values: Mapping[int, bool] | Mapping[int, int]) -> NDArray[Any]:
    """Values in a table to look states up in."""
    return np.array([values[state] for state in sorted(values)])


_GT_COLORS = _by_state(
    {
        GtState.MISSED: OVERLAY_COLORS[ErrorKind.FN].rgba(),
        GtState.MATCHED: LABEL_COLOR.rgba(),
        GtState.IGNORED: IGNORED_COLOR.rgba(),
    }
)
_GT_STYLES = _by_state(
    {
        GtState.MISSED: STYLES[ErrorKind.FN],
        GtState.MATCHED: LineStyle.SOLID,
        GtState.IGNORED: LineStyle.DOTTED,
    }
)
_DET_COLORS = _by_state(
    {
        DetState.FALSE_POSITIVE: OVERLAY_COLORS[ErrorKind.FP].rgba(),
        DetState.TRUE_POSITIVE: OVERLAY_COLORS[ErrorKind.TP].rgba(),
        DetState.IGNORED: IGNORED_COLOR.rgba(),
    }
)
_DET_STYLES = _by_state(
    {
        DetState.FALSE_POSITIVE: STYLES[ErrorKind.FP],
        DetState.TRUE_POSITIVE: STYLES[ErrorKind.TP],
        DetState.IGNORED: LineStyle.DASHED,
    }
)
