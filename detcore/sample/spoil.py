"""Planting label errors: a few labels of each picture go missing, move, change class or come twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detcore.boxes import clip, iou
from detcore.sample.objects import Rng
from detcore.sample.truth import ErrorKind, PlantedError, SampleBox
from detcore.types import FloatArray

MISSING = 0.05
SPURIOUS = 0.02
WRONG_CLASS = 0.03
SHIFTED = 0.03
DUPLICATE = 0.01
"""How many of a hundred labels are spoilt in each way, as fractions."""

_ALIKE = {"coin": "button", "button": "coin", "nut": "button", "leaf": "key", "bolt": "key", "key": "bolt"}


def spoil_labels(
    rng: Rng, objects: Sequence[SampleBox], *, width: int, height: int
) -> tuple[tuple[SampleBox, ...], tuple[PlantedError, ...]]:
    """The labels of one picture as a hasty person would have left them, and what is wrong with them."""
    labels: list[SampleBox] = []
    errors: list[PlantedError] = []
    for item in objects:
        draw = float(rng.random())
        if draw < MISSING:
            errors.append(PlantedError(kind=ErrorKind.MISSING, given=None, correct=item))
            continue
        given = item
        if draw < MISSING + WRONG_CLASS:
            given = SampleBox(class_name=_ALIKE[item.class_name], xyxy=item.xyxy, truncated=item.truncated)
            errors.append(PlantedError(kind=ErrorKind.WRONG_CLASS, given=given, correct=item))
        elif draw < MISSING + WRONG_CLASS + SHIFTED:
            given = _shifted(rng, item, width=width, height=height)
            errors.append(PlantedError(kind=ErrorKind.SHIFTED, given=given, correct=item))
        elif draw < MISSING + WRONG_CLASS + SHIFTED + DUPLICATE:
            twice = _jittered(rng, item, width=width, height=height)
            labels.append(twice)
            errors.append(PlantedError(kind=ErrorKind.DUPLICATE, given=twice, correct=item))
        labels.append(given)
    for _ in range(int(rng.binomial(len(objects), SPURIOUS))):
        spurious = _spurious(rng, objects, width=width, height=height)
        if spurious is not None:
            labels.append(spurious)
            errors.append(PlantedError(kind=ErrorKind.SPURIOUS, given=spurious, correct=None))
    return tuple(labels), tuple(errors)


def _overlap(box: SampleBox, others: Sequence[SampleBox]) -> float:
    pairs = iou(np.array([box.xyxy]), np.array([other.xyxy for other in others]).reshape(-1, 4))
    return float(pairs.max(initial=0.0))


def _inside(item: SampleBox, edges: FloatArray | Sequence[float], *, width: int, height: int) -> SampleBox:
    clipped = clip(np.array([edges], dtype=np.float64), width=width, height=height)[0]
    x1, y1, x2, y2 = (round(float(edge), 2) for edge in clipped)
    return SampleBox(class_name=item.class_name, xyxy=(x1, y1, x2, y2), truncated=item.truncated)


def _shifted(rng: Rng, item: SampleBox, *, width: int, height: int) -> SampleBox:
    """A box off its object: it overlaps it, but by less than any usual threshold."""
    x1, y1, x2, y2 = item.xyxy
    toward_middle = np.arctan2(height / 2 - (y1 + y2) / 2, width / 2 - (x1 + x2) / 2)
    angle = float(toward_middle + rng.uniform(-1.2, 1.2))
    right, down = float(np.cos(angle)), float(np.sin(angle))
    for part in np.arange(0.26, 0.8, 0.04):
        move = np.array([right * (x2 - x1), down * (y2 - y1)] * 2) * part
        shifted = _inside(item, np.array(item.xyxy) + move, width=width, height=height)
        if _overlap(shifted, [item]) < 0.45:
            return shifted
    return _inside(item, [x1, y1, x1 + 0.4 * (x2 - x1), y2], width=width, height=height)


def _jittered(rng: Rng, item: SampleBox, *, width: int, height: int) -> SampleBox:
    """Nearly the same box once more."""
    x1, y1, x2, y2 = item.xyxy
    jitter = rng.uniform(-0.05, 0.05, 4) * np.array([x2 - x1, y2 - y1] * 2)
    return _inside(item, np.array(item.xyxy) + jitter, width=width, height=height)


def _spurious(rng: Rng, objects: Sequence[SampleBox], *, width: int, height: int) -> SampleBox | None:
    """A box around nothing, as large as some object of the picture; None where there is no room."""
    for _ in range(40):
        like = objects[int(rng.integers(len(objects)))]
        x1, y1, x2, y2 = like.xyxy
        left = float(rng.uniform(0, width - (x2 - x1)))
        top = float(rng.uniform(0, height - (y2 - y1)))
        candidate = _inside(
            SampleBox(class_name=like.class_name, xyxy=like.xyxy),
            [left, top, left + x2 - x1, top + y2 - y1],
            width=width,
            height=height,
        )
        if _overlap(candidate, objects) < 0.05:
            return candidate
    return None
