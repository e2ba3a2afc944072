"""Which class a box that was just drawn has: by what a run has found there, else by the sizes of other labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from detcore.boxes import Xyxy, iou
from detcore.types import Detections, FloatArray, GroundTruth, IntArray

SURE = 0.9
"""The probability from which a guess is worth a doubt about what was drawn."""
MOST = 3
"""So many guesses are made."""
LABELS = 300
"""So many labels are compared with, the last of those that are given."""
TRUSTED = 0.8
"""The share of labels whose sizes tell their class, as a mean over classes, from which sizes are believed."""
_LEAST = 0.05
"""Less probable guesses are none."""
_OVERLAP = 0.3
"""IoU from which a detection may be of the same object."""
_NEIGHBOURS = 5
_SAME_SIZE = 0.1
"""A distance between logarithms of sides that means nothing."""
_ENOUGH = 3
"""A class with fewer labels says nothing about itself."""


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
    overlap = iou(np.array([xyxy]), found.boxes)[0]
    weights = np.where(overlap >= _OVERLAP, found.scores * overlap, 0.0)
    return _guesses({class_id: float(weights[found.labels == class_id].sum()) for class_id in class_ids})


def guess_by_size(xyxy: Xyxy, labels: GroundTruth) -> list[Guess]:
    """The classes of the ``labels`` whose width and height are nearest, the best first; none where sizes do not tell the
    classes of those labels themselves, each by the others."""
    labels = labels.take(np.arange(max(0, len(labels) - LABELS), len(labels)))
    class_ids, classes, counts = np.unique(labels.labels, return_inverse=True, return_counts=True)
    judged = np.flatnonzero(counts >= _ENOUGH)
    if len(judged) < 2:
        return []
    sizes = _sizes(labels.boxes)
    weights = _weights(sizes, sizes)
    np.fill_diagonal(weights, 0.0)
    right = _votes(weights, classes, len(class_ids)).argmax(axis=1) == classes
    if np.mean([right[classes == one].mean() for one in judged]) < TRUSTED:
        return []
    votes = _votes(_weights(_sizes(np.array([xyxy])), sizes), classes, len(class_ids))[0]
    return _guesses(dict(zip(class_ids.tolist(), votes.tolist(), strict=True)))


def _sizes(boxes: FloatArray) -> FloatArray:
    """(N, 2) logarithms of the sides."""
    return np.log(boxes[:, 2:] - boxes[:, :2])


def _weights(sizes: FloatArray, others: FloatArray) -> FloatArray:
    """(N, M) the nearer, the more."""
    return 1 / (((sizes[:, None] - others[None]) ** 2).sum(axis=2) + _SAME_SIZE**2)


def _votes(weights: FloatArray, classes: IntArray, count: int) -> FloatArray:
    """(N, C) what the nearest neighbours of each of N say for each of the classes, 0 to ``count`` (M,)."""
    limit = np.sort(weights, axis=1)[:, -min(_NEIGHBOURS, weights.shape[1])]
    nearest = np.where(weights >= limit[:, None], weights, 0.0)
    return nearest @ (classes[:, None] == np.arange(count)[None])


def _guesses(sums: Mapping[int, float]) -> list[Guess]:
    total = sum(sums.values())
    guesses = [Guess(class_id=key, probability=value / total) for key, value in sums.items() if value > 0]
    guesses.sort(key=lambda guess: -guess.probability)
    return [guess for guess in guesses[:MOST] if guess.probability >= _LEAST]
