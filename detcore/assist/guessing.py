"""Which class a box that was just drawn has, by what a run has found there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from detcore.boxes import Xyxy, iou
from detcore.types import Detections

SURE = 0.9
"""The probability from which a guess is worth a doubt about what was drawn."""
MOST = 3
"""So many guesses are made."""
_LEAST = 0.05
"""Less probable ones are none."""
_OVERLAP = 0.3
"""IoU from which a detection may be of the same object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A class and how probable it is, 0..1."""

    class_id: int
    probability: float


def guess_class(xyxy: Xyxy, found: Detections, class_ids: Collection[int]) -> list[Guess]:
    """The most probable of the classes of a box, the best first; none where nothing was found.

    ``found`` is what a run has found on the image, whatever the score. Each detection that lies on the box speaks for its
    class with its score times its overlap.
    """
    weights = found.scores * iou(np.array([xyxy]), found.boxes)[0]
    weights[iou(np.array([xyxy]), found.boxes)[0] < _OVERLAP] = 0.0
    sums = {class_id: float(weights[found.labels == class_id].sum()) for class_id in class_ids}
    total = sum(sums.values())
    guesses = [Guess(class_id=key, probability=value / total) for key, value in sums.items() if value > 0]
    guesses.sort(key=lambda guess: -guess.probability)
    return [guess for guess in guesses[:MOST] if guess.probability >= _LEAST]
