"""Whether a detector finds enough for labels to be judged by it."""

from __future__ import annotations

from collections.abc import Sequence

from detcore.evaluation.live import LiveEvaluation
from detcore.types import Detections, GroundTruth, IntArray

WEAK_AP50 = 0.2
"""A detector that reaches less says more about itself than about the labels."""


def ap50(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
) -> float:
    """COCO's AP at IoU 0.5, the mean over the classes that have labels; -1 without labels."""
    return LiveEvaluation(gt, dets, class_ids=class_ids, image_ids=image_ids).curve().ap


def is_too_weak(reached: float) -> bool:
    """Whether a detector of this ``ap50`` is too weak to judge labels."""
    return not reached >= WEAK_AP50
